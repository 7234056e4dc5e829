/** What changes in a server's store. Source: `runtime/replication/replica.ts`, PROTOCOL.md §1, §2 Ack, Tail. */
import { assert } from '../../base/index.ts';
import type { ArbitrationRecord, PairId } from '../../core/pair/index.ts';
import type { Draft } from './draft.ts';
import { firstOf, lengthOf } from '../world/journal.ts';

/** Keeps a record as the newest seen, if it is newer and of this pair. */
export function sawRecord(draft: Draft, record: ArbitrationRecord): void {
  const { store } = draft.own;
  const { pairId, recordSeen, storeId } = store;
  const isOwnPair =
    pairId === null
      ? record.inSync.primary === storeId || record.inSync.secondary === storeId
      : pairId === record.pairId;
  const isNewer = recordSeen?.pairId !== record.pairId || recordSeen.version < record.version;
  if (isOwnPair && isNewer) draft.own.store = { ...store, pairId: record.pairId, recordSeen: record };
}

export function joinPair(draft: Draft, pairId: PairId): void {
  const { store } = draft.own;
  assert(store.pairId === null || store.pairId === pairId, 'a store of another pair never joins');
  if (store.pairId === null) draft.own.store = { ...store, pairId };
}

/** Entries that are written, and not synced yet. */
export function append(draft: Draft, entries: string): void {
  const { store } = draft.own;
  draft.own.store = { ...store, journal: store.journal + entries };
}

export function sync(draft: Draft): void {
  const { store } = draft.own;
  const durable = lengthOf(store.journal);
  if (store.durable !== durable) draft.own.store = { ...store, durable };
}

/** Durable at once: a crash in the middle of a cut leaves what a crash before it or after it leaves. */
export function cutTo(draft: Draft, journal: string): void {
  const { store } = draft.own;
  if (store.journal !== journal) draft.own.store = { ...store, journal, durable: lengthOf(journal) };
}

/** Everything through `to` is committed, and so applied. */
export function apply(draft: Draft, to: number): void {
  const { store } = draft.own;
  if (to <= store.applied) return;
  assert(to <= lengthOf(store.journal), `commit index ${to} beyond the journal's end`);
  draft.own.store = { ...store, applied: to };
}

/** What a serving server calls committed goes into the ledger; nothing there may ever be missed or contradicted. */
export function acknowledge(draft: Draft, to: number): void {
  apply(draft, to);
  const { ledger } = draft;
  const said = firstOf(draft.own.store.journal, to);
  if (ledger.committed.startsWith(said)) return;
  if (said.startsWith(ledger.committed)) draft.ledger = { ...ledger, committed: said };
  else draft.ledger = { ...ledger, isContradicted: true };
}
