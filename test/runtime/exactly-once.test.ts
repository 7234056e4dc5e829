/**
 * QoS 2 from one end to the other while servers take over from each other at any moment: clients as MQTT 3.1.1 describes them, packets that
 * come late or never, entries that were committed and told to nobody. Source: MQTT-4.3.3-1, MQTT-4.3.3-2, MQTT-4.4.0-1; PROTOCOL.md §2 Ack.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import {
  connect,
  publish,
  pubcomp,
  pubrec,
  pubrel,
  ServerPackets,
  subscribe,
  type ServerPacket,
} from '../../src/simulator/clients/mqtt-bytes.ts';
import {
  connectPacket,
  exactPacket,
  MemoryClient,
  pubackPacket,
  pubcompPacket,
  publishPacket,
  pubrecPacket,
  pubrelPacket,
  Serving,
  subscribePacket,
} from './serving.ts';
import { MemoryStore } from '../core/broker/entries.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function serving(broker = new Broker(), options = {}): Promise<Serving> {
  const server = new Serving(options, broker);
  await server.connections.open();
  return server;
}

/** Whoever takes over: with every committed entry applied, or the first of them loaded from a checkpoint. */
async function takenOver(former: Serving, bodies: readonly Buffer[], checkpointAfter = 0): Promise<Serving> {
  await former.connections.close('killed');
  const early = new Broker();
  bodies.slice(0, checkpointAfter).forEach((body, n) => early.apply(body, n + 1));
  const store = new MemoryStore();
  store.take(early.changes());
  const broker = new Broker();
  broker.load(store);
  bodies.slice(checkpointAfter).forEach((body, n) => broker.apply(body, checkpointAfter + n + 1));
  const server = await serving(broker, { inFlightMax: 3 });
  server.proposals.bodies.push(...bodies);
  return server;
}

/** One end of a connection, where packets wait both ways until they are let through. */
abstract class Client {
  readonly #clientId: string;
  #stream: MemoryClient | null = null;
  #toServer: Buffer[] = [];
  #fromServer: ServerPacket[] = [];
  #parser = new ServerPackets();

  constructor(clientId: string) {
    this.#clientId = clientId;
  }

  /** A connection to this server; what was under way on the former one is lost. */
  async dial(server: Serving): Promise<void> {
    this.#stream?.lose();
    // The server learns of it.
    await turn();
    this.#stream = server.client();
    this.#parser = new ServerPackets();
    this.#fromServer = [];
    this.#toServer = [connect(this.#clientId, false, 0)];
  }

  /** One packet reaches the server. */
  letOut(): boolean {
    const next = this.#toServer.shift();
    if (next !== undefined) this.#stream?.send(next);
    return next !== undefined;
  }

  /** One packet reaches the client. */
  letIn(): boolean {
    this.#fromServer.push(...this.#parser.push(Buffer.from(this.#stream?.received() ?? '', 'hex')));
    const next = this.#fromServer.shift();
    if (next !== undefined) this.take(next);
    return next !== undefined;
  }

  protected send(packet: Buffer): void {
    this.#toServer.push(packet);
  }

  protected abstract take(packet: ServerPacket): void;
}

class Publisher extends Client {
  readonly #unsent: string[] = [];
  readonly #published = new Map<number, string>();
  readonly #releasing = new Set<number>();
  #isConnected = false;

  override dial(server: Serving): Promise<void> {
    this.#isConnected = false;
    return super.dial(server);
  }

  publish(text: string): void {
    this.#unsent.push(text);
    this.#flush();
  }

  get isDone(): boolean {
    return this.#unsent.length + this.#published.size + this.#releasing.size === 0;
  }

  protected take(packet: ServerPacket): void {
    switch (packet.type) {
      case 'connack':
        this.#isConnected = true;
        for (const packetId of this.#releasing) this.send(pubrel(packetId));
        for (const [packetId, text] of this.#published) this.#send(packetId, text, true);
        return this.#flush();
      case 'pubrec':
        this.#published.delete(packet.packetId);
        this.#releasing.add(packet.packetId);
        return this.send(pubrel(packet.packetId));
      case 'pubcomp':
        this.#releasing.delete(packet.packetId);
        return this.#flush();
      default:
        throw new Error(`a ${packet.type} for a publisher`);
    }
  }

  /** With two packet identifiers: each is used again as soon as it may be. */
  #flush(): void {
    while (this.#isConnected && this.#unsent.length > 0) {
      const packetId = [1, 2].find((id) => !this.#published.has(id) && !this.#releasing.has(id));
      if (packetId === undefined) return;
      const text = this.#unsent.shift() ?? '';
      this.#published.set(packetId, text);
      this.#send(packetId, text, false);
    }
  }

  #send(packetId: number, payload: string, isDup: boolean): void {
    this.send(publish({ topic: 't', payload, qos: 2, packetId, isRetained: false, isDup }));
  }
}

class Reader extends Client {
  readonly got: string[] = [];
  readonly #unreleased = new Map<number, string>();
  isSubscribed = false;

