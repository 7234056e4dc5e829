/** What must hold in every world, a file for each. */
import { noTwoEntriesAreAcknowledgedAtOnePosition } from './no-two-entries-are-acknowledged-at-one-position.ts';
import { nothingIsAppliedThatWasNotCommitted } from './nothing-is-applied-that-was-not-committed.ts';
import { nothingAppliedIsEverCut } from './nothing-applied-is-ever-cut.ts';
import { whoIsNotInTheRecordNeverCommitsAlone } from './who-is-not-in-the-record-never-commits-alone.ts';
import { whoeverMayServeNextHoldsEverythingAcknowledged } from './whoever-may-serve-next-holds-everything-acknowledged.ts';
import type { Invariant } from './invariant.ts';

export { anActiveAndItsPassiveAreBothInTheRecord } from './an-active-and-its-passive-are-both-in-the-record.ts';
export { commitsAlone } from './commits-alone.ts';
export { noTwoServersCanCommit } from './no-two-servers-can-commit.ts';
export type { Invariant, Judged } from './invariant.ts';

export const invariants: readonly Invariant[] = [
  whoeverMayServeNextHoldsEverythingAcknowledged,
  noTwoEntriesAreAcknowledgedAtOnePosition,
  nothingAppliedIsEverCut,
  nothingIsAppliedThatWasNotCommitted,
  whoIsNotInTheRecordNeverCommitsAlone,
];
