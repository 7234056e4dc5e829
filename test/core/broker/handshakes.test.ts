/** What a durable session remembers for exactly once. Source: MQTT-4.3.3-1, MQTT-4.3.3-2; PROTOCOL.md §1 (state). */
import { expect, test } from 'vitest';
import { Broker, type Op } from '../../../src/core/broker/index.ts';
import {
  Committer,
  MemoryStore,
  open,
  publish,
  queueOf,
  receive,
  subscribe,
  openLocally,
  roomFor,
} from './entries.ts';

const release = (clientId: string, packetId: number): Op => ({ type: 'release', clientId, packetId });
const assign = (clientId: string, through: number): Op => ({ type: 'assign', clientId, through });
const settle = (clientId: string, ...numbers: number[]): Op => ({ type: 'settle', clientId, numbers });
const complete = (clientId: string, ...numbers: number[]): Op => ({ type: 'complete', clientId, numbers });

/** A publisher `p` and a reader `r` of everything with QoS 2. */
function publisherAndReader(messagesMax = 1000): Committer {
  const committer = new Committer();
  committer.commit(open('p'), open('r', { queue: roomFor(messagesMax) }), subscribe('r', '#', 2));
  return committer;
}

function shaken(committer: Committer, clientId: string): unknown {
  const { assignedThrough, received, releasing } = committer.broker.attach(clientId).handshakes;
  return { assignedThrough, received: [...received], releasing: [...releasing] };
}

test('a repeat is published once until it is released, also within one entry [MQTT-4.3.3-2]', () => {
  const committer = publisherAndReader();
  committer.commit(receive('p', 5, 't', 'm'), receive('p', 5, 't', 'm'), receive('p', 6, 't', 'n'));
  committer.commit(receive('p', 5, 't', 'm'));
  const reader = committer.broker.attach('r');
  expect(queueOf(reader)).toEqual(['0:m', '1:n']);
  committer.commit(release('p', 5), release('p', 5), receive('p', 5, 't', 'o'));
  expect(queueOf(reader)).toEqual(['0:m', '1:n', '2:o']);
});

test('identifiers of one client are not those of another, and end with its session [MQTT-3.1.2-6]', () => {
  const committer = publisherAndReader();
  committer.commit(open('q'), receive('p', 5, 't', 'm'), receive('q', 5, 't', 'n'));
  expect(queueOf(committer.broker.attach('r'))).toEqual(['0:m', '1:n']);
  committer.commit(open('p'));
  expect(shaken(committer, 'p')).toMatchObject({ received: [5] });
  committer.commit(openLocally('p'), open('p'));
  expect(shaken(committer, 'p')).toMatchObject({ received: [] });
});

test('a message with QoS 2 from a session that is not there is not published', () => {
  const committer = publisherAndReader();
  expect(committer.commit(receive('nobody', 5, 't', 'm'))).toEqual([{ type: 'absent' }]);
  expect(queueOf(committer.broker.attach('r'))).toEqual([]);
});

test('a taken message leaves the queue, and its number stays until it is completed; with QoS 1 nothing stays [MQTT-4.3.3-1]', () => {
  const committer = publisherAndReader();
  committer.commit(publish('t', 'a', { qos: 2 }), publish('t', 'b'), publish('t', 'c', { qos: 2 }));
  committer.commit(assign('r', 10), assign('r', 4));
  committer.commit(settle('r', 2, 1), settle('r', 0), settle('r', 0));
  expect(queueOf(committer.broker.attach('r'))).toEqual([]);
  expect(shaken(committer, 'r')).toEqual({ assignedThrough: 10, received: [], releasing: [2, 0] });
  committer.commit(complete('r', 2, 7));
  expect(shaken(committer, 'r')).toMatchObject({ releasing: [0] });
});

test('handshakes are stored, taken away when nothing is left of them, and the same when loaded (PROTOCOL.md §1)', () => {
  const committer = publisherAndReader();
  const store = new MemoryStore();
  store.take(committer.broker.changes());
  const before = store.size;
  committer.commit(receive('p', 5, 't', 'm'), receive('p', 6, 't', 'n'), release('p', 5));
  committer.commit(assign('r', 10), settle('r', 0));
  store.take(committer.broker.changes());
  const loaded = new Broker();
  loaded.load(store);
  expect(shaken(new Committer(loaded), 'p')).toMatchObject({ received: [6] });
  expect(shaken(new Committer(loaded), 'r')).toMatchObject({ assignedThrough: 10, releasing: [0] });
  expect(loaded.digest()).toBe(committer.broker.digest());

  committer.commit(release('p', 6), settle('r', 1), complete('r', 0, 1));
  store.take(committer.broker.changes());
  // Only how far the reader's messages were assigned.
  expect(store.size).toBe(before + 1);
  committer.commit(openLocally('r'));
  store.take(committer.broker.changes());
  expect(store.entries().filter(({ key }) => key[0] === 7)).toEqual([]);
});

test('a full queue lets go of the oldest message that is not on its way with QoS 2, or of the newest', () => {
  const committer = publisherAndReader(3);
  const messages = (...texts: string[]): Op[] => texts.map((text) => publish('t', text, { qos: 2 }));
  committer.commit(...messages('a', 'b'), assign('r', 1), ...messages('c', 'd'));
  const reader = committer.broker.attach('r');
  expect(queueOf(reader)).toEqual(['0:a', '2:c', '3:d']);
  committer.commit(assign('r', 9), ...messages('e'));
  expect(queueOf(reader)).toEqual(['0:a', '2:c', '3:d']);
  expect(committer.broker.droppedMessages).toBe(2);
});