  /** No packet identifier stays taken: the message that comes under it next would count as a repeat. */
  get isDone(): boolean {
    return this.#unreleased.size === 0;
  }

  protected take(packet: ServerPacket): void {
    switch (packet.type) {
      case 'connack':
        if (!this.isSubscribed) this.send(subscribe(1, '#', 2));
        return;
      case 'suback':
        this.isSubscribed = true;
        return;
      case 'publish': {
        const { packetId, payload, isDup } = packet;
        const former = this.#unreleased.get(packetId);
        if (former === undefined) this.got.push(payload);
        else if (former !== payload || !isDup) throw new Error(`${payload} under ${packetId}, as ${former}`);
        this.#unreleased.set(packetId, payload);
        return this.send(pubrec(packetId));
      }
      case 'pubrel':
        this.#unreleased.delete(packet.packetId);
        return this.send(pubcomp(packet.packetId));
      default:
        throw new Error(`a ${packet.type} for a reader`);
    }
  }
}

const STEPS = [
  'publish',
  'publisherSends',
  'publisherHears',
  'readerSends',
  'readerHears',
  'commit',
  'publisherDrops',
  'readerDrops',
  'kill',
  'killCommitted',
] as const;
const WEIGHTS = [4, 8, 8, 8, 8, 10, 1, 1, 1, 1];

test('each message comes exactly once and in order, whatever is lost on the way and whoever serves (Ack)', async () => {
  const step = fc.oneof(
    ...STEPS.map((name, n) => ({ weight: WEIGHTS[n] ?? 1, arbitrary: fc.constant(name) })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 150, size: 'max' }),
      fc.nat(30),
      async (steps, checkpointAfter) => {
        const publisher = new Publisher('publisher');
        const reader = new Reader('reader');
        let server = await serving(new Broker(), { inFlightMax: 3 });
        let count = 0;
        const passes = (): boolean =>
          [publisher.letOut(), publisher.letIn(), reader.letOut(), reader.letIn()].includes(true);
        const rest = async (): Promise<void> => {
          for (let idle = 0; idle < 3; idle += 1) {
            if (server.proposals.ops.length > 0) server.proposals.commitOnce();
            await turn();
            while (passes()) idle = 0;
          }
        };
        const takeOver = async (isCommitted: boolean): Promise<void> => {
          // Committed by the one who takes over, and told to nobody by the one who is gone.
          const { proposals } = server;
          const bodies = isCommitted ? [...proposals.bodies, proposals.pendingBody()] : proposals.bodies;
          server = await takenOver(server, bodies, Math.min(checkpointAfter, bodies.length));
          await publisher.dial(server);
          await reader.dial(server);
        };
        await reader.dial(server);
        await rest();
        await publisher.dial(server);
        for (const name of steps) {
          if (name === 'publish') publisher.publish(`m${++count}`);
          else if (name === 'publisherSends') publisher.letOut();
          else if (name === 'publisherHears') publisher.letIn();
          else if (name === 'readerSends') reader.letOut();
          else if (name === 'readerHears') reader.letIn();
          else if (name === 'commit') server.proposals.commitOnce();
          else if (name === 'publisherDrops') await publisher.dial(server);
          else if (name === 'readerDrops') await reader.dial(server);
          else await takeOver(name === 'killCommitted');
        }
        await rest();
        expect([publisher.isDone, reader.isDone]).toEqual([true, true]);
        expect(reader.got).toEqual(Array.from({ length: count }, (_, n) => `m${n + 1}`));
      },
    ),
    { numRuns: 200 },
  );
}, 60_000);

