/**
 * One store directory `<root>/<storeId>`: identity.json, journal/, state/, and cut/ once rule Tail has cut something.
 * Source: PROTOCOL.md §1, §5.
 */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { assert, type Log } from '../../base/index.ts';
import { seq } from '../../core/pair/index.ts';
import { journalStart, type Position } from '../../core/replication/index.ts';
import type { Identity, Journal, StateStore, Store } from '../../ports/index.ts';
import {
  createJournal,
  journalFaults,
  openJournal,
  syncDirectory,
  writeDurably,
  type JournalOptions,
  type JournalPlace,
} from '../journal/index.ts';
import { readIdentity, writeIdentity } from './identity-file.ts';
import { openLmdbState } from './lmdb-state.ts';

export type StoreParts = Readonly<{
  directory: string;
  options: JournalOptions;
  log: Log;
  closed: () => Promise<void>;
}>;

export class FileStore implements Store {
  readonly directory: string;
  readonly journal: Journal;
  readonly state: StateStore;
  readonly #closed: () => Promise<void>;
  #identity: Identity;
  #isClosed = false;

  private constructor(parts: StoreParts, identity: Identity, journal: Journal, state: StateStore) {
    this.directory = parts.directory;
    this.#closed = parts.closed;
    this.#identity = identity;
    this.journal = journal;
    this.state = state;
  }

  /** A new store whose journal begins at `start`. Durable when it fulfils, but for the directory's own name. */
  static async create(parts: StoreParts, identity: Identity, start: Position): Promise<FileStore> {
    await mkdir(parts.directory);
    const journal = await createJournal(journalPlace(parts), start);
    const state = await openLmdbState(join(parts.directory, 'state'));
    await writeIdentity(parts.directory, identity);
    return new FileStore(parts, identity, journal, state);
  }

  /**
   * Opens what a former run left. Its journal is synced when it fulfils.
   *
   * A damaged journal is kept aside in the directory, and the store goes on with an empty one as *incomplete*: it keeps its storeId and
   * pairId, so that everybody still knows it for what it was, but it can never claim, and asks for a full synchronisation. A new storeId
   * or a cut journal would let it pass for virgin, or for one that merely lags.
   */
  static async open(parts: StoreParts): Promise<FileStore> {
    const { directory, log } = parts;
    let identity = await readIdentity(directory, basename(directory));
    const state = await openLmdbState(join(directory, 'state'));
    try {
      const place = journalPlace(parts);
      const isMade = identity.isComplete || (await hasSegments(place.directory));
      const opening = isMade ? await openJournal(place, appliedOf(identity, state)) : null;
      if (opening?.kind === 'opened') {
        const { torn, journal } = opening;
        if (torn !== null)
          log.say({
            level: 'info',
            text: `The last write before this server ended was not finished and is taken back (${torn.file}, byte ${torn.offset})`,
          });
        return new FileStore(parts, identity, journal, state);
      }
      if (opening !== null) {
        const { file, offset, why } = opening;
        const text = journalFaults.LS_JOURNAL_DAMAGED(file, offset, why);
        identity = { ...identity, isComplete: false };
        // Before the journal is touched: a crash from here on finds a store that can't claim.
        await writeIdentity(directory, identity);
        const aside = await setJournalAside(directory, text);
        log.say({
          level: 'error',
          code: 'LS_JOURNAL_DAMAGED',
          text: `${text}. The journal is kept in ${aside}; this server can't serve before it has got a full synchronisation`,
          fields: { file, offset },
        });
      }
      return new FileStore(parts, identity, await createJournal(place, journalStart), state);
    } catch (error) {
      await state.close();
      throw error;
    }
  }

  get identity(): Identity {
    return this.#identity;
  }

  async saveIdentity(identity: Identity): Promise<void> {
    assert(identity.storeId === this.#identity.storeId, 'a storeId never changes');
    await writeIdentity(this.directory, identity);
    this.#identity = identity;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.journal.close();
    await this.state.close();
    await this.#closed();
  }
}

/** An incomplete store's journal may have been replaced by an empty one, below what its state holds. */
const appliedOf = (identity: Identity, state: StateStore) =>
  identity.isComplete ? state.appliedSeq : seq(0);

const journalPlace = ({ directory, options }: StoreParts): JournalPlace => ({
  directory: join(directory, 'journal'),
  cutDirectory: join(directory, 'cut'),
  options,
});

const hasSegments = async (journal: string): Promise<boolean> =>
  (await readdir(journal).catch(() => [])).some((name) => name.endsWith('.seg'));

const DAMAGED = /^journal\.damaged-(\d+)$/;

/** The damaged journals that the store directory keeps. */
export const damagedJournalsIn = async (directory: string): Promise<string[]> =>
  (await readdir(directory)).filter((name) => DAMAGED.test(name));

async function setJournalAside(directory: string, why: string): Promise<string> {
  const numbers = (await damagedJournalsIn(directory)).map((name) => Number(DAMAGED.exec(name)?.[1]));
  const aside = join(directory, `journal.damaged-${Math.max(0, ...numbers) + 1}`);
  const journal = join(directory, 'journal');
  await mkdir(journal, { recursive: true });
  await writeDurably(join(journal, 'reason.txt'), `${why}\n`);
  await rename(journal, aside);
  await syncDirectory(directory);
  return aside;
}
