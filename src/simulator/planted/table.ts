/**
 * Every fault of our own making, by name: what is wrong, and in which setting it shows. Switched on by name in the simulator only, to show that the
 * checkers see what they are there for. Source: PROTOCOL.md §1, §2; REASONS.md.
 */
import {
  acknowledgedOnReceipt,
  acknowledgementForAll,
  aloneBeforeShrink,
  appendBeforeSync,
  requiredAsLastWritten,
} from './acknowledging.ts';
import {
  inSyncNotLookedAt,
  noFence,
  noSecondLook,
  recordReadBeforeLock,
  tornCopyReadAsGood,
  unresolvedTakenForWritten,
  wipedStoreMayClaim,
} from './claiming.ts';
import { qos2DuplicateLetThrough } from './exactly-once.ts';
import { appliedBeforeCommitted, grownBeforeLevel, levelByCommitIndex, tailKept } from './joining.ts';
import type { Plant, Setting } from './plant.ts';
import { copiesRot, installInterrupted, locksLie, passiveLosesDisk } from './settings.ts';
import {
  checkpointForgets,
  checkpointToldTooSoon,
  halfInstallForgotten,
  replaySkipsLastEntry,
} from './storing.ts';

export type Planted = Readonly<{
  /** With the rule that it breaks. */
  wrong: string;
  /** Makes a plant of its own for each run, because some remember. */
  plant: () => Plant;
  /** What it needs beside the faults that are drawn; without the plant, a pair survives it. */
  setting?: Setting;
}>;

export const PLANTED = {
  appendBeforeSync: {
    wrong: 'an append counts as durable when it is written, not when its sync has returned (Ack)',
    plant: appendBeforeSync,
  },
  acknowledgedOnReceipt: {
    wrong: 'the passive acknowledges entries as they come, before its own sync (Ack)',
    plant: acknowledgedOnReceipt,
  },
  acknowledgementForAll: {
    wrong: "one acknowledgement of the passive's counts for everything written (Ack)",
    plant: acknowledgementForAll,
  },
  requiredAsLastWritten: {
    wrong: 'the required set is that of the last written record, without what was attempted since (Ack)',
    plant: requiredAsLastWritten,
  },
  aloneBeforeShrink: {
    wrong: 'who has lost its peer acknowledges alone before the shrink is written (Shrink)',
    plant: aloneBeforeShrink,
  },
  inSyncNotLookedAt: {
    wrong: 'a claim does not look at the in-sync set (Claim)',
    plant: inSyncNotLookedAt,
  },
  wipedStoreMayClaim: {
    wrong:
      'a lost store comes back under its former storeId, and neither floor nor mark is looked at (Claim)',
    plant: wipedStoreMayClaim,
    setting: passiveLosesDisk,
  },
  recordReadBeforeLock: {
    wrong: 'the record is read before the lock is taken, and its write looks at no version (Claim, Write)',
    plant: recordReadBeforeLock,
  },
  unresolvedTakenForWritten: {
    wrong: 'a record write without an answer counts as written (Write)',
    plant: unresolvedTakenForWritten,
  },
  noSecondLook: {
    wrong: "a record is written without the second look at the peer's block (Write)",
    plant: noSecondLook,
    setting: locksLie,
  },
  tornCopyReadAsGood: {
    wrong: 'a copy of a block is read without its checksum (§1)',
    plant: tornCopyReadAsGood,
    setting: copiesRot,
  },
  noFence: {
    wrong: 'who serves stops neither for a higher epoch nor for a record that has moved on (Fence, Shrink)',
    plant: noFence,
  },
  grownBeforeLevel: {
    wrong: 'a joiner is named before it has caught up (Grow)',
    plant: grownBeforeLevel,
  },
  levelByCommitIndex: {
    wrong: 'a joiner counts as level by the commit index with which the claim began (Grow)',
    plant: levelByCommitIndex,
  },
  tailKept: {
    wrong: 'a joiner keeps the tail that it should cut (Tail)',
    plant: tailKept,
  },
  appliedBeforeCommitted: {
    wrong: 'a joiner applies what comes before it is committed (§1 state)',
    plant: appliedBeforeCommitted,
  },
  halfInstallForgotten: {
    wrong: 'a restart takes a half-installed store for a whole one (§5)',
    plant: halfInstallForgotten,
    setting: installInterrupted,
  },
  replaySkipsLastEntry: {
    wrong: 'opening a journal leaves out the last entry of its last segment (§1 journal)',
    plant: replaySkipsLastEntry,
  },
  checkpointForgets: {
    wrong: 'a checkpoint leaves out the last change (§1 state)',
    plant: checkpointForgets,
  },
  checkpointToldTooSoon: {
    wrong: 'a checkpoint counts as durable when it is given to the disk (§1 state)',
    plant: checkpointToldTooSoon,
  },
  qos2DuplicateLetThrough: {
    wrong: 'a new active forgets which messages came with QoS 2, and takes a repeat for a new one (§1 state)',
    plant: qos2DuplicateLetThrough,
  },
} as const satisfies Record<string, Planted>;

export type PlantName = keyof typeof PLANTED;

export const PLANT_NAMES = Object.keys(PLANTED) as PlantName[]; // the keys of a constant object