/** A reader with QoS 2 and a publisher, both durable, on a server. */
async function readerAndPublisher(
  options = {},
): Promise<{ server: Serving; reader: MemoryClient; publisher: MemoryClient }> {
  const server = await serving(new Broker(), options);
  const reader = server.connected('reader', { isDurable: true });
  reader.send(subscribePacket(1, '#', 2));
  server.proposals.commit();
  reader.received();
  return { server, reader, publisher: server.connected('publisher', { isDurable: true }) };
}

/** The same clients once more, on whoever serves now; each first word is the CONNACK. */
function back(server: Serving, clientId: string): MemoryClient {
  const client = server.client();
  client.send(connectPacket(clientId, { isDurable: true }));
  server.proposals.commit();
  return client;
}

test('no PUBREC, PUBREL or PUBCOMP, and no first PUBLISH with QoS 2, leaves before its entry is committed (Ack)', async () => {
  const { server, reader, publisher } = await readerAndPublisher();
  const says = (client: MemoryClient, packet: Buffer, answerer = client): [string[], string[]] => {
    client.send(packet);
    const early = answerer.packets();
    server.proposals.commitOnce();
    return [early, answerer.packets()];
  };
  expect(says(publisher, exactPacket('t', 'm', 5))).toEqual([[], ['50020005']]);
  // The message is committed; that it may be sent is the next entry.
  expect([reader.packets(), server.proposals.ops]).toEqual([[], ['assign']]);
  server.proposals.commitOnce();
  expect(reader.packets()).toEqual(['t=m q2 #1']);
  expect(says(publisher, pubrelPacket(5))).toEqual([[], ['70020005']]);
  expect(says(reader, pubrecPacket(1))).toEqual([[], ['62020001']]);
  reader.send(pubcompPacket(1));
  expect(server.proposals.ops).toEqual(['complete']);
});

test('a PUBREL waits for the entry with its own message, not for one that was proposed before (Ack)', async () => {
  const { server, reader, publisher } = await readerAndPublisher();
  publisher.send(publishPacket('t', 'one', 5), exactPacket('t', 'two', 6));
  server.proposals.commit();
  expect(reader.packets()).toEqual(['t=one q1 #1', 't=two q2 #2']);
  reader.send(pubackPacket(1));
  reader.send(pubrecPacket(2));
  server.proposals.commitOnce(1);
  expect(reader.packets()).toEqual([]);
  server.proposals.commitOnce();
  expect(reader.packets()).toEqual(['62020002']);
});

test('assignments come once for a whole window, and QoS 1 has none: its messages cost the entries that they always did', async () => {
  const { server, reader, publisher } = await readerAndPublisher({ inFlightMax: 10 });
  let assigned = 0;
  for (let n = 1; n <= 30; n += 1) {
    publisher.send(exactPacket('t', `m${n}`, n));
    server.proposals.commitOnce();
    assigned += server.proposals.ops.filter((op) => op === 'assign').length;
    server.proposals.commit();
    reader.send(pubrecPacket(n));
    server.proposals.commit();
    reader.send(pubcompPacket(n));
    server.proposals.commit();
  }
  expect(reader.packets().filter((packet) => packet.startsWith('t=')).length).toBe(30);
  expect(assigned).toBe(3);
  publisher.send(publishPacket('t', 'plain', 40));
  expect(server.proposals.ops).toEqual(['publish']);
  server.proposals.commitOnce();
  expect([reader.packets(), server.proposals.ops]).toEqual([['t=plain q1 #31'], []]);
});

test('after a takeover a message comes under the identifier that it had, marked DUP; past PUBREC only PUBREL comes [MQTT-4.4.0-1]', async () => {
  const { server, reader, publisher } = await readerAndPublisher();
  publisher.send(exactPacket('t', 'taken', 1), exactPacket('t', 'sent', 2), publishPacket('t', 'plain', 3));
  server.proposals.commit();
  expect(reader.packets()).toEqual(['t=taken q2 #1', 't=sent q2 #2', 't=plain q1 #3']);
  reader.send(pubrecPacket(1));
  server.proposals.commit();
  const next = await takenOver(server, server.proposals.bodies);
  const again = back(next, 'reader');
  expect(again.packets()).toEqual(['20020100', '62020001', 't=sent q2 #2 d', 't=plain q1 #3 d']);
  again.send(pubcompPacket(1), pubrecPacket(2), pubackPacket(3));
  next.proposals.commit();
  expect(again.packets()).toEqual(['62020002']);
  const publisherAgain = back(next, 'publisher');
  publisherAgain.send(exactPacket('t', 'sent', 2), pubrelPacket(1), exactPacket('t', 'new', 1));
  next.proposals.commit();
  expect(publisherAgain.packets()).toEqual(['20020100', '50020002', '70020001', '50020001']);
  expect(again.packets()).toEqual(['t=new q2 #4']);
});

