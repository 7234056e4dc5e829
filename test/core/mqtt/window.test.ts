import { expect, test } from 'vitest';
import { Lent, Message, type QueuedQos } from '../../../src/core/broker/index.ts';
import { Group, type GroupSurroundings } from '../../../src/core/broker/group.ts';
import { Handshakes } from '../../../src/core/broker/handshakes.ts';
import { Ledger } from '../../../src/core/broker/ledger.ts';
import { LocalQueues } from '../../../src/core/broker/local-queues.ts';
import { Membership } from '../../../src/core/broker/membership.ts';
import { PAGING } from '../../../src/core/broker/paging.ts';
import { Queue } from '../../../src/core/broker/queue.ts';
import { EMPTY_STATE } from '../../../src/core/broker/state-reader.ts';
import { Session } from '../../../src/core/broker/session.ts';
import { Stock } from '../../../src/core/broker/stock.ts';
import { contentOf, roomFor } from '../broker/entries.ts';
import { MqttViolation, Window, type Sending, type WindowTerms } from '../../../src/core/mqtt/index.ts';

const messageOf = (text: string, expiresAt: number | null = null): Message =>
  new Message({ seq: 1, index: 0 }, { ...contentOf('x', text), qos: 2, expiresAt });

type Part = Pick<Session, 'isDurable' | 'handshakes' | 'queue' | 'membership'>;

const terms = (inFlightMax: number, fits: WindowTerms['fits'] = () => true): WindowTerms => ({
  level: 4,
  inFlightMax,
  fits,
});

const fitsOne: WindowTerms['fits'] = ({ message }) => message.payload.length <= 1;

const NOTHING_AROUND: GroupSurroundings = {
  ledger: new Ledger(EMPTY_STATE, PAGING),
  locals: new LocalQueues(Infinity),
  began: () => undefined,
  ended: () => undefined,
  ready: () => undefined,
  busy: () => undefined,
  asks: () => undefined,
  dropped: () => undefined,
};

/** A session with nothing in its queue yet: what a window finds there was put there by somebody else. */
const sessionWith = (more: Partial<Part> = {}): Part => ({
  isDurable: true,
  handshakes: new Handshakes(),
  queue: new Queue(),
  membership: null,
  ...more,
});

function put(session: Part, count: number, qos: QueuedQos = 1, expiresAt: number | null = null): Part {
  for (let n = 0; n < count; n += 1)
    session.queue.add(messageOf(`${session.queue.next}`, expiresAt), { qos, isRetained: false, ids: [] });
  return session;
}

/** Messages are told apart by their payloads. */
const textOf = ({ packetId, delivery, isDup }: Sending): string =>
  `${packetId}=${Buffer.from(delivery.message.payload).toString()}${isDup ? ' d' : ''}`;

/** Packet identifier and number of all that may be sent, `d` where it is marked; and what waits for an assignment. */
function sendAll(window: Window, now = 0): string[] {
  const sent: string[] = [];
  for (let next = window.next(now); next !== null; next = window.next(now)) {
    if ('assignThrough' in next) return [...sent, `assign ${next.assignThrough}`];
    sent.push(textOf(next));
  }
  return sent;
}

const packetIdOf = (next: ReturnType<Window['next']>): number | null =>
  next === null || 'assignThrough' in next ? null : next.packetId;

/** The client has come back. */
function again(window: Window, inFlightMax: number): string[] {
  window.begin(terms(inFlightMax));
  return sendAll(window);
}

function clauseOf(act: () => unknown): string {
  try {
    act();
  } catch (failure) {
    if (failure instanceof MqttViolation) return failure.message;
  }
  return 'none';
}

