/**
 * Everything that can happen to a server of the pair (facts, past tense) and everything it can be told to do (orders). Each order that
 * is answered names the facts that answer it. Values only. Source: PROTOCOL.md §2, §3.
 */
import type { FreshIds } from './claim.ts';
import type { ForceWord } from './force.ts';
import type { Hello, StateReport } from './frames.ts';
import type { JoinerProof } from './grow.ts';
import type {
  ArbitrationRecord,
  ClaimId,
  Epoch,
  Hold,
  InSync,
  RecordDraft,
  SessionId,
  ShareReading,
  StoreView,
  Version,
} from './words.ts';

export type PairFact =
  | { type: 'started' }
  // The channel and what the peer says on it. `mine` is what this server last said, `theirs` what it last heard.
  | { type: 'channelUp'; mine: Hello; theirs: Hello }
  | { type: 'hellosRenewed'; mine: Hello; theirs: Hello }
  | { type: 'channelLost'; why: string }
  /** There is no channel, and no process of the peer either. */
  | { type: 'peerRefused' }
  | { type: 'peerReported'; report: StateReport }
  | { type: 'peerCannotClaim'; why: string }
  | { type: 'sessionOffered'; session: SessionId; record: ArbitrationRecord }
  | { type: 'handedOver'; report: StateReport }
  // Answers to askGateway.
  | { type: 'gatewayAnswered' }
  | { type: 'gatewaySilent' }
  // Answers to readShare, takeLock, writeRecord; and the lock's loss, which answers nothing.
  | { type: 'shareRead'; reading: ShareReading; store: StoreView }
  | { type: 'lockTaken'; hold: Hold; reading: ShareReading; store: StoreView }
  | { type: 'lockRefused'; holder: string }
  | { type: 'shareUnreachable'; why: string }
  | { type: 'recordWritten'; record: ArbitrationRecord }
  | { type: 'recordMovedOn'; reading: ShareReading }
  | { type: 'recordUnresolved'; why: string }
  | { type: 'lockLost'; why: string }
  // Answers to restJournal, saveRecordSeen, openEpoch.
  | { type: 'journalRested'; ids: FreshIds }
  | { type: 'recordSaved' }
  | { type: 'epochOpened'; store: StoreView }
  // The session, seen from the serving side.
  | { type: 'joinerNear' }
  | { type: 'joinerProved'; proof: JoinerProof; store: StoreView }
  | { type: 'joinerLevel'; stamps: JoinedStamps }
  | { type: 'sessionFailed'; why: string }
  | { type: 'peerLost'; why: string }
  // The session, seen from the joining side.
  | { type: 'named'; record: ArbitrationRecord }
  | { type: 'joinFailed'; why: string }
  // Operators, and this server's own disk.
  | { type: 'switchoverAsked'; why: string }
  | { type: 'drained' }
  | { type: 'forceAsked'; word: ForceWord }
  | { type: 'stopAsked'; why: string }
  | { type: 'diskFailed'; why: string };

/** What both stores had durable when the joiner drew level. */
export type JoinedStamps = Readonly<{ mine: StoreView['stamp']; theirs: StoreView['stamp'] }>;

/** A timer that the machine started has run out; made by xstate, handed back as it came. */
export type TimerFact = Readonly<{ type: `xstate.after.${string}` }> | Readonly<{ type: 'lockRetryDue' }>;

export type WritePurpose = 'claim' | 'shrink' | 'grow';

export type PairOrder =
  | { type: 'askGateway' }
  | { type: 'readShare' }
  /** Ends sessions, lets the journal writer come to rest, fdatasyncs journal and directory. → journalRested */
  | { type: 'restJournal' }
  /** `isPatient`: the holder is thought to be gone; try for a moment. → lockTaken, lockRefused, shareUnreachable */
  | { type: 'takeLock'; isPatient: boolean }
  | { type: 'releaseLock' }
  | {
      type: 'writeRecord';
      purpose: WritePurpose;
      hold: Hold;
      replaces: Version;
      draft: RecordDraft;
      above: Version;
      repairs: boolean;
    }
  /** fsyncs the record as `recordSeen`. → recordSaved */
  | { type: 'saveRecordSeen'; record: ArbitrationRecord }
  /** Appends and syncs the claim's first entry; the journal counts as committed once it is durable on all of `inSync`. → epochOpened */
  | { type: 'openEpoch'; epoch: Epoch; claimId: ClaimId; inSync: InSync }
  /** Clients may come as soon as all that this claim found in the journal is committed. */
  | { type: 'serve'; epoch: Epoch; claimId: ClaimId }
  | { type: 'stopServing'; why: string }
  /** From now on an entry is committed when it is durable on all these stores. */
  | { type: 'require'; confirmed: InSync; attempted: readonly InSync[] }
  /** Serving side: offer a session and feed the joiner. → joinerNear, joinerLevel, sessionFailed, peerLost */
  | { type: 'beginSession'; session: SessionId; record: ArbitrationRecord }
  | { type: 'endSession'; why: string }
  /** → joinerProved */
  | { type: 'proveJoiner' }
  /** Tell when the joiner has durably stored everything written up to this order. → joinerLevel */
  | { type: 'awaitLevel' }
  | { type: 'tellNamed'; record: ArbitrationRecord }
  /** Joining side: answer the offer. → named, joinFailed */
  | { type: 'join'; session: SessionId; record: ArbitrationRecord }
  | { type: 'leaveSession'; why: string }
  /** Look at the share and say hello again. → hellosRenewed */
  | { type: 'sayHello' }
  | { type: 'tellCannotClaim'; why: string }
  | { type: 'tellHandover' }
  | { type: 'drain' }
  | { type: 'undrain' }
  | { type: 'dropChannel'; why: string }
  | { type: 'warn'; code: string; text: string };
