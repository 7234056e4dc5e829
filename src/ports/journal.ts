/**
 * The append-only journal of one store. Entries are the bytes that `core/replication/entry.ts` defines; what is written here is
 * what travels to the peer. Source: PROTOCOL.md §1, §2 Tail, §5.
 */
import type { EpochStart, Seq, Stamp } from '../core/pair/index.ts';

/** A cut-off tail, kept for operators. */
export type CutTail = Readonly<{ file: string; entries: number; firstSeq: Seq; lastSeq: Seq }>;

/** An append, a sync or a cut failed: the tail is unknown, and nothing is ever tried again. Source: PROTOCOL.md §2 Ack. */
export class JournalFailure extends Error {
  override name = 'JournalFailure';
}

export interface Journal {
  /** Newest first entry still held; `last.seq + 1` when it holds none. */
  readonly firstSeq: Seq;
  /** The last entry written, durable or not. */
  readonly last: Stamp;
  /** The running checksum after the last entry. */
  readonly lastChain: number;
  readonly epochs: readonly EpochStart[];
  /**
   * Appends whole entries (one or several, as sealed or checked, following `last` densely) and syncs. Durable when the promise fulfils.
   * One call at a time: the next after this one has settled. Rejects with `JournalFailure`.
   * `mayBlock`: nobody but the caller needs this thread meanwhile, so that what is short may hold it up instead of waking another one.
   */
  append(entries: Uint8Array, mayBlock?: boolean): Promise<void>;
  /** Raw whole entries from `from` on, at least one, about `bytesMax`; null when `from` is not (or no longer) held. */
  read(from: Seq, bytesMax: number): Promise<Buffer | null>;
  /** The running checksum after entry `at`; null when it is not held. `firstSeq - 1` is known too. */
  chainAt(at: Seq): Promise<number | null>;
  /** Waits for what is under way. Durable when it fulfils: all of `last`, and the files' names. */
  rest(): Promise<void>;
  /** Cuts all after `after` into a file of its own; null when there is nothing to cut. Durable when it fulfils. */
  cut(after: Seq): Promise<CutTail | null>;
  /** Lets go of whole segments whose entries are all at or below `through`, beyond what `journal.retain` keeps. */
  trim(through: Seq): Promise<void>;
  close(): Promise<void>;
}
