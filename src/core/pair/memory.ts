/** What the machine remembers between two facts. Plain values: a state of the pair can be hashed, printed and compared. */
import { meetServing } from './fence.ts';
import type { JoinedStamps } from './facts.ts';
import type { ForceWord } from './force.ts';
import type { Hello, StateReport } from './frames.ts';
import type { FreshIds } from './claim.ts';
import type { PairOptions } from './options.ts';
import {
  epoch,
  type ArbitrationRecord,
  type ClaimId,
  type Epoch,
  type Hold,
  type InSync,
  type Incarnation,
  type ServerName,
  type SessionId,
  type StateName,
  type StoreId,
} from './words.ts';

/** Both servers' hellos on the present connection. */
export type Met = Readonly<{ mine: Hello; theirs: Hello }>;

export type PairMemory = Readonly<{
  me: ServerName;
  timing: PairOptions;
  /** The operator said `--new-pair`. */
  mayFoundAlone: boolean;
  /** Null: no channel. */
  met: Met | null;
  /** The last report heard before the channel was lost: did the peer hold the lock? */
  lastReport: StateReport | null;
  /** A session that the serving peer has offered and that is not yet joined. */
  offered: Readonly<{ session: SessionId; record: ArbitrationRecord }> | null;
  hold: Hold | null;
  /** This server's claim, while it serves or is about to. */
  claim: Readonly<{ epoch: Epoch; claimId: ClaimId }> | null;
  /** The last record that this server has *written* in this claim. */
  confirmed: ArbitrationRecord | null;
  /** In-sync sets of the writes attempted since, and of a grow about to be. */
  attempted: readonly InSync[];
  /** Drawn for the claim under way. */
  ids: FreshIds | null;
  /** The record being saved as `recordSeen`. */
  saving: ArbitrationRecord | null;
  /** The store that the joiner proved, and once it is level, what both had durable then. */
  joiner: Readonly<{ storeId: StoreId; stamps: JoinedStamps | null }> | null;
  /** The run of the peer that is this claim's passive; null until there is one. For Resume. */
  passiveRun: Incarnation | null;
  /** The claim whose passive this server is, until it begins one of its own. For Resume. */
  follows: Readonly<{ epoch: Epoch; claimId: ClaimId }> | null;
  /** The present session has been joined: the peer was PASSIVE_SYNC or PASSIVE in it. */
  isJoined: boolean;
  sessionNumber: number;
  /** Highest epoch read in a record, held in a journal or served by a peer. */
  seen: Epoch;
  wasPassive: boolean;
  /** Nothing has been tried since the start: `startupWait` applies. */
  isFresh: boolean;
  /** It has just failed to join: a while passes before it tries again. */
  backsOff: boolean;
  /** This server hands over: after WAITING it is the other's turn first. */
  handsOver: boolean;
  /** Whose turn: index into the turn order. */
  round: number;
  /** This server's own try in this round of turns has failed. */
  hasTried: boolean;
  force: ForceWord | null;
  /** Why the last change of state, or why nothing changes. Shown to operators. */
  why: string;
}>;

export type PairInput = Readonly<{ me: ServerName; timing: PairOptions; mayFoundAlone: boolean }>;

export const blankMemory = ({ me, timing, mayFoundAlone }: PairInput): PairMemory => ({
  me,
  timing,
  mayFoundAlone,
  met: null,
  lastReport: null,
  offered: null,
  hold: null,
  claim: null,
  confirmed: null,
  attempted: [],
  ids: null,
  saving: null,
  joiner: null,
  passiveRun: null,
  follows: null,
  isJoined: false,
  sessionNumber: 0,
  seen: epoch(0),
  wasPassive: false,
  isFresh: true,
  backsOff: false,
  handsOver: false,
  round: 0,
  hasTried: false,
  force: null,
  why: '',
});

/** The claim as a session; number 0 names the claim itself. */
export const ownSession = (memory: PairMemory): SessionId | null =>
  memory.claim === null ? null : { ...memory.claim, number: memory.sessionNumber };

export const peerState = (memory: PairMemory): StateName | 'DEAD' =>
  memory.met?.theirs.report.present ?? 'DEAD';

export const peerReport = (memory: PairMemory): StateReport | null => memory.met?.theirs.report ?? null;

/** How this server stands to a peer that serves too, while it serves; null when the peer does not serve. */
export function encounter(memory: PairMemory): 'goOn' | 'stop' | 'bothStop' | null {
  const mine = ownSession(memory);
  const theirs = peerReport(memory)?.serving ?? null;
  return mine === null || theirs === null ? null : meetServing(mine, theirs);
}
