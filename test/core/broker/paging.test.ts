/** Queues that are not in memory are the same queues. Source: PROTOCOL.md §1 (state). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  Broker,
  type Change,
  type Op,
  type PagingSizes,
  type Session,
} from '../../../src/core/broker/index.ts';
import {
  Committer,
  MemoryStore,
  open,
  openLocally,
  pagedBroker,
  publish,
  queueOf,
  roomFor,
  subscribe,
  TINY_PAGES,
} from './entries.ts';
import { op } from './random-ops.ts';
import { sharedSubscription, textOf } from './sharing.ts';

const CLIENTS = ['a', 'b', 'c', 'ü'.repeat(300)];

/** Every subscription to a group that `op` may make. */
const GROUPS = ['x', 'x/#', '+/y', '#', '$s'].flatMap((filter) =>
  ['g', 'h'].map((group) => ({ filter, group })),
);

const settle = (clientId: string, ...numbers: number[]): Op => ({ type: 'settle', clientId, numbers });
/** All that waits for it. */
const settledWhole = ({ clientId, queue }: Session): Op =>
  settle(clientId, ...Array.from(queue.since(0), ({ number }) => number));
const published = (count: number, from = 0): Op[] =>
  Array.from({ length: count }, (_, n) => publish('x', `m${from + n}`));
const numbersOf = (committer: Committer, clientId: string): string[] => {
  const session = committer.broker.sessionOf(clientId);
  return session === null ? [] : queueOf(session);
};

/** A session `a` that takes everything, and reads back what it has stored. */
function reader(sizes: PagingSizes = TINY_PAGES): Readonly<{ committer: Committer; store: MemoryStore }> {
  const { broker, store } = pagedBroker(sizes);
  const committer = new Committer(broker);
  committer.commit(open('a', { queue: roomFor(1e6) }), subscribe('a', '#', 2));
  store.checkpoint(broker);
  return { committer, store };
}

const sizes = fc.record({
  pageMessages: fc.integer({ min: 1, max: 5 }),
  pageBytes: fc.constantFrom(1, 120, 400, 1e6),
  memoryBytes: fc.constantFrom(0, 700, 3000),
  tidyMax: fc.constantFrom(1, 20, 1000),
});

/** What may happen beside operations: to the paged broker only. */
type Event = 'begin' | 'evaluate' | 'finish' | 'crash' | 'look';
const event = fc.constantFrom<Event>('begin', 'begin', 'evaluate', 'finish', 'finish', 'crash', 'look');
/** Mostly few sessions that keep what they get, so that queues grow. */
const busy: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(publish('x', 'm'), publish('x/y', 'a longer one', { qos: 2 })) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('settle' as const),
      clientId: fc.constantFrom('a', 'b'),
      numbers: fc.array(fc.nat(40), { maxLength: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.nat(30).map((n) => settle('a', ...Array.from({ length: 10 }, (_, i) => n + i))),
  },
  { weight: 2, arbitrary: op },
);
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.array(busy, { minLength: 1, maxLength: 8 }) },
    { weight: 3, arbitrary: event },
  ),
  { minLength: 10, maxLength: 60, size: 'max' },
);

/** A paged broker with its store, a checkpoint that may be under way, and the entries since the last durable one: as a server has them. */
class PagedServer {
  readonly store = new MemoryStore();
  readonly #sizes: PagingSizes;
  committer: Committer;
  #journal: Readonly<{ seq: number; ops: readonly Op[] }>[] = [];
  #underWay: Readonly<{ changes: readonly Change[]; seq: number }> | null = null;

  constructor(of: PagingSizes) {
    this.#sizes = of;
    this.committer = this.#loaded(0);
  }

  commit(ops: readonly Op[]): unknown {
    const outcomes = this.committer.commit(...ops);
    this.#journal.push({ seq: this.committer.seq, ops });
    return outcomes;
  }

  happens(what: Event): void {
    const { broker, seq } = this.committer;
    if (what === 'begin') this.#underWay ??= { changes: broker.changes(), seq };
    if (what === 'finish') this.finish();
    if (what === 'crash') this.crash();
    if (what === 'look') void broker.digest();
    // The store has begun to ask for the values.
    const changes = this.#underWay?.changes ?? [];
    if (what === 'evaluate') changes.slice(0, Math.ceil(changes.length / 2)).forEach(({ value }) => value);
  }

