/**
 * The durable state as keys and values. Every key has a fixed size, whatever clients call their things; those of one queue stand together and
 * in the order of its messages, for which numbers in keys are big-endian. Source: PROTOCOL.md §1 (state).
 *
 *     1 message     place                     content (see bits.ts), of a message that several hold (see bodies.ts)
 *     2 session     place                     flags (1: a full queue refuses, 2: nobody is connected), clientId, user (empty: none),
 *                                             u32 messages, u64 bytes, u32 expirySeconds, u64 detachedAt, list of subscriptions (see subscription.ts),
 *                                             list of recalls: filter, places after, through and passingThrough (see recalls.ts)
 *     3 counter     queue's place             u64 next: the next number, u64 first: what is numbered below is settled, u32 messages, u64 bytes.
 *                                             The place is its session's, or its group's
 *     4 page        queue's place, number     messages of the queue from that number on (see stored-page.ts)
 *     5 retained    message's place           its publisher (empty: not known), content; without that where the message has a
 *                                             key of its own
 *     6 will        place                     clientId, will (see op-codec.ts), u64 1 + dueAt, 0: it is not due
 *     7 handshakes  session's place           u64 assignedThrough, list of u16 received, list of u64 releasing; where there are none, no key
 *     8 group       place                     flags (1: a full queue refuses), group, filter, u32 messages, u64 bytes
 *     9 time        nowhere                   u64 the latest pair time that was named
 *    10 holders     message's place           u32 how many stored holders name the message; with each key of kind 1
 *    11 ended       queue's place             u64 first: the queue has ended, and its pages are being taken away
 *    16, 17        users and rules           see core/access/stored.ts
 */
import { ByteReader, ByteWriter } from '../../base/index.ts';
import { decodeContent, decodePlace, encodeContent, encodePlace, list, writeList } from './bits.ts';
import { Handshakes } from './handshakes.ts';
import { Message, type Place } from './message.ts';
import { decodeWill, encodeWill } from './op-codec.ts';
import type { QueueBounds, Will } from './op.ts';
import type { Recall } from './recalls.ts';
import type { SessionTerms } from './session.ts';
import { decodeSubscription, encodeSubscription, type Subscription } from './subscription.ts';

/** One key of the state and its value; null takes it away. The same as the state store's. */
export type Change = Readonly<{ key: Uint8Array; value: Uint8Array | null }>;

export const KINDS = {
  message: 1,
  session: 2,
  counter: 3,
  page: 4,
  retained: 5,
  will: 6,
  handshakes: 7,
  group: 8,
  time: 9,
  holders: 10,
  ended: 11,
} as const;
type Kind = keyof typeof KINDS;

const KEY_BYTES = 13;
/** The place of what there is only one of. */
export const NOWHERE: Place = { seq: 0, index: 0 };

export function keyOf(kind: Kind, place: Place): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES);
  key.writeUInt8(KINDS[kind], 0);
  writePlace(key, 1, place);
  return key;
}

export function pageKey(queue: Place, from: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES + 8);
  key.writeUInt8(KINDS.page, 0);
  writePlace(key, 1, queue);
  writeU64(key, KEY_BYTES, from);
  return key;
}

/** Where the keys of a kind begin; those of the kind before end there. */
export const firstKeyOf = (kind: number): Buffer => Buffer.from([kind]);

export const kindOf = (key: Buffer): number => key.readUInt8(0);
/** The place that follows the kind in every key. */
export const placeIn = (key: Buffer): Place => readPlace(key, 1);
export const numberIn = (key: Buffer): number => readU64(key, KEY_BYTES);

/** Its value is worked out when it is asked for. */
export class LazyChange implements Change {
  readonly key: Uint8Array;
  #make: (() => Uint8Array) | null;
  #value: Uint8Array | null = null;

  constructor(key: Uint8Array, make: () => Uint8Array) {
    this.key = key;
    this.#make = make;
  }

  get value(): Uint8Array | null {
    this.workOut();
    return this.#value;
  }

