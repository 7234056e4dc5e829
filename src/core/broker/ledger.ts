/**
 * What the next checkpoint has to store, and what the last ones have. Only keys that a checkpoint has written are ever taken away: what came and
 * went between two checkpoints leaves no trace. Checkpoints are numbered from 1, since the state was loaded; one at a time is under way.
 * Source: PROTOCOL.md §1 (state).
 */
import { Bodies } from './bodies.ts';
import { Leftovers } from './leftovers.ts';
import type { Message, Place } from './message.ts';
import type { Page } from './page.ts';
import { PageCache, type PageOwner } from './page-cache.ts';
import type { PagingSizes } from './paging.ts';
import type { StateReader } from './state-reader.ts';
import type { Entry } from './stored-page.ts';
import type { Change } from './stored.ts';

/** A part of the state that adds to the ledger what is new in it since the last checkpoint. */
export interface Collected {
  collect(): void;
}

/** A message where it stands. */
type Held = Readonly<{ message: Message; bytes: number }>;

/** What a message in memory takes beside its payload, roughly. */
const MESSAGE_MEMORY_BYTES = 300;

export class Ledger {
  readonly reader: StateReader;
  readonly sizes: PagingSizes;
  readonly bodies: Bodies;
  readonly cache: PageCache;
  readonly leftovers: Leftovers;
  #changes: Change[] = [];
  /** Those that the next checkpoint has to look at. */
  readonly #touched = new Set<Collected>();
  /** The number of the next checkpoint. */
  #checkpoint = 1;
  /** The last one whose changes the reader gives. */
  #durable = 0;
  /** Pages that checkpoints not yet durable have taken. */
  #written: Readonly<{ page: Page; owner: PageOwner; bytes: number }>[] = [];
  #writtenBytes = 0;
  #freshBytes = 0;

  constructor(reader: StateReader, sizes: PagingSizes) {
    this.reader = reader;
    this.sizes = sizes;
    this.bodies = new Bodies(reader);
    this.cache = new PageCache(sizes.memoryBytes);
    this.leftovers = new Leftovers(reader, this.bodies, sizes.tidyMax);
  }

  /** The number of the next checkpoint. */
  get checkpoint(): number {
    return this.#checkpoint;
  }

  /** What queued and retained messages take in memory that no checkpoint has seen, roughly. */
  get freshBytes(): number {
    return this.#freshBytes;
  }

  /** What queued messages take in memory, roughly. */
  get memoryBytes(): number {
    return this.#freshBytes + this.#writtenBytes + this.cache.bytes + this.bodies.memoryBytes;
  }

  /** Something is new in it. */
  touch(part: Collected): void {
    this.#touched.add(part);
  }

  /** It is gone, or as it was. */
  untouch(part: Collected): void {
    this.#touched.delete(part);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#changes.push({ key, value });
  }

  drop(key: Uint8Array): void {
    this.#changes.push({ key, value: null });
  }

  push(change: Change): void {
    this.#changes.push(change);
  }

  /** A message has come into a queue, or is retained. */
  began({ message, bytes }: Held): void {
    message.refs += 1;
    this.#freshBytes += bytes + MESSAGE_MEMORY_BYTES;
  }

  /** It is gone before any checkpoint came. */
  gone({ message, bytes }: Held): void {
    message.refs -= 1;
    this.#freshBytes -= bytes + MESSAGE_MEMORY_BYTES;
  }

  /** The checkpoint that is collected stores it. */
  stores(entry: Entry): void {
    const { message } = entry;
    entry.isShared = this.bodies.hold(message);
    this.gone(entry);
  }

  /** The same for another holder. True: it is to name the message by its place; false: it is to be stored with the message in it. */
  storesHolder(message: Message): boolean {
    const isShared = this.bodies.hold(message);
    this.gone({ message, bytes: message.bytes });
    return isShared;
  }

  /** The checkpoint that is collected has the page as it now is: it may be forgotten when that is durable. */
  written(page: Page, owner: PageOwner): void {
    const bytes = page.memoryBytes;
    this.#written.push({ page, owner, bytes });
    this.#writtenBytes += bytes;
  }

  /** A queue has ended, and pages of it are stored. */
  leave(place: Place, first: number): void {
    this.leftovers.add(place, first);
  }

  /** All changes since it was last asked, with what is new in the parts that were touched. Values may be worked out when they are asked for. */
  take(): Change[] {
    for (const part of this.#touched) part.collect();
    this.#touched.clear();
    for (const change of this.leftovers.collect(this.#checkpoint, this.#durable)) this.#changes.push(change);
    for (const change of this.bodies.collect(this.#checkpoint)) this.#changes.push(change);
    this.#checkpoint += 1;
    const taken = this.#changes;
    this.#changes = [];
    return taken;
  }

  /** The reader gives all that was taken. */
  stored(): void {
    this.#durable = this.#checkpoint - 1;
    this.bodies.stored(this.#durable);
    for (const { page, owner } of this.#written) {
      if (page.isGone || page.changedIn > this.#durable) continue;
      if (page.live === 0) owner.forget(page);
      else this.cache.keep(page, owner);
    }
    this.#written = [];
    this.#writtenBytes = 0;
    this.cache.trim();
  }
}
