/**
 * The epoch table `[(epoch, claimId, firstSeq)]`: which claim wrote which part of a journal. Epochs and first entries rise together.
 * It outlives trimming, so that two journals can be compared though neither holds its beginning any more.
 * Source: PROTOCOL.md §1, §2 Tail; REASONS.md A7, C7.
 */
import { epoch, type Epoch, type EpochStart, type Seq } from '../pair/index.ts';

/** The epoch of entry `at`; 0 before the first one. */
export function epochAt(epochs: readonly EpochStart[], at: Seq): Epoch {
  return epochs.findLast((start) => start.firstSeq <= at)?.epoch ?? epoch(0);
}

/** The table of a journal whose last entry is `last`. */
export const epochsThrough = (epochs: readonly EpochStart[], last: Seq): EpochStart[] =>
  epochs.filter((start) => start.firstSeq <= last);

/** How many epochs, from the first on, both tables have in common. */
export function sharedEpochs(a: readonly EpochStart[], b: readonly EpochStart[]): number {
  let shared = 0;
  while (sameStart(a[shared], b[shared])) shared += 1;
  return shared;
}

/** Where epoch number `index` of the table ends: before the next begins, or with the journal's last entry. */
export function endOf(epochs: readonly EpochStart[], index: number, last: Seq): number {
  const next = epochs[index + 1];
  return next === undefined ? last : next.firstSeq - 1;
}

function sameStart(a: EpochStart | undefined, b: EpochStart | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.epoch === b.epoch &&
    a.claimId === b.claimId &&
    a.firstSeq === b.firstSeq
  );
}
