/**
 * The durable state as keys and values. Every key has a fixed size, whatever clients call their things, and loads before those that
 * refer to it when keys come in their order. Numbers in keys are big-endian for that. Source: PROTOCOL.md §1 (state).
 *
 *     1 message     place                     content (see bits.ts)
 *     2 session     place                     flags (1: a full queue refuses, 2: nobody is connected), clientId, user (empty: none),
 *                                             u32 messages, u64 bytes, u32 expirySeconds, u64 detachedAt, list of subscriptions (see subscription.ts)
 *     3 counter     queue's place             u64 the queue's next number; the place is its session's, or its group's
 *     4 queued      queue's place, number     message's place (12 bytes), flags (1: retained, 2: QoS 2), u32 subscription ids up to the end
 *     5 retained    message's place           its publisher, UTF-8; empty: not known
 *     6 will        place                     clientId, will (see op-codec.ts), u64 1 + dueAt, 0: it is not due
 *     7 handshakes  session's place           u64 assignedThrough, list of u16 received, list of u64 releasing; where there are none, no key
 *     8 group       place                     flags (1: a full queue refuses), group, filter, u32 messages, u64 bytes
 *     9 time        nowhere                   u64 the latest pair time that was named
 *    16, 17        users and rules           see core/access/stored.ts
 */
import { ByteReader, ByteWriter } from '../../base/index.ts';
import { decodeContent, encodeContent, list, writeList } from './bits.ts';
import { Handshakes } from './handshakes.ts';
import { Message, type Place } from './message.ts';
import { decodeWill, encodeWill } from './op-codec.ts';
import type { QueueBounds, Will } from './op.ts';
import { NO_IDS, type Queued, type QueuedQos } from './queue.ts';
import type { SessionTerms } from './session.ts';
import { decodeSubscription, encodeSubscription, type Subscription } from './subscription.ts';

/** One key of the state and its value; null takes it away. The same as the state store's. */
export type Change = Readonly<{ key: Uint8Array; value: Uint8Array | null }>;

export const KINDS = {
  message: 1,
  session: 2,
  counter: 3,
  queued: 4,
  retained: 5,
  will: 6,
  handshakes: 7,
  group: 8,
  time: 9,
} as const;
type Kind = keyof typeof KINDS;

const KEY_BYTES = 13;
/** The place of what there is only one of. */
export const NOWHERE: Place = { seq: 0, index: 0 };
const EMPTY = new Uint8Array(0);

export function keyOf(kind: Kind, place: Place): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES);
  key.writeUInt8(KINDS[kind], 0);
  writePlace(key, 1, place);
  return key;
}

export function queuedKey(session: Place, number: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES + 8);
  key.writeUInt8(KINDS.queued, 0);
  writePlace(key, 1, session);
  writeU64(key, KEY_BYTES, number);
  return key;
}

export const kindOf = (key: Buffer): number => key.readUInt8(0);
/** The place that follows the kind in every key. */
export const placeIn = (key: Buffer): Place => readPlace(key, 1);
export const numberIn = (key: Buffer): number => readU64(key, KEY_BYTES);

export function messageValue(message: Message): Buffer {
  const writer = new ByteWriter(40 + message.address.length + message.bytes);
  encodeContent(writer, message);
  return writer.taken();
}

export function messageFrom(place: Place, value: Buffer): Message {
  const message = new Message(place, decodeContent(new ByteReader(value)));
  message.compact();
  message.isStored = true;
  return message;
}

export type StoredSession = SessionTerms & Readonly<{ subscriptions: readonly Subscription[] }>;

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
  return { clientId, user: user === '' ? null : user, bounds, expirySeconds, detachedAt, subscriptions };
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

export function counterValue(next: number): Buffer {
  const value = Buffer.allocUnsafe(8);
  writeU64(value, 0, next);
  return value;
}

export const counterFrom = (value: Buffer): number => readU64(value, 0);

const QUEUED_BYTES = 13;

export function queuedValue({ message, isRetained, qos, ids }: Queued): Buffer {
  const value = Buffer.allocUnsafe(QUEUED_BYTES + ids.length * 4);
  writePlace(value, 0, message.place);
  value.writeUInt8((isRetained ? 1 : 0) + (qos === 2 ? 2 : 0), 12);
  ids.forEach((id, n) => value.writeUInt32BE(id, QUEUED_BYTES + n * 4));
  return value;
}

export function queuedFrom(
  value: Buffer,
): Readonly<{ message: Place; isRetained: boolean; qos: QueuedQos; ids: readonly number[] }> {
  const bits = value.readUInt8(12);
  const count = (value.length - QUEUED_BYTES) / 4;
  const ids =
    count === 0 ? NO_IDS : Array.from({ length: count }, (_, n) => value.readUInt32BE(QUEUED_BYTES + n * 4));
  return { message: readPlace(value, 0), isRetained: (bits & 1) !== 0, qos: (bits & 2) !== 0 ? 2 : 1, ids };
}

export const retainedValue = (publisher: string | null): Uint8Array =>
  publisher === null ? EMPTY : Buffer.from(publisher);

export const publisherFrom = (value: Buffer): string | null => (value.length === 0 ? null : value.toString());

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
