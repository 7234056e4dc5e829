/** Shared subscriptions: who gets what, and what becomes of it when members come and go. Source: MQTT 5.0 §4.8.2. */
import { expect, test } from 'vitest';
import type { Op, Outcome } from '../../../src/core/broker/index.ts';
import { open, publish, queueOf, roomFor, subscribe } from './entries.ts';
import { sharedSubscription, Sharing } from './sharing.ts';

/** Members `a`, `b`, … of the group `g` of `t`, connected. */
function members(...terms: readonly Parameters<Sharing['connect']>[1][]): Sharing {
  const sharing = new Sharing();
  terms.forEach((each, n) => {
    const clientId = 'abcdef'.charAt(n);
    sharing.connect(clientId, each);
    sharing.subscribe(clientId);
  });
  return sharing;
}

const durable = { isDurable: true };
const local = { isDurable: false };

const publishAll = (sharing: Sharing, ...texts: readonly string[]): void =>
  sharing.commit(...texts.map((text) => publish('t', text)));

const typesOf = (ops: readonly Op[]): string[] => ops.map(({ type }) => type);

test.each([
  ['durable', [durable, durable, durable]],
  ['local', [local, local, local]],
  ['of both kinds', [durable, local, durable]],
])('%s members get the messages in turn, each message once', (_, terms) => {
  const sharing = members(...terms);
  publishAll(sharing, '1', '2', '3', '4');
  sharing.publish('5');
  expect(sharing.acknowledgeAll('a')).toEqual(['1', '4']);
  expect(sharing.acknowledgeAll('b')).toEqual(['2', '5']);
  expect(sharing.acknowledgeAll('c')).toEqual(['3']);
  sharing.commit();
  expect(sharing.broker.stats().queuedMessages).toBe(0);
});

test('nobody waits for a member that is away, that does not read, or whose window is full', () => {
  const sharing = members(durable, durable, { ...durable, capacity: 1 }, durable);
  sharing.lose('a');
  sharing.reads('b', false);
  publishAll(sharing, '1', '2', '3', '4');
  expect([sharing.sent('c'), sharing.sent('d')]).toEqual([['1'], ['2', '3', '4']]);
  sharing.reads('b', true);
  publishAll(sharing, '5', '6');
  expect([sharing.sent('b'), sharing.sent('d')]).toEqual([['6'], ['5']]);
});

test('a backlog goes to whoever has room, and each acknowledgement makes room for one more', () => {
  const sharing = members({ ...durable, capacity: 2 }, { ...durable, capacity: 2 });
  publishAll(sharing, '1', '2', '3', '4', '5', '6', '7');
  const [first] = sharing.taken('a');
  expect(sharing.sent('b')).toEqual(['2', '4']);
  sharing.acknowledge('a', first?.packetId ?? 0);
  expect(sharing.sent('a')).toEqual(['5']);
});

test('a member that is behind with its own messages takes none of the group', () => {
  const sharing = members({ ...durable, capacity: 1 }, { ...durable, capacity: 3 });
  sharing.commit(subscribe('a', 'own'));
  sharing.commit(publish('own', 'own 1'), publish('own', 'own 2'), publish('t', '1'), publish('t', '2'));
  expect([sharing.sent('a'), sharing.sent('b')]).toEqual([['own 1'], ['1', '2']]);
});

test('a member of two groups gets from both in turn, however much waits in one of them', () => {
  const sharing = members({ ...durable, capacity: 1 });
  sharing.subscribe('a', { group: 'h' });
  publishAll(sharing, '1', '2', '3');
  const order = Array.from({ length: 6 }, () => sharing.acknowledgeAll('a')[0]);
  expect(order).toEqual(['1', '1', '2', '2', '3', '3']);
});

test('a subscription of its own, and each group, brings a copy of its own', () => {
  const sharing = members(durable);
  sharing.subscribe('a', { group: 'h', id: 7 });
  sharing.subscribe('a', { group: null, id: 8 });
  publishAll(sharing, 'm');
  expect([...sharing.sent('a')].sort()).toEqual(['m', 'm 7', 'm 8']);
});

