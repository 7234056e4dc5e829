/**
 * The stores of a simulated server: made, opened, swapped and kept aside as `io/store` does it. One of these for each run of the server's
 * process; the disk is the same. Source: PROTOCOL.md §1, §5.
 */
import { assert, present } from '../../base/index.ts';
import { storeId, type PairId, type StoreId } from '../../core/pair/index.ts';
import { journalStart, type Position } from '../../core/replication/index.ts';
import type { Identity, Journal, JournalOrigin, StateStore, Store, StoreRoot } from '../../ports/index.ts';
import type { SimDisk } from './sim-disk.ts';
import { JournalContent, SimJournal } from './sim-journal.ts';
import { SimState, StateContent } from './sim-state.ts';

export class SimStoreRoot implements StoreRoot {
  readonly #disk: SimDisk;
  readonly #run: number;

  /** For the process that runs on the disk now. */
  constructor(disk: SimDisk) {
    this.#disk = disk;
    this.#run = disk.run;
  }

  async open(): Promise<Store> {
    const { stores } = this.#disk;
    for (const id of stores.keys()) if (id !== this.#disk.current) stores.delete(id);
    if (this.#disk.current !== null) {
      await this.#disk.pass(this.#run);
      await this.#giveUpDamaged(this.#disk.current);
      return new SimStore(this.#disk, this.#disk.current);
    }
    const id = this.#freshId();
    await this.#make({ storeId: id, pairId: null, isComplete: true, recordSeen: null }, journalStart);
    await this.#disk.commit(this.#run, () => {
      this.#disk.current = id;
    });
    return new SimStore(this.#disk, id);
  }

  async begin(origin: JournalOrigin, pairId: PairId): Promise<Store> {
    const id = this.#freshId();
    await this.#make({ storeId: id, pairId, isComplete: false, recordSeen: null }, origin);
    return new SimStore(this.#disk, id);
  }

  async swap(former: Store, next: Store, keep: string | null): Promise<void> {
    assert(next.identity.isComplete, 'an incomplete store never becomes the present one');
    await next.journal.rest();
    await former.close();
    const [old, fresh] = [former.identity.storeId, next.identity.storeId];
    await this.#disk.commit(this.#run, () => {
      this.#disk.current = fresh;
      this.#disk.stores.delete(old);
      if (keep !== null) this.#disk.keptAside.push({ storeId: old, why: keep });
    });
  }

  async abandon(next: Store): Promise<void> {
    await next.close();
    await this.#disk.commit(this.#run, () => void this.#disk.stores.delete(next.identity.storeId), {
      needsRoom: false,
    });
  }

  /** As `FileStore.open` does it: a damaged journal is put aside, and the store is incomplete from then on. */
  async #giveUpDamaged(id: StoreId): Promise<void> {
    const content = this.#disk.contentOf(id);
    if (!content.journal.isDamaged) return;
    await this.#disk.commit(this.#run, () => {
      content.identity = { ...content.identity, isComplete: false };
      content.journal = new JournalContent(journalStart);
    });
  }

  #freshId(): StoreId {
    return storeId(this.#disk.parts.random.id());
  }

  #make(identity: Identity, start: Position): Promise<void> {
    const content = { identity, journal: new JournalContent(start), state: new StateContent() };
    return this.#disk.commit(this.#run, () => {
      this.#disk.stores.set(identity.storeId, content);
    });
  }
}

class SimStore implements Store {
  readonly journal: Journal;
  readonly state: StateStore;
  readonly #disk: SimDisk;
  readonly #run: number;
  #identity: Identity;

  constructor(disk: SimDisk, id: StoreId) {
    const { identity, journal, state } = present(disk.stores.get(id), `the store ${id}`);
    this.#disk = disk;
    this.#run = disk.run;
    this.#identity = identity;
    this.journal = new SimJournal(disk, journal);
    this.state = new SimState(disk, state);
  }

  get identity(): Identity {
    return this.#identity;
  }

  async saveIdentity(identity: Identity): Promise<void> {
    assert(identity.storeId === this.#identity.storeId, 'a storeId never changes');
    const content = this.#disk.contentOf(identity.storeId);
    await this.#disk.commit(this.#run, () => {
      content.identity = identity;
    });
    this.#identity = identity;
  }

  async close(): Promise<void> {
    await this.journal.close();
    await this.state.close();
  }
}
