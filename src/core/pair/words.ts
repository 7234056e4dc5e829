/** The words of PROTOCOL.md §1 as types: stores, stamps, the record. Values only; nothing here decides. */
import { assert, type Branded } from '../../base/index.ts';

export type ServerName = 'primary' | 'secondary';
export const otherServer = (name: ServerName): ServerName => (name === 'primary' ? 'secondary' : 'primary');

export type StoreId = Branded<string, 'StoreId'>;
export type PairId = Branded<string, 'PairId'>;
export type LockId = Branded<string, 'LockId'>;
export type ClaimId = Branded<string, 'ClaimId'>;
/** One run of a server process: drawn when it starts. Source: PROTOCOL.md §2 Resume. */
export type Incarnation = Branded<string, 'Incarnation'>;

/** The number of a claim. 0: before the first claim ever. */
export type Epoch = Branded<number, 'Epoch'>;
/** The place of an entry in the journal, dense from 1. 0: before the first entry. */
export type Seq = Branded<number, 'Seq'>;
/** The number of a record write: odd for the primary's, even for the secondary's. 0: no record yet. */
export type Version = Branded<number, 'Version'>;
/** One successful `flock`. A record may be written only under the hold under which it was read. */
export type Hold = Branded<number, 'Hold'>;

const whole = (value: number): number => {
  assert(Number.isSafeInteger(value) && value >= 0, `not a whole number: ${value}`);
  return value;
};
export const epoch = (value: number): Epoch => whole(value) as Epoch;
export const seq = (value: number): Seq => whole(value) as Seq;
export const version = (value: number): Version => whole(value) as Version;
export const hold = (value: number): Hold => whole(value) as Hold;
export const storeId = (value: string): StoreId => value as StoreId;
export const pairId = (value: string): PairId => value as PairId;
export const lockId = (value: string): LockId => value as LockId;
export const claimId = (value: string): ClaimId => value as ClaimId;
export const incarnation = (value: string): Incarnation => value as Incarnation;

/** `(epoch, seq)` of a journal's last entry. What operators know as the repository timestamp. */
export type Stamp = Readonly<{ epoch: Epoch; seq: Seq }>;
export const noStamp: Stamp = { epoch: epoch(0), seq: seq(0) };
export const isNewer = (a: Stamp, b: Stamp): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);
export const stampText = (stamp: Stamp): string => `${stamp.epoch}/${stamp.seq}`;

/** The stores that must hold an entry before it is committed; a server without a store there is not in sync. */
export type InSync = Readonly<Partial<Record<ServerName, StoreId>>>;

/** Who forced a claim, when (for people) and why. It stays in the record for good. Source: PROTOCOL.md §2 Force. */
export type Forced = Readonly<{ by: string; why: string; at: string; epoch: Epoch }>;

/** R. Source: PROTOCOL.md §1. */
export type ArbitrationRecord = Readonly<{
  pairId: PairId;
  lockId: LockId;
  version: Version;
  epoch: Epoch;
  claimId: ClaimId;
  holder: ServerName;
  inSync: InSync;
  /** By storeId, the stamp below which that store must not claim. */
  floor: Readonly<Record<string, Stamp>>;
  forced: readonly Forced[];
}>;

/** A record before its write has given it a version. */
export type RecordDraft = Omit<ArbitrationRecord, 'version'>;

/** What the probe keeps in `lock.lck`: the holder, its committed stamp, and the time for people. */
export type Mark = Readonly<{ holder: ServerName; stamp: Stamp; at: string }>;

/** Both blocks, read afresh. Source: PROTOCOL.md §1, `readShare` in record.ts. */
export type ShareReading = Readonly<
  | {
      kind: 'record';
      record: ArbitrationRecord;
      /** Both copies of its block carry it; only then may it be kept as `recordSeen`. Source: REASONS.md W4. */
      isSettled: boolean;
      mark: Mark | null;
    }
  | { kind: 'none'; mark: Mark | null }
  | { kind: 'damaged'; blocks: readonly ServerName[]; mark: Mark | null }
>;

/** One line of the epoch table: where an epoch begins in the journal. */
export type EpochStart = Readonly<{ epoch: Epoch; claimId: ClaimId; firstSeq: Seq }>;

/** What a server's own store says of itself, as the rules ask for it. Source: PROTOCOL.md §1. */
export type StoreView = Readonly<{
  storeId: StoreId;
  /** Null: virgin, never claimed nor joined. */
  pairId: PairId | null;
  /** False while a full synchronisation is being installed. */
  isComplete: boolean;
  recordSeen: ArbitrationRecord | null;
  /** The last journal entry. */
  stamp: Stamp;
  /** Newest epoch last; outlives compaction. */
  epochs: readonly EpochStart[];
}>;

export type StateName =
  'STOPPED' | 'WAITING' | 'ACTIVE_SYNC' | 'PASSIVE_SYNC' | 'ACTIVE' | 'PASSIVE' | 'STANDALONE';

export const serves = (state: StateName): boolean =>
  state === 'ACTIVE' || state === 'ACTIVE_SYNC' || state === 'STANDALONE';

/** A replication session. Frames of any other are dropped. Source: PROTOCOL.md §2 Fence. */
export type SessionId = Readonly<{ epoch: Epoch; claimId: ClaimId; number: number }>;
export const sameSession = (a: SessionId | null, b: SessionId | null): boolean =>
  a !== null && b !== null && a.epoch === b.epoch && a.claimId === b.claimId && a.number === b.number;
