/**
 * The durable state as keys and values. Every key has a fixed size, whatever clients call their things, and loads before those that
 * refer to it when keys come in their order. Numbers in keys are big-endian for that. Source: PROTOCOL.md §1 (state).
 *
 *     1 message     place                     u8 QoS, address, payload
 *     2 session     place                     clientId, u32 queueMessagesMax, list of (filter, u8 QoS)
 *     3 counter     session's place           u64 the queue's next number
 *     4 queued      session's place, number   message's place (12 bytes), flags (1: retained, 2: QoS 2)
 *     5 retained    message's place           empty
 *     6 will        place                     clientId, will
 *     7 handshakes  session's place           u64 assignedThrough, list of u16 received, list of u64 releasing; where there are none, no key
 */
import { ByteReader, ByteWriter } from '../../base/index.ts';
import { Handshakes } from './handshakes.ts';
import { Message, type Place } from './message.ts';
import type { Queued, QueuedQos } from './queue.ts';
import {
  decodeSubscriptions,
  decodeWill,
  encodeSubscriptions,
  encodeWill,
  list,
  qosFrom,
  type Subscription,
  type Will,
} from './op.ts';

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
} as const;
type Kind = keyof typeof KINDS;

const KEY_BYTES = 13;
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
  const writer = new ByteWriter(32 + message.address.length + message.payload.length);
  return writer.u8(message.qos).text(message.address).bytes(message.payload).taken();
}

export function messageFrom(place: Place, value: Buffer): Message {
  const reader = new ByteReader(value);
  const qos = qosFrom(reader.u8());
  const message = new Message(place, reader.text(), reader.bytes(), qos);
  message.compact();
  message.isStored = true;
  return message;
}

export type StoredSession = Readonly<{
  clientId: string;
  queueMessagesMax: number;
  subscriptions: readonly Subscription[];
}>;

export function sessionValue(session: StoredSession): Buffer {
  const writer = new ByteWriter(64).text(session.clientId).u32(session.queueMessagesMax);
  encodeSubscriptions(writer, session.subscriptions);
  return writer.taken();
}

export function sessionFrom(value: Buffer): StoredSession {
  const reader = new ByteReader(value);
  const clientId = reader.text();
  return { clientId, queueMessagesMax: reader.u32(), subscriptions: decodeSubscriptions(reader) };
}

export function counterValue(next: number): Buffer {
  const value = Buffer.allocUnsafe(8);
  writeU64(value, 0, next);
  return value;
}

export const counterFrom = (value: Buffer): number => readU64(value, 0);

export function queuedValue({ message, isRetained, qos }: Queued): Buffer {
  const value = Buffer.allocUnsafe(13);
  writePlace(value, 0, message.place);
  value.writeUInt8((isRetained ? 1 : 0) + (qos === 2 ? 2 : 0), 12);
  return value;
}

export function queuedFrom(value: Buffer): { message: Place; isRetained: boolean; qos: QueuedQos } {
  const bits = value.readUInt8(12);
  return { message: readPlace(value, 0), isRetained: (bits & 1) !== 0, qos: (bits & 2) !== 0 ? 2 : 1 };
}

export const retainedValue = (): Uint8Array => EMPTY;

export function willValue(clientId: string, will: Will): Buffer {
  const writer = new ByteWriter(64 + will.payload.length).text(clientId);
  encodeWill(writer, will);
  return writer.taken();
}

export function willFrom(value: Buffer): { clientId: string; will: Will } {
  // A copy: what the store hands out need not stay as it is.
  const reader = new ByteReader(Buffer.from(value));
  return { clientId: reader.text(), will: decodeWill(reader) };
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
