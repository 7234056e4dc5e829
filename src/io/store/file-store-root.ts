/**
 * Where a server keeps its stores: `<root>/current` names the present one. A full synchronisation builds another beside it; the change of
 * that one name is the swap. A store that is replaced though it holds what nobody else does is kept aside for operators.
 *
 *     <storeId>          the present store, or one half built
 *     <storeId>.aside-N  kept aside; reason.txt says why
 *
 * Source: PROTOCOL.md §1, §2 Tail, §5.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, type Log, type Random } from '../../base/index.ts';
import { storeId, type PairId } from '../../core/pair/index.ts';
import { journalStart } from '../../core/replication/index.ts';
import type { Identity, JournalOrigin, Store, StoreRoot } from '../../ports/index.ts';
import { syncDirectory, whyOf, writeDurably, type JournalOptions } from '../journal/index.ts';
import { StoreFault, storeFaults } from './faults.ts';
import { damagedJournalsIn, FileStore } from './file-store.ts';
import { tryIdentity } from './identity-file.ts';
import { ServerLock } from './server-lock.ts';

const ASIDE_MAX = 3;
const STORE = /^[0-9a-f]{32}$/;
const ASIDE = /^[0-9a-f]{32}\.aside-(\d+)$/;
const REASON = 'reason.txt';

export type StoreRootParts = Readonly<{ random: Random; log: Log; journal: JournalOptions }>;

/** The stores below `path`, a directory on a local disk; nothing is touched before `open`. */
export const openStoreRoot = (path: string, parts: StoreRootParts): StoreRoot =>
  new FileStoreRoot(path, parts);

class FileStoreRoot implements StoreRoot {
  readonly #path: string;
  readonly #parts: StoreRootParts;
  readonly #open = new Set<string>();
  #lock: ServerLock | null = null;

  constructor(path: string, parts: StoreRootParts) {
    this.#path = path;
    this.#parts = parts;
  }

  async open(): Promise<Store> {
    await this.#takeLock();
    try {
      const current = await this.#current();
      await this.#tidyUp(current);
      return current === null ? await this.#found() : await this.#opened(current);
    } catch (error) {
      await this.#unlockWhenIdle();
      throw error;
    }
  }

