/** A joiner is never to be brought to a point below its state. Source: PROTOCOL.md §2 Tail; REASONS.md A11. */
import type { Invariant } from './invariant.ts';

export const nothingAppliedIsEverCut: Invariant = {
  sentence: 'nothing applied is ever cut',
  broken: ({ ledger }) =>
    ledger.isAppliedCut
      ? 'a joiner was to be cut below what it has applied, or the journals have parted'
      : null,
};
