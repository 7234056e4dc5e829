/**
 * One server's copy of everything: its store, the broker's state made of it, and how far each has come. The state changes only here, only by
 * applying committed entries in order, on both servers alike. Source: PROTOCOL.md §1 (state), §2 Ack, §5.
 */
import { assert, type Log } from '../../base/index.ts';
import type { Broker, Outcome } from '../../core/broker/index.ts';
import {
  seq,
  type ArbitrationRecord,
  type PairId,
  type Seq,
  type Stamp,
  type StoreView,
} from '../../core/pair/index.ts';
import { readEntries, type Entry } from '../../core/replication/index.ts';
import type { CutTail, Identity, JournalOrigin, Store, StoreRoot } from '../../ports/index.ts';
import { EntryCache } from './entry-cache.ts';

const CACHE_BYTES = 32 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

export type ReplicaEvents = Readonly<{
  /** An entry was applied; `outcomes` holds one for each of its operations. Called in order, within the turn that applies. */
  applied: (entry: Entry, outcomes: readonly Outcome[]) => void;
  /** The disk failed: nothing more may be served from this store. */
  diskFailed: (why: string) => void;
}>;

export class Replica {
  readonly #root: StoreRoot;
  readonly #log: Log;
  readonly #events: ReplicaEvents;
  readonly cache = new EntryCache(CACHE_BYTES);
  readonly broker: Broker;
  #store: Store;
  #lastSeq: Seq;
  #appliedSeq: Seq;
  #committedSeq: Seq;
  /** The last entry whose sync has returned. */
  #durable: Stamp;
  #applying: Promise<void> | null = null;
  /** The append under way, or the last one; never rejects. */
  #appending: Promise<void> = Promise.resolve();
  /** The last change of the identity; the next one waits for it. */
  #identifying: Promise<void> = Promise.resolve();
  #hasFailed = false;
  readonly #pins = new Map<object, Seq>();

  private constructor(root: StoreRoot, store: Store, broker: Broker, log: Log, events: ReplicaEvents) {
    this.#root = root;
    this.#store = store;
    this.broker = broker;
    this.#log = log;
    this.#events = events;
    this.#appliedSeq = store.state.appliedSeq;
    this.#committedSeq = store.state.appliedSeq;
    this.#durable = store.journal.last;
    this.#lastSeq = store.journal.last.seq;
  }

  /** Opens the store and loads the state as last checkpointed; what the journal holds beyond waits until it is known to be committed. */
  static async open(
    parts: Readonly<{ root: StoreRoot; broker: Broker; log: Log; events: ReplicaEvents }>,
  ): Promise<Replica> {
    const store = await parts.root.open();
    parts.broker.load(store.state);
    return new Replica(parts.root, store, parts.broker, parts.log, parts.events);
  }

  get store(): Store {
    return this.#store;
  }

  get appliedSeq(): Seq {
    return this.#appliedSeq;
  }

  get committedSeq(): Seq {
    return this.#committedSeq;
  }

  /** The newest entry given to the journal, written or on its way. */
  get lastSeq(): Seq {
    return this.#lastSeq;
  }

  /** The store as the rules ask for it; its stamp is the last entry that is durable. */
  view(): StoreView {
    const { identity, journal } = this.#store;
    return {
      storeId: identity.storeId,
      pairId: identity.pairId,
      isComplete: identity.isComplete,
      recordSeen: identity.recordSeen,
      stamp: this.#durable,
      epochs: journal.epochs,
    };
  }

  /**
   * Writes entries that follow the last one, and syncs. Durable when it fulfils. One at a time: the caller waits. A failure is told to
   * `diskFailed` and never tried again; then the promise stays unfulfilled, because nothing may follow from it.
   */
  append(entries: readonly Entry[], bytes: Uint8Array, mayBlock = false): Promise<void> {
    if (this.#hasFailed) return never();
    for (const entry of entries) this.cache.push(entry);
    const newest = entries.at(-1);
    if (newest !== undefined) this.#lastSeq = newest.seq;
    const append = this.#store.journal.append(bytes, mayBlock);
    this.#appending = append.then(
      () => {
        if (newest !== undefined) this.#durable = { epoch: newest.epoch, seq: newest.seq };
      },
      (failure: unknown) => this.fail(failure),
    );
    return this.#appending.then(() => (this.#hasFailed ? never() : undefined));
  }

  fail(failure: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#events.diskFailed(failure instanceof Error ? failure.message : String(failure));
  }

  /** Fulfils when the journal has been given all that `lastSeq` said when this was called. */
  written(): Promise<void> {
    return this.#appending;
  }

  /** Waits for the append under way; then the whole journal is durable. */
  async rest(): Promise<void> {
    await this.#appending;
    if (this.#hasFailed) return never();
    await this.#orNever(this.#store.journal.rest());
  }

  /** What the disk could not do is told to `diskFailed` and never tried again; nothing may follow from it (rule Ack). */
  #orNever<T>(work: Promise<T>): Promise<T> {
    return work.catch((failure: unknown) => {
      this.fail(failure);
      return never();
    });
  }

