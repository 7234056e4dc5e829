/** Debian's own clients across a takeover: what they ask of a broker is what MQTT 3.1.1 says. Source: PROTOCOL.md §2 Ack; MQTT-3.1.2-5, 3.1.2-8, 3.3.1-6. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import type { PairUnderTest } from './pair.ts';
import { protectedPair } from './traffic.ts';

const isInstalled = ['mosquitto_pub', 'mosquitto_sub'].every(
  (program) => spawnSync(program, ['--help']).error === undefined,
);
const REASON = isInstalled ? '' : ' (skipped: apt-get install mosquitto-clients)';

/** Seconds after which a client that still waits for messages gives up. */
const PATIENCE = ['-W', '20'];

type Client = Readonly<{
  process: ChildProcess;
  output: Promise<string[]>;
  /** Fulfils when it has said so: with `-d` it tells of every packet. */
  says: (text: string) => Promise<void>;
}>;

function client(program: 'mosquitto_pub' | 'mosquitto_sub', port: number, words: readonly string[]): Client {
  // By the line: into a pipe it would print only when its buffer is full.
  const child = spawn('stdbuf', ['-oL', program, '-h', '127.0.0.1', '-p', String(port), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const printed = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const says = async (text: string): Promise<void> => {
    while (!lines.some((line) => line.includes(text))) await once(printed, 'line');
  };
  return { process: child, output: once(child, 'close').then(() => lines), says };
}

const port = (pair: PairUnderTest, name: ServerName): number => pair.ports[name].mqtt;

/** A client that ends by itself: what it printed, and its exit code. */
async function ran(...words: Parameters<typeof client>): Promise<{ lines: string[]; code: number | null }> {
  const { process, output } = client(...words);
  return { lines: await output, code: process.exitCode };
}

const clients = (pair: PairUnderTest, name: ServerName, count: number): Promise<true> =>
  pair.until(`${count} clients`, async () => ((await pair.status(name))?.clients === count ? true : null));

async function published(pair: PairUnderTest, name: ServerName, words: readonly string[]): Promise<void> {
  expect((await ran('mosquitto_pub', port(pair, name), ['-q', '1', ...words])).code).toBe(0);
}

test.skipIf(!isInstalled)(
  `a persistent session, a retained message and a will outlive kill -9 of the active${REASON}`,
  async () => {
    const { pair, active, passive } = await protectedPair();
    const durable = ['-i', 'durable', '-c', '-q', '1', '-t', 'plant/#', '-v', ...PATIENCE];
    expect((await ran('mosquitto_sub', port(pair, active), [...durable, '-E'])).code).toBe(0);

    await published(pair, active, ['-t', 'plant/state', '-r', '-m', 'running']);
    for (const n of [1, 2, 3]) await published(pair, active, ['-t', 'plant/count', '-m', String(n)]);
    await clients(pair, active, 0);
    const will = ['--will-topic', 'plant/pump', '--will-payload', 'lost', '--will-qos', '1'];
    const pump = ['-d', '-i', 'pump', '-k', '5', '-t', 'nothing', ...will];
    await client('mosquitto_sub', port(pair, active), pump).says('CONNACK');

    pair.server(active).kill('SIGKILL');
    await pair.reaches(passive, 'STANDALONE');
    await published(pair, passive, ['-t', 'plant/count', '-m', '4']);

    // The session is there with all that came for it; the will of the client that went with the server comes in its time,
    // and the retained message once more, because subscribing again asks for it.
    const { lines, code } = await ran('mosquitto_sub', port(pair, passive), [...durable, '-C', '7']);
    expect({ lines: lines.filter((line) => !line.includes('pump')), code }, pair.transcript()).toEqual({
      lines: [
        'plant/state running',
        'plant/count 1',
        'plant/count 2',
        'plant/count 3',
        'plant/count 4',
        'plant/state running',
      ],
      code: 0,
    });
    expect(lines).toContain('plant/pump lost');
    const anew = await ran('mosquitto_sub', port(pair, passive), [
      '-t',
      'plant/state',
      '-C',
      '1',
      ...PATIENCE,
    ]);
    expect(anew).toEqual({ lines: ['running'], code: 0 });
  },
);

test.skipIf(!isInstalled)(
  `a client that breaks off leaves its will, and one that says goodbye does not${REASON}`,
  async () => {
    const { pair, active } = await protectedPair();
    const watcher = client('mosquitto_sub', port(pair, active), [
      '-q',
      '1',
      '-t',
      'left/#',
      '-d',
      '-F',
      'heard %t %p',
      '-C',
      '2',
      ...PATIENCE,
    ]);
    await watcher.says('SUBACK');
    const withWill = (id: string, ...more: string[]): Client =>
      client('mosquitto_sub', port(pair, active), [
        '-i',
        id,
        '-t',
        'nothing',
        '--will-topic',
        `left/${id}`,
        '--will-payload',
        'gone',
        '-d',
        ...more,
      ]);
    await withWill('polite', '-E').output;
    const abrupt = withWill('abrupt');
    await abrupt.says('CONNACK');
    abrupt.process.kill('SIGKILL');
    await clients(pair, active, 1);
    await published(pair, active, ['-t', 'left/end', '-m', 'end']);
    const heard = (await watcher.output).filter((line) => line.startsWith('heard'));
    expect(heard).toEqual(['heard left/abrupt gone', 'heard left/end end']);
  },
);
