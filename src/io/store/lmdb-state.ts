/**
 * The state's store on LMDB: one database of bytes by bytes. The changes of a checkpoint and its `appliedSeq` are one transaction, synced
 * before anybody hears of it. LMDB reads from the operating system's page cache, so a store of any size opens at once. What can't be read, or is
 * not what was written, is thrown as `LS_STORE_STATE` and ends the process, as a disk that can't be written does: the peer takes over. (Where the
 * disk gives nothing at all, the kernel ends it: SIGBUS.) What was read stays mapped, and counts as the process' memory, until the database is
 * closed: when that is much, it is closed after a checkpoint and opened again.
 * Source: PROTOCOL.md §1 (state), §5.
 */
import { readFileSync } from 'node:fs';
import { open, type RootDatabase } from 'lmdb';
import { assert, ByteWriter } from '../../base/index.ts';
import { seq, type Seq } from '../../core/pair/index.ts';
import { pairsIn, putPair } from '../../core/replication/index.ts';
import type { Change, Snapshot, StateStore } from '../../ports/index.ts';
import { whyOf } from '../journal/index.ts';
import { StoreFault, storeFaults } from './faults.ts';
import { FIRST_KEY, inKeyOrder, META_KEY, pairOf, storedKey, storedValue, type Pair } from './stored-key.ts';

type Database = RootDatabase<Buffer, Buffer>;
type ReadTransaction = ReturnType<Database['useReadTransaction']>;

const META_BYTES = 8;

/** Bytes worked out in one turn: about 2 ms. A change costs as much as so many bytes, however small it is. */
const TURN_COST = 1024 * 1024;
const CHANGE_COST = 512;

/** A chunk ends with the pair that makes it full, and most are no longer than this. */
const CHUNK_SPARE = 32 * 1024;

/** A backlog that is drained maps some 100 MiB between two checkpoints; together with what else a server needs that stays far below 1 GiB. */
const MAPPED_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Opens the state in `path`, a directory; makes it when it is missing. `mappedBytesMax`: of files that stay mapped from one checkpoint to the next,
 * other than for snapshots. Rejects with `LS_STORE_STATE`.
 */
export function openLmdbState(path: string, mappedBytesMax = MAPPED_BYTES_MAX): Promise<StateStore> {
  return Promise.resolve().then(() => {
    try {
      return new LmdbState(path, opened(path), mappedBytesMax);
    } catch (error) {
      throw stateFault(path, error);
    }
  });
}

const opened = (path: string): Database =>
  open({
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    // One database, no cache of decoded values, and no zeroing of pages that are overwritten at once.
    maxDbs: 1,
    cache: false,
    noMemInit: true,
    // Each checkpoint is a batch, and so one transaction, of its own. Batches for each turn of the event loop would be another way to the
    // same, with a promise that nobody gets: when its commit fails, as on a full disk, that one ends the process unheard.
    eventTurnBatching: false,
    // Not `remapChunks`, which would let go of what was read: a transaction that takes much away fails with it (MDB_TXN_FULL, 3.5.6).
  });

