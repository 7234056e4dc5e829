/**
 * What the two servers say to each other on the backchannel. Values only; `io/channel` carries them, the runtime says them.
 * Source: PROTOCOL.md §2 (Turn, Grow, Fence, Tail), §3 (broadcasts), §4, §5.
 */
import type {
  ArbitrationRecord,
  ClaimId,
  Epoch,
  EpochStart,
  Incarnation,
  LockId,
  PairId,
  ServerName,
  SessionId,
  Stamp,
  StateName,
  StoreId,
  StoreView,
  Version,
} from './words.ts';

/** A change of state as it is broadcast and shown: present, the one before, and why. */
export type StateReport = Readonly<{
  previous: StateName;
  present: StateName;
  /** The claim that it serves; null when it serves none. */
  serving: SessionId | null;
  stamp: Stamp;
  lockHeld: boolean;
  why: string;
}>;

/** What can be told of one's own sight of the share. */
export type ShareSight = Readonly<
  | { kind: 'record'; lockId: LockId; version: Version; record: ArbitrationRecord; isSettled: boolean }
  | { kind: 'none' }
  | { kind: 'damaged' }
  | { kind: 'unreachable' }
>;

/** The first frame of a connection, from both. */
export type Hello = Readonly<{
  protocol: 1;
  server: ServerName;
  incarnation: Incarnation;
  store: StoreView;
  share: ShareSight;
  /** The last role before WAITING was PASSIVE. For Turn. */
  wasPassive: boolean;
  /** The claim whose PASSIVE it is and has been all the while, with no claim of its own begun; else null. For Resume. */
  following: Readonly<{ epoch: Epoch; claimId: ClaimId }> | null;
  report: StateReport;
}>;

export type Frame = Readonly<
  | { type: 'hello'; hello: Hello }
  /** `echo` is the number of the last beat received. */
  | { type: 'beat'; number: number; echo: number }
  | { type: 'state'; report: StateReport }
  /** It is my turn and I can't, or haven't in time: yours. */
  | { type: 'cannotClaim'; why: string }
  /** The passive asks the active to hand over. */
  | { type: 'switchoverWanted'; why: string }
  /** The active has drained and let the lock go, and is now what the report says: claim. */
  | { type: 'handover'; report: StateReport }
  /** Serving → joiner: a session begins; say what you have. */
  | { type: 'session'; session: SessionId; pairId: PairId; record: ArbitrationRecord }
  /** Joiner → serving: what my journal holds. */
  | { type: 'join'; session: SessionId; store: StoreView; firstSeq: number; appliedSeq: number }
  /** Serving → joiner: cut all after `common` (whose running checksum is `chain`); entries from `common + 1` follow. */
  | { type: 'delta'; session: SessionId; common: number; chain: number }
  /** Joiner → serving: no delta (why), a full synchronisation please. */
  | { type: 'fullWanted'; session: SessionId; why: string }
  /** Serving → joiner: a snapshot at `origin` follows. `parted`: why the joiner's store is to be kept aside; null where it is only behind. */
  | {
      type: 'full';
      session: SessionId;
      parted: string | null;
      origin: Readonly<{ last: Stamp; chain: number; epochs: readonly EpochStart[] }>;
      bytes: number;
    }
  | { type: 'chunk'; session: SessionId; number: number; body: Uint8Array }
  | { type: 'chunkTaken'; session: SessionId; number: number }
  | { type: 'chunksEnd'; session: SessionId }
  /** Whole journal entries, exactly the bytes that the journal holds. `committed`: the commit index when it was sent. */
  | { type: 'entries'; session: SessionId; committed: number; body: Uint8Array }
  | { type: 'committed'; session: SessionId; committed: number }
  /** Joiner or passive → serving: everything through `seq` is durable here. */
  | { type: 'durable'; session: SessionId; seq: number }
  /** Serving → joiner: what do you see on the share, and who are you now? */
  | { type: 'proofWanted'; session: SessionId }
  | {
      type: 'proof';
      session: SessionId;
      storeId: StoreId;
      isComplete: boolean;
      durable: Stamp;
      share: ShareSight;
    }
  /** Serving → joiner: the record names you; keep it as `recordSeen`, then you are PASSIVE. */
  | { type: 'named'; session: SessionId; record: ArbitrationRecord }
>;
