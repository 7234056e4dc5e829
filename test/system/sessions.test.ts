/** Clients that stay themselves while servers are killed: one name on many connections, and one that moves messages on. Source: MQTT-3.1.4-2, MQTT-4.3.2; PROTOCOL.md §2 Ack. */
import mqtt, { type MqttClient } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import { connect, connected, Publisher } from './clients.ts';
import type { PairUnderTest } from './pair.ts';
import { protectedPair } from './traffic.ts';

/** What came to a client identifier, on whichever of its connections. */
class Mailbox {
  readonly got: number[] = [];
  readonly #pair: PairUnderTest;

  constructor(pair: PairUnderTest) {
    this.#pair = pair;
  }

  /** One more connection with the same name; it does not come back by itself. */
  async open(name: ServerName): Promise<MqttClient> {
    const client = mqtt.connect({
      host: '127.0.0.1',
      port: this.#pair.ports[name].mqtt,
      clientId: 'mailbox',
      clean: false,
      reconnectPeriod: 0,
      protocolVersion: 4,
    });
    onTestFinished(() => client.endAsync(true));
    client.on('message', (_topic, payload) => void this.got.push(Number(payload.toString().split(':')[1])));
    await connected(client);
    return client;
  }
}

test('the same name connects again and again while messages flow and the active is killed: each connection ends the one before, and nothing acknowledged is missing [MQTT-3.1.4-2] (Ack)', async () => {
  const { pair, active, passive } = await protectedPair();
  const mailbox = new Mailbox(pair);
  let last = await mailbox.open(active);
  await last.subscribeAsync('orders/#', { qos: 1 });
  const publisher = new Publisher(pair, 'publisher');
  onTestFinished(() => publisher.end());
  await connected(publisher.client);
  publisher.start(300);
  const moves = async (name: ServerName, times: number): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      const goal = publisher.acked.size + 20;
      await pair.until('messages', async () => (publisher.acked.size >= goal ? true : null));
      const former = last;
      const closed = new Promise<void>((resolve) => former.once('close', () => resolve()));
      last = await mailbox.open(name);
      await closed;
    }
  };
  await moves(active, 4);
  const wasClosed = new Promise<void>((resolve) => last.once('close', () => resolve()));
  pair.server(active).kill('SIGKILL');
  await wasClosed;
  await pair.reaches(passive, 'STANDALONE');
  last = await mailbox.open(passive);
  await moves(passive, 4);
  await publisher.finish();
  await pair.until('everything acknowledged', async () => {
    const got = new Set(mailbox.got);
    return [...publisher.acked.keys()].every((number) => got.has(number)) ? true : null;
  });
  expect(Math.max(...mailbox.got)).toBeLessThanOrEqual(publisher.sent);
});

/** Passes each message on, and acknowledges it when that one is acknowledged. After each loss it begins anew, with what it was not rid of. */
class Mover {
  readonly #pair: PairUnderTest;
  #client: MqttClient | null = null;
  #isWanted = true;

  constructor(pair: PairUnderTest) {
    this.#pair = pair;
    this.#open();
  }

  async subscribes(filter: string): Promise<void> {
    if (this.#client === null) return;
    await connected(this.#client);
    await this.#client.subscribeAsync(filter, { qos: 1 });
  }

  async end(): Promise<void> {
    this.#isWanted = false;
    await this.#client?.endAsync(true);
  }

  #open(): void {
    const client = connect(this.#pair, { clientId: 'mover', clean: false, resubscribe: false });
    this.#client = client;
    // The acknowledgement of what comes is this call's end.
    client.handleMessage = ({ payload }, done) => {
      client.publish('moved', payload, { qos: 1 }, (error) => done(error ?? undefined));
    };
    client.on('error', () => undefined);
    let wasConnected = false;
    client.on('connect', () => (wasConnected = true));
    client.on('close', () => {
      // Until the first connection MQTT.js looks for a server itself.
      if (!wasConnected || this.#client !== client || !this.#isWanted) return;
      client.end(true);
      this.#open();
    });
  }
}

test('a client moves messages on and acknowledges each when the next server has: after two kills every one has arrived, and repeats are its only sin [MQTT-4.3.2] (Ack)', async () => {
  const { pair, active, passive } = await protectedPair();
  const mover = new Mover(pair);
  onTestFinished(() => mover.end());
  await mover.subscribes('orders/#');
  const target = connect(pair, { clientId: 'target', clean: false, resubscribe: false });
  onTestFinished(() => target.endAsync(true));
  const moved: number[] = [];
  target.on('message', (_topic, payload) => void moved.push(Number(payload.toString().split(':')[1])));
  await connected(target);
  await target.subscribeAsync('moved', { qos: 1 });

  const publisher = new Publisher(pair, 'publisher');
  onTestFinished(() => publisher.end());
  await connected(publisher.client);
  publisher.start(100);
  const arrives = async (more: number): Promise<void> => {
    const goal = moved.length + more;
    await pair.until(`${more} more moved`, async () => (moved.length >= goal ? true : null));
  };
  await arrives(50);
  for (const [killed, next] of [
    [active, passive],
    [passive, active],
  ] as const) {
    pair.server(killed).kill('SIGKILL');
    await pair.reaches(next, 'STANDALONE');
    await arrives(50);
    pair.start(killed);
    await pair.protected();
  }
  await publisher.finish();
  await pair.until('everything acknowledged, moved', async () => {
    const there = new Set(moved);
    return [...publisher.acked.keys()].every((number) => there.has(number)) ? true : null;
  });
  const first = moved.filter((number, at) => moved.indexOf(number) === at);
  expect(first).toEqual([...first].sort((a, b) => a - b));
});
