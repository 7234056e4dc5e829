/**
 * A queue that both servers keep, a session's or another's, and how checkpoints store it. It is a row of pages (see page.ts); those that the
 * store has are in memory only as long as they are wanted, so that a backlog of any length costs no memory, and none of it is looked at when a
 * server starts or takes over. What was settled before a checkpoint came is never written.
 *
 * What is between two pages in memory is in the store alone, as the last durable checkpoint left it. So a page stays in memory from its first
 * change until the checkpoint that has it is durable; but a page that has nothing in it any more and stands before the oldest message may go at
 * once, because nobody looks there. Its keys bear the place of the operation that began it. Source: PROTOCOL.md §1 (state).
 */
import type { Ledger } from './ledger.ts';
import type { Message, Place } from './message.ts';
import { Page } from './page.ts';
import type { Marks, MessageQueue, Queued } from './queue.ts';
import type { StoredPair } from './state-reader.ts';
import { Entry } from './stored-page.ts';
import { counterValue, keyOf, numberIn, pageKey, type Counter } from './stored.ts';

/** A queue that is in memory whole ends at once, if it has no more messages than these. */
const END_MAX = 1000;
/** A page that a checkpoint finds with less than this part of its bytes goes on taking messages. */
const SMALL_PART = 1 / 8;

export class DurableQueue implements MessageQueue {
  readonly place: Place;
  readonly #ledger: Ledger;
  /** In memory, in the order of their numbers. */
  #pages: Page[] = [];
  /** The one that was wanted last. */
  #near: Page | null = null;
  /** Nothing numbered below is in the queue. */
  #first: number;
  #next: number;
  #length: number;
  #bytes: number;
  /** The stored state has its counter, as it now is or as it was. */
  #wasStored: boolean;
  /** The ledger knows that the next checkpoint has to look at it. */
  #isTouched = false;
  /** Pages that the next checkpoint has to look at. */
  readonly #changed = new Set<Page>();
  /** Where pages began that the next checkpoint is to take away. */
  #emptied: number[] = [];