  workOut(): void {
    if (this.#make !== null) this.#value = this.#make();
    this.#make = null;
  }
}

export function messageValue(message: Message): Buffer {
  const writer = new ByteWriter(40 + message.address.length + message.bytes);
  encodeContent(writer, message);
  return writer.taken();
}

export function messageFrom(place: Place, value: Buffer): Message {
  const message = new Message(place, decodeContent(new ByteReader(value)));
  message.compact();
  return message;
}

export type StoredSession = SessionTerms &
  Readonly<{ subscriptions: readonly Subscription[]; recalls: readonly Recall[] }>;

const [REFUSES, IS_DETACHED] = [1, 2] as const;

export function sessionValue(session: StoredSession): Buffer {
  const { bounds, detachedAt } = session;
  const writer = new ByteWriter(64)
    .u8((bounds.whenFull === 'refuse' ? REFUSES : 0) + (detachedAt === null ? 0 : IS_DETACHED))
    .text(session.clientId)
    .text(session.user ?? '')
    .u32(bounds.messages)
    .u64(bounds.bytes)
    .u32(session.expirySeconds)
    .u64(detachedAt ?? 0);
  writeList(writer, session.subscriptions, (each) => encodeSubscription(writer, each));
  writeList(writer, session.recalls, ({ filter, after, through, passingThrough }) => {
    writer.text(filter);
    for (const place of [after, through, passingThrough]) encodePlace(writer, place);
  });
  return writer.taken();
}

export function sessionFrom(value: Buffer): StoredSession {
  const reader = new ByteReader(value);
  const bits = reader.u8();
  const clientId = reader.text();
  const user = reader.text();
  const whenFull = (bits & REFUSES) === 0 ? 'dropOldest' : 'refuse';
  const bounds = { messages: reader.u32(), bytes: reader.u64(), whenFull } as const;
  const expirySeconds = reader.u32();
  const since = reader.u64();
  const detachedAt = (bits & IS_DETACHED) === 0 ? null : since;
  const subscriptions = list(reader, () => decodeSubscription(reader));
  const recalls = list(reader, () => ({
    filter: reader.text(),
    after: decodePlace(reader),
    through: decodePlace(reader),
    passingThrough: decodePlace(reader),
  }));
  return {
    clientId,
    user: user === '' ? null : user,
    bounds,
    expirySeconds,
    detachedAt,
    subscriptions,
    recalls,
  };
}

export type StoredGroup = Readonly<{ group: string; filter: string; bounds: QueueBounds }>;

export function groupValue({ group, filter, bounds }: StoredGroup): Buffer {
  return new ByteWriter(64)
    .u8(bounds.whenFull === 'refuse' ? REFUSES : 0)
    .text(group)
    .text(filter)
    .u32(bounds.messages)
    .u64(bounds.bytes)
    .taken();
}

export function groupFrom(value: Buffer): StoredGroup {
  const reader = new ByteReader(value);
  const whenFull = (reader.u8() & REFUSES) === 0 ? 'dropOldest' : 'refuse';
  const [group, filter] = [reader.text(), reader.text()];
  return { group, filter, bounds: { messages: reader.u32(), bytes: reader.u64(), whenFull } };
}

/** What is known of a queue without looking into it. */
export type Counter = Readonly<{ next: number; first: number; messages: number; bytes: number }>;

export const counterValue = ({ next, first, messages, bytes }: Counter): Buffer =>
  new ByteWriter(28).u64(next).u64(first).u32(messages).u64(bytes).taken();

export function counterFrom(value: Buffer): Counter {
  const reader = new ByteReader(value);
  return { next: reader.u64(), first: reader.u64(), messages: reader.u32(), bytes: reader.u64() };
}

export const timeValue = (latest: number): Buffer => new ByteWriter(8).u64(latest).taken();

export const timeFrom = (value: Buffer): number => new ByteReader(value).u64();

export const endedValue = (first: number): Buffer => new ByteWriter(8).u64(first).taken();

export const endedFrom = (value: Buffer): number => new ByteReader(value).u64();

export const holdersValue = (holders: number): Buffer => new ByteWriter(4).u32(holders).taken();

export const holdersFrom = (value: Buffer): number => new ByteReader(value).u32();

/** `publisher`: the client whose message this is; null: not known. `message` null: it has a key of its own. */
export type StoredRetained = Readonly<{ publisher: string | null; message: Message | null }>;

export function retainedValue(publisher: string | null, message: Message | null): Buffer {
  const size = message === null ? 0 : message.address.length + message.bytes;
  const writer = new ByteWriter(64 + size).text(publisher ?? '');
  if (message !== null) encodeContent(writer, message);
  return writer.taken();
}

export function retainedFrom(place: Place, value: Buffer): StoredRetained {
  const reader = new ByteReader(value);
  const publisher = reader.text();
  const message = reader.left === 0 ? null : new Message(place, decodeContent(reader));
  message?.compact();
  return { publisher: publisher === '' ? null : publisher, message };
}

export type StoredWill = Readonly<{ clientId: string; will: Will; dueAt: number | null }>;

export function willValue({ clientId, will, dueAt }: StoredWill): Buffer {
  const writer = new ByteWriter(64 + will.payload.length).text(clientId);
  encodeWill(writer, will);
  return writer.u64(dueAt === null ? 0 : 1 + dueAt).taken();
}

export function willFrom(value: Buffer): StoredWill {
  // A copy: what the store hands out need not stay as it is.
  const reader = new ByteReader(Buffer.from(value));
  const clientId = reader.text();
  const will = decodeWill(reader);
  const due = reader.u64();
  return { clientId, will, dueAt: due === 0 ? null : due - 1 };
}

export function handshakesValue({ assignedThrough, received, releasing }: Handshakes): Buffer {
  const writer = new ByteWriter(64).u64(assignedThrough).u32(received.size);
  for (const packetId of received) writer.u16(packetId);
  writer.u32(releasing.size);
  for (const number of releasing) writer.u64(number);
  return writer.taken();
}

export function handshakesFrom(value: Buffer): Handshakes {
  const reader = new ByteReader(value);
  const assignedThrough = reader.u64();
  const received = list(reader, () => reader.u16());
  return new Handshakes({ assignedThrough, received, releasing: list(reader, () => reader.u64()) });
}

/** One word for one place, to look messages up by while loading. */
export const placeText = (place: Place): string => `${place.seq}/${place.index}`;

function writePlace(bytes: Buffer, at: number, place: Place): void {
  writeU64(bytes, at, place.seq);
  bytes.writeUInt32BE(place.index, at + 8);
}

const readPlace = (bytes: Buffer, at: number): Place => ({
  seq: readU64(bytes, at),
  index: bytes.readUInt32BE(at + 8),
});

function writeU64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

const readU64 = (bytes: Buffer, at: number): number =>
  bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