test('what goes along is the member’s own: granted QoS, retain as published, identifier [MQTT5-4.8.2-3]', () => {
  const sharing = new Sharing();
  for (const clientId of ['a', 'b', 'c']) sharing.connect(clientId);
  sharing.subscribe('a', { qos: 0, id: 5 });
  sharing.subscribe('b', { qos: 1, isRetainAsPublished: true });
  sharing.subscribe('c', { qos: 2, id: 6 });
  for (const text of ['1', '2', '3']) sharing.commit(publish('t', text, { qos: 2, isRetained: true }));
  expect(['a', 'b', 'c'].map((clientId) => sharing.sent(clientId))).toEqual([
    ['1 q0 5'],
    ['2 r'],
    ['3 q2 6'],
  ]);
});

test('no retained messages come with a shared subscription (MQTT 5.0 §4.8.2)', () => {
  const sharing = new Sharing();
  sharing.commit(publish('t', 'kept', { isRetained: true }));
  for (const [clientId, isDurable] of [
    ['a', true],
    ['b', false],
  ] as const) {
    sharing.connect(clientId, { isDurable });
    sharing.subscribe(clientId);
  }
  expect([sharing.sent('a'), sharing.sent('b')]).toEqual([[], []]);
});

test('QoS 0 goes to one connected member in turn, and to nobody where there is none', () => {
  const sharing = members(durable, local);
  for (const text of ['1', '2', '3']) sharing.publish(text, 0);
  expect([sharing.sent('a'), sharing.sent('b')]).toEqual([['1 q0', '3 q0'], ['2 q0']]);
  sharing.lose('a');
  sharing.lose('b');
  sharing.publish('4', 0);
  sharing.connect('a');
  expect(sharing.sent('a')).toEqual([]);
});

test('what waits for nobody that is connected is there for who comes first', () => {
  const sharing = members(durable, durable);
  sharing.lose('a');
  sharing.lose('b');
  publishAll(sharing, '1', '2');
  expect(sharing.broker.stats().queuedMessages).toBe(2);
  sharing.connect('b');
  expect(sharing.sent('b')).toEqual(['1', '2']);
});

test('what a member had not acknowledged goes to the others when its connection ends, in order, marked DUP if it was sent', () => {
  const sharing = members(durable, { ...durable, capacity: 2 });
  publishAll(sharing, '1', '2', '3', '4', '5', '6');
  const packets = sharing.taken('a');
  expect(packets.map(({ text }) => text)).toEqual(['1', '3', '5', '6']);
  sharing.acknowledge('a', packets[1]?.packetId ?? 0);
  sharing.lose('a');
  expect([sharing.acknowledgeAll('b'), sharing.sent('b')]).toEqual([
    ['2', '4'],
    ['1 d', '5 d'],
  ]);
  publishAll(sharing, '7');
  sharing.connect('a');
  expect(sharing.sent('a')).toEqual(['6 d', '7']);
});

test('a PUBACK that waits for its commit when the connection ends still counts', () => {
  const sharing = members(durable, durable);
  publishAll(sharing, '1');
  for (const { packetId } of sharing.taken('a')) sharing.acknowledge('a', packetId);
  expect(typesOf(sharing.proposed)).toEqual(['settleShared']);
  sharing.lose('a');
  sharing.commit();
  expect(sharing.sent('b')).toEqual([]);
  expect(sharing.broker.stats().queuedMessages).toBe(0);
});

test('after a failover what is not settled is given out anew, and what is settled is not (PROTOCOL.md §2 Ack)', () => {
  const sharing = members(durable, durable);
  publishAll(sharing, '1', '2', '3', '4');
  const [first] = sharing.taken('a');
  sharing.acknowledge('a', first?.packetId ?? 0);
  sharing.commit();
  sharing.failOver();
  sharing.connect('b');
  expect(sharing.sent('b')).toEqual(['2 d', '3 d', '4 d']);
  publishAll(sharing, '5');
  expect(sharing.sent('b')).toEqual(['5']);
});

test('a message with QoS 2 is handed to a durable member before it is sent, and stays with it [MQTT5-4.8.2-4]', () => {
  const sharing = members(durable, durable);
  for (const clientId of ['a', 'b']) sharing.subscribe(clientId, { qos: 2 });
  sharing.propose(publish('t', '1', { qos: 2 }));
  sharing.commitOnce();
  expect(typesOf(sharing.proposed)).toEqual(['hand']);
  expect(sharing.sent('a')).toEqual([]);
  sharing.commit();
  expect(sharing.sent('a')).toEqual(['1 q2']);
  sharing.lose('a');
  expect(sharing.sent('b')).toEqual([]);
  sharing.failOver();
  sharing.connect('b');
  expect(sharing.sent('b')).toEqual([]);
  sharing.connect('a');
  expect(sharing.sent('a')).toEqual(['1 q2 d']);
});

