/**
 * A server's store directory: who it is, its journal and its state. A full synchronisation builds a second one beside it and
 * swaps it in whole. Source: PROTOCOL.md §1, §5.
 */
import type { ArbitrationRecord, EpochStart, PairId, Stamp, StoreId } from '../core/pair/index.ts';
import type { Journal } from './journal.ts';
import type { StateStore } from './state-store.ts';

export type Identity = Readonly<{
  storeId: StoreId;
  pairId: PairId | null;
  isComplete: boolean;
  recordSeen: ArbitrationRecord | null;
}>;

/** Where the journal of a freshly installed store begins: just behind the snapshot. */
export type JournalOrigin = Readonly<{ last: Stamp; chain: number; epochs: readonly EpochStart[] }>;

export interface Store {
  readonly identity: Identity;
  readonly journal: Journal;
  readonly state: StateStore;
  /** Replaces the identity. fsynced when it fulfils. `storeId` never changes. */
  saveIdentity(identity: Identity): Promise<void>;
  close(): Promise<void>;
}

export interface StoreRoot {
  /** The present store, opened (made when there is none). Its journal is synced before this fulfils. */
  open(): Promise<Store>;
  /**
   * A new, empty, incomplete store with a storeId of its own, beside the present one. After a crash `open` gives the present one,
   * and what was half built is removed.
   */
  begin(origin: JournalOrigin, pairId: PairId): Promise<Store>;
  /**
   * Makes `next` (complete and synced) the present store in one step; durable when it fulfils. The former one is closed, and
   * kept aside when `keep` (listed for operators), else removed.
   */
  swap(former: Store, next: Store, keep: string | null): Promise<void>;
  /** Drops a store that was begun and is not wanted any more. */
  abandon(next: Store): Promise<void>;
}
