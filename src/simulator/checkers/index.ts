/** The promises of the pair, each watched by one checker. */
import type { Checker, Sight } from './checker.ts';
import { atMostOnce } from './at-most-once.ts';
import { committedEntries } from './committed-entries.ts';
import { equalStores } from './equal-stores.ts';
import { exactlyOnce } from './exactly-once.ts';
import { namedHoldAll } from './named-hold-all.ts';
import { noDivergence } from './no-divergence.ts';
import { nothingLost } from './nothing-lost.ts';
import { nothingUnexpected } from './nothing-unexpected.ts';
import { oneAcknowledges } from './one-acknowledges.ts';
import { onlyCommittedApplied } from './only-committed-applied.ts';
import { onlyNamedServe } from './only-named-serve.ts';
import { publisherOrder } from './publisher-order.ts';
import { retainedLast } from './retained-last.ts';
import { willsPublished } from './wills-published.ts';

export { type Checker } from './checker.ts';
export { LATE, LATECOMER } from './retained-last.ts';

export const allCheckers = (sight: Sight): readonly Checker[] => [
  nothingLost(sight),
  exactlyOnce(sight),
  nothingUnexpected(),
  publisherOrder(),
  atMostOnce(),
  oneAcknowledges(sight),
  committedEntries(sight),
  namedHoldAll(sight),
  onlyCommittedApplied(),
  onlyNamedServe(sight),
  noDivergence(),
  retainedLast(sight),
  willsPublished(sight),
  equalStores(sight),
];