  finish(): void {
    if (this.#underWay === null) return;
    const { changes, seq } = this.#underWay;
    this.#underWay = null;
    this.store.take(changes);
    this.committer.broker.stored();
    this.#journal = this.#journal.filter((entry) => entry.seq > seq);
  }

  /** A checkpoint under way is lost. What the last one left is loaded, and the journal behind it is applied. */
  crash(): void {
    this.#underWay = null;
    this.committer = this.#loaded(this.committer.seq - this.#journal.length);
    for (const { ops } of this.#journal) this.committer.commit(...ops);
  }

  checkpoint(): void {
    this.happens('begin');
    this.finish();
  }

  /** Until nothing is left that ended queues have stored. */
  tidy(): void {
    for (let left = 1000; this.committer.broker.hasLeftovers; left -= 1) {
      expect(left).toBeGreaterThan(0);
      this.checkpoint();
    }
  }

  #loaded(seq: number): Committer {
    const broker = new Broker(this.#sizes);
    broker.load(this.store);
    return new Committer(broker, seq);
  }
}

test('a broker that pages is the broker that does not, whenever its checkpoints begin and end and whenever it starts anew (PROTOCOL.md §1)', () => {
  fc.assert(
    fc.property(sizes, steps, (of, all) => {
      const whole = new Committer();
      const paged = new PagedServer(of);
      const opened = [
        open('a'),
        open('b', { queue: roomFor(20) }),
        subscribe('a', '#', 2),
        subscribe('b', 'x'),
      ];
      for (const step of [opened, ...all]) {
        if (typeof step === 'string') paged.happens(step);
        else expect(paged.commit(step)).toEqual(whole.commit(...step));
      }
      expect(paged.committer.broker.digest()).toBe(whole.broker.digest());
      for (const clientId of CLIENTS)
        expect(numbersOf(paged.committer, clientId)).toEqual(numbersOf(whole, clientId));
      paged.finish();
      paged.checkpoint();
      paged.crash();
      expect(paged.committer.broker.digest()).toBe(whole.broker.digest());
    }),
    { numRuns: 100 },
  );
});

test('nothing stays stored when everything is settled, cleared and ended, however it was paged', () => {
  fc.assert(
    fc.property(sizes, steps, fc.boolean(), (of, all, endsAtOnce) => {
      const paged = new PagedServer(of);
      paged.commit([
        open('a'),
        open('b', { queue: roomFor(20) }),
        subscribe('a', '#', 2),
        subscribe('b', 'x'),
      ]);
      for (const step of all) {
        if (typeof step === 'string') paged.happens(step);
        else paged.commit(step);
      }
      const addresses = ['x', 'x/y', 'z', '$s'];
      paged.commit(addresses.map((address) => publish(address, '', { qos: 0, isRetained: true })));
      if (!endsAtOnce) {
        paged.commit(CLIENTS.map((clientId) => ({ type: 'unsubscribe', clientId, filters: GROUPS })));
        paged.commit([...paged.committer.broker.sessions()].map(settledWhole));
        // What retired groups had.
        paged.commit([{ type: 'claimed', at: 0 }]);
        paged.finish();
        paged.checkpoint();
        paged.tidy();
        const { bodies, pages } = { bodies: [1, 10], pages: 4 };
        for (const { key } of paged.store.entries()) expect([...bodies, pages]).not.toContain(key[0]);
        expect(paged.committer.broker.stats()).toMatchObject({ queuedMessages: 0, queuedMemoryBytes: 0 });
      }
      paged.commit(CLIENTS.map((clientId) => openLocally(clientId)));
      paged.commit([{ type: 'claimed', at: 0 }]);
      paged.commit(CLIENTS.map((clientId) => ({ type: 'dropWill', clientId })));
      paged.finish();
      paged.checkpoint();
      paged.tidy();
      // Time, users and rules stay.
      expect(paged.store.entries().filter(({ key }) => ![9, 16, 17].includes(key[0] ?? 0))).toEqual([]);
      expect(paged.committer.broker.stats().queuedMemoryBytes).toBe(0);
    }),
    { numRuns: 100 },
  );
});

/** Kinds of keys (see stored.ts). */
const [MESSAGE, PAGE, HOLDERS] = [1, 4, 10] as const;

test('a server that starts looks at nothing that is queued, and at one page when a client comes (PROTOCOL.md §1)', () => {
  const { committer, store } = reader();
  committer.commit(...published(300));
  committer.commit(settle('a', 0, 1, 2, 3));
  store.checkpoint(committer.broker);
  store.takeReads(PAGE);

  const broker = new Broker(TINY_PAGES);
  broker.load(store);
  expect(broker.stats()).toMatchObject({ queuedMessages: 296, queuedMemoryBytes: 0 });
  expect([store.takeReads(PAGE), store.takeReads(MESSAGE)]).toEqual([0, 0]);
  const session = broker.attach('a');
  expect(session.queue.bytes).toBe(6 * 2 + 90 * 3 + 200 * 4);
  expect(session.queue.from(0)?.number).toBe(4);
  expect(store.takeReads(PAGE)).toBe(1);
});

test('messages stay in memory until the checkpoint that has them is durable, and are let go then', () => {
  const { committer, store } = reader();
  const { broker } = committer;
  committer.commit(...published(60));
  const fresh = broker.stats().queuedMemoryBytes;
  expect(broker.freshBytes).toBe(fresh);
  const changes = broker.changes();
  expect(broker.freshBytes).toBe(0);
  expect(numbersOf(committer, 'a')).toHaveLength(60);
  store.take(changes);
  expect(numbersOf(committer, 'a')).toHaveLength(60);
  expect(store.takeReads(PAGE)).toBe(0);
  broker.stored();
  expect(broker.stats().queuedMemoryBytes).toBeLessThan(fresh / 10);
  // One page of three stays, whichever was wanted last.
  for (let walk = 0; walk < 2; walk += 1) {
    expect(numbersOf(committer, 'a')).toHaveLength(60);
    expect(store.takeReads(PAGE)).toBeGreaterThanOrEqual(19);
  }
});

test('what fits into the memory that there is for it is never read back', () => {
  const { committer, store } = reader({ ...TINY_PAGES, memoryBytes: 1e6 });
  committer.commit(...published(60));
  store.checkpoint(committer.broker);
  expect(numbersOf(committer, 'a')).toHaveLength(60);
  committer.commit(settle('a', ...Array.from({ length: 60 }, (_, n) => n)));
  expect(store.takeReads(PAGE)).toBe(0);
});

test.each(['the server that delivers', 'the other one, which only hears what is settled'])(
  'a backlog that is drained in its order is read once: %s',
  (who) => {
    const { committer, store } = reader();
    committer.commit(...published(300));
    store.checkpoint(committer.broker);
    committer.commit(settle('a', 299));
    store.checkpoint(committer.broker);
    store.takeReads(PAGE);
    const session = committer.broker.attach('a');
    for (let number = 0; number < 299; number += 1) {
      if (who === 'the server that delivers') expect(session.queue.from(number)?.number).toBe(number);
      committer.commit(settle('a', number));
      if (number % 50 === 0) store.checkpoint(committer.broker);
    }
    expect(store.takeReads(PAGE)).toBeLessThan(100 + 10);
    store.checkpoint(committer.broker);
    expect(store.entries().filter(({ key }) => key[0] === PAGE)).toEqual([]);
  },
);

test('where nothing is left, nothing is looked for again and again', () => {
  const { committer, store } = reader({ ...TINY_PAGES, memoryBytes: 5000 });
  committer.commit(...published(300));
  store.checkpoint(committer.broker);
  committer.commit(settle('a', ...Array.from({ length: 290 }, (_, n) => n + 5)));
  store.checkpoint(committer.broker);
  const session = committer.broker.attach('a');
  expect(session.queue.from(6)?.number).toBe(295);
  store.takeAsked();
  for (let n = 0; n < 50; n += 1) expect(session.queue.from(6)?.number).toBe(295);
  expect(store.takeAsked()).toBe(0);
});

test('settling what is not in memory fetches no body that several share', () => {
  const { committer, store } = reader();
  committer.commit(open('b', { queue: roomFor(1e6) }), subscribe('b', '#'));
  committer.commit(...published(30));
  store.checkpoint(committer.broker);
  const count = (kind: number) => store.entries().filter(({ key }) => key[0] === kind).length;
  expect([count(MESSAGE), count(HOLDERS)]).toEqual([30, 30]);
  committer.commit(settle('a', ...Array.from({ length: 30 }, (_, n) => n)));
  expect(store.takeReads(MESSAGE)).toBe(0);
  store.checkpoint(committer.broker);
  expect(count(MESSAGE)).toBe(30);
  committer.commit(settle('b', ...Array.from({ length: 30 }, (_, n) => n)));
  store.checkpoint(committer.broker);
  expect([count(MESSAGE), count(HOLDERS), count(PAGE)]).toEqual([0, 0, 0]);
});

test('a session with a long queue ends at once, and what is stored of it goes in bounded pieces, also after a restart', () => {
  const { committer, store } = reader();
  committer.commit(open('b', { queue: roomFor(1e6) }), subscribe('b', 'x'));
  committer.commit(...published(1000));
  store.checkpoint(committer.broker);
  committer.commit(openLocally('a'), open('a'));
  expect(numbersOf(committer, 'a')).toEqual([]);
  store.checkpoint(committer.broker);
  let { broker } = committer;
  let rounds = 0;
  for (; broker.hasLeftovers; rounds += 1) {
    if (rounds === 5) {
      broker = new Broker(TINY_PAGES);
      broker.load(store);
    }
    const changes = broker.changes();
    expect(changes.length).toBeLessThan(30);
    store.take(changes);
    broker.stored();
  }
  expect(rounds).toBeGreaterThan(50);
  expect(broker.stats().queuedMessages).toBe(1000);
  const b = broker.attach('b');
  expect(queueOf(b)).toEqual(published(1000).map((_, n) => `${n}:m${n}`));
});

test('what a group had for its last durable member stays stored, and is read page by page as others take it', () => {
  const { broker, store } = pagedBroker({ ...TINY_PAGES, memoryBytes: 5000 });
  const committer = new Committer(broker);
  const subscriptions = [sharedSubscription('g', 'x')];
  const joining: Op = { type: 'subscribe', clientId: 'a', subscriptions };
  committer.commit(open('a', { queue: roomFor(1e6) }), joining);
  const local = broker.openLocal('local', roomFor(10));
  broker.subscribeLocal(local, subscriptions);
  const hasRoom = (): boolean => (local.membership?.waiting ?? 0) < 3;
  broker.lending.consume(local, { hasRoom, fits: () => true });
  committer.commit(...published(300));
  store.checkpoint(broker);
  const { queuedMemoryBytes } = broker.stats();
  store.takeReads(PAGE);
  committer.commit(openLocally('a'));
  expect([store.takeReads(PAGE), broker.stats().queuedMemoryBytes]).toEqual([0, queuedMemoryBytes]);
  for (let taken = 0; taken < 30; taken += 1) {
    broker.lending.offer(local);
    broker.lending.deal(0);
    const lent = local.membership?.take();
    if (lent === undefined || lent === null) return expect.unreachable(`${taken} were given`);
    expect(textOf(lent.delivery)).toBe(`m${taken}`);
    broker.lending.settle(lent);
    committer.commit(...broker.lending.takeOps());
  }
  // Three messages stand on one page, and three are lent at a time.
  expect(store.takeReads(PAGE)).toBeLessThanOrEqual(30 / 3 + 1);
  committer.commit(...published(20, 300));
  // What is new waits in the serving server's memory, as much of it as its members' queues may have.
  expect(broker.stats().queuedMessages).toBe(300 - 30 + 10);
});

test('a full queue lets its oldest messages go, wherever they are', () => {
  const { broker, store } = pagedBroker();
  const committer = new Committer(broker);
  committer.commit(open('a', { queue: roomFor(50) }), subscribe('a', '#'));
  committer.commit(...published(50));
  store.checkpoint(broker);
  committer.commit(...published(20, 50));
  expect(numbersOf(committer, 'a')).toEqual(published(50, 20).map((_, n) => `${n + 20}:m${n + 20}`));
  expect(broker.droppedMessages).toBe(20);
});
