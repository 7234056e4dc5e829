/**
 * Rule None: what a claim may be based on when R is missing or older than what was seen, and how a pair is founded.
 * Source: PROTOCOL.md §2 None; REASONS.md A8, A10.
 */
import { seenDisagrees } from './claim.ts';
import {
  version,
  type ArbitrationRecord,
  type ServerName,
  type ShareReading,
  type StoreView,
  type Version,
} from './words.ts';

/** What a claim stands on: the record itself, one that stands in for it, or a pair being founded. */
export type Grounds = Readonly<
  | { kind: 'record'; record: ArbitrationRecord; replaces: Version; keepsLockId: boolean }
  | { kind: 'found'; replaces: Version }
  | { kind: 'nothing'; why: string }
>;

export const isVirgin = (store: StoreView): boolean =>
  store.pairId === null && store.recordSeen === null && store.stamp.seq === 0;

/** Neither is virgin, and they were founded apart: what one has seen says nothing of the other's record. */
export const isOfAnotherPair = (store: StoreView, peer: StoreView): boolean =>
  store.pairId !== null && peer.pairId !== null && store.pairId !== peer.pairId;

/**
 * `peer`: the other store, when the channel is up; null otherwise. `mayFoundAlone`: the operator said `--new-pair`.
 * `isPrimary`: of two virgin servers the primary founds.
 */
export function grounds(
  store: StoreView,
  reading: ShareReading,
  peer: StoreView | null,
  who: Readonly<{ isPrimary: boolean; mayFoundAlone: boolean }>,
): Grounds {
  if (reading.kind === 'damaged') return { kind: 'nothing', why: damageText(reading.blocks) };
  const replaces = reading.kind === 'record' ? reading.record.version : version(0);
  if (reading.kind === 'record' && seenDisagrees(store.recordSeen, reading.record) === null) {
    const newerAtPeer =
      peer !== null &&
      !isOfAnotherPair(store, peer) &&
      seenDisagrees(peer.recordSeen, reading.record) !== null;
    if (!newerAtPeer) return { kind: 'record', record: reading.record, replaces, keepsLockId: true };
  }
  if (reading.kind === 'record' && isVirgin(store))
    return { kind: 'nothing', why: 'the share belongs to a pair that this new store is not of' };
  if (isVirgin(store) && (peer === null || isVirgin(peer))) {
    if (peer === null && !who.mayFoundAlone)
      return {
        kind: 'nothing',
        why: 'a new pair is founded by both servers together, or by one told --new-pair',
      };
    if (peer !== null && !who.isPrimary) return { kind: 'nothing', why: 'the primary founds the pair' };
    return { kind: 'found', replaces };
  }
  if (peer === null)
    return {
      kind: 'nothing',
      why:
        reading.kind === 'none'
          ? 'there is no record on the share; the two servers must meet, or an operator decide'
          : (seenDisagrees(store.recordSeen, reading.record) ??
            'the record on the share is not to be trusted'),
    };
  return standIn(store, peer, reading, replaces);
}

/** Both connected: the newest record that either has seen stands in for R. */
function standIn(store: StoreView, peer: StoreView, reading: ShareReading, replaces: Version): Grounds {
  const newest = newestOf(store.recordSeen, peer.recordSeen);
  if (newest === null)
    return { kind: 'nothing', why: 'neither server has seen a record; an operator must decide' };
  for (const one of [store, peer])
    if (one.pairId !== newest.pairId) return { kind: 'nothing', why: 'the two servers are not of one pair' };
  if (reading.kind === 'record' && reading.record.pairId !== newest.pairId)
    return { kind: 'nothing', why: 'the share belongs to another pair' };
  const here = new Set([store.storeId, peer.storeId]);
  for (const named of [newest.inSync.primary, newest.inSync.secondary])
    if (named !== undefined && !here.has(named))
      return {
        kind: 'nothing',
        why: 'the newest record seen names a store that is not here; an operator must decide',
      };
  if (haveTwoHistories(store, peer))
    return { kind: 'nothing', why: 'one epoch has two claims in the two journals; an operator must decide' };
  const keepsLockId = reading.kind === 'record' && reading.record.lockId === newest.lockId;
  return { kind: 'record', record: newest, replaces, keepsLockId };
}

/** `blocks`: empty where only the damage is known. */
const damageText = (blocks: readonly ServerName[]): string => {
  const what = blocks.length === 0 ? 'a block' : `the block of ${blocks.join(' and ')}`;
  return `${what} on the share is damaged; an operator must look at it, and say with force-active which server goes on`;
};

const newestOf = (a: ArbitrationRecord | null, b: ArbitrationRecord | null): ArbitrationRecord | null =>
  a === null ? b : b === null || a.version >= b.version ? a : b;

/** An epoch number under which the two journals know different claims. */
export const haveTwoHistories = (a: StoreView, b: StoreView): boolean =>
  a.epochs.some((mine) => b.epochs.some((its) => its.epoch === mine.epoch && its.claimId !== mine.claimId));