test('a message with QoS 2 whose member’s session ends before it is delivered goes to nobody else [MQTT5-4.8.2-5]', () => {
  const sharing = members(durable, durable);
  for (const clientId of ['a', 'b']) sharing.subscribe(clientId, { qos: 2 });
  sharing.publish('1', 2);
  sharing.lose('a');
  sharing.commit({ type: 'closeSession', clientId: 'a', at: sharing.now, expirySeconds: 0 });
  expect(sharing.sent('b')).toEqual([]);
  expect(sharing.broker.stats().queuedMessages).toBe(0);
});

test('a message that was to be handed to a session that has ended meanwhile goes to another member', () => {
  const sharing = members(durable, durable);
  for (const clientId of ['a', 'b']) sharing.subscribe(clientId, { qos: 2 });
  sharing.propose(publish('t', '1', { qos: 2 }));
  sharing.commitOnce();
  const [hand] = sharing.proposed;
  expect(hand).toMatchObject({ type: 'hand', clientId: 'a' });
  sharing.lose('a');
  sharing.proposeFirst({ type: 'closeSession', clientId: 'a', at: sharing.now, expirySeconds: 0 });
  sharing.commit();
  expect(sharing.sent('b')).toEqual(['1 q2']);
});

test('with QoS 2 a member that has no durable session gets what is settled already, in a group with a durable queue', () => {
  const sharing = members(local, durable);
  sharing.subscribe('a', { qos: 2 });
  sharing.propose(publish('t', '1', { qos: 2 }));
  sharing.commitOnce();
  expect(typesOf(sharing.proposed)).toEqual(['settleShared']);
  expect(sharing.sent('a')).toEqual([]);
  sharing.commit();
  expect(sharing.sent('a')).toEqual(['1 q2']);
  sharing.lose('a');
  expect(sharing.sent('b')).toEqual([]);
});

test('what was settled to be sent with QoS 2, and could not be sent, goes to somebody else', () => {
  const sharing = members(local, durable);
  sharing.subscribe('a', { qos: 2 });
  sharing.subscribe('b', { qos: 2 });
  sharing.propose(publish('t', '1', { qos: 2 }));
  sharing.commitOnce();
  sharing.lose('a');
  sharing.commit();
  expect(sharing.sent('b')).toEqual(['1 q2']);
});

test('a refused message is done with: it goes to nobody else [MQTT5-4.8.2-6]', () => {
  const sharing = members(durable, durable);
  publishAll(sharing, '1');
  for (const { packetId } of sharing.taken('a')) {
    // A PUBACK with a reason code of 0x80 or more is one like any other here.
    sharing.acknowledge('a', packetId);
  }
  sharing.commit();
  sharing.lose('a');
  expect(sharing.sent('b')).toEqual([]);
});

test('who subscribes again stays one member, with other wishes; one UNSUBSCRIBE ends it (MQTT 5.0 §4.8.2)', () => {
  const sharing = members(durable, durable);
  sharing.subscribe('a', { qos: 0 });
  publishAll(sharing, '1', '2');
  expect([sharing.sent('a'), sharing.sent('b')]).toEqual([['1 q0'], ['2']]);
  sharing.unsubscribe('a');
  publishAll(sharing, '3', '4');
  expect([sharing.sent('a'), sharing.sent('b')]).toEqual([[], ['3', '4']]);
});

test('what was sent to a member that unsubscribes is still its own to acknowledge, and free if it does not [MQTT-3.10.4-3]', () => {
  const sharing = members(durable, durable);
  publishAll(sharing, '1', '2', '3');
  const packets = sharing.taken('a');
  sharing.taken('b');
  sharing.unsubscribe('a');
  sharing.acknowledge('a', packets[0]?.packetId ?? 0);
  sharing.commit();
  expect(sharing.sent('b')).toEqual([]);
  sharing.lose('a');
  expect(sharing.sent('b')).toEqual(['3 d']);
});

