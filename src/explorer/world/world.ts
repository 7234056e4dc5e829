/**
 * Everything that two servers, the channel and the share are at one moment, as plain values: a few parts, each small enough to be one of
 * not too many. No clock: whatever may happen may happen next, and a server that is frozen is one whose moves are not made.
 * Source: PROTOCOL.md §1.
 */
import {
  emptyContent,
  noStamp,
  pairId,
  storeId,
  type ArbitrationRecord,
  type BlockContent,
  type ClaimId,
  type Epoch,
  type Hello,
  type Hold,
  type InSync,
  type PairId,
  type ServerName,
  type SessionId,
  type ShareSight,
  type StateReport,
  type StoreId,
  type StoreView,
  type WritePurpose,
  type WriteStep,
} from '../../core/pair/index.ts';
import type { MachineNumber } from './machines.ts';
import type { Bounds } from '../setting.ts';

export const SERVERS: readonly ServerName[] = ['primary', 'secondary'];

/** One copy of a block; `torn`: bytes without a checksum that fits, null: never written. */
export type Copy = BlockContent | 'torn' | null;
export type Block = readonly [Copy, Copy];
/** A copy that was reported failed and may land for as long as the file it was meant for is still the block. */
export type LatePut = Readonly<{ copy: 1 | 2; content: BlockContent }>;

export type Share = Readonly<{
  primary: Block;
  secondary: Block;
  late: Readonly<Record<ServerName, LatePut | null>>;
  /** The block file is still that of a keeper that is gone; the next one begins with a file of its own (Keeper). */
  isFormer: Readonly<Record<ServerName, boolean>>;
  /** Who has the lock by the file server's word; two only where locks lie. */
  holders: readonly ServerName[];
}>;

export type Frame = Readonly<
  | { type: 'hello'; hello: Hello }
  | { type: 'state'; report: StateReport }
  | { type: 'cannotClaim' }
  | { type: 'handover'; report: StateReport }
  | { type: 'switchoverWanted' }
  | { type: 'session'; session: SessionId; record: ArbitrationRecord }
  | { type: 'join'; session: SessionId; store: StoreView; applied: number }
  /** `shared`, `before`: a journal up to a point; stands for the number and the running checksum there. */
  | { type: 'delta'; session: SessionId; shared: string }
  | { type: 'entries'; session: SessionId; before: string; entries: string; committed: number }
  | { type: 'committed'; session: SessionId; committed: number }
  | { type: 'durable'; session: SessionId; seq: number }
  | { type: 'proofWanted'; session: SessionId }
  | { type: 'proof'; session: SessionId; store: StoreView; share: ShareSight }
  | { type: 'named'; session: SessionId; record: ArbitrationRecord }
>;

/** Frames by number, oldest first, under the server that they go to. `isWhole` false: cut, though an end may not know it yet. */
export type Channel = Readonly<{
  isWhole: boolean;
  to: Readonly<Record<ServerName, readonly number[]>>;
  /** Frames that outlived their connection, where the clause that none does is left out. */
  late: Readonly<Record<ServerName, readonly number[]>>;
}>;

/** What survives a crash. `journal`: entries as text, see journal.ts. */
export type Store = Readonly<{
  storeId: StoreId;
  pairId: PairId | null;
  recordSeen: ArbitrationRecord | null;
  journal: string;
  /** Entries that are synced. A crash may keep more of the journal, never less. */
  durable: number;
  /** Entries that the state is made of. The state as checkpointed may be older; nothing asks for that. */
  applied: number;
}>;

/** `isLast` false: the same was asked again, and what comes of this one is not told. */
export type Call = Readonly<
  | { type: 'read'; wants: 'hello' | 'look' | 'proof' }
  /** `seen`: both blocks as they were when it was asked for; null where the clause holds and they are read under the lock. */
  | { type: 'lock'; isLast: boolean; seen: Pick<Share, ServerName> | null }
  | {
      type: 'write';
      isLast: boolean;
      purpose: WritePurpose;
      step: WriteStep;
      /** The copy at hand is half written: whoever reads it now reads it torn. */
      isHalfPut: boolean;
      /** The peer's block at the first look, for a write that leaves a later look out. */
      peerSeen: Block | null;
    }
  | { type: 'release' }
>;

/** The keeper with the broker's port to it: one call after the other. */
export type Keeper = Readonly<{
  /** What the keeper believes; the file server may have taken the lock away. */
  hold: Hold | null;
  /** The broker has been told that the lock is held, and not yet that it is lost. */
  isTold: boolean;
  calls: readonly Call[];
  /** Both blocks as they were before the lock was taken, where the clause that they are read under it is left out. */
  seen: Pick<Share, ServerName> | null;
}>;

/** One end of the channel. */
export type Link = Readonly<{
  isUp: boolean;
  /** A look at the share is under way, for a hello; `outdated`: for one on a connection that is over. One at a time. */
  greeting: 'none' | 'asked' | 'outdated';
  mine: Hello | null;
  theirs: Hello | null;
}>;
export const linkDown: Link = { isUp: false, greeting: 'none', mine: null, theirs: null };

