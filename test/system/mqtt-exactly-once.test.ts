/** QoS 2 of real clients, MQTT.js and Debian's, while the active is killed under them. Source: MQTT-4.3.3-1, MQTT-4.3.3-2; PROTOCOL.md §2 Ack. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { connected, judge, Publisher, Subscriber } from './clients.ts';
import { frontOf } from './front.ts';
import type { PairUnderTest } from './pair.ts';
import { protectedPair } from './traffic.ts';

/** Kills whoever serves, waits for the other, and starts the killed one again. */
async function killActive(pair: PairUnderTest): Promise<void> {
  const { active, passive } = await pair.protected();
  pair.server(active).kill('SIGKILL');
  await pair.reaches(passive, 'STANDALONE');
  pair.start(active);
}

test('MQTT.js with QoS 2 both ways through kill -9 of the active, there and back: every message exactly once, in order', async () => {
  const { pair } = await protectedPair();
  const subscriber = await Subscriber.subscribe(pair, 'subscriber', 2);
  onTestFinished(() => subscriber.end());
  // Exactly once is promised to durable sessions only.
  const publishers = ['one', 'two'].map((id) => new Publisher(pair, id, 1, { clean: false }));
  for (const publisher of publishers) {
    publisher.qos = 2;
    onTestFinished(() => publisher.end());
    await connected(publisher.client);
    publisher.start(200);
  }
  const flows = async (more: number): Promise<void> => {
    const acked = (): number => publishers.reduce((sum, publisher) => sum + publisher.acked.size, 0);
    const goal = acked() + more;
    await pair.until(`${more} more messages`, async () => (acked() >= goal ? true : null));
  };
  for (let kills = 0; kills < 3; kills += 1) {
    await flows(200);
    await killActive(pair);
  }
  await flows(200);
  for (const publisher of publishers) await publisher.finish();
  await subscriber.drained(publishers);
  expect(judge(publishers, subscriber), pair.transcript()).toEqual({
    lost: 0,
    unexpected: 0,
    duplicates: 0,
    outOfOrder: 0,
  });
});

const isInstalled = ['mosquitto_pub', 'mosquitto_sub'].every(
  (program) => spawnSync(program, ['--help']).error === undefined,
);
const REASON = isInstalled ? '' : ' (skipped: apt-get install mosquitto-clients)';

function client(
  program: 'mosquitto_pub' | 'mosquitto_sub',
  port: number,
  words: readonly string[],
): ChildProcess {
  const child = spawn(program, ['-h', '127.0.0.1', '-p', String(port), '-c', '-q', '2', ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

test.skipIf(!isInstalled)(
  `mosquitto_pub and mosquitto_sub with -q 2 through kill -9 of the active: every message exactly once${REASON}`,
  async () => {
    const { pair } = await protectedPair();
    const port = await frontOf([pair.ports.primary.mqtt, pair.ports.secondary.mqtt]);
    const count = 400;
    const reader = client('mosquitto_sub', port, ['-i', 'reader', '-k', '5', '-t', 'count', '-t', 'end']);
    const lines: string[] = [];
    if (reader.stdout !== null)
      createInterface({ input: reader.stdout }).on('line', (line) => lines.push(line));
    const status = async (): Promise<number> => {
      const { active } = await pair.protected();
      return (await pair.status(active))?.clients ?? 0;
    };
    await pair.until('the reader', async () => ((await status()) === 1 ? true : null));

    const writer = client('mosquitto_pub', port, ['-i', 'writer', '-k', '5', '-t', 'count', '-l']);
    const has = (n: number): Promise<true> =>
      pair.until(`${n} lines`, async () => (lines.length >= n ? true : null));
    for (let n = 1; n <= count; n += 1) {
      writer.stdin?.write(`${n}\n`);
      if (n % 100 !== 0) continue;
      // Half of what was written is still on its way.
      await has(n - 50);
      if (n < count) await killActive(pair);
    }
    await has(count);
    writer.stdin?.end();
    await once(writer, 'close');
    expect(lines, pair.transcript()).toEqual(Array.from({ length: count }, (_, n) => String(n + 1)));
  },
);
