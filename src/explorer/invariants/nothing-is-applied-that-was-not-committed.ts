/** The state is what committed entries add up to, on both servers. Source: PROTOCOL.md §1 (state: uncommitted entries never touch it). */
import { firstOf } from '../world/journal.ts';
import type { Invariant } from './invariant.ts';

export const nothingIsAppliedThatWasNotCommitted: Invariant = {
  sentence: 'nothing is applied that was not committed',
  broken: ({ me, own: { store }, ledger }) => {
    const applied = firstOf(store.journal, store.applied);
    return ledger.committed.startsWith(applied)
      ? null
      : `the ${me} has applied [${applied.trim()}], committed is [${ledger.committed.trim()}]`;
  },
};
