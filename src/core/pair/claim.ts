/**
 * Rule Claim: the only way to begin to serve. Whether a store may claim, and the record that its claim writes.
 * Source: PROTOCOL.md §2 Claim; REASONS.md A1, A7, A8, A9, B8.
 */
import {
  epoch,
  isNewer,
  stampText,
  type ArbitrationRecord,
  type ClaimId,
  type Epoch,
  type LockId,
  type Mark,
  type PairId,
  type RecordDraft,
  type ServerName,
  type StoreView,
} from './words.ts';

/** Null: it may. Otherwise the reason, in words that end a sentence "… may not serve: ". */
export type Refusal = string | null;

/** `record`: R, or what stands in for it (rule None); `mark`: what the holder's last probe left, null when there is none. */
export function mayClaim(
  me: ServerName,
  store: StoreView,
  record: ArbitrationRecord,
  mark: Mark | null,
): Refusal {
  if (store.pairId !== null && store.pairId !== record.pairId) return 'the share belongs to another pair';
  if (!store.isComplete) return 'a full synchronisation into this store has not ended';
  if (record.inSync[me] !== store.storeId) return 'the record does not name this store';
  const disagreement = seenDisagrees(store.recordSeen, record);
  if (disagreement !== null) return disagreement;
  const floor = record.floor[store.storeId];
  if (floor !== undefined && isNewer(floor, store.stamp))
    return `the store is behind the record (${stampText(store.stamp)}, the record says ${stampText(floor)})`;
  if (mark !== null && isNewer(mark.stamp, store.stamp))
    return `the store is behind the mark in the lock file (${stampText(store.stamp)}, the mark says ${stampText(mark.stamp)})`;
  const same = store.epochs.find((start) => start.epoch === record.epoch);
  if (same !== undefined && same.claimId !== record.claimId)
    return `the journal has another claim for epoch ${record.epoch} than the record`;
  return null;
}

/** Is the record older than, or not of the line of, the newest one this store has seen? */
export function seenDisagrees(seen: ArbitrationRecord | null, record: ArbitrationRecord): Refusal {
  if (seen === null) return null;
  if (seen.pairId !== record.pairId) return 'the share belongs to another pair';
  if (seen.version > record.version) return 'the record on the share is older than one this server has seen';
  if (seen.lockId !== record.lockId) return 'this is another lock file than the one this server knows';
  if (seen.version === record.version && seen.claimId !== record.claimId)
    return 'the record on the share differs from the one of the same version that this server has seen';
  return null;
}

/** The numbers drawn for one claim; those that are not needed are not used. */
export type FreshIds = Readonly<{ claimId: ClaimId; pairId: PairId; lockId: LockId }>;

/** A number above every epoch of R, of the journal, and every one seen. */
export const nextEpoch = (record: ArbitrationRecord | null, store: StoreView, seen: Epoch): Epoch =>
  epoch(Math.max(record?.epoch ?? 0, store.stamp.epoch, store.recordSeen?.epoch ?? 0, seen) + 1);

/** The record of a claim. `record` null: the pair is founded. `keepsLockId` false: the lock file is a new one. */
export function claimDraft(
  me: ServerName,
  store: StoreView,
  base: Readonly<{ record: ArbitrationRecord | null; keepsLockId: boolean; seen: Epoch; ids: FreshIds }>,
): RecordDraft {
  const { record, ids } = base;
  return {
    pairId: record?.pairId ?? store.pairId ?? ids.pairId,
    lockId: record !== null && base.keepsLockId ? record.lockId : ids.lockId,
    epoch: nextEpoch(record, store, base.seen),
    claimId: ids.claimId,
    holder: me,
    inSync: { [me]: store.storeId },
    floor: { [store.storeId]: store.stamp },
    forced: record?.forced ?? [],
  };
}