  /** Keeps a record as the newest seen, if it is newer and of this pair. fsynced when it fulfils. */
  sawRecord(record: ArbitrationRecord): Promise<void> {
    return this.#changeIdentity((identity) => {
      const { pairId, recordSeen, storeId } = identity;
      const isOwnPair = pairId === null ? isNamed(record, storeId) : pairId === record.pairId;
      const isNewer = recordSeen?.pairId !== record.pairId || recordSeen.version < record.version;
      return isOwnPair && isNewer ? { ...identity, pairId: record.pairId, recordSeen: record } : null;
    });
  }

  /** A virgin store becomes one of this pair. fsynced when it fulfils. */
  joinPair(pairId: PairId): Promise<void> {
    return this.#changeIdentity((identity) => {
      assert(identity.pairId === null || identity.pairId === pairId, 'a store of another pair never joins');
      return identity.pairId === null ? { ...identity, pairId } : null;
    });
  }

  /** One change after the other, each made of what the one before left; null changes nothing. */
  #changeIdentity(change: (identity: Identity) => Identity | null): Promise<void> {
    this.#identifying = this.#identifying.then(async () => {
      const changed = change(this.#store.identity);
      if (changed !== null) await this.#orNever(this.#store.saveIdentity(changed));
    });
    return this.#identifying;
  }

  /** Everything through `to` is committed and may be applied. Applies at once what is in memory; reads the rest. */
  commitThrough(to: Seq): void {
    if (to <= this.#committedSeq) return;
    assert(to <= this.lastSeq, `commit index ${to} beyond the journal's end ${this.lastSeq}`);
    this.#committedSeq = to;
    if (this.#applying === null) this.#applyFromMemory();
    if (this.#appliedSeq < this.#committedSeq) void this.applied();
  }

  /** Fulfils when all that is committed is applied. */
  applied(): Promise<void> {
    if (this.#appliedSeq >= this.#committedSeq) return Promise.resolve();
    this.#applying ??= this.#applyFromJournal()
      .catch((failure: unknown) => this.fail(failure))
      .finally(() => {
        this.#applying = null;
      });
    return this.#applying;
  }

  #applyFromMemory(): void {
    while (this.#appliedSeq < this.#committedSeq) {
      const entry = this.cache.at(this.#appliedSeq + 1);
      if (entry === null) return;
      this.#apply(entry);
    }
  }

  async #applyFromJournal(): Promise<void> {
    while (this.#appliedSeq < this.#committedSeq && !this.#hasFailed) {
      this.#applyFromMemory();
      if (this.#appliedSeq >= this.#committedSeq) return;
      const from = seq(this.#appliedSeq + 1);
      const bytes = await this.#store.journal.read(from, READ_BYTES);
      const entries = bytes === null ? null : readEntries(bytes);
      if (entries === null) return this.fail(new Error(`the journal does not give entry ${from}`));
      for (const entry of entries)
        if (entry.seq === this.#appliedSeq + 1 && entry.seq <= this.#committedSeq) this.#apply(entry);
    }
  }

  #apply(entry: Entry): void {
    assert(entry.seq === this.#appliedSeq + 1, 'entries are applied densely');
    const outcomes = entry.kind === 'batch' ? this.broker.apply(entry.body, entry.seq) : [];
    this.#appliedSeq = entry.seq;
    this.cache.applied(entry.seq);
    this.#events.applied(entry, outcomes);
  }

  /** Rule Tail: cuts all after `common`, which nothing applied lies beyond. Durable when it fulfils. */
  async cut(common: Seq): Promise<CutTail | null> {
    assert(common >= this.#appliedSeq, `a cut at ${common} below what is applied (${this.#appliedSeq})`);
    const tail = await this.#orNever(this.#store.journal.cut(common));
    this.#durable = this.#store.journal.last;
    this.#lastSeq = this.#durable.seq;
    this.cache.clear();
    return tail;
  }

  /** A store to install a full synchronisation into. */
  beginInstall(origin: JournalOrigin, pairId: PairId): Promise<Store> {
    return this.#root.begin(origin, pairId);
  }

  /** What was installed of it is removed. */
  async abandonInstall(next: Store): Promise<void> {
    await this.#orNever(this.#root.abandon(next));
  }

  /** The installed store takes this one's place, whole. `keep`: why the former one is kept aside, or null. */
  async adopt(next: Store, keep: string | null): Promise<void> {
    await this.#identifying;
    const former = this.#store;
    const { recordSeen } = former.identity;
    const own = next.identity;
    const isOfPair = recordSeen !== null && recordSeen.pairId === own.pairId;
    await next.saveIdentity({ ...own, isComplete: true, recordSeen: isOfPair ? recordSeen : null });
    await this.#orNever(this.#root.swap(former, next, keep));
    this.#store = next;
    this.cache.clear();
    this.broker.load(next.state);
    this.#appliedSeq = next.state.appliedSeq;
    this.#committedSeq = next.state.appliedSeq;
    this.#durable = next.journal.last;
    this.#lastSeq = this.#durable.seq;
    this.#log.say({
      level: 'info',
      text: `The store was replaced by a full synchronisation (${own.storeId})`,
    });
  }

  /** Entries after `from` are wanted by `holder` until it lets go: trimming stops short of them. */
  pin(holder: object, from: Seq): void {
    this.#pins.set(holder, from);
  }

  unpin(holder: object): void {
    this.#pins.delete(holder);
  }

  /** The last entry that may be trimmed when all through `durable` is in the checkpointed state. */
  trimmable(durable: Seq): Seq {
    return seq(Math.min(durable, ...this.#pins.values()));
  }

  async close(): Promise<void> {
    await this.#appending;
    await this.#applying;
    await this.#store.close();
  }
}

const isNamed = (record: ArbitrationRecord, storeId: string): boolean =>
  record.inSync.primary === storeId || record.inSync.secondary === storeId;

/** A promise that nothing can follow from: the process is about to stop. One for each who waits: a shared one would hold on to them all. */
const never = (): Promise<never> => new Promise<never>(() => undefined);
