/**
 * Rule Resume: after a flap of the channel the active takes the same run of its passive back, and no record is written. R names both all the
 * while, so both stay required, and what the passive holds it says anew. Source: PROTOCOL.md §2 Resume; REASONS.md A12, C2, F4, F5.
 */
import type { Hello } from './frames.ts';
import type { PairMemory } from './memory.ts';
import { otherServer, type ClaimId, type Epoch } from './words.ts';

type Claim = Readonly<{ epoch: Epoch; claimId: ClaimId }>;

const sameClaim = (a: Claim | null, b: Claim | null): boolean =>
  a !== null && b !== null && a.epoch === b.epoch && a.claimId === b.claimId;

/**
 * The active's side, while it holds everything back: is this hello of the very run that was its passive, still following this claim, and is
 * no write of this server's own under way or unresolved?
 */
export function mayTakeBack(memory: PairMemory, theirs: Hello): boolean {
  const { me, claim, confirmed, attempted, passiveRun } = memory;
  return (
    theirs.incarnation === passiveRun &&
    sameClaim(theirs.following, claim) &&
    theirs.store.storeId === confirmed?.inSync[otherServer(me)] &&
    attempted.length === 0
  );
}

/** The passive's side, while it has begun no claim: does this hello's server still serve the claim that it follows, and has not gone on alone? */
export const mayReturn = ({ follows }: PairMemory, { report }: Hello): boolean =>
  report.present === 'ACTIVE' && sameClaim(report.serving, follows);

/** A session of the claim that the passive follows, by a record that still names it. */
export const continues = (
  { me, follows }: PairMemory,
  { session, record }: NonNullable<PairMemory['offered']>,
): boolean => sameClaim(session, follows) && record.inSync[me] !== undefined;