test('no more than inFlightMax messages wait for the end of their handshakes, QoS 1 and 2 together, and they go in order [MQTT-4.6.0-6]', () => {
  const session = sessionWith({
    handshakes: new Handshakes({ assignedThrough: 9, received: [], releasing: [] }),
  });
  const window = new Window(session, terms(2));
  put(put(put(session, 1), 1, 2), 3);
  expect(sendAll(window)).toEqual(['1=0', '2=1']);
  expect(window.release(2)).toBe(1);
  expect(sendAll(window)).toEqual([]);
  expect(window.complete(2)).toBe(1);
  expect(sendAll(window)).toEqual(['3=2']);
  expect(window.settle(1)).toBe(0);
  expect(sendAll(window)).toEqual(['4=3']);
});

test('an acknowledgement for nothing settles nothing, and none settles twice', () => {
  const session = sessionWith();
  const window = new Window(session, terms(2));
  put(session, 1);
  sendAll(window);
  expect([window.settle(9), window.release(9), window.complete(9)]).toEqual([null, null, null]);
  expect(window.settle(1)).toBe(0);
  expect(window.settle(1)).toBe(null);
});

test('each QoS has its own handshake [MQTT-4.3.2-2, MQTT-4.3.3-2]', () => {
  const session = sessionWith({ isDurable: false });
  const window = new Window(session, terms(9));
  put(put(session, 1, 1), 1, 2);
  sendAll(window);
  expect(clauseOf(() => window.release(1))).toContain('MQTT-4.3.2-2');
  expect(clauseOf(() => window.settle(2))).toContain('MQTT-4.3.3-2');
  expect(clauseOf(() => window.complete(2))).toContain('MQTT-4.3.3-2');
  expect(window.release(2)).toBe(1);
  expect(window.release(2)).toBe(null);
  expect(window.settle(2)).toBe(null);
});

test('what was not acknowledged is sent again in order under its own identifiers [MQTT-4.4.0-1, MQTT-4.6.0-1]', () => {
  const session = sessionWith();
  const window = new Window(session, terms(3));
  put(session, 4);
  sendAll(window);
  window.settle(2);
  // The queue was full meanwhile and let its oldest go.
  session.queue.remove(0);
  expect(again(window, 3)).toEqual(['3=2 d', '4=3']);
  expect(window.inFlight).toBe(2);
});

test('what was taken with QoS 2 is not sent again, but released, in the order of its PUBRECs [MQTT-4.3.3-1, MQTT-4.6.0-4]', () => {
  const session = sessionWith({ isDurable: false });
  const window = new Window(session, terms(9));
  put(session, 3, 2);
  sendAll(window);
  for (const packetId of [3, 1]) session.queue.remove(window.release(packetId) ?? -1);
  expect(again(window, 9)).toEqual(['2=1 d']);
  expect([...window.releasing()]).toEqual([3, 1]);
});

test('identifiers follow from the queue: another server sends under the same ones, marked DUP, and releases what was taken [MQTT-4.4.0-1, MQTT-3.3.1-1]', () => {
  const session = put(put(sessionWith(), 2, 2), 1);
  session.handshakes.assignedThrough = 3;
  session.handshakes.releasing.add(0);
  session.queue.remove(0);
  const window = new Window(session, terms(9));
  put(session, 1);
  expect([...window.releasing()]).toEqual([1]);
  expect(sendAll(window)).toEqual(['2=1 d', '3=2 d', '4=3']);
  expect(window.complete(1)).toBe(0);
});

test('nothing is sent with QoS 2 for the first time before it is assigned, nor anything behind it (PROTOCOL.md Ack)', () => {
  const session = sessionWith();
  const window = new Window(session, terms(10));
  put(put(put(session, 1, 1), 2, 2), 1, 1);
  expect(sendAll(window)).toEqual(['1=0', 'assign 11']);
  session.handshakes.assignedThrough = 2;
  expect(sendAll(window)).toEqual(['2=1', 'assign 12']);
  session.handshakes.assignedThrough = 12;
  expect(sendAll(window)).toEqual(['3=2', '4=3']);
});