test('a second connection of the same client goes on with the handshakes of the first one [MQTT-3.1.4-2]', async () => {
  const { server, reader, publisher } = await readerAndPublisher();
  publisher.send(exactPacket('t', 'a', 1), exactPacket('t', 'b', 2));
  server.proposals.commit();
  reader.packets();
  // Neither the PUBREC nor what follows from the PUBLISH is committed when the second connection comes.
  reader.send(pubrecPacket(1));
  publisher.send(exactPacket('t', 'c', 3));
  const [second, publisherAgain] = [server.client(), server.client()];
  second.send(connectPacket('reader', { isDurable: true }));
  publisherAgain.send(connectPacket('publisher', { isDurable: true }));
  server.proposals.commit();
  expect([reader.isOpen, publisher.isOpen]).toEqual([false, false]);
  expect(second.packets()).toEqual(['20020100', '62020001', 't=b q2 #2 d', 't=c q2 #3']);
  publisherAgain.send(exactPacket('t', 'c', 3));
  server.proposals.commit();
  expect(publisherAgain.packets()).toEqual(['20020100', '50020003']);
  expect(second.packets()).toEqual([]);
});

test('a clean session keeps nothing half done: what it sends again on a new connection is published again [MQTT-3.1.2-6]', async () => {
  const { server, reader } = await readerAndPublisher();
  for (const _ of [1, 2]) {
    const clean = server.connected('clean');
    clean.send(exactPacket('t', 'm', 1));
    clean.send(exactPacket('t', 'm', 1));
    server.proposals.commit();
    expect(clean.packets()).toEqual(['50020001', '50020001']);
    clean.lose();
    await turn();
  }
  expect(reader.packets()).toEqual(['t=m q2 #1', 't=m q2 #2']);
});

test('order holds for one QoS: a repeat with QoS 1 comes, and is retained, behind what was taken with QoS 2 since [MQTT-4.6.0-6]', async () => {
  const { server, publisher } = await readerAndPublisher();
  publisher.send(publishPacket('t', 'one', 1, true), exactPacket('t', 'two', 2, true));
  server.proposals.commit();
  publisher.lose();
  await turn();
  const again = back(server, 'publisher');
  again.send(publishPacket('t', 'one', 1, true), exactPacket('t', 'two', 2, true));
  server.proposals.commit();
  const late = back(server, 'late');
  late.send(subscribePacket(1, '#'));
  server.proposals.commit();
  expect(late.packets().slice(2)).toEqual(['t=one q1 #1 r']);
});

test('while this server holds back nothing is assigned, and the messages go out when it may go on', async () => {
  const { server, reader, publisher } = await readerAndPublisher();
  publisher.send(exactPacket('t', 'm', 1));
  const drained = server.connections.drain();
  server.proposals.commit();
  await drained;
  expect([publisher.packets(), reader.packets(), server.proposals.ops]).toEqual([['50020001'], [], []]);
  server.connections.undrain();
  server.proposals.commit();
  expect(reader.packets()).toEqual(['t=m q2 #1']);
});

test('a session that began anew while nobody was attached is sent from its beginning', async () => {
  const { server, reader, publisher } = await readerAndPublisher();
  publisher.send(exactPacket('t', 'a', 1), exactPacket('t', 'b', 2));
  server.proposals.commit();
  reader.lose();
  await turn();
  // Both go before their CONNECTs are committed: the session ends, and another one begins.
  for (const isDurable of [false, true]) {
    const hasty = server.client();
    hasty.send(connectPacket('reader', { isDurable }));
    hasty.lose();
    await turn();
  }
  server.proposals.commit();
  const again = back(server, 'reader');
  again.send(subscribePacket(2, '#', 2));
  publisher.send(exactPacket('t', 'c', 3));
  server.proposals.commit();
  expect(again.packets()).toEqual(['20020100', '9003000202', 't=c q2 #1']);
});
