/**
 * A store that may claim by the record as it stands holds, durably, all that was ever acknowledged. Asked at every moment, so also of a
 * record half written, or written by one who was told that it failed. Source: PROTOCOL.md, in one breath; §2 Claim, Grow, Shrink.
 */
import { mayClaim } from '../../core/pair/index.ts';
import { firstOf, viewOf } from '../journal.ts';
import { readBoth } from '../share.ts';
import { SERVERS } from '../world.ts';
import type { Invariant } from './invariant.ts';

export const whoeverMayServeNextHoldsEverythingAcknowledged: Invariant = {
  sentence: 'whoever may serve next holds everything acknowledged',
  broken: ({ share, ledger, ...world }) => {
    const reading = readBoth(share);
    if (reading.kind !== 'record') return null;
    for (const me of SERVERS) {
      const { store } = world[me];
      if (mayClaim(me, viewOf(store), reading.record, null) !== null) continue;
      if (!firstOf(store.journal, store.durable).startsWith(ledger.committed))
        return `the ${me} may claim by record ${reading.record.version}; it holds [${firstOf(store.journal, store.durable).trim()}], acknowledged is [${ledger.committed.trim()}]`;
    }
    return null;
  },
};
