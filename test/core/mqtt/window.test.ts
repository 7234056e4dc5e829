import { expect, test } from 'vitest';
import { Message, type QueuedQos, type Session } from '../../../src/core/broker/index.ts';
import { Handshakes } from '../../../src/core/broker/handshakes.ts';
import { Queue } from '../../../src/core/broker/queue.ts';
import { contentOf } from '../broker/entries.ts';
import { MqttViolation, Window, type Sending, type WindowTerms } from '../../../src/core/mqtt/index.ts';

const messageOf = (text: string): Message =>
  new Message({ seq: 1, index: 0 }, { ...contentOf('x', text), qos: 2 });

type Part = Pick<Session, 'isDurable' | 'handshakes' | 'queue' | 'membership'>;

const terms = (inFlightMax: number, fits: WindowTerms['fits'] = () => true): WindowTerms => ({
  inFlightMax,
  fits,
});

/** A session with nothing in its queue yet: what a window finds there was put there by somebody else. */
const sessionWith = (more: Partial<Part> = {}): Part => ({
  isDurable: true,
  handshakes: new Handshakes(),
  queue: new Queue(),
  membership: null,
  ...more,
});

function put(session: Part, count: number, qos: QueuedQos = 1): Part {
  for (let n = 0; n < count; n += 1)
    session.queue.add(messageOf(`${session.queue.next}`), { qos, isRetained: false, ids: [] });
  return session;
}

/** Messages are told apart by their payloads. */
const textOf = ({ packetId, delivery, isDup }: Sending): string =>
  `${packetId}=${Buffer.from(delivery.message.payload).toString()}${isDup ? ' d' : ''}`;

/** Packet identifier and number of all that may be sent, `d` where it is marked; and what waits for an assignment. */
function sendAll(window: Window): string[] {
  const sent: string[] = [];
  for (let next = window.next(0); next !== null; next = window.next(0)) {
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
  for (let n = 1; n <= 65_535; n += 1) {
    expect(packetIdOf(window.next(0))).toBe(n);
    if (n !== 1) window.settle(n);
  }
  expect(window.next(0)).toBe(null);
  window.release(1);
  expect(window.next(0)).toBe(null);
  window.complete(1);
  expect(packetIdOf(window.next(0))).toBe(1);
});
