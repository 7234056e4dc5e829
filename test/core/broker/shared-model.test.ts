/**
 * Groups whose members come and go while servers take over from each other, at random: what is promised holds for each run. Clients keep to MQTT's
 * handshakes, but send the PUBACKs that they owe for a former connection on the next one too. Source: MQTT 5.0 §4.8.2; PROTOCOL.md §2 Ack.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Qos } from '../../../src/core/broker/index.ts';
import { publish } from './entries.ts';
import { Sharing, type Packet } from './sharing.ts';

type Kind = Readonly<{ clientId: string; isDurable: boolean; granted: Qos }>;

/** A client with its own memory of what it has taken. */
class Client {
  readonly kind: Kind;
  readonly taken: string[] = [];
  readonly #sharing: Sharing;
  /** Packet identifiers of messages with QoS 2 that were not released. */
  #received = new Set<number>();
  #owed: { send: () => void; qos: Qos }[] = [];
  #connections = 0;

  constructor(kind: Kind, sharing: Sharing) {
    this.kind = kind;
    this.#sharing = sharing;
  }

  get isConnected(): boolean {
    return this.#sharing.isConnected(this.kind.clientId);
  }

  connect(capacity: number, sizeMax = 100): void {
    const { clientId, isDurable, granted } = this.kind;
    this.#connections += 1;
    this.#sharing.connect(clientId, { isDurable, capacity, sizeMax });
    const isNew = this.#sharing.sessionOf(clientId).subscriptions.size === 0;
    if (isNew) {
      this.#received = new Set();
      this.#owed = [];
      this.#sharing.subscribe(clientId, { qos: granted });
    }
    // A PUBREC or PUBCOMP of a former connection would answer what is sent again on this one, before it has come.
    this.#owed = this.#owed.filter(({ qos }) => qos === 1);
    for (const packetId of [...this.#sharing.windowOf(clientId).releasing()]) this.#released(packetId);
  }

  lose(): void {
    this.#sharing.lose(this.kind.clientId);
  }

  /** Takes what has come, at most so many. */
  take(count: number): void {
    const packets = this.#sharing.taken(this.kind.clientId, count);
    for (const packet of packets) this.#take(packet);
  }

  /** Sends one of the packets that it owes. */
  pay(): boolean {
    const next = this.isConnected ? this.#owed.shift() : undefined;
    next?.send();
    return next !== undefined;
  }

  #take({ text, qos, packetId }: Packet): void {
    const { clientId } = this.kind;
    if (qos === 1) this.#owed.push({ send: () => this.#sharing.acknowledge(clientId, packetId), qos });
    if (qos === 2) this.#owed.push({ send: () => this.#answer(packetId), qos });
    if (qos === 2 && this.#received.has(packetId)) return;
    if (qos === 2) this.#received.add(packetId);
    this.taken.push(text);
  }

  #answer(packetId: number): void {
    const connection = this.#connections;
    this.#sharing.receive(this.kind.clientId, packetId, () => {
      if (connection === this.#connections && this.isConnected) this.#released(packetId);
    });
  }

  #released(packetId: number): void {
    this.#received.delete(packetId);
    this.#owed.push({ send: () => this.#sharing.complete(this.kind.clientId, packetId), qos: 2 });
  }
}

type Act = Readonly<{ do: string; who: number; much: number }>;

class Run {
  readonly sharing = new Sharing();
  readonly clients: readonly Client[];
  #published = 0;

  constructor(kinds: readonly Kind[], capacity = 3) {
    this.clients = kinds.map((kind) => new Client(kind, this.sharing));
    for (const client of this.clients) client.connect(capacity);
  }

  act({ do: what, who, much }: Act): void {
    const client = this.clients[who % this.clients.length];
    if (client === undefined) return;
    const { clientId } = client.kind;
    switch (what) {
      case 'publish':
        for (let n = 0; n <= much; n += 1) this.#publish(much % 2 === 0 ? 2 : 1);
        return;
      case 'commit':
        return this.sharing.commitOnce();
      case 'take':
        return client.take(1 + much);
      case 'pay':
        return void client.pay();
      case 'lose':
        return client.lose();
      case 'connect':
        return client.connect(1 + much);
      case 'connectShort':
        return client.connect(1 + much, 2);
      case 'expire':
        this.#publish(2, this.sharing.now + 1000);
        this.sharing.now += 500 * much;
        return;
      case 'wish':
        if (client.isConnected)
          this.sharing.subscribe(clientId, { qos: much === 0 ? 0 : much === 1 ? 1 : 2 });
        return;
      case 'read':
        if (client.isConnected) this.sharing.reads(clientId, much % 2 === 0);
        return;
      case 'store':
        return much === 0 ? this.sharing.synchronise() : this.sharing.checkpoint();
      case 'failOver':
        // What was proposed is committed without anybody's knowing, or lost.
        if (much % 2 === 0) this.sharing.commitUntold();
        return this.sharing.failOver();
      case 'leave':
        if (!client.isConnected) return;
        this.sharing.unsubscribe(clientId);
        return this.sharing.subscribe(clientId, { qos: client.kind.granted });
      case 'end':
        client.lose();
        this.sharing.propose({ type: 'closeSession', clientId, at: this.sharing.now, expirySeconds: 0 });
        return;
      default:
        throw new Error(`nobody knows how to ${what}`);
    }
  }