class LmdbState implements StateStore {
  readonly #path: string;
  readonly #mappedBytesMax: number;
  #database: Database;
  readonly #snapshots = new Set<LmdbSnapshot>();
  #appliedSeq: Seq;
  #readBytes = 0;
  #isClosed = false;
  /** Settles when the last write has. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(path: string, database: Database, mappedBytesMax: number) {
    this.#path = path;
    this.#mappedBytesMax = mappedBytesMax;
    this.#database = database;
    this.#appliedSeq = appliedSeqIn(database.get(META_KEY));
  }

  get appliedSeq(): Seq {
    return this.#appliedSeq;
  }

  get readBytes(): number {
    return this.#readBytes;
  }

  get(key: Uint8Array): Buffer | null {
    this.#assertOpen();
    const stored = storedKey(key);
    return this.#read(() => {
      const value = this.#database.get(stored);
      return value === undefined ? null : this.#seen(pairOf({ key: stored, value })).value;
    });
  }

  range(from: Uint8Array, to: Uint8Array | null): Iterable<Pair> {
    this.#assertOpen();
    const end = to === null ? {} : { end: storedKey(to) };
    const range = this.#read(() => this.#database.getRange({ start: storedKey(from), ...end }));
    return this.#named(inKeyOrder(range));
  }

  last(from: Uint8Array, through: Uint8Array): Pair | null {
    this.#assertOpen();
    const [start, end] = [storedKey(through), storedKey(from)];
    return this.#read(() => {
      for (const pair of this.#database.getRange({ start, end, reverse: true, inclusiveEnd: true, limit: 1 }))
        return this.#seen(pairOf(pair));
      return null;
    });
  }

  async checkpoint(changes: Iterable<Change>, appliedSeq: Seq): Promise<void> {
    assert(appliedSeq >= this.#appliedSeq, `a checkpoint at ${appliedSeq} after one at ${this.#appliedSeq}`);
    await this.#write(changes, appliedSeq);
    this.#appliedSeq = appliedSeq;
  }

  snapshot(chunkBytes: number): Snapshot {
    const snapshot = new LmdbSnapshot(this.#database, chunkBytes, {
      closed: (it) => this.#snapshots.delete(it),
      fault: (error) => stateFault(this.#path, error),
    });
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  async install(chunk: Uint8Array): Promise<void> {
    await this.#write(pairsIn(chunk), null);
  }

  async finishInstall(appliedSeq: Seq): Promise<void> {
    await this.#write([], appliedSeq);
    this.#appliedSeq = appliedSeq;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writing.catch(() => undefined);
    for (const snapshot of this.#snapshots) snapshot.close();
    await this.#database.close();
  }

  /** One transaction. Synced when it fulfils: LMDB's promises wait for that. */
  #write(changes: Iterable<Change>, appliedSeq: Seq | null): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closedFault());
    const written = this.#batch(changes, appliedSeq).catch((error: unknown) => {
      throw stateFault(this.#path, error);
    });
    this.#writing = written;
    return written;
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw stateFault(this.#path, error);
    }
  }

  #seen(pair: Pair): Pair {
    this.#readBytes += pair.value.length;
    return pair;
  }

  *#named(pairs: Iterable<Pair>): Generator<Pair> {
    try {
      for (const pair of pairs) yield this.#seen(pair);
    } catch (error) {
      throw stateFault(this.#path, error);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw this.#closedFault();
  }

  #closedFault(): StoreFault {
    return new StoreFault('LS_STORE_CLOSED', storeFaults.LS_STORE_CLOSED(this.#path));
  }

  async #batch(changes: Iterable<Change>, appliedSeq: Seq | null): Promise<void> {
    const stored = await storedPairs(changes);
    const parts = new Set<PromiseLike<boolean>>();
    // `batch` and not `transaction`: what is put within one call becomes one transaction, without a call back from LMDB's thread.
    const whole = this.#database.batch(() => {
      for (const { key, value } of stored)
        parts.add(value === null ? this.#database.remove(key) : this.#database.put(key, value));
      if (appliedSeq !== null) parts.add(this.#database.put(META_KEY, encodedSeq(appliedSeq)));
    });
    // Parts may have promises of their own; all of them share the transaction's fate, and none may fail unheard.
    await Promise.all([whole, ...parts]).catch(causeOfFailure);
    // What is read from now on is what was written.
    this.#database.resetReadTxn();
    if (mappedBytes() > this.#mappedBytesMax) await this.#openAgain();
  }

  /**
   * Between two turns, so that nobody reads meanwhile: LMDB's `close` waits for promises of writes that have all been kept, and for nothing else.
   */
  async #openAgain(): Promise<void> {
    await this.#database.flushed;
    await new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        if (this.#snapshots.size > 0) return resolve();
        this.#database
          .close()
          .then(() => (this.#database = opened(this.#path)))
          .then(() => resolve(), reject);
      });
    });
  }
}

