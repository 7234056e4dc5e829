/** Where the state of committed entries is kept between two runs. Source: PROTOCOL.md §1 (state), §5 (snapshot). */
import type { Seq } from '../core/pair/index.ts';

/** One key of the state and its value; null takes it away. */
export type Change = Readonly<{ key: Uint8Array; value: Uint8Array | null }>;

export interface StateStore {
  /** The entry up to which the stored state reaches; 0 when new. */
  readonly appliedSeq: Seq;
  /** Every key and value, in key order. */
  entries(): Iterable<{ key: Buffer; value: Buffer }>;
  /** All changes and the new `appliedSeq` in one transaction. Durable when it fulfils. Rejects when the disk fails. */
  checkpoint(changes: Iterable<Change>, appliedSeq: Seq): Promise<void>;
  /**
   * A consistent copy of the state as last checkpointed, in encoded chunks of about `chunkBytes`. Later checkpoints do not
   * change it; `close` lets it go.
   */
  snapshot(chunkBytes: number): Snapshot;
  /** Puts one chunk of a snapshot in. Nothing is durable before `finishInstall`. */
  install(chunk: Uint8Array): Promise<void>;
  /** The snapshot is whole; durable when it fulfils, and `appliedSeq` is the snapshot's. */
  finishInstall(appliedSeq: Seq): Promise<void>;
  close(): Promise<void>;
}

export interface Snapshot {
  readonly appliedSeq: Seq;
  /** For the per cent on the console; an estimate. */
  readonly bytes: number;
  /** The next chunk, or null at the end. */
  next(): Buffer | null;
  close(): void;
}
