/**
 * Keys of the state as LMDB takes them: at most 1978 bytes, where a client id or topic may have 65,535. One that is too long is stored
 * under its beginning and its hash, with the whole key in front of the value.
 *
 *     0                    the meta entry: appliedSeq (one byte, below every key)
 *     1 key                a key of up to 1024 bytes; its value as it is
 *     1 key[0..1024] hash  a longer one (SHA-256, so no two meet); its value is size, key, value
 *
 * The order of keys is kept, but for long ones that begin alike; `inKeyOrder` mends that.
 */
import { createHash } from 'node:crypto';
import { ByteReader, ByteWriter } from '../../base/index.ts';

export type Pair = Readonly<{ key: Buffer; value: Buffer }>;

export const META_KEY = Buffer.from([0]);
/** Below every stored key of the state. */
export const FIRST_KEY = Buffer.from([1]);
const HEAD_BYTES = 1024;

export function storedKey(key: Uint8Array): Buffer {
  if (key.length <= HEAD_BYTES) return Buffer.concat([FIRST_KEY, key]);
  const hash = createHash('sha256').update(key).digest();
  return Buffer.concat([FIRST_KEY, key.subarray(0, HEAD_BYTES), hash]);
}

export function storedValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  if (key.length <= HEAD_BYTES) return value;
  return new ByteWriter(4 + key.length + value.length).bytes(key).raw(value).taken();
}

const isLong = (stored: Buffer): boolean => stored.length > FIRST_KEY.length + HEAD_BYTES;

/** The key and value as they were put. */
export function pairOf(stored: Pair): Pair {
  if (!isLong(stored.key)) return { key: stored.key.subarray(FIRST_KEY.length), value: stored.value };
  const reader = new ByteReader(stored.value);
  const key = reader.bytes();
  return { key, value: stored.value.subarray(reader.at) };
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