test('a queue ends with its last member, and one that begins under the same name is another', () => {
  const sharing = members(durable);
  sharing.lose('a');
  publishAll(sharing, '1');
  sharing.connect('a');
  const [packet] = sharing.taken('a');
  sharing.unsubscribe('a');
  expect(sharing.broker.stats().queuedMessages).toBe(0);
  sharing.subscribe('a');
  publishAll(sharing, '2');
  expect(sharing.sent('a')).toEqual(['2']);
  // Of the former queue, in which the message had the same number as this one in its own.
  sharing.acknowledge('a', packet?.packetId ?? 0);
  sharing.commit();
  sharing.lose('a');
  sharing.connect('a');
  expect(sharing.sent('a')).toEqual(['2 d']);
});

test('when the first durable member comes, what waits for local ones becomes part of the replicated state', () => {
  const sharing = members({ ...local, capacity: 1 });
  publishAll(sharing, '1', '2', '3');
  sharing.connect('d');
  sharing.subscribe('d', { qos: 2 });
  publishAll(sharing, '4');
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
  expect([sharing.sent('a'), sharing.sent('d')]).toEqual([['1'], ['2', '3', '4']]);
  sharing.failOver();
  sharing.connect('d');
  // The first one was a local member's: it ends with that, as it had been published to nobody else.
  expect(sharing.sent('d')).toEqual(['2 d', '3 d', '4 d']);
});

test('what a local member had when the first durable one came, and did not acknowledge, goes to the durable one', () => {
  const sharing = members({ ...local, capacity: 1 });
  sharing.publish('1', 2);
  sharing.connect('d');
  sharing.subscribe('d', { qos: 2 });
  sharing.lose('a');
  sharing.commit();
  expect(sharing.sent('d')).toEqual(['1 q2']);
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
});

/** The client's connection is over, and its session with it. */
function end(sharing: Sharing, clientId: string): void {
  sharing.lose(clientId);
  sharing.commit({ type: 'closeSession', clientId, at: sharing.now, expirySeconds: 0 });
}

/** Of a group whose last durable member has gone: what was published before and has not been settled, with `a` connected. */
function retired(capacity: number, ...texts: readonly string[]): Sharing {
  const sharing = members({ ...local, capacity }, { ...durable, capacity: 1 });
  publishAll(sharing, ...texts);
  end(sharing, 'b');
  return sharing;
}

/** What a member with room for one message gets, acknowledging each. */
const inTurn = (sharing: Sharing, clientId: string, count: number): unknown[] =>
  Array.from({ length: count }, () => {
    const [text] = sharing.acknowledgeAll(clientId);
    sharing.commit();
    return text;
  });

test('when the last durable member goes, what is not settled goes to the local ones that are connected, and what comes then after it', () => {
  const sharing = retired(1, '1', '2', '3', '4');
  publishAll(sharing, '5', '6');
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
  expect(inTurn(sharing, 'a', 4)).toEqual(['1', '2', '3', '4']);
  expect(sharing.broker.stats().queuedMessages).toBe(2);
  expect(inTurn(sharing, 'a', 2)).toEqual(['5', '6']);
  expect(sharing.broker.stats().queuedMessages).toBe(0);
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
});

test('what a retired group has, whoever it is lent to, holds nothing up that comes after it', () => {
  const sharing = retired(2, '1', '2');
  publishAll(sharing, '3', '4');
  sharing.connect('c', local);
  sharing.subscribe('c');
  expect([sharing.sent('a'), sharing.sent('c')]).toEqual([
    ['1', '2 d'],
    ['3', '4'],
  ]);
  sharing.lose('a');
  expect(sharing.sent('c')).toEqual(['1 d', '2 d']);
});

test.each([
  ['nobody is connected any more', (sharing: Sharing) => sharing.lose('a')],
  ['the last member leaves', (sharing: Sharing) => sharing.unsubscribe('a')],
  ['another server serves', (sharing: Sharing) => sharing.failOver()],
])('what a retired group has goes to nobody once %s, on both servers', (_, happens) => {
  const sharing = retired(1, '1', '2', '3');
  sharing.checkpoint();
  happens(sharing);
  sharing.commit();
  expect(sharing.broker.stats().queuedMessages).toBe(0);
  sharing.connect('d');
  sharing.subscribe('d');
  publishAll(sharing, '4');
  expect(sharing.acknowledgeAll('d')).toEqual(['4']);
  end(sharing, 'd');
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
});