test('a session that is not durable assigns nothing: it ends with its server', () => {
  const session = sessionWith({ isDurable: false });
  const window = new Window(session, terms(10));
  put(session, 2, 2);
  expect(sendAll(window)).toEqual(['1=0', '2=1']);
});

test('identifiers are 1 to 65535, and none is used while it waits [MQTT-2.3.1-4]', () => {
  const session = sessionWith({ isDurable: false });
  const window = new Window(session, terms(10));
  put(put(session, 1, 2), 65_539);
  const given: unknown[] = [];
  for (let n = 1; n <= 65_535; n += 1) {
    given.push(packetIdOf(window.next(0)));
    if (n !== 1) window.settle(n);
  }
  expect(given).toEqual(Array.from({ length: 65_535 }, (_, n) => n + 1));
  expect(window.next(0)).toBe(null);
  window.release(1);
  expect(window.next(0)).toBe(null);
  window.complete(1);
  expect(packetIdOf(window.next(0))).toBe(1);
});

test('a client that comes back and takes less than before is not sent more, and may acknowledge what does not come again at once (MQTT 5.0 §4.9)', () => {
  const session = put(sessionWith(), 5);
  const window = new Window(session, terms(4));
  sendAll(window);
  expect(again(window, 2)).toEqual(['1=0 d', '2=1 d']);
  expect(window.inFlight).toBe(2);
  // Of the former connection; what it means is known.
  expect(window.settle(4)).toBe(3);
  expect(sendAll(window)).toEqual([]);
  expect(window.settle(1)).toBe(0);
  expect(sendAll(window)).toEqual(['3=2 d']);
  expect([window.settle(2), window.settle(3)]).toEqual([1, 2]);
  expect(sendAll(window)).toEqual(['5=4 d']);
});

test('a client that comes back and takes more than before is sent more', () => {
  const session = put(sessionWith(), 5);
  const window = new Window(session, terms(1));
  expect(sendAll(window)).toEqual(['1=0 d']);
  expect(again(window, 3)).toEqual(['1=0 d', '2=1 d', '3=2 d']);
});

test('what has expired before it was sent is left out, and told once; what was sent comes again all the same [MQTT5-3.3.2-5, MQTT-4.4.0-1]', () => {
  const session = sessionWith();
  const window = new Window(session, terms(9));
  put(put(put(session, 1, 1, 10), 1, 1, 5), 1);
  expect(sendAll(window, 9)).toEqual(['1=0', '3=2']);
  expect([window.takeDropped(), window.takeDropped()]).toEqual([[1], []]);
  expect(again(window, 9)).toEqual(['1=0 d', '3=2 d']);
  put(session, 1, 1, 10);
  expect(sendAll(window, 10)).toEqual([]);
  expect(window.takeDropped()).toEqual([3]);
});

test('what may have been sent with QoS 2 by the other server does not expire [MQTT5-4.3.3-7]', () => {
  const session = put(put(sessionWith(), 3, 2, 5), 1, 1, 5);
  session.handshakes.assignedThrough = 2;
  const window = new Window(session, terms(9));
  expect(sendAll(window, 6)).toEqual(['1=0 d', '2=1 d']);
  expect(window.takeDropped()).toEqual([2, 3]);
});

test('what is too long for the client is left out, without a packet identifier, also when it comes back and takes less (MQTT 5.0 §3.1.2.11.4)', () => {
  const session = put(sessionWith(), 12);
  const window = new Window(session, terms(99, fitsOne));
  expect(sendAll(window)).toHaveLength(10);
  expect(window.takeDropped()).toEqual([10, 11]);
  window.begin(terms(99, ({ message }) => Buffer.from(message.payload).toString() !== '3'));
  expect(sendAll(window)).toHaveLength(9);
  expect(window.takeDropped()).toEqual([3]);
  expect(window.inFlight).toBe(9);
});

