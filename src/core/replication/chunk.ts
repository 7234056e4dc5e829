/**
 * A chunk of a snapshot as bytes: keys and values one behind the other, each with its size in front. It travels as it is, and both
 * stores read it. Source: PROTOCOL.md §5 (full synchronisation).
 */
import { ByteReader, type ByteWriter } from '../../base/index.ts';

export function putPair(chunk: ByteWriter, key: Uint8Array, value: Uint8Array): void {
  chunk.bytes(key).bytes(value);
}

/** The pairs of a chunk, as views into it. Throws `BytesEnded` where it is cut short. */
export function* pairsIn(chunk: Uint8Array): Generator<{ key: Buffer; value: Buffer }> {
  const reader = new ByteReader(chunk);
  while (reader.left > 0) yield { key: reader.bytes(), value: reader.bytes() };
}
