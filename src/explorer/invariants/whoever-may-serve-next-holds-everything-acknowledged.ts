/**
 * A store that may claim by the record as it stands holds, durably, all that was ever acknowledged. Asked at every moment, so also of a
 * record half written, or written by one who was told that it failed. Source: PROTOCOL.md, in one breath; §2 Claim, Grow, Shrink.
 */
import { mayClaim } from '../../core/pair/index.ts';
import { firstOf, viewOf } from '../world/journal.ts';
import { readBoth } from '../world/share.ts';
import type { Invariant } from './invariant.ts';

export const whoeverMayServeNextHoldsEverythingAcknowledged: Invariant = {
  sentence: 'whoever may serve next holds everything acknowledged',
  broken: ({ me, own: { store }, share, ledger }) => {
    const reading = readBoth(share);
    if (reading.kind !== 'record' || mayClaim(me, viewOf(store), reading.record, null) !== null) return null;
    const held = firstOf(store.journal, store.durable);
    return held.startsWith(ledger.committed)
      ? null
      : `the ${me} may claim by record ${reading.record.version}; it holds [${held.trim()}], acknowledged is [${ledger.committed.trim()}]`;
  },
};