test('a group that a durable member joins again is retired no more: that gets what waited, and what came meanwhile', () => {
  const sharing = retired(1, '1', '2', '3');
  publishAll(sharing, '4');
  sharing.connect('d');
  sharing.subscribe('d');
  publishAll(sharing, '5');
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
  expect(sharing.broker.stats().queuedMessages).toBe(5);
  sharing.failOver();
  sharing.connect('d');
  // With the server that served, the local member is gone.
  expect(sharing.sent('d').map((text) => text.charAt(0))).toEqual(['1', '2', '3', '4', '5']);
});

test('what is asked for when nobody is connected ends nothing that a durable member has come to meanwhile', () => {
  const sharing = retired(1, '1', '2');
  sharing.lose('a');
  expect(typesOf(sharing.proposed)).toEqual(['endShared']);
  sharing.proposeFirst({ type: 'subscribe', clientId: 'd', subscriptions: [sharedSubscription('g', 't')] });
  sharing.proposeFirst(open('d'));
  sharing.commit();
  sharing.connect('d');
  expect(sharing.sent('d').map((text) => text.charAt(0))).toEqual(['1', '2']);
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
});

test('a retired group is stored and loaded as one', () => {
  const sharing = retired(1, '1', '2', '3');
  sharing.synchronise();
  publishAll(sharing, '4');
  expect(inTurn(sharing, 'a', 2)).toEqual(['1', '2']);
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
  sharing.failOver();
  expect(sharing.broker.stats().queuedMessages).toBe(0);
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
});

test('what was on its way to a durable queue comes there also where that is retired meanwhile, and else to those who are connected', () => {
  for (const isEmptied of [false, true]) {
    const sharing = members({ ...local, capacity: 1 });
    publishAll(sharing, '1', '2', '3');
    sharing.connect('d', { capacity: 1 });
    sharing.propose({ type: 'subscribe', clientId: 'd', subscriptions: [sharedSubscription('g', 't')] });
    if (!isEmptied) sharing.propose(publish('t', '4'));
    sharing.commitOnce();
    expect(typesOf(sharing.proposed).filter((type) => type === 'bring')).toHaveLength(2);
    sharing.proposeFirst({ type: 'unsubscribe', clientId: 'd', filters: [{ group: 'g', filter: 't' }] });
    sharing.lose('d');
    sharing.commit();
    const rest = isEmptied ? ['2', '3'] : ['4', '2', '3'];
    expect(inTurn(sharing, 'a', 1 + rest.length)).toEqual(['1', ...rest]);
    expect(sharing.digests[0]).toBe(sharing.digests[1]);
  }
});

test('however much has expired, a bounded piece of it is settled with one operation', () => {
  const sharing = members({ ...durable, more: { queue: roomFor(1e6) } });
  sharing.reads('a', false);
  sharing.commit(
    ...Array.from({ length: 3000 }, () => publish('t', 'x', { expiresAt: 2000 })),
    publish('t', 'm'),
  );
  sharing.now = 2000;
  const pieces: number[] = [];
  sharing.reads('a', true);
  while (sharing.proposed.length > 0) {
    for (const op of sharing.proposed) if (op.type === 'settleShared') pieces.push(op.numbers.length);
    sharing.commitOnce();
  }
  expect(pieces).toEqual([1024, 1024, 952]);
  expect(sharing.sent('a')).toEqual(['m']);
});

test('a full queue lets its oldest message go, or refuses, as the members’ options say', () => {
  const sharing = members({ ...durable, more: { queue: roomFor(2) } });
  sharing.lose('a');
  publishAll(sharing, '1', '2', '3');
  expect(sharing.broker.droppedMessages).toBe(1);
  sharing.connect('a', { more: { queue: { ...roomFor(2), whenFull: 'refuse' } } });
  expect(sharing.sent('a')).toEqual(['2', '3']);
  const outcomes: Outcome[] = [];
  sharing.propose(publish('t', '4'), (outcome) => void outcomes.push(outcome));
  sharing.commit();
  expect(outcomes).toEqual([{ type: 'refused' }]);
  expect(sharing.sent('a')).toEqual([]);
});

