import { expect, test } from 'vitest';
import {
  Broker,
  plainSubscription,
  NO_PROPERTIES,
  type Op,
  type Place,
} from '../../../src/core/broker/index.ts';
import {
  bytes,
  Committer,
  MemoryStore,
  open,
  passingOf,
  publish,
  queueOf,
  recalls,
  roomFor,
  subscribe,
  unsubscribe,
} from './entries.ts';
import { sharedSubscription } from './sharing.ts';

const retain = (address: string, text: string, qos: 0 | 1 = 1) =>
  publish(address, text, { qos, isRetained: true });

test('the last retained message of each matching address goes to a new subscriber, marked so [MQTT-3.3.1-6, MQTT-3.3.1-8]', () => {
  const committer = new Committer();
  committer.commit(retain('a/1', 'old'), retain('a/2', 'two'), retain('a/1', 'new'), retain('b', 'other'));
  committer.commit(open('c'), subscribe('c', 'a/+'));
  const session = committer.broker.attach('c');
  expect(queueOf(session)).toEqual([]);
  committer.commit(...recalls(committer.broker, session));
  expect(queueOf(session)).toEqual(['0:two:r', '1:new:r']);
  expect(session.recalls.isEmpty).toBe(true);
});

test('a piece of a recall brings what was published between where the recall has come to and the subscription, and once [MQTT-3.3.1-6]', () => {
  const committer = new Committer();
  committer.commit(retain('a/1', 'one'), retain('a/2', 'two'), retain('a/3', 'three'), retain('a/4', 'four'));
  committer.commit(open('c'), subscribe('c', 'a/+'));
  const session = committer.broker.attach('c');
  const through = session.recalls.first?.through ?? { seq: 0, index: 0 };
  const piece = (addresses: readonly string[], after: Place | null): Op => ({
    type: 'recall',
    clientId: 'c',
    filter: 'a/+',
    through,
    addresses,
    after,
  });
  // One takes another's place, one is taken away, and both come by themselves.
  committer.commit(retain('a/3', 'newer'), retain('a/4', ''));
  committer.commit(piece(['a/1', 'a/2'], { seq: 1, index: 1 }));
  committer.commit(piece(['a/1', 'a/2', 'a/3'], { seq: 1, index: 2 }));
  expect(queueOf(session)).toEqual(['0:newer', '1:', '2:one:r', '3:two:r']);
  // Whoever serves next knows how far it has come.
  const store = new MemoryStore();
  store.take(committer.broker.changes());
  const other = new Broker();
  other.load(store);
  expect(other.sessionOf('c')?.recalls.first).toEqual({
    filter: 'a/+',
    through,
    after: { seq: 1, index: 2 },
    passingThrough: through,
  });
  committer.commit(piece(['a/4'], null));
  expect(session.recalls.isEmpty).toBe(true);
  expect(committer.commit(piece(['a/1'], null))).toEqual([{ type: 'absent' }]);
});

test('whoever subscribes again while a recall is under way begins it anew; what was on its way for the former one brings nothing', () => {
  const committer = new Committer();
  committer.commit(retain('a/1', 'one'), retain('a/2', 'two'), open('c'), subscribe('c', 'a/#'));
  const session = committer.broker.attach('c');
  const former = recalls(committer.broker, session);
  committer.commit(subscribe('c', 'a/#'));
  expect(committer.commit(...former)).toEqual([{ type: 'absent' }]);
  committer.commit(...recalls(committer.broker, session));
  expect(queueOf(session)).toEqual(['0:one:r', '1:two:r']);
});

test('what took the place of a retained message with QoS 0 while its client was away comes when that is back', () => {
  const committer = new Committer();
  committer.commit(retain('a/1', 'old'), open('c'), subscribe('c', 'a/+'));
  const session = committer.broker.attach('c');
  committer.broker.detach(session);
  // Nobody is there to be given it, and it stands in no queue.
  committer.commit(retain('a/1', 'newer', 0));
  committer.commit(open('c'));
  committer.broker.attach('c');
  // This one comes by itself.
  committer.commit(retain('a/2', 'live', 0));
  expect(passingOf(session)).toEqual(['live']);
  committer.commit(...recalls(committer.broker, session));
  expect(queueOf(session)).toEqual([]);
  expect(session.owed.map(({ message }) => Buffer.from(message.payload).toString())).toEqual(['newer']);
});

