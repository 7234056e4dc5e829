/**
 * Keys and values of the state as LMDB takes them. Keys have at most 1978 bytes, where a client id or topic may have 65,535: one that is too long
 * is stored under its beginning and its hash, with the whole key in front of the value. LMDB does not notice when a disk gives other bytes than it
 * was given, and what is queued may be read long after it was written: so every value bears a checksum of itself and its key.
 *
 *     0                    the meta entry: appliedSeq (one byte, below every key)
 *     1 key                a key of up to 1024 bytes; u32 CRC-32 of stored key and rest, then its value as it is
 *     1 key[0..1024] hash  a longer one (SHA-256, so no two meet); u32 CRC-32 of stored key and rest, size, key, value
 *
 * The order of keys is kept, but for long ones that begin alike; `inKeyOrder` mends that.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from '../../base/index.ts';

export type Pair = Readonly<{ key: Buffer; value: Buffer }>;

export const META_KEY = Buffer.from([0]);
/** Below every stored key of the state. */
export const FIRST_KEY = Buffer.from([1]);
const HEAD_BYTES = 1024;
const CRC_BYTES = 4;

export function storedKey(key: Uint8Array): Buffer {
  if (key.length <= HEAD_BYTES) return Buffer.concat([FIRST_KEY, key]);
  const hash = createHash('sha256').update(key).digest();
  return Buffer.concat([FIRST_KEY, key.subarray(0, HEAD_BYTES), hash]);
}

/** As it is put under `stored`, the key's own. */
export function storedValue(key: Uint8Array, value: Uint8Array, stored: Buffer): Buffer {
  const isWhole = key.length <= HEAD_BYTES;
  const writer = new ByteWriter(CRC_BYTES + (isWhole ? 0 : 4 + key.length) + value.length).u32(0);
  if (!isWhole) writer.bytes(key);
  const bytes = writer.raw(value).taken();
  bytes.writeUInt32LE(crc32(bytes.subarray(CRC_BYTES), crc32(stored)), 0);
  return bytes;
}

const isLong = (stored: Buffer): boolean => stored.length > FIRST_KEY.length + HEAD_BYTES;

/** The key and value as they were put. Throws when they are not. */
export function pairOf(stored: Pair): Pair {
  const value = stored.value.subarray(CRC_BYTES);
  if (stored.value.length < CRC_BYTES || crc32(value, crc32(stored.key)) !== stored.value.readUInt32LE(0))
    throw new Error(`what is stored under ${stored.key.toString('hex', 0, 32)} is not what was written`);
  if (!isLong(stored.key)) return { key: stored.key.subarray(FIRST_KEY.length), value };
  const reader = new ByteReader(value);
  const key = reader.bytes();
  return { key, value: value.subarray(reader.at) };
}

/** Stored pairs as they were put, in the order of their keys. */
export function* inKeyOrder(stored: Iterable<Pair>): Generator<Pair> {
  let alike: Pair[] = [];
  let head: Buffer | null = null;
  for (const pair of stored) {
    const its = isLong(pair.key) ? pair.key.subarray(0, FIRST_KEY.length + HEAD_BYTES) : null;
    if (head === null || its === null || !its.equals(head)) {
      yield* sorted(alike);
      alike = [];
      head = its;
    }
    if (its === null) yield pairOf(pair);
    else alike.push(pairOf(pair));
  }
  yield* sorted(alike);
}

const sorted = (pairs: Pair[]): Pair[] => pairs.sort((a, b) => a.key.compare(b.key));
