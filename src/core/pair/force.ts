/**
 * Rule Force: an operator's word in place of the record's. Everything goes far above what was ever seen, and the record keeps who and why.
 * Source: PROTOCOL.md §2 Force; REASONS.md A11, C9.
 */
import { claimDraft, type FreshIds } from './claim.ts';
import {
  epoch,
  version,
  type ArbitrationRecord,
  type Epoch,
  type RecordDraft,
  type ServerName,
  type ShareReading,
  type StoreView,
  type Version,
} from './words.ts';

/** How far above everything seen a forced claim goes, so that nothing overlooked comes near. */
export const FORCE_LEAP = 1000;

export type ForceWord = Readonly<{ by: string; why: string; at: string }>;

/** Null: it may be tried. A serving peer that is connected has the messages; forcing against it would lose them. */
export const mayForce = (store: StoreView, peerServes: boolean): string | null =>
  peerServes
    ? 'the other server is connected and serves'
    : store.isComplete
      ? null
      : 'a full synchronisation into this store has not ended; it holds part of the messages only';

export function forceClaim(
  me: ServerName,
  store: StoreView,
  base: Readonly<{ reading: ShareReading; seen: Epoch; ids: FreshIds; word: ForceWord }>,
): { draft: RecordDraft; replaces: Version; above: Version } {
  const record: ArbitrationRecord | null = base.reading.kind === 'record' ? base.reading.record : null;
  const newest = Math.max(record?.version ?? 0, store.recordSeen?.version ?? 0);
  const draft = claimDraft(me, store, {
    record: record !== null && record.pairId === (store.pairId ?? record.pairId) ? record : store.recordSeen,
    keepsLockId: record !== null,
    seen: base.seen,
    ids: base.ids,
  });
  const raised = epoch(draft.epoch + FORCE_LEAP);
  return {
    draft: { ...draft, epoch: raised, forced: [...draft.forced, { ...base.word, epoch: raised }] },
    replaces: record?.version ?? version(0),
    above: version(newest + FORCE_LEAP),
  };
}
