/** Small things that operations and stored values write alike. */
import type { ByteReader, ByteWriter } from '../../base/index.ts';
import type { Content, Place, Qos } from './message.ts';
import { NO_PROPERTIES } from './message.ts';

export const qosFrom = (byte: number): Qos => (byte === 2 ? 2 : byte === 1 ? 1 : 0);

/** A list as it is written: its number of items, then the items. */
export function list<T>(reader: ByteReader, item: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.u32(); left > 0; left -= 1) items.push(item());
  return items;
}

export function writeList<T>(writer: ByteWriter, items: readonly T[], write: (item: T) => void): void {
  writer.u32(items.length);
  for (const item of items) write(item);
}

const [QOS, RETAINED, PROPERTIES, EXPIRES] = [3, 4, 8, 16] as const;

/** Flags (1 and 2: QoS, 4: retained, 8: has properties, 16: expires), address, payload, properties if any, u64 expiresAt if any. */
export function encodeContent(writer: ByteWriter, content: Content): void {
  const { address, payload, qos, isRetained, properties, expiresAt } = content;
  const has = (properties.length > 0 ? PROPERTIES : 0) + (expiresAt === null ? 0 : EXPIRES);
  writer
    .u8(qos + (isRetained ? RETAINED : 0) + has)
    .text(address)
    .bytes(payload);
  if (properties.length > 0) writer.bytes(properties);
  if (expiresAt !== null) writer.u64(expiresAt);
}

/** Payload and properties are views. */
export function decodeContent(reader: ByteReader): Content {
  const bits = reader.u8();
  const address = reader.text();
  const payload = reader.bytes();
  const properties = (bits & PROPERTIES) === 0 ? NO_PROPERTIES : reader.bytes();
  const expiresAt = (bits & EXPIRES) === 0 ? null : reader.u64();
  const isRetained = (bits & RETAINED) !== 0;
  return { address, payload, qos: qosFrom(bits & QOS), isRetained, properties, expiresAt };
}

/** u64 seq, u32 index. */
export const encodePlace = (writer: ByteWriter, { seq, index }: Place): void =>
  void writer.u64(seq).u32(index);

export function decodePlace(reader: ByteReader): Place {
  const seq = reader.u64();
  return { seq, index: reader.u32() };
}