test('a message that was refused with a PUBREC is done with: no PUBREL follows, and its identifier is free (MQTT 5.0 §4.4)', () => {
  const session = put(sessionWith({ isDurable: false }), 1, 2);
  const window = new Window(session, terms(1));
  sendAll(window);
  expect([window.refuse(1), window.refuse(1)]).toEqual([0, null]);
  expect([window.inFlight, [...window.releasing()]]).toEqual([0, []]);
});

/** Lent by a group. Whose it is, is the group's business. */
function lendTo(session: Part, ...texts: readonly string[]): void {
  session.membership ??= new Membership();
  for (const text of texts) {
    const delivery = { message: messageOf(text), qos: 1, isRetained: false, ids: [] } as const;
    const group = new Group({ group: 'g', filter: 'x' }, NOTHING_AROUND);
    const stock = new Stock(new Queue());
    const member = new Session(
      { clientId: 'c', user: null, bounds: roomFor(9), expirySeconds: 0, detachedAt: null },
      null,
      new Queue(),
    );
    session.membership.lend(
      new Lent({ group, session: member, delivery, isDup: false, stage: 'lent' }, stock, 0),
    );
  }
}

test('what groups lend is sent under numbers that were reserved for it, and what is of the session’s own under its own', () => {
  const session = sessionWith();
  const window = new Window(session, terms(40));
  expect(window.toReserve()).toBe(0);
  lendTo(session, 'g', 'h');
  put(session, 1);
  expect(window.hasRoom()).toBe(false);
  expect(window.toReserve()).toBe(80);
  expect(window.toReserve()).toBe(0);
  expect(sendAll(window)).toEqual(['1=0']);
  window.reserved(session.queue.skip(80), 80);
  put(session, 1);
  expect(sendAll(window)).toEqual(['2=g', '3=h', '82=81']);
  expect(window.settle(3)).toBeInstanceOf(Lent);
  expect([window.settle(3), window.settle(1), window.settle(82)]).toEqual([null, 0, 81]);
});

test('numbers are reserved again when half of them are used, and those of which the identifiers have come round half are left unused', () => {
  const session = sessionWith();
  const window = new Window(session, terms(40));
  lendTo(session, ...Array.from({ length: 40 }, () => 'g'));
  window.reserved(session.queue.skip(80), 80);
  sendAll(window);
  expect(window.toReserve()).toBe(80);
  window.reserved(session.queue.skip(80), 80);
  expect(window.toReserve()).toBe(0);
  for (let packetId = 1; packetId <= 40; packetId += 1) window.settle(packetId);
  // The session's own messages have gone so far meanwhile.
  session.queue.skip(32_680);
  expect(window.hasRoom()).toBe(true);
  session.queue.skip(100);
  expect(window.hasRoom()).toBe(false);
  expect(window.toReserve()).toBe(80);
});

test('what groups had lent is theirs again when the client comes back, and its identifier means nothing', () => {
  const session = sessionWith();
  const window = new Window(session, terms(40));
  lendTo(session, 'g');
  window.reserved(session.queue.skip(80), 80);
  put(session, 1);
  expect(sendAll(window)).toEqual(['1=g', '81=80']);
  expect(again(window, 40)).toEqual(['81=80 d']);
  expect(window.settle(1)).toBe(null);
  lendTo(session, 'h');
  expect(sendAll(window)).toEqual(['2=h']);
});

test('messages of groups count like others, and there is room only for a client that is not behind with its own', () => {
  const session = sessionWith({ isDurable: false });
  const window = new Window(session, terms(3));
  lendTo(session, 'g');
  expect(window.hasRoom()).toBe(true);
  put(session, 1);
  expect(window.hasRoom()).toBe(false);
  expect(sendAll(window)).toEqual(['2=g', '1=0']);
  expect(window.hasRoom()).toBe(true);
  if (session.membership !== null) session.membership.pending = 1;
  expect(window.hasRoom()).toBe(false);
});
