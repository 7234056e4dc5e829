/** A digest of the durable state, however it is stored and wherever it is: for checks, not for service. Source: PROTOCOL.md §1 (state). */
import { ByteWriter } from '../../base/index.ts';
import { Digest } from './digest.ts';
import { placeOf, storedSession } from './durable-sessions.ts';
import type { Place } from './message.ts';
import type { MessageQueue } from './queue.ts';
import type { State } from './state.ts';
import {
  counterValue,
  groupValue,
  handshakesValue,
  keyOf,
  messageValue,
  NOWHERE,
  pageKey,
  retainedValue,
  sessionValue,
  timeValue,
  willValue,
} from './stored.ts';

/** Equal where the durable states are equal, whatever has been stored of them. Walks through everything. */
export function digestOf(state: State): string {
  const digest = new Digest();
  for (const { message, publisher } of state.retained.all()) {
    digest.add(keyOf('message', message.place), messageValue(message));
    digest.add(keyOf('retained', message.place), retainedValue(publisher, null));
  }
  for (const held of state.wills.all()) digest.add(keyOf('will', held.place), willValue(held));
  digest.add(keyOf('time', NOWHERE), timeValue(state.time.latest));
  for (const { key, value } of state.access.parts()) digest.add(key, value);
  for (const session of state.sessions.all()) {
    const place = placeOf(session);
    digest.add(keyOf('session', place), sessionValue(storedSession(session)));
    if (!session.handshakes.isEmpty)
      digest.add(keyOf('handshakes', place), handshakesValue(session.handshakes));
    addQueue(digest, place, session.queue);
  }
  for (const { place, stored, queue } of state.groups.durable()) {
    digest.add(keyOf('group', place), groupValue(stored));
    addQueue(digest, place, queue);
  }
  return digest.text;
}

function addQueue(digest: Digest, place: Place, queue: MessageQueue): void {
  const { next, length: messages, bytes } = queue;
  // Where it begins, one of two servers may know better than the other.
  digest.add(keyOf('counter', place), counterValue({ next, first: 0, messages, bytes }));
  for (const { number, message, qos, isRetained, ids } of queue.since(0)) {
    const marks = new ByteWriter(64).u64(message.place.seq).u32(message.place.index);
    marks.u8(qos + (isRetained ? 4 : 0));
    for (const id of ids) marks.u32(id);
    digest.add(pageKey(place, number), marks.taken());
    digest.add(keyOf('message', message.place), messageValue(message));
  }
}
