import { expect, test } from 'vitest';
import { matches, plainSubscription } from '../../../src/core/broker/index.ts';
import {
  Committer,
  open,
  passingOf,
  publish,
  queueOf,
  recalls,
  subscribe,
  unsubscribe,
  openLocally,
  roomFor,
  contentOf,
} from './entries.ts';

test('+ stands for exactly one level and # for all that follow, also none [MQTT-4.7.1-2, MQTT-4.7.1-3]', () => {
  const pairs: [string, string, boolean][] = [
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['sport/#', 'sport', true],
    ['sport/#', 'sport/a/b', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', 'a/b', true],
    ['ACCOUNTS', 'Accounts', false],
    ['a//b', 'a/b', false],
  ];
  for (const [filter, address, wanted] of pairs)
    expect([filter, address, matches(filter, address)]).toEqual([filter, address, wanted]);
});

test('a wildcard in first place does not match an address that begins with $ [MQTT-4.7.2-1]', () => {
  expect(matches('#', '$SYS/load')).toBe(false);
  expect(matches('+/load', '$SYS/load')).toBe(false);
  expect(matches('$SYS/#', '$SYS/load')).toBe(true);
  expect(matches('$SYS/+', '$SYS/load')).toBe(true);
});

test('a committed message enters the queue of every durable session that subscribed, connected or not', () => {
  const committer = new Committer();
  committer.commit(open('a'), open('b'), subscribe('a', 'orders/+'), subscribe('b', '#'));
  committer.commit(publish('orders/1', 'm1'), publish('other', 'm2'));
  expect(queueOf(committer.broker.attach('a'))).toEqual(['0:m1']);
  expect(queueOf(committer.broker.attach('b'))).toEqual(['0:m1', '1:m2']);
});

test('overlapping subscriptions bring one copy with the highest QoS [MQTT-3.3.5-1]', () => {
  const committer = new Committer();
  committer.commit(open('a'), subscribe('a', '#', 0), subscribe('a', 'x', 1), subscribe('a', '+', 0));
  const session = committer.broker.attach('a');
  committer.commit(publish('x', 'm'));
  expect(queueOf(session)).toEqual(['0:m']);
  expect(passingOf(session)).toEqual([]);
});

test('a message goes at the lower of its own QoS and the granted one [MQTT-3.8.4-6]', () => {
  const committer = new Committer();
  committer.commit(open('a'), subscribe('a', 'low', 0), subscribe('a', 'high', 1));
  const session = committer.broker.attach('a');
  committer.commit(
    publish('low', 'm1'),
    publish('high', 'm2', { qos: 0, isRetained: true }),
    publish('high', 'm3'),
  );
  expect(queueOf(session)).toEqual(['0:m3']);
  expect(passingOf(session)).toEqual(['m1', 'm2']);
});

test('QoS 0 reaches only who is connected and never stands in a queue', () => {
  const committer = new Committer();
  committer.commit(open('a'), subscribe('a', '#'));
  committer.broker.pass({ ...contentOf('x', 'lost'), qos: 0 }, null);
  const session = committer.broker.attach('a');
  committer.broker.pass({ ...contentOf('x', 'seen'), qos: 0 }, null);
  expect(passingOf(session)).toEqual(['seen']);
  expect(queueOf(session)).toEqual([]);
});

test('a new subscription with the same filter replaces the former one [MQTT-3.8.4-3]; unsubscribing ends it [MQTT-3.10.4-1]', () => {
  const committer = new Committer();
  committer.commit(open('a'), subscribe('a', 'x', 0), subscribe('a', 'x', 1));
  const session = committer.broker.attach('a');
  committer.commit(publish('x', 'm1'));
  committer.commit(unsubscribe('a', 'x', 'never'), publish('x', 'm2'));
  expect(queueOf(session)).toEqual(['0:m1']);
});

test('messages settle in any order, twice does no harm, and numbers are never given again', () => {
  const committer = new Committer();
  committer.commit(open('a'), subscribe('a', '#'));
  const session = committer.broker.attach('a');
  committer.commit(...['m0', 'm1', 'm2', 'm3'].map((text) => publish('x', text)));
  committer.commit({ type: 'settle', clientId: 'a', numbers: [2, 0, 2, 99] });
  expect(queueOf(session)).toEqual(['1:m1', '3:m3']);
  committer.commit({ type: 'settle', clientId: 'a', numbers: [3, 1] }, publish('x', 'm4'));
  expect(queueOf(session)).toEqual(['4:m4']);
});

test('a full queue that refuses keeps what was acknowledged: what was retained before does not push it out', () => {
  const committer = new Committer();
  committer.commit(publish('r/1', 'r', { isRetained: true }), publish('r/2', 'r', { isRetained: true }));
  committer.commit(open('a', { queue: { ...roomFor(2), whenFull: 'refuse' } }), subscribe('a', 'x'));
  committer.commit(publish('x', 'm0'), publish('x', 'm1'), subscribe('a', 'r/#'));
  const session = committer.broker.attach('a');
  committer.commit(...recalls(committer.broker, session));
  expect(queueOf(session)).toEqual(['0:m0', '1:m1']);
  expect(committer.broker.droppedMessages).toBe(2);
});

test('a full queue lets its oldest message go and counts it', () => {
  const committer = new Committer();
  committer.commit(open('a', { queue: roomFor(2) }), subscribe('a', '#'));
  committer.commit(publish('x', 'm0'), publish('x', 'm1'), publish('x', 'm2'));
  expect(queueOf(committer.broker.attach('a'))).toEqual(['1:m1', '2:m2']);
  expect(committer.broker.droppedMessages).toBe(1);
});

test('a session goes on when its client comes back, and ends with a clean one [MQTT-3.1.2-4, MQTT-3.1.2-6]', () => {
  const committer = new Committer();
  expect(committer.commit(open('a'))).toEqual([{ type: 'opened', isPresent: false, isDurable: true }]);
  committer.commit(subscribe('a', '#'));
  expect(committer.commit(open('a'))).toEqual([{ type: 'opened', isPresent: true, isDurable: true }]);
  committer.commit(publish('x', 'm'));
  expect(committer.commit(openLocally('a'))).toEqual([
    { type: 'opened', isPresent: false, isDurable: false },
  ]);
  expect(committer.commit(open('a'))).toEqual([{ type: 'opened', isPresent: false, isDurable: true }]);
  committer.commit(publish('x', 'm'));
  expect(queueOf(committer.broker.attach('a'))).toEqual([]);
});

test('an operation for a session that is not there changes nothing', () => {
  const committer = new Committer();
  const before = committer.broker.digest();
  const outcomes = committer.commit(
    subscribe('nobody', '#'),
    unsubscribe('nobody', '#'),
    { type: 'settle', clientId: 'nobody', numbers: [0] },
    { type: 'fireWill', clientId: 'nobody', at: 0 },
    { type: 'dropWill', clientId: 'nobody' },
  );
  expect(outcomes.map(({ type }) => type)).toEqual(Array(5).fill('absent'));
  expect(committer.broker.digest()).toBe(before);
});

test('a session that is not durable gets what is committed and leaves no trace', () => {
  const committer = new Committer();
  const before = committer.broker.digest();
  const session = committer.broker.openLocal('e', roomFor(2));
  committer.broker.subscribeLocal(session, [plainSubscription('#', 1)]);
  committer.commit(publish('x', 'm0'), publish('x', 'm1'), publish('x', 'm2'));
  expect(queueOf(session)).toEqual(['1:m1', '2:m2']);
  expect(committer.broker.takeReady()).toEqual([session]);
  committer.broker.settleLocal(session, 1);
  expect(queueOf(session)).toEqual(['2:m2']);
  expect(committer.broker.digest()).toBe(before);
  expect(committer.broker.changes()).toEqual([]);
  committer.broker.detach(session);
  committer.commit(publish('x', 'm3'));
  expect(queueOf(session)).toEqual([]);
});

test('an entry is applied once and in its order', () => {
  const committer = new Committer();
  committer.commit(open('a'));
  committer.seq = 0;
  expect(() => committer.commit(open('b'))).toThrow(/applied after/);
});
