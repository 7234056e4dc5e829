/**
 * Rule Fence: which of two servers that both serve goes on, and what counts as a seen epoch.
 * Source: PROTOCOL.md §2 Fence; REASONS.md B7, B8, A12.
 */
import { epoch, type Epoch, type SessionId, type StoreView } from './words.ts';

/** `mine` and `theirs` both serve: does mine stop? On the same number under two claims both stop, and it is an error. */
export function meetServing(mine: SessionId, theirs: SessionId): 'goOn' | 'stop' | 'bothStop' {
  if (mine.epoch > theirs.epoch) return 'goOn';
  if (mine.epoch < theirs.epoch) return 'stop';
  return mine.claimId === theirs.claimId ? 'goOn' : 'bothStop';
}

/** The highest epoch that a store has read in a record or holds in its journal. An epoch merely attempted is in neither. */
export const seenEpoch = (store: StoreView): Epoch =>
  epoch(Math.max(store.stamp.epoch, store.recordSeen?.epoch ?? 0));