test('an expired message goes to nobody, and leaves the queue by an operation', () => {
  const sharing = members(durable);
  sharing.lose('a');
  sharing.commit(publish('t', '1', { expiresAt: 2000 }), publish('t', '2', { expiresAt: 3000 }));
  sharing.now = 2000;
  sharing.connect('a');
  expect(sharing.sent('a')).toEqual(['2']);
  expect(sharing.broker.stats().queuedMessages).toBe(1);
});

test('a message that is too long for one member goes to another, and one that is too long for all to nobody (MQTT 5.0 §3.1.2.11.4)', () => {
  const sharing = members({ ...durable, sizeMax: 1 }, { ...durable, capacity: 1, sizeMax: 2 });
  publishAll(sharing, 'xx', 'yy', 'zzz', 'x');
  expect([sharing.sent('a'), sharing.sent('b')]).toEqual([['x'], ['xx']]);
  sharing.commit();
  expect(sharing.broker.stats().queuedMessages).toBe(3);
  sharing.acknowledgeAll('b');
  expect(sharing.sent('b')).toEqual(['yy']);
});

test('a message that is too long for all who are connected waits while a member is away, and nothing waits behind it', () => {
  const sharing = members({ ...durable, sizeMax: 1 }, durable);
  sharing.lose('b');
  publishAll(sharing, 'long', '1');
  expect(sharing.sent('a')).toEqual(['1']);
  sharing.connect('b');
  expect(sharing.sent('b')).toEqual(['long']);
  sharing.lose('b');
  sharing.commit({ type: 'closeSession', clientId: 'b', at: sharing.now, expirySeconds: 0 });
  expect(sharing.broker.stats().queuedMessages).toBe(1);
});

test('the replicated queue is stored, loaded and taken away like everything else (PROTOCOL.md §1)', () => {
  const sharing = members(durable, local);
  publishAll(sharing, '1', '2', '3');
  sharing.synchronise();
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
  publishAll(sharing, '4');
  sharing.failOver();
  sharing.connect('a');
  expect(sharing.acknowledgeAll('a')).toEqual(['1', '2', '3', '4']);
  sharing.commit();
  sharing.checkpoint();
  sharing.unsubscribe('a');
  sharing.checkpoint();
  expect(sharing.digests[0]).toBe(sharing.digests[1]);
});

test('a local session leaves no trace in the state, whatever it does in a group', () => {
  const sharing = members(local);
  const before = sharing.digests[0];
  publishAll(sharing, '1', '2');
  expect(sharing.digests).toEqual([before, before]);
  expect(queueOf(sharing.sessionOf('a'))).toEqual([]);
  expect(sharing.broker.stats().queuedMessages).toBe(2);
  sharing.lose('a');
  expect(sharing.broker.stats().queuedMessages).toBe(0);
});

test('an acknowledgement that comes too late, at another server, settles nothing but what it means: identifiers of what was lent are not given again', () => {
  const sharing = members(durable, durable);
  publishAll(sharing, '1');
  const [packet] = sharing.taken('a');
  sharing.commit(subscribe('a', 'own'));
  // The client has taken it, and its server dies.
  sharing.failOver();
  sharing.commit(publish('own', 'own 1'), publish('own', 'own 2'));
  sharing.connect('a');
  const again = sharing.taken('a');
  expect(again.map(({ text }) => text)).toEqual(['own 1', 'own 2', '1']);
  expect(again.map(({ packetId }) => packetId)).not.toContain(packet?.packetId);
  sharing.acknowledge('a', packet?.packetId ?? 0);
  sharing.commit();
  expect(queueOf(sharing.sessionOf('a')).map((text) => text.split(':')[1])).toEqual(['own 1', 'own 2']);
  sharing.lose('a');
  sharing.connect('b');
  expect(sharing.sent('b')).toEqual(['1 d']);
});

test('an acknowledgement of a former connection settles nothing at the same server either', () => {
  const sharing = members(durable, { ...durable, capacity: 1 });
  publishAll(sharing, '1', '2', '3');
  const [packet] = sharing.taken('a');
  sharing.connect('a');
  expect(sharing.sent('a')).toEqual(['1 d', '3 d']);
  sharing.acknowledge('a', packet?.packetId ?? 0);
  sharing.commit();
  expect(sharing.broker.stats().queuedMessages).toBe(3);
});