  /** `stored`: as the stored state has it; null: it begins. */
  constructor(place: Place, ledger: Ledger, stored: Counter | null = null) {
    this.place = place;
    this.#ledger = ledger;
    this.#first = stored?.first ?? 0;
    this.#next = stored?.next ?? 0;
    this.#length = stored?.messages ?? 0;
    this.#bytes = stored?.bytes ?? 0;
    this.#wasStored = stored !== null;
    if (stored === null) this.#touch();
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get next(): number {
    return this.#next;
  }

  get counter(): Counter {
    return { next: this.#next, first: this.#first, messages: this.#length, bytes: this.#bytes };
  }

  add(message: Message, marks: Marks): Queued {
    const entry = new Entry(this.#next, marks, message);
    const page = this.#tail(message.bytes);
    page.add(entry);
    this.#willChange(page);
    this.#next += 1;
    this.#length += 1;
    this.#bytes += entry.bytes;
    this.#ledger.began(entry);
    this.#touch();
    return entry;
  }

  skip(count: number): number {
    const first = this.#next;
    this.#next += count;
    if (this.#length === 0) this.#closeUp();
    this.#touch();
    return first;
  }

  get(number: number): Queued | null {
    return this.#pageOf(number)?.read(number) ?? null;
  }

  from(number: number): Queued | null {
    let at = Math.max(number, this.#first);
    while (at < this.#next && this.#length > 0) {
      const page = this.#seek(at);
      if (page === null) return null;
      const entry = page.after(at);
      if (entry !== null) {
        // Nothing that was looked at and is not there is looked at again.
        if (number <= this.#first) this.#first = entry.number;
        return page.read(entry.number);
      }
      at = page.to;
    }
    return null;
  }

  *since(number: number): Iterable<Queued> {
    for (let queued = this.from(number); queued !== null; queued = this.from(queued.number + 1)) yield queued;
  }

  remove(number: number): Queued | null {
    const page = this.#pageOf(number);
    const entry = page?.at(number) ?? null;
    if (page === null || entry === null) return null;
    const isOldest = page.from <= this.#first && page.after(this.#first) === entry;
    page.remove(entry, isOldest);
    this.#length -= 1;
    this.#bytes -= entry.bytes;
    if (number >= page.freshFrom) this.#ledger.gone(entry);
    else if (entry.isShared) this.#ledger.bodies.release(entry.place);
    if (!isOldest || page.live === 0) this.#willChange(page);
    if (page.live === 0 && page.isStored) {
      page.isStored = false;
      this.#emptied.push(page.from);
    }
    this.#touch();
    if (isOldest || this.#length === 0) this.#closeUp();
    return entry;
  }

  end(): void {
    if (this.#length <= END_MAX && this.#isAllHere())
      for (const { number } of this.#pages.flatMap((page) => page.messages())) this.remove(number);
    this.#dropEmptied();
    // What is stored as it now is, the ledger takes away by and by; the rest goes now.
    for (const page of this.#changed) for (const { number } of page.messages()) this.remove(number);
    this.#dropEmptied();
    if (this.#length > 0) this.#ledger.leave(this.place, this.#first);
    if (this.#wasStored) this.#ledger.drop(keyOf('counter', this.place));
    this.#length = 0;
    this.#bytes = 0;
    this.#closeUp();
    this.#ledger.untouch(this);
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    this.#dropEmptied();
    for (const page of this.#changed) this.#collectPage(page);
    this.#changed.clear();
    this.#ledger.put(keyOf('counter', this.place), counterValue(this.counter));
    this.#wasStored = true;
    this.#isTouched = false;
  }

  #collectPage(page: Page): void {
    const ledger = this.#ledger;
    if (page.live > 0) {
      for (const entry of page.fresh()) ledger.stores(entry);
      page.freshFrom = page.to;
      page.isStored = true;
      if (page.bytes >= ledger.sizes.pageBytes * SMALL_PART) page.isClosed = true;
      ledger.push(page.store(pageKey(this.place, page.from)));
    }
    ledger.written(page, this);
  }

  /** A page that the store has as it is now, or that has nothing in it: nobody needs it here. */
  forget(page: Page): void {
    const at = this.#indexBefore(page.from + 1);
    if (this.#pages[at] === page) this.#pages.splice(at, 1);
    if (this.#near === page) this.#near = null;
  }

  #dropEmptied(): void {
    for (const from of this.#emptied) this.#ledger.drop(pageKey(this.place, from));
    this.#emptied = [];
  }

  #touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#ledger.touch(this);
  }

  #willChange(page: Page): void {
    page.changedIn = this.#ledger.checkpoint;
    this.#changed.add(page);
    this.#ledger.cache.drop(page);
  }

  /** The page for the next message. */
  #tail(bytes: number): Page {
    const { pageMessages, pageBytes } = this.#ledger.sizes;
    const last = this.#pages.at(-1);
    const takesIt =
      last !== undefined &&
      !last.isClosed &&
      this.#next - last.from < pageMessages &&
      (last.bytes + bytes <= pageBytes || last.live === 0);
    if (takesIt) return last;
    const page = new Page(this.#next, this.#ledger.bodies);
    this.#pages.push(page);
    return page;
  }

  /** Goes on to the oldest message, as far as pages in memory show it. */
  #closeUp(): void {
    if (this.#length === 0) {
      this.#first = this.#next;
      for (const page of this.#pages) this.#letGo(page);
      this.#pages = [];
      return;
    }
    for (let page = this.#pages[0]; page !== undefined && page.from <= this.#first; page = this.#pages[0]) {
      const oldest = page.after(this.#first);
      if (oldest !== null) {
        this.#first = oldest.number;
        return;
      }
      this.#first = Math.max(this.#first, page.to);
      this.#letGo(page);
      this.#pages.shift();
    }
  }

  /** It has nothing in it that anybody will look for. */
  #letGo(page: Page): void {
    page.isGone = true;
    this.#changed.delete(page);
    this.#ledger.cache.drop(page);
    if (this.#near === page) this.#near = null;
  }

  // Pages that are not in memory ---------------------------------------------------------------------------------------------------

  /** The page that has this number; null: nothing has. */
  #pageOf(number: number): Page | null {
    if (number < this.#first || number >= this.#next) return null;
    const near = this.#near;
    if (near !== null && near.from <= number && number < near.to) return near;
    const at = this.#indexBefore(number + 1);
    const before = this.#pages[at];
    if (before !== undefined && number < before.to) return this.#use(before);
    const page = this.#fetchUpTo(number, before);
    return page !== null && number < page.to ? page : null;
  }

  /** The page that has this number, or else the next one; null: there is none. */
  #seek(number: number): Page | null {
    const near = this.#near;
    if (near !== null && near.from <= number && number < near.to) return near;
    const at = this.#indexBefore(number + 1);
    const before = this.#pages[at];
    if (before !== undefined && number < before.to) return this.#use(before);
    // Where a page ends, the next one begins, if it begins there.
    if (before === undefined || number > before.to) {
      const page = this.#fetchUpTo(number, before);
      if (page !== null && number < page.to) return page;
    }
    return this.#fetchFrom(number);
  }

  /** The stored page that begins at or before `number`, behind `before`, with something in it that is not settled. */
  #fetchUpTo(number: number, before: Page | undefined): Page | null {
    const { place } = this;
    return this.#fetched(this.#ledger.reader.last(pageKey(place, before?.to ?? 0), pageKey(place, number)));
  }

  /** The first page after `number`, which no page has: stored, or in memory. */
  #fetchFrom(number: number): Page | null {
    const at = this.#indexBefore(number + 1);
    const after = this.#pages[at + 1];
    const end = after?.from ?? this.#next;
    for (const stored of this.#ledger.reader.range(pageKey(this.place, number), pageKey(this.place, end))) {
      const page = this.#fetched(stored);
      if (page !== null) return page;
    }
    const before = this.#pages[at];
    if (before !== undefined) before.to = end;
    return after === undefined ? null : this.#use(after);
  }

  #fetched(stored: StoredPair | null): Page | null {
    if (stored === null) return null;
    const { cache, bodies } = this.#ledger;
    const page = Page.stored(numberIn(stored.key), stored.value, this.#first, bodies);
    if (page.live === 0) return null;
    this.#pages.splice(this.#indexBefore(page.from) + 1, 0, page);
    cache.keep(page, this);
    cache.trim();
    this.#near = page;
    return page;
  }

  #use(page: Page): Page {
    this.#near = page;
    this.#ledger.cache.use(page);
    return page;
  }

  /** Where in `#pages` the last one stands that begins before `number`; -1: none does. */
  #indexBefore(number: number): number {
    let [low, high] = [0, this.#pages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pages[middle]?.from ?? Infinity) < number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Nothing of it is in the store alone. */
  #isAllHere(): boolean {
    let here = 0;
    for (const { live } of this.#pages) here += live;
    return here === this.#length;
  }
}