test('with its subscription a recall ends', () => {
  const committer = new Committer();
  committer.commit(retain('a/1', 'one'), open('c'), subscribe('c', 'a/#'));
  const session = committer.broker.attach('c');
  const pieces = recalls(committer.broker, session);
  committer.commit(unsubscribe('c', 'a/#'));
  expect(session.recalls.isEmpty).toBe(true);
  expect(committer.commit(...pieces)).toEqual([{ type: 'absent' }]);
  expect(queueOf(session)).toEqual([]);
});

test('however often one SUBSCRIBE names a filter with wildcards, what is retained comes once', () => {
  const committer = new Committer();
  committer.commit(retain('a', 'm'), open('c'));
  const subscriptions = ['#', '+', '#', '+', '#'].map((filter) => plainSubscription(filter, 1));
  committer.commit({ type: 'subscribe', clientId: 'c', subscriptions });
  const session = committer.broker.attach('c');
  expect(queueOf(session)).toEqual([]);
  committer.commit(...recalls(committer.broker, session));
  expect(queueOf(session)).toEqual(['0:m:r', '1:m:r']);
});

test('subscribing again brings the retained messages again [MQTT-3.8.4-3]', () => {
  const committer = new Committer();
  committer.commit(retain('a', 'm'), open('c'), subscribe('c', 'a'), subscribe('c', 'a'));
  expect(queueOf(committer.broker.attach('c'))).toEqual(['0:m:r', '1:m:r']);
});

test('a retained message goes to present subscribers unmarked [MQTT-3.3.1-9]', () => {
  const committer = new Committer();
  committer.commit(open('c'), subscribe('c', 'a'), retain('a', 'm'));
  expect(queueOf(committer.broker.attach('c'))).toEqual(['0:m']);
});

test('an empty retained message clears its address and is delivered as usual [MQTT-3.3.1-10, MQTT-3.3.1-11]', () => {
  const committer = new Committer();
  committer.commit(retain('a', 'm'), open('c'), subscribe('c', 'a'), retain('a', ''));
  committer.commit(open('d'), subscribe('d', '#'));
  expect(queueOf(committer.broker.attach('c'))).toEqual(['0:m:r', '1:']);
  const other = committer.broker.attach('d');
  committer.commit(...recalls(committer.broker, other));
  expect(queueOf(other)).toEqual([]);
  expect(committer.broker.stats().retainedMessages).toBe(0);
});

test('a message not to be retained leaves the retained one alone [MQTT-3.3.1-12]', () => {
  const committer = new Committer();
  committer.commit(retain('a', 'kept'), publish('a', 'passes'), open('c'), subscribe('c', 'a'));
  expect(queueOf(committer.broker.attach('c'))).toEqual(['0:kept:r']);
});

test('a retained message with QoS 0 goes to who is connected', () => {
  const committer = new Committer();
  committer.commit(retain('a', 'm', 0), open('c'));
  const session = committer.broker.attach('c');
  committer.commit(subscribe('c', 'a'));
  expect(session.owed).toMatchObject([{ isRetained: true }]);
});

test('a session that is not durable gets as retained only what was published before it subscribed', () => {
  const committer = new Committer();
  committer.commit(retain('a', 'before'), retain('b', 'before'));
  const session = committer.broker.openLocal('e', roomFor(10));
  const subscriptions = [plainSubscription('#', 1)];
  const through = committer.broker.appliedSeq;
  committer.broker.subscribeLocal(session, subscriptions);
  committer.commit(retain('a', 'after'));
  committer.broker.bringRetained(session, subscriptions, through);
  for (const each of session.recalls.all())
    committer.broker.recallLocal(session, { ...each, addresses: ['a', 'b'], after: null });
  expect(queueOf(session)).toEqual(['0:after', '1:before:r']);
});

const will = {
  address: 'wills',
  payload: bytes('gone'),
  qos: 1,
  isRetained: true,
  properties: NO_PROPERTIES,
  expirySeconds: null,
  delaySeconds: 0,
  patienceMs: 1500,
} as const;

