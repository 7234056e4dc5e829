/** Clients that stay themselves while servers are killed: one name on many connections, and one that moves messages on. Source: MQTT-3.1.4-2, MQTT-4.3.2-1; PROTOCOL.md §2 Ack. */
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

/**
 * Passes each message on, and acknowledges it when that one is acknowledged. With two connections, because MQTT.js reads nothing while it waits
 * for the end of `handleMessage`; when either is lost both are begun anew, with what was not acknowledged.
 */
class Mover {
  readonly #pair: PairUnderTest;
  #connections: readonly MqttClient[] = [];

  constructor(pair: PairUnderTest) {
    this.#pair = pair;
  }

  async start(filter: string): Promise<void> {
    const taker = this.#open();
    await connected(taker);
    await taker.subscribeAsync(filter, { qos: 1 });
  }

  async end(): Promise<void> {
    const connections = this.#connections;
    this.#connections = [];
    for (const connection of connections) await connection.endAsync(true);
  }

  #open(): MqttClient {
    const taker = connect(this.#pair, { clientId: 'mover', clean: false, resubscribe: false });
    const giver = connect(this.#pair, { clientId: 'mover-out' });
    this.#connections = [taker, giver];
    taker.handleMessage = ({ payload }, done) => {
      giver.publish('moved', payload, { qos: 1 }, (error) => done(error ?? undefined));
    };
    for (const client of [taker, giver]) {
      client.on('error', () => undefined);
      client.once('connect', () =>
        client.once('close', () => {
          if (!this.#connections.includes(client)) return;
          void this.end().then(() => this.#open());
        }),
      );
    }
    return taker;
  }
}

test('a client moves messages on and acknowledges each when the next server has: after two kills every one has arrived, and repeats are its only sin [MQTT-4.3.2-1] (Ack)', async () => {
  const { pair, active, passive } = await protectedPair();
  const mover = new Mover(pair);
  onTestFinished(() => mover.end());
  await mover.start('orders/#');
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
