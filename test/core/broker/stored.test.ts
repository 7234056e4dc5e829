import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  Broker,
  decodeOps,
  plainSubscription,
  type Op,
  type Outcome,
  type Subscription,
  type Will,
} from '../../../src/core/broker/index.ts';
import {
  bodyOf,
  Committer,
  contentOf,
  MemoryStore,
  open,
  openLocally,
  publish,
  queueOf,
  receive,
  roomFor,
  subscribe,
} from './entries.ts';
import { op } from './random-ops.ts';

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
    fc.property(batches, fc.array(fc.nat(4)), (all, moments) => {
      const active = new Committer();
      const passive = new Committer();
      const local = active.broker.openLocal('local', roomFor(3));
      const plain = plainSubscription('#', 1);
      active.broker.subscribeLocal(local, [
        plain,
        { ...plain, group: 'g' },
        { ...plain, qos: 2, group: 'h' },
      ]);
      active.broker.lending.consume(local, { hasRoom: () => true, fits: () => true });
      all.forEach((ops, n) => {
        expect(active.commit(...ops).map(shared)).toEqual(passive.commit(...ops).map(shared));
        // Checkpoints fall at different times on the two.
        if (moments[n] === 0) active.broker.changes();
        if (moments[n] === 1) passive.broker.changes();
        if (moments[n] === 2) active.broker.takeReady();
        // What comes out to be proposed is lost, as when a server dies; what is proposed is among the operations.
        if (moments[n] === 3) {
          active.broker.lending.deal(1);
          active.broker.lending.takeOps();
        }
      });
      expect(active.broker.digest()).toBe(passive.broker.digest());
    }),
    { numRuns: 300 },
  );
});

test('numbers of subscriptions stand in one order on both servers, whoever else had subscribed where (PROTOCOL.md §1)', () => {
  const [active, passive] = [new Committer(), new Committer()];
  const local = active.broker.openLocal('local', roomFor(3));
  active.broker.subscribeLocal(
    local,
    ['x/#', '+/y', '#', 'x/y'].map((each) => plainSubscription(each, 1)),
  );
  const numbered = (name: string, id: number): Subscription => ({ ...plainSubscription(name, 1), id });
  for (const filters of [
    ['x/y', '#', '+/y', 'x/#'],
    ['x/#', '+/y', 'x/y', '#'],
  ]) {
    const subscriptions = filters.map((name, n) => numbered(name, n + 1));
    for (const it of [active, passive])
      it.commit(
        open('a', { isClean: true }),
        { type: 'subscribe', clientId: 'a', subscriptions },
        publish('x/y', 'm'),
      );
    const ids = [active, passive].map(({ broker }) => broker.sessionOf('a')?.queue.from(0)?.ids);
    expect(ids).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
  }
  expect(active.broker.digest()).toBe(passive.broker.digest());
});

/** Whether anybody had subscribed, a server says of those that it knows. */
const shared = (outcome: Outcome): unknown => (outcome.type === 'published' ? outcome.type : outcome);

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
      loaded.load(store);
      expect(loaded.digest()).toBe(first.broker.digest());
      expect(loaded.changes()).toEqual([]);

      const second = new Committer(loaded, first.seq);
      for (const ops of after) expect(second.commit(...ops)).toEqual(first.commit(...ops));
      expect(second.broker.digest()).toBe(first.broker.digest());
      store.take(second.broker.changes());
      const again = new Broker();
      again.load(store);
      expect(again.digest()).toBe(first.broker.digest());
    }),
    { numRuns: 300 },
  );
});