test('a fired will is published as its client asked, retained too, and once [MQTT-3.1.2-8, MQTT-3.1.2-17]', () => {
  const committer = new Committer();
  committer.commit(
    open('watcher'),
    subscribe('watcher', 'wills'),
    open('c', { isClean: true, expirySeconds: 0, will }),
  );
  expect(committer.broker.dueWills()).toEqual([]);
  committer.commit({ type: 'claimed', at: 1000 });
  expect(committer.broker.dueWills()).toEqual([{ clientId: 'c', dueAt: 2500 }]);
  const outcomes = committer.commit(
    { type: 'fireWill', clientId: 'c', at: 0 },
    { type: 'fireWill', clientId: 'c', at: 0 },
  );
  expect(outcomes.map(({ type }) => type)).toEqual(['published', 'absent']);
  expect(queueOf(committer.broker.attach('watcher'))).toEqual(['0:gone']);
  expect(committer.broker.stats().retainedMessages).toBe(1);
});

test('a dropped will is not published [MQTT-3.1.2-10]; a new connection replaces the former will', () => {
  const committer = new Committer();
  committer.commit(open('watcher'), subscribe('watcher', 'wills'), open('c', { will }));
  committer.commit({ type: 'dropWill', clientId: 'c' }, { type: 'fireWill', clientId: 'c', at: 0 });
  committer.commit(open('c', { will }), open('c', { will: { ...will, payload: bytes('second') } }));
  committer.commit({ type: 'fireWill', clientId: 'c', at: 0 });
  expect(queueOf(committer.broker.attach('watcher'))).toEqual(['0:second']);
});

test('a will goes to everybody who has room; those whose full queues refuse go without, which counts as dropped', () => {
  const committer = new Committer();
  const refusing = { queue: { ...roomFor(1), whenFull: 'refuse' } } as const;
  const join = (clientId: string, group: string): Op => ({
    type: 'subscribe',
    clientId,
    subscriptions: [sharedSubscription(group, 'wills')],
  });
  committer.commit(open('full', refusing), subscribe('full', '#'), open('member', refusing));
  committer.commit(join('member', 'full'), publish('wills', 'before'), join('member', 'g'));
  committer.commit(open('watcher'), subscribe('watcher', 'wills'), open('c', { will }));
  expect(committer.commit(publish('wills', 'refused'))).toEqual([{ type: 'refused' }]);
  expect(committer.commit({ type: 'fireWill', clientId: 'c', at: 0 })).toEqual([
    { type: 'published', isMatched: true },
  ]);
  const { broker } = committer;
  const queues = ['full', 'watcher'].map((clientId) => queueOf(broker.attach(clientId)));
  expect(queues).toEqual([['0:before'], ['0:gone']]);
  // One in each of the four queues, and the will among what is retained.
  expect(broker.stats()).toMatchObject({ queuedMessages: 4, retainedMessages: 1 });
  expect(broker.droppedMessages).toBe(2);
});

test('retained messages whose time is over are found in rounds, and taken away by an operation, but not one that is newer [MQTT5-3.3.2-5]', () => {
  const committer = new Committer();
  const { broker } = committer;
  const expiring = (address: string, expiresAt: number): Op =>
    publish(address, 'm', { isRetained: true, expiresAt });
  committer.commit(retain('never', 'm'), expiring('a', 10), expiring('b', 20), expiring('c', 10));
  expect(broker.expiredRetained(9, 100)).toEqual([]);
  // Two of the three at a time, wherever the last round has come to.
  const found = new Set([1, 2].flatMap(() => broker.expiredRetained(10, 2)));
  expect([...found].sort()).toEqual(['a', 'c']);
  committer.commit(expiring('c', 30), { type: 'dropRetained', addresses: ['a', 'c'], at: 10 });
  expect(broker.stats().retainedMessages).toBe(3);
  expect(broker.expiredRetained(25, 100)).toEqual(['b']);
  committer.commit(
    { type: 'dropRetained', addresses: ['b'], at: 25 },
    publish('c', '', { isRetained: true }),
  );
  expect([broker.stats().retainedMessages, broker.expiredRetained(99, 100)]).toEqual([1, []]);
});
