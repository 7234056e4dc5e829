/**
 * The lock file on the share and the record beside it. The real one is a child process, so that a share that hangs does not
 * hang the broker. Source: PROTOCOL.md §2 Write and Keeper.
 */
import type {
  ArbitrationRecord,
  Hold,
  RecordDraft,
  ServerName,
  ShareReading,
  Stamp,
  Version,
} from '../core/pair/index.ts';

export type ReadOutcome = Readonly<
  { kind: 'read'; reading: ShareReading } | { kind: 'unreachable'; why: string }
>;

export type LockOutcome = Readonly<
  /** `reading` was read after the lock was taken, under this hold. */
  | { kind: 'held'; hold: Hold; reading: ShareReading }
  /** Somebody else has it. `holder` is what the mark says, so it may be out of date. */
  | { kind: 'refused'; holder: ServerName | 'unknown' }
  /** The share, the lock file or the keeper; the lock is not held. */
  | { kind: 'unreachable'; why: string }
>;

export type WriteOutcome = Readonly<
  | { kind: 'written'; record: ArbitrationRecord }
  /** Nothing of `draft` was or will be written. `reading` is what stands there now. */
  | { kind: 'movedOn'; reading: ShareReading }
  /** It may have happened, may yet happen, or never. The lock is lost. */
  | { kind: 'unresolved'; why: string }
>;

export type WriteRequest = Readonly<{
  hold: Hold;
  /** The version that this write replaces; 0 where there is no record. */
  replaces: Version;
  draft: RecordDraft;
  /** The new version is above this too: `recordSeen` after a lost record, 1000 more under Force. */
  above: Version;
  /** Force only: damaged blocks are moved aside first. */
  repairs: boolean;
}>;

export type ArbiterEvents = Readonly<{
  /** The lock was held and is not any more, or can't be vouched for. Called once a hold. */
  lockLost: (why: string) => void;
}>;

/** Every call settles within `keeperTimeout`, whatever the share does. They are done one at a time, in the order in which they are asked. */
export interface Arbiter {
  /** Reads both blocks and the mark afresh; takes no lock. */
  read(): Promise<ReadOutcome>;
  /**
   * Takes the lock, then reads. Tries once, and again until `patienceMs` have passed where somebody else has it. Safe to repeat:
   * when it is held already, the answer is that hold with a fresh reading.
   */
  lock(patienceMs: number): Promise<LockOutcome>;
  /** Rule Write. Durable on the share when it says `written`. */
  write(request: WriteRequest): Promise<WriteOutcome>;
  /** Gives the lock back; harmless when it isn't held. `lockLost` is not called for it. */
  release(): Promise<void>;
  /** The committed stamp that the next probe writes as the mark. */
  committed(stamp: Stamp): void;
  /** The keeper lets the lock go and ends. Nothing may be called after. */
  close(): Promise<void>;
}