/** What the driver has begun and not yet ended. */
export type Desk = Readonly<{
  isRunning: boolean;
  /** Runs are told apart from the one before only. */
  run: 0 | 1;
  asksGateway: boolean;
  rests: boolean;
  drains: boolean;
  saves: readonly ArbitrationRecord[];
  opens: Readonly<{ epoch: Epoch; claimId: ClaimId; inSync: InSync }> | null;
}>;
export const deskEmpty: Desk = {
  isRunning: false,
  run: 0,
  asksGateway: false,
  rests: false,
  drains: false,
  saves: [],
  opens: null,
};

/** The serving side of the journal. Source: `runtime/replication/commit-pipeline.ts`. */
export type Pipeline = Readonly<{
  claim: Readonly<{ epoch: Epoch; claimId: ClaimId }>;
  required: readonly StoreId[];
  /** What the joiner said on the present session that it holds. */
  peer: Readonly<{ storeId: StoreId; seq: number }> | null;
  isDraining: boolean;
}>;

export type Sender = Readonly<{
  session: SessionId;
  phase: 'offered' | 'streaming' | 'failed';
  sent: number;
  durable: number;
  committedSent: number;
  /** Told of once the joiner holds it. */
  level: number | null;
  isNear: boolean;
  /** The peer's store where the record names it already. */
  required: StoreId | null;
  proved: StoreId | null;
}>;

export type JoinerWork = Readonly<
  | { type: 'join' }
  | { type: 'delta'; shared: string }
  | { type: 'append' }
  | { type: 'prove'; isReading: boolean }
  | { type: 'named'; record: ArbitrationRecord }
>;

export type Joiner = Readonly<{
  session: SessionId;
  record: ArbitrationRecord;
  work: readonly JoinerWork[];
  received: readonly Readonly<{ before: string; entries: string }>[];
  committed: number;
  /** Its journal is a part of the serving one; before, its end may be a tail. */
  isAligned: boolean;
}>;

export type Replication = Readonly<{
  pipeline: Pipeline | null;
  sender: Sender | null;
  joiner: Joiner | null;
}>;
export const replicationIdle: Replication = { pipeline: null, sender: null, joiner: null };

export type Server = Readonly<{
  machine: MachineNumber;
  store: Store;
  keeper: Keeper;
  link: Link;
  desk: Desk;
  replication: Replication;
}>;

/** What nobody in the pair knows: what has been acknowledged, what has gone wrong, what has happened. */
export type Ledger = Readonly<{
  /** Everything that a serving server ever called committed, as a journal. */
  committed: string;
  /** Two servers called different entries committed at one place. */
  isContradicted: boolean;
  /** A joiner was to be brought to a point below what it has applied. */
  isAppliedCut: boolean;
  happened: Bounds;
  /** For claimIds: how many claims of each server have reached the share. */
  claimsOf: Readonly<Record<ServerName, number>>;
}>;

export type World = Readonly<Record<ServerName, Server>> &
  Readonly<{ share: Share; channel: Channel; ledger: Ledger }>;

export const initialOf = (server: ServerName): string => (server === 'primary' ? 'p' : 's');

/** A virgin store; `generation` counts its directory's replacements. */
export const newStore = (server: ServerName, generation: number): Store => ({
  storeId: storeId(`${initialOf(server)}-store${generation === 0 ? '' : generation + 1}`),
  pairId: null,
  recordSeen: null,
  journal: '',
  durable: 0,
  applied: 0,
});

export const newKeeper: Keeper = { hold: null, isTold: false, calls: [], seen: null };

/** Two servers that were never started, on a share where nothing was ever written. */
export function newWorld(machine: (server: ServerName) => MachineNumber, none: Bounds): World {
  const server = (name: ServerName): Server => ({
    machine: machine(name),
    store: newStore(name, 0),
    keeper: newKeeper,
    link: linkDown,
    desk: deskEmpty,
    replication: replicationIdle,
  });
  const block: Block = [emptyContent, emptyContent];
  const nothing = { primary: [], secondary: [] };
  return {
    primary: server('primary'),
    secondary: server('secondary'),
    share: {
      primary: block,
      secondary: block,
      late: { primary: null, secondary: null },
      isFormer: { primary: false, secondary: false },
      holders: [],
    },
    channel: { isWhole: false, to: nothing, late: nothing },
    ledger: {
      committed: '',
      isContradicted: false,
      isAppliedCut: false,
      happened: none,
      claimsOf: { primary: 0, secondary: 0 },
    },
  };
}

/** What is said of a state; details that decide nothing are left out. */
export const reportOf = (
  present: StateReport['present'],
  serving: SessionId | null,
  lockHeld: boolean,
  stamp: StateReport['stamp'],
): StateReport => ({
  previous: present,
  present,
  serving,
  stamp: present === 'WAITING' ? stamp : noStamp,
  lockHeld,
  why: '',
});

/** The pair that a claim founds bears a name of its own. */
export const pairNamed = (claim: string): PairId => pairId(`pair of ${claim}`);
