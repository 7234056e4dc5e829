/** Where the state of committed entries is kept between two runs. Source: PROTOCOL.md §1 (state), §5 (snapshot). */
import type { StateReader } from '../core/broker/index.ts';
import type { Seq } from '../core/pair/index.ts';

/** One key of the state and its value; null takes it away. The value may be worked out when it is asked for. */
export type Change = Readonly<{ key: Uint8Array; value: Uint8Array | null }>;

/**
 * What it reads is what the last checkpoint that fulfilled has left; what one under way has changed may be there already or not. Reading throws
 * when it is closed.
 */
export interface StateStore extends StateReader {
  /** The entry up to which the stored state reaches; 0 when new. */
  readonly appliedSeq: Seq;
  /** Bytes of all values that were read since it was opened, other than for snapshots. What was read may take memory until the next checkpoint. */
  readonly readBytes: number;
  /**
   * All changes and the new `appliedSeq` in one transaction. Durable when it fulfils, and then it can be read. Each change's value is asked for
   * once, in order, over as many turns as it takes. One at a time. Rejects when the disk fails.
   */
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
