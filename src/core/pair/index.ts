/**
 * The pair: who serves, and what may be acknowledged. PROTOCOL.md beside this file is the law, REASONS.md the runs that break a pair without
 * each clause; each rule of §2 is a file of its name. Facts in, orders out; nothing here touches anything.
 */
export { committedSeq, requiredSet } from './ack.ts';
export { mayClaim, seenDisagrees, type FreshIds } from './claim.ts';
export {
  type JoinedStamps,
  type PairFact,
  type PairOrder,
  type TimerFact,
  type WritePurpose,
} from './facts.ts';
export { seenEpoch } from './fence.ts';
export { mayForce, type ForceWord } from './force.ts';
export { type Frame, type Hello, type ShareSight, type StateReport } from './frames.ts';
export { type JoinerProof } from './grow.ts';
export { type PairMemory } from './memory.ts';
export { grounds, isVirgin } from './none.ts';
export {
  BLOCK_BYTES,
  combineCopies,
  COPY_BYTES,
  damagedBlocks,
  decodeBlock,
  decodeCopy,
  decodeMark,
  emptyContent,
  encodeCopy,
  encodeMark,
  MARK_BYTES,
  readRecord,
  readShare,
  recordFits,
  type BlockContent,
  type BlockReading,
  type CopyReading,
} from './record.ts';
export { checkPairOptions, pairOptions, type PairOptions } from './options.ts';
export {
  firstStep,
  followingOf,
  memoryOf,
  peerStateOf,
  servingOf,
  stateOf,
  stepOf,
  stepPair,
  type PairSnapshot,
  type PairStep,
  type TimerOrder,
} from './step.ts';
export { rowText, transitionTable, type Row } from './table.ts';
export { turnOrder } from './turn.ts';
export {
  claimId,
  epoch,
  hold,
  incarnation,
  isNewer,
  lockId,
  noStamp,
  otherServer,
  pairId,
  sameSession,
  seq,
  serves,
  stampText,
  storeId,
  version,
  type ArbitrationRecord,
  type ClaimId,
  type Epoch,
  type EpochStart,
  type Forced,
  type Hold,
  type InSync,
  type Incarnation,
  type LockId,
  type Mark,
  type PairId,
  type RecordDraft,
  type Seq,
  type ServerName,
  type SessionId,
  type ShareReading,
  type Stamp,
  type StateName,
  type StoreId,
  type StoreView,
  type Version,
} from './words.ts';
export {
  beginWrite,
  nextWrite,
  type WriteInput,
  type WriteOrder,
  type WriteResult,
  type WriteStart,
  type WriteState,
  type WriteStep,
} from './write.ts';