  begin(origin: JournalOrigin, pairId: PairId): Promise<Store> {
    const id = storeId(this.#parts.random.id());
    return this.#made({ storeId: id, pairId, isComplete: false, recordSeen: null }, origin);
  }

  async swap(former: Store, next: Store, keep: string | null): Promise<void> {
    assert(next.identity.isComplete, 'an incomplete store never becomes the present one');
    const [old, fresh] = [former.identity.storeId, next.identity.storeId];
    await next.journal.rest();
    await former.close();
    const isDamaged = (await damagedJournalsIn(this.#directory(old))).length > 0;
    const why = keep ?? (isDamaged ? 'its journal was damaged' : null);
    // The reason goes first: should the server end right after the swap, the next start finds it and keeps the store.
    if (why !== null) await writeDurably(join(this.#directory(old), REASON), `${why}\n`);
    await this.#name(fresh);
    await (why === null ? this.#remove(old) : this.#setAside(old));
  }

  async abandon(next: Store): Promise<void> {
    await next.close();
    await this.#remove(next.identity.storeId);
  }

  // Stores ------------------------------------------------------------------------------------------------------------------------

  /** The first store of this root: virgin, and complete, because nothing is missing in it. */
  async #found(): Promise<Store> {
    const id = storeId(this.#parts.random.id());
    const identity: Identity = { storeId: id, pairId: null, isComplete: true, recordSeen: null };
    const store = await this.#made(identity, journalStart);
    await this.#name(id);
    return store;
  }

  async #made(identity: Identity, origin: JournalOrigin): Promise<Store> {
    const id = identity.storeId;
    assert(STORE.test(id), `a storeId of another form: ${id}`);
    this.#open.add(id);
    try {
      const store = await FileStore.create(this.#storeParts(id), identity, origin);
      await syncDirectory(this.#path);
      return store;
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  async #opened(id: string): Promise<Store> {
    this.#open.add(id);
    try {
      return await FileStore.open(this.#storeParts(id));
    } catch (error) {
      this.#open.delete(id);
      throw error;
    }
  }

  #storeParts(id: string) {
    const closed = async (): Promise<void> => {
      this.#open.delete(id);
      await this.#unlockWhenIdle();
    };
    return { directory: this.#directory(id), options: this.#parts.journal, log: this.#parts.log, closed };
  }

  // Names -------------------------------------------------------------------------------------------------------------------------

  #directory(id: string): string {
    return join(this.#path, id);
  }

  /** The name of the present store; null in a root that never had one. */
  async #current(): Promise<string | null> {
    const file = join(this.#path, 'current');
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (whyOf(error) === 'ENOENT') return null;
      throw this.#unusable(file, error);
    });
    if (text === null) return null;
    const id = text.trim();
    if (STORE.test(id)) return id;
    throw new StoreFault('LS_STORE_IDENTITY', storeFaults.LS_STORE_IDENTITY(file, 'it names no store'));
  }

  /** The swap, and the founding: durable when it fulfils. */
  async #name(id: string): Promise<void> {
    await writeDurably(join(this.#path, 'current'), `${id}\n`);
  }

  /** Takes away what a former run left half done. */
  async #tidyUp(current: string | null): Promise<void> {
    const others = (await readdir(this.#path)).filter((name) => STORE.test(name) && name !== current);
    if (current === null) await this.#refuseOrphans(others);
    else await rm(join(this.#directory(current), REASON), { force: true });
    for (const id of others) {
      const isKept = (await readdir(this.#directory(id))).includes(REASON);
      await (isKept ? this.#setAside(id) : this.#remove(id));
    }
  }

  /**
   * Without `current`, stores of a pair are not half built: somebody has lost the file. A half-built one has no identity yet, or is virgin;
   * an identity that can't be read is neither.
   */
  async #refuseOrphans(stores: readonly string[]): Promise<void> {
    const ofPair: string[] = [];
    for (const id of stores) {
      const identity = await tryIdentity(this.#directory(id));
      const isHalfBuilt = typeof identity === 'string' ? identity === 'ENOENT' : identity.pairId === null;
      if (!isHalfBuilt) ofPair.push(id);
    }
    if (ofPair.length > 0)
      throw new StoreFault('LS_STORE_NO_CURRENT', storeFaults.LS_STORE_NO_CURRENT(this.#path, ofPair));
  }

  async #setAside(id: string): Promise<void> {
    const kept = (await readdir(this.#path))
      .map((name) => ({ name, number: Number(ASIDE.exec(name)?.[1] ?? 0) }))
      .filter(({ number }) => number > 0)
      .sort((a, b) => b.number - a.number);
    const aside = `${id}.aside-${(kept[0]?.number ?? 0) + 1}`;
    await rename(this.#directory(id), this.#directory(aside));
    await syncDirectory(this.#path);
    for (const { name } of kept.slice(ASIDE_MAX - 1)) await this.#remove(name);
  }

  async #remove(name: string): Promise<void> {
    await rm(this.#directory(name), { recursive: true, force: true });
    await syncDirectory(this.#path);
  }

  // The lock ----------------------------------------------------------------------------------------------------------------------

  async #takeLock(): Promise<void> {
    try {
      await mkdir(this.#path, { recursive: true });
      this.#lock ??= await ServerLock.take(this.#path);
    } catch (error) {
      throw error instanceof StoreFault ? error : this.#unusable(this.#path, error);
    }
  }

  /** The root belongs to this server while one of its stores is open. */
  async #unlockWhenIdle(): Promise<void> {
    if (this.#open.size > 0) return;
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }

  #unusable(path: string, error: unknown): StoreFault {
    return new StoreFault('LS_STORE_UNUSABLE', storeFaults.LS_STORE_UNUSABLE(path, whyOf(error)));
  }
}