  /** Everybody is there, reads and answers, until nothing happens any more. */
  settle(): void {
    const { sharing } = this;
    for (const client of this.clients) {
      if (!client.isConnected) client.connect(3);
      sharing.reads(client.kind.clientId, true);
    }
    for (let isMoving = true; isMoving;) {
      sharing.commit();
      isMoving = false;
      for (const client of this.clients) {
        client.take(100);
        while (client.pay()) isMoving = true;
      }
    }
  }

  /** How often each message was taken, by whomever. */
  counts(qos: Qos): number[] {
    const taken = this.clients.flatMap((client) => client.taken);
    return this.sharing.published
      .filter((message) => message.qos === qos)
      .map(({ text }) => taken.filter((each) => each === text).length);
  }

  #publish(qos: Qos, expiresAt: number | null = null): void {
    this.#published += 1;
    this.sharing.propose(publish('t', `m${this.#published}`, { qos, expiresAt }));
  }
}

const kinds = (...texts: readonly string[]): readonly Kind[] =>
  texts.map((text, n) => ({
    clientId: `${text}-${n}`,
    isDurable: text.startsWith('durable'),
    granted: text.endsWith('2') ? 2 : text.endsWith('1') ? 1 : 0,
  }));

/** Runs of so many acts; whoever comes first in `kinds` is spared what is in `spared`. */
const acts = (names: readonly string[]): fc.Arbitrary<Act[]> =>
  fc.array(fc.record({ do: fc.constantFrom(...names), who: fc.nat(3), much: fc.nat(3) }), {
    maxLength: 120,
    size: 'max',
  });

const USUAL = [
  'publish',
  'publish',
  'commit',
  'commit',
  'take',
  'take',
  'pay',
  'pay',
  'pay',
  'lose',
  'connect',
  'connect',
  'read',
];
const SERVERS = ['failOver', 'store'];

function check(
  names: readonly string[],
  of: readonly Kind[],
  judge: (run: Run) => void,
  spared: readonly string[] = [],
): void {
  fc.assert(
    fc.property(acts(names), (all) => {
      const run = new Run(of);
      for (const act of all) {
        const isSpared = act.who % of.length === 0 && spared.includes(act.do);
        if (!isSpared) run.act(act);
      }
      run.settle();
      judge(run);
      expect(run.sharing.digests[0]).toBe(run.sharing.digests[1]);
    }),
    { numRuns: 300 },
  );
}

test('with QoS 1 nothing is lost, whoever comes and goes, also the servers, and whatever is acknowledged too late (Ack)', () => {
  check([...USUAL, ...SERVERS], kinds('durable 1', 'durable 1', 'local 1'), (run) => {
    expect([...run.counts(1), ...run.counts(2)].filter((count) => count === 0)).toEqual([]);
    expect(run.sharing.broker.stats().queuedMessages).toBe(0);
  });
});

test('with QoS 2 among durable members each message is taken once by one of them [MQTT5-4.8.2-4] (Ack)', () => {
  check([...USUAL, ...SERVERS], kinds('durable 2', 'durable 2', 'durable 2'), (run) => {
    expect(run.counts(2).filter((count) => count !== 1)).toEqual([]);
    expect(run.counts(1).filter((count) => count === 0)).toEqual([]);
    expect(run.sharing.broker.stats().queuedMessages).toBe(0);
  });
});

test('with QoS 2 no message is taken twice, by whomever, also where sessions end and subscriptions change [MQTT5-4.8.2-5] (Ack)', () => {
  const of = kinds('durable 2', 'durable 2', 'local 2', 'local 2');
  check([...USUAL, ...SERVERS, 'leave', 'end'], of, (run) => {
    expect(run.counts(2).filter((count) => count > 1)).toEqual([]);
  });
});

test('while one member is connected nothing is lost with QoS 1, however durable ones come and go', () => {
  const of = kinds('local 1', 'durable 1', 'local 1', 'durable 1');
  const judge = (run: Run): void => {
    expect([...run.counts(1), ...run.counts(2)].filter((count) => count === 0)).toEqual([]);
    expect(run.sharing.broker.stats().queuedMessages).toBe(0);
  };
  check([...USUAL, 'leave', 'end', 'end'], of, judge, ['lose', 'connect', 'leave', 'end']);
});

test('whatever members ask for, both servers have the same, nobody is sent more at once than it takes, and no packet identifier means two things', () => {
  const of = kinds('durable 0', 'durable 2', 'local 1', 'local 2');
  const names = [...USUAL, ...SERVERS, 'leave', 'end', 'wish', 'wish', 'expire', 'connectShort'];
  // Each run compares the servers, and throws where a packet is one too many.
  check(names, of, (run) => expect(run.clients.every(({ isConnected }) => isConnected)).toBe(true));
});

test('members that acknowledge at once get as much as each other, give or take one', () => {
  const batches = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 });
  fc.assert(
    fc.property(
      batches,
      fc.array(fc.constantFrom('durable 1', 'local 1'), { minLength: 1, maxLength: 4 }),
      (sizes, of) => {
        const run = new Run(kinds(...of), 100);
        for (const size of sizes) {
          for (let n = 0; n < size; n += 1) run.act({ do: 'publish', who: 0, much: 0 });
          run.settle();
        }
        const shares = run.clients.map(({ taken }) => taken.length);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      },
    ),
  );
});
