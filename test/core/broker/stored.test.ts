import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Broker, decodeOps, type Op, type Qos } from '../../../src/core/broker/index.ts';
import {
  bodyOf,
  bytes,
  Committer,
  MemoryStore,
  open,
  publish,
  queueOf,
  receive,
  subscribe,
} from './entries.ts';

const clientId = fc.constantFrom('a', 'b', 'c', 'ü'.repeat(300));
const address = fc.constantFrom('x', 'x/y', 'z', '$s');
const filter = fc.constantFrom('x', 'x/#', '+/y', '#', '$s');
const qos = fc.constantFrom<Qos>(0, 1, 2);
const packetId = fc.constantFrom(1, 2, 65_535);
const payload = fc.constantFrom('', 'm', 'a longer one').map(bytes);
const will = fc.option(
  fc.record({ address, payload, qos, isRetained: fc.boolean(), patienceMs: fc.nat(90_000_000) }),
);
const as = <T extends Op['type']>(type: T) => fc.constant(type);

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: as('publish'), address, payload, qos, isRetained: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: as('openSession'),
      clientId,
      isDurable: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
      queueMessagesMax: fc.constantFrom(2, 5, 1000),
      will,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: as('subscribe'),
      clientId,
      subscriptions: fc.array(fc.record({ filter, qos }), { minLength: 1, maxLength: 2 }),
    }),
  },
  fc.record({ type: as('unsubscribe'), clientId, filters: fc.array(filter, { minLength: 1, maxLength: 2 }) }),
  {
    weight: 3,
    arbitrary: fc.record({ type: as('settle'), clientId, numbers: fc.array(fc.nat(12), { maxLength: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: as('receive'),
      clientId,
      packetId,
      address,
      payload,
      isRetained: fc.boolean(),
    }),
  },
  fc.record({ type: as('release'), clientId, packetId }),
  fc.record({ type: as('assign'), clientId, through: fc.nat(12) }),
  fc.record({ type: as('complete'), clientId, numbers: fc.array(fc.nat(12), { maxLength: 4 }) }),
  fc.record({ type: as('fireWill'), clientId }),
  fc.record({ type: as('dropWill'), clientId }),
  fc.record({ type: as('barrier') }),
);
const batches = fc.array(fc.array(op, { minLength: 1, maxLength: 6 }), { maxLength: 25 });

test('operations come out of their bytes as they went in', () => {
  fc.assert(
    fc.property(fc.array(op), (ops) => {
      expect([...decodeOps(bodyOf(...ops))]).toEqual(ops);
    }),
  );
});

test('two servers that apply the same entries have the same state and say the same, whoever is connected where (PROTOCOL.md §1)', () => {
  fc.assert(
    fc.property(batches, fc.array(fc.nat(3)), (all, moments) => {
      const active = new Committer();
      const passive = new Committer();
      const local = active.broker.openLocal('local', 3);
      active.broker.subscribeLocal(local, [{ filter: '#', qos: 1 }]);
      all.forEach((ops, n) => {
        expect(active.commit(...ops)).toEqual(passive.commit(...ops));
        // Checkpoints fall at different times on the two.
        if (moments[n] === 0) active.broker.changes();
        if (moments[n] === 1) passive.broker.changes();
        if (moments[n] === 2) active.broker.takeReady();
      });
      expect(active.broker.digest()).toBe(passive.broker.digest());
    }),
    { numRuns: 300 },
  );
});

test('a state loaded from what checkpoints stored is the state, and goes on as the other does (PROTOCOL.md §1)', () => {
  fc.assert(
    fc.property(batches, batches, fc.array(fc.boolean()), (before, after, moments) => {
      const first = new Committer();
      const store = new MemoryStore();
      before.forEach((ops, n) => {
        first.commit(...ops);
        if (moments[n] === true) store.take(first.broker.changes());
      });
      store.take(first.broker.changes());
      const loaded = new Broker();
      loaded.load(store.entries());
      expect(loaded.digest()).toBe(first.broker.digest());
      expect(loaded.changes()).toEqual([]);

      const second = new Committer(loaded, first.seq);
      for (const ops of after) expect(second.commit(...ops)).toEqual(first.commit(...ops));
      expect(second.broker.digest()).toBe(first.broker.digest());
      store.take(second.broker.changes());
      const again = new Broker();
      again.load(store.entries());
      expect(again.digest()).toBe(first.broker.digest());
    }),
    { numRuns: 300 },
  );
});

test('different states have different digests', () => {
  const digests = new Set<string>();
  const committer = new Committer();
  const ops: Op[] = [
    open('a'),
    open('b'),
    subscribe('a', '#'),
    subscribe('a', '#', 0),
    subscribe('a', '#'),
    publish('x', 'm'),
    publish('x', 'm'),
    publish('x', 'm', { isRetained: true }),
    { type: 'settle', clientId: 'a', numbers: [0] },
    { type: 'assign', clientId: 'a', through: 5 },
    receive('a', 1, 'unheard', 'm'),
    receive('a', 2, 'unheard', 'm'),
    subscribe('a', '#', 2),
    publish('x', 'm', { qos: 2 }),
    { type: 'settle', clientId: 'a', numbers: [6] },
    { type: 'complete', clientId: 'a', numbers: [6] },
  ];
  for (const each of ops) {
    committer.commit(each);
    digests.add(committer.broker.digest());
  }
  // The third subscription brings the state of the first one back, and a completed message leaves nothing.
  expect(digests.size).toBe(ops.length - 1);
});

test('a message that came and went between two checkpoints never appears in what is stored', () => {
  const committer = new Committer();
  const store = new MemoryStore();
  committer.commit(open('a'), subscribe('a', '#'));
  store.take(committer.broker.changes());
  const before = store.size;
  committer.commit(publish('x', 'm', { isRetained: true }), publish('x', 'n'));
  committer.commit(
    { type: 'settle', clientId: 'a', numbers: [0, 1] },
    publish('x', '', { qos: 0, isRetained: true }),
  );
  const changes = committer.broker.changes();
  // Only the queue's counter: numbers must not be given again.
  expect(changes.map(({ key, value }) => [key[0], value === null])).toEqual([[3, false]]);
  store.take(changes);
  expect(store.size).toBe(before);
});

test('nothing stays stored when everything is settled, cleared and ended', () => {
  const committer = new Committer();
  const store = new MemoryStore();
  const will = { address: 'w', payload: bytes('w'), qos: 1, isRetained: false, patienceMs: 1 } as const;
  committer.commit(open('a', { will }), open('b'), subscribe('a', '#'), subscribe('b', '#'));
  committer.commit(publish('x', 'm', { isRetained: true }), publish('x', 'n'));
  store.take(committer.broker.changes());
  expect(store.size).toBeGreaterThan(8);
  committer.commit(publish('x', '', { qos: 0, isRetained: true }));
  committer.commit(open('a', { isDurable: false }), open('b', { isDurable: false }));
  store.take(committer.broker.changes());
  expect(store.entries()).toEqual([]);
});

test('a body is shared by the queues that hold it and stored once', () => {
  const committer = new Committer();
  committer.commit(open('a'), open('b'), subscribe('a', '#'), subscribe('b', '#'));
  committer.commit(publish('x', 'm', { isRetained: true }));
  const bodies = committer.broker.changes().filter(({ key }) => key[0] === 1);
  expect(bodies.length).toBe(1);
});

test('a small message that a checkpoint finds alive lets go of the big entry it came with', () => {
  const committer = new Committer();
  committer.commit(open('a'), subscribe('a', '#'));
  const session = committer.broker.attach('a');
  const local = committer.broker.openLocal('e', 10);
  committer.broker.subscribeLocal(local, [{ filter: 'small', qos: 1 }]);
  const body = bodyOf(publish('big', 'b'.repeat(100_000)), publish('small', 'm'));
  committer.broker.apply(body, ++committer.seq);
  const inEntry = () =>
    [session, local].map((each) => each.queue.from(0)?.message.payload.buffer === body.buffer);
  expect(inEntry()).toEqual([true, true]);
  committer.broker.changes();
  expect(inEntry()).toEqual([false, false]);
  expect(queueOf(local)).toEqual(['0:m']);
});

test('unknown kinds of operations and of stored keys are faults, not guesses', () => {
  expect(() => new Committer().broker.apply(Buffer.from([99]), 1)).toThrow(/unknown kind 99/);
  const key = Buffer.concat([Buffer.from([9]), Buffer.alloc(12)]);
  expect(() => new Broker().load([{ key, value: Buffer.alloc(0) }])).toThrow(/unknown kind 9/);
});
