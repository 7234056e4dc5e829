/**
 * A checker that can't fail shows nothing: each fault of our own making is caught at the seed that stands here, by the checker that stands here, and
 * the same run without it keeps every promise. Another mix of faults needs other seeds: `lockstep simulate --seconds 40 --plant <name>` finds them.
 * Source: PROTOCOL.md §1, §2; REASONS.md.
 */
import { expect, test } from 'vitest';
import { controlRun, plantedRun } from '../../src/simulator/runs/hunt.ts';
import { PLANT_NAMES, PLANTED, type PlantName } from '../../src/simulator/planted/index.ts';

const safetyMs = 40_000;

const HOLDS_ALL = 'every store that the record names holds all that were committed';
const ONE_ENTRY = 'one entry for one place, and whoever serves holds all that were committed';
const ONLY_COMMITTED = 'a state holds only what is committed';
const HEALS = 'the pair heals';
const EXACTLY_ONCE = 'a message with QoS 2 comes exactly once';
const NO_PARTING = 'no store parts from the pair';
const EQUAL = 'both stores are equal in the end';
/** A state loaded anew lacks what it refers to, and says so. */
const NO_PART_FAILS = 'no part fails';

const CAUGHT: Readonly<Record<PlantName, Readonly<{ seed: number; by: string }>>> = {
  appendBeforeSync: { seed: 1, by: HOLDS_ALL },
  acknowledgedOnReceipt: { seed: 1, by: HOLDS_ALL },
  acknowledgementForAll: { seed: 1, by: HOLDS_ALL },
  requiredAsLastWritten: { seed: 1, by: HOLDS_ALL },
  aloneBeforeShrink: { seed: 1, by: HOLDS_ALL },
  inSyncNotLookedAt: { seed: 13, by: HOLDS_ALL },
  wipedStoreMayClaim: { seed: 1, by: ONE_ENTRY },
  recordReadBeforeLock: { seed: 144, by: HOLDS_ALL },
  unresolvedTakenForWritten: { seed: 9, by: HOLDS_ALL },
  noSecondLook: { seed: 53, by: HOLDS_ALL },
  tornCopyReadAsGood: { seed: 5, by: HEALS },
  noFence: { seed: 30, by: ONE_ENTRY },
  grownBeforeLevel: { seed: 28, by: HOLDS_ALL },
  levelByCommitIndex: { seed: 28, by: HOLDS_ALL },
  tailKept: { seed: 9, by: HEALS },
  appliedBeforeCommitted: { seed: 3, by: ONLY_COMMITTED },
  halfInstallForgotten: { seed: 16, by: EQUAL },
  replaySkipsLastEntry: { seed: 3, by: NO_PARTING },
  checkpointForgets: { seed: 1, by: NO_PART_FAILS },
  checkpointToldTooSoon: { seed: 8, by: HEALS },
  qos2DuplicateLetThrough: { seed: 8, by: EXACTLY_ONCE },
};

for (const name of PLANT_NAMES) {
  const { seed, by } = CAUGHT[name];
  test(`${name}: ${PLANTED[name].wrong}`, async () => {
    const [planted, control] = [
      await plantedRun(name, seed, safetyMs),
      await controlRun(name, seed, safetyMs),
    ];
    expect({ planted: planted.broken?.promise, control: control.broken }).toEqual({
      planted: by,
      control: null,
    });
  });
}
