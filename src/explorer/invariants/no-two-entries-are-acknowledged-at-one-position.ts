/** What was acknowledged as entry n is entry n for ever. Source: PROTOCOL.md §1 (journal), §2 Ack; REASONS.md A7. */
import type { Invariant } from './invariant.ts';

export const noTwoEntriesAreAcknowledgedAtOnePosition: Invariant = {
  sentence: 'no two different entries are acknowledged at one position',
  broken: ({ ledger }) =>
    ledger.isContradicted
      ? `an entry was called committed where [${ledger.committed.trim()}] has another`
      : null,
};