test('different states have different digests', () => {
  const digests = new Set<string>();
  const committer = new Committer();
  const piece = { filter: '#', through: { seq: 13, index: 0 } };
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
    { type: 'recall', clientId: 'a', ...piece, addresses: ['x'], after: { seq: 8, index: 0 } },
    { type: 'recall', clientId: 'a', ...piece, addresses: [], after: null },
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
  const will: Will = {
    ...contentOf('w', 'w'),
    patienceMs: 1,
    delaySeconds: 0,
    expirySeconds: null,
  };
  committer.commit(open('a', { will }), open('b'), subscribe('a', '#'), subscribe('b', '#'));
  committer.commit(publish('x', 'm', { isRetained: true }), publish('x', 'n'));
  store.take(committer.broker.changes());
  expect(store.size).toBeGreaterThan(8);
  committer.commit(publish('x', '', { qos: 0, isRetained: true }));
  committer.commit(openLocally('a'), openLocally('b'));
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
  const local = committer.broker.openLocal('e', roomFor(10));
  committer.broker.subscribeLocal(local, [plainSubscription('small', 1)]);
  const body = bodyOf(publish('big', 'b'.repeat(100_000)), publish('small', 'm'));
  committer.broker.apply(body, ++committer.seq);
  const inEntry = () =>
    [session, local].map((each) => each.queue.from(0)?.message.payload.buffer === body.buffer);
  expect(inEntry()).toEqual([true, true]);
  new MemoryStore().checkpoint(committer.broker);
  expect(inEntry()).toEqual([false, false]);
  expect(queueOf(local)).toEqual(['0:m']);
});

test('unknown kinds of operations and of stored keys are faults, not guesses', () => {
  expect(() => new Committer().broker.apply(Buffer.from([99]), 1)).toThrow(/unknown kind 99/);
  const store = new MemoryStore();
  store.take([{ key: Buffer.concat([Buffer.from([99]), Buffer.alloc(12)]), value: Buffer.alloc(0) }]);
  expect(() => new Broker().load(store)).toThrow(/unknown kind 99/);
});

test('users and rules are part of the state that two servers compare, and of what a store gives back (PROTOCOL.md §1)', () => {
  const it = new Committer();
  const without = it.broker.digest();
  const rule = { effect: 'allow', who: 'ann', action: 'both', filter: 'a/#', clientId: null } as const;
  const credential = { password: null, scram: null };
  expect(
    it.commit(
      { type: 'access', change: { type: 'setUser', name: 'ann', credential } },
      { type: 'access', change: { type: 'addRule', rule } },
      { type: 'access', change: { type: 'removeUser', name: 'bob' } },
    ),
  ).toEqual([{ type: 'applied' }, { type: 'applied' }, { type: 'absent' }]);
  expect(it.broker.digest()).not.toBe(without);
  const store = new MemoryStore();
  store.take(it.broker.changes());
  const loaded = new Broker();
  loaded.load(store);
  expect(loaded.access.user('ann')).toEqual({ name: 'ann', credential });
  expect(loaded.access.rules()).toEqual([rule]);
  expect(loaded.digest()).toBe(it.broker.digest());
});

test('a session belongs to the user who opened it last, also in a store', () => {
  const it = new Committer();
  it.commit(open('c', { user: 'ann' }), open('d'));
  const store = new MemoryStore();
  store.take(it.broker.changes());
  const loaded = new Broker();
  loaded.load(store);
  expect([loaded.sessionOf('c')?.user, loaded.sessionOf('d')?.user]).toEqual(['ann', null]);
  const second = new Committer(loaded, it.seq);
  second.commit(open('d', { user: 'bob' }));
  expect(loaded.sessionOf('d')?.user).toBe('bob');
});

test('the latest time that was named is in the state: whoever serves next counts on from there (PROTOCOL.md §1)', () => {
  const it = new Committer();
  it.commit({ type: 'claimed', at: 5_000 });
  it.commit({ type: 'closeSession', clientId: 'nobody', at: 4_000, expirySeconds: null });
  const store = new MemoryStore();
  store.take(it.broker.changes());
  expect(it.broker.changes()).toEqual([]);
  const loaded = new Broker();
  loaded.load(store);
  expect([it.broker.latestTime, loaded.latestTime]).toEqual([5_000, 5_000]);
  expect(loaded.digest()).toBe(it.broker.digest());
});
