/**
 * What the broker reads back of its state: that of the last checkpoint that is durable. It lets go of what stands there and fetches it when
 * it is wanted, so a backlog costs no memory. Source: PROTOCOL.md §1 (state).
 */
export type StoredPair = Readonly<{ key: Buffer; value: Buffer }>;

/** Answers at once. What it gives are copies, or never change. Bounds of ranges have 1024 bytes at most. */
export interface StateReader {
  /** Null: there is no such key. */
  get(key: Uint8Array): Buffer | null;
  /** In key order, from `from` up to and without `to`; null: to the end. To be walked within the turn. */
  range(from: Uint8Array, to: Uint8Array | null): Iterable<StoredPair>;
  /** The highest key from `from` up to and with `through`; null: there is none. */
  last(from: Uint8Array, through: Uint8Array): StoredPair | null;
}

export const EMPTY_STATE: StateReader = { get: () => null, range: () => [], last: () => null };