/** The changes as LMDB takes them. Working them out may take long, so others get their turns in between. */
async function storedPairs(
  changes: Iterable<Change>,
): Promise<readonly Readonly<{ key: Buffer; value: Buffer | null }>[]> {
  const pairs: { key: Buffer; value: Buffer | null }[] = [];
  let cost = 0;
  for (const change of changes) {
    const { key, value } = change;
    const stored = storedKey(key);
    pairs.push({ key: stored, value: value === null ? null : storedValue(key, value, stored) });
    cost += CHANGE_COST + (value?.length ?? 0);
    if (cost < TURN_COST) continue;
    cost = 0;
    await new Promise(setImmediate);
  }
  return pairs;
}

type SnapshotSurroundings = Readonly<{
  closed: (self: LmdbSnapshot) => void;
  /** What is thrown when it can't be read. */
  fault: (error: unknown) => StoreFault;
}>;

/** A read transaction held open: LMDB keeps the pages that it sees until it is closed. */
class LmdbSnapshot implements Snapshot {
  readonly appliedSeq: Seq;
  readonly bytes: number;
  readonly #database: Database;
  readonly #transaction: ReadTransaction;
  readonly #chunkBytes: number;
  readonly #around: SnapshotSurroundings;
  #isClosed = false;
  /** The last stored key that was given. */
  #after: Buffer | null = null;

  constructor(database: Database, chunkBytes: number, around: SnapshotSurroundings) {
    this.#database = database;
    this.#chunkBytes = chunkBytes;
    this.#around = around;
    this.#transaction = database.useReadTransaction();
    this.appliedSeq = appliedSeqIn(database.get(META_KEY, { transaction: this.#transaction }));
    this.bytes = bytesIn(database);
  }

  next(): Buffer | null {
    // Null would say that the snapshot is whole.
    if (this.#isClosed) throw new StoreFault('LS_STORE_CLOSED', storeFaults.LS_STORE_CLOSED('a snapshot'));
    try {
      return this.#chunk();
    } catch (error) {
      throw this.#around.fault(error);
    }
  }

  #chunk(): Buffer | null {
    const chunk = new ByteWriter(this.#chunkBytes + CHUNK_SPARE);
    for (const stored of this.#rest()) {
      const { key, value } = pairOf(stored);
      putPair(chunk, key, value);
      this.#after = stored.key;
      if (chunk.length >= this.#chunkBytes) break;
    }
    return chunk.length === 0 ? null : chunk.taken();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transaction.done();
    this.#around.closed(this);
  }

  *#rest(): Generator<Pair> {
    const after = this.#after;
    for (const pair of this.#database.getRange({
      start: after ?? FIRST_KEY,
      transaction: this.#transaction,
    }))
      if (after === null || !pair.key.equals(after)) yield pair;
  }
}

const encodedSeq = (value: Seq): Buffer => new ByteWriter(META_BYTES).u64(value).taken();

function appliedSeqIn(meta: Buffer | undefined): Seq {
  if (meta === undefined) return seq(0);
  assert(meta.length === META_BYTES, 'the meta entry of the state has another form');
  return seq(meta.readUInt32LE(0) + meta.readUInt32LE(4) * 2 ** 32);
}

/** Of this process; 0 where the system doesn't tell. Node's own are among them, some 45 MiB. */
function mappedBytes(): number {
  if (process.platform !== 'linux') return 0;
  const kib = /^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return Number(kib ?? 0) * 1024;
}

/** Pages in use; what LMDB tells is untyped. */
function bytesIn(database: Database): number {
  const stats: Record<string, unknown> = { ...database.getStats() };
  const pages = ['treeBranchPageCount', 'treeLeafPageCount', 'overflowPages'];
  return Number(stats.pageSize) * pages.reduce((sum, name) => sum + Number(stats[name] ?? 0), 0);
}

/** LMDB rejects with "see commitError": a promise that rejects with the system's own error. */
async function causeOfFailure(error: unknown): Promise<never> {
  if (error instanceof Error && 'commitError' in error) await error.commitError;
  throw error;
}

const stateFault = (path: string, error: unknown): StoreFault =>
  new StoreFault('LS_STORE_STATE', storeFaults.LS_STORE_STATE(path, whyOf(error)));
