/**
 * A piece of a queue: all that is in it of the numbers from `from` up to and without `to`. The stored state has it under one key; in memory it
 * is a list of its messages, or the bytes that are stored, or both. What a checkpoint has taken is packed when its bytes are asked for, and
 * before anything in it changes, whichever comes first. Source: PROTOCOL.md §1 (state).
 */
import { present } from '../../base/index.ts';
import type { Bodies } from './bodies.ts';
import { ENTRY_HEAD_BYTES, packPage, unpackPage, type Entry } from './stored-page.ts';
import { LazyChange, type Change } from './stored.ts';

/** What a message in memory takes beside its payload, roughly; measured on Node 20. */
const ENTRY_MEMORY_BYTES = 300;

export class Page {
  readonly from: number;
  to: number;
  /** Messages in it. */
  live = 0;
  /** Everything numbered below was seen by a checkpoint: stored then, or settled before. */
  freshFrom: number;
  /** The stored state has a key for it, or will with the checkpoint under way. */
  isStored = false;
  /** The checkpoint that stores it as it now is. */
  changedIn = 0;
  /** It takes no more messages. */
  isClosed = false;
  /** Nobody looks here any more. */
  isGone = false;
  /** What its messages take, packed. */
  bytes = 0;
  readonly #bodies: Bodies;
  #entries: (Entry | null)[] | null = [];
  #packed: Buffer | null = null;
  /** Taken by a checkpoint, and not packed yet. */
  #pending: LazyChange | null = null;
  /** Somebody was given a message of it and may still have it. */
  #wasRead = false;

  constructor(from: number, bodies: Bodies) {
    this.from = from;
    this.to = from;
    this.freshFrom = from;
    this.#bodies = bodies;
  }

  /** As stored; what is numbered below `first` has been settled since. */
  static stored(from: number, packed: Buffer, first: number, bodies: Bodies): Page {
    const page = new Page(from, bodies);
    page.isStored = true;
    page.isClosed = true;
    page.bytes = packed.length;
    page.#packed = packed;
    page.#entries = null;
    page.#unpack(first);
    page.freshFrom = page.to;
    return page;
  }

  /** What it takes in memory, roughly. */
  get memoryBytes(): number {
    return this.bytes + this.live * ENTRY_MEMORY_BYTES;
  }

  /** `entry`: its number is not below `to`. */
  add(entry: Entry): void {
    const entries = this.#changing();
    while (this.from + entries.length < entry.number) entries.push(null);
    entries.push(entry);
    this.#packed = null;
    this.to = entry.number + 1;
    this.live += 1;
    this.bytes += entry.bytes + entry.message.address.length + ENTRY_HEAD_BYTES;
  }

  /** For somebody who may keep it. */
  read(number: number): Entry | null {
    this.#wasRead = true;
    return this.at(number);
  }

  at(number: number): Entry | null {
    return this.#all()[number - this.from] ?? null;
  }

  /** The oldest whose number is at least `number`; null: there is none here. */
  after(number: number): Entry | null {
    const entries = this.#all();
    for (let at = Math.max(0, number - this.from); at < entries.length; at += 1) {
      const entry = entries[at];
      if (entry !== null && entry !== undefined) return entry;
    }
    return null;
  }

  /**
   * Takes a message out, which must be there. `isOldest`: the queue's oldest: what is stored may stay as it is, because the queue's counter says
   * that it is settled.
   */
  remove(entry: Entry, isOldest: boolean): void {
    this.#changing()[entry.number - this.from] = null;
    this.live -= 1;
    if (!isOldest) this.#packed = null;
  }

  /** As many as there are now, whatever becomes of them while they are walked. */
  messages(): readonly Entry[] {
    return this.#all().filter((entry) => entry !== null);
  }

  /** Those that no checkpoint has seen. */
  *fresh(): Iterable<Entry> {
    if (this.freshFrom >= this.to) return;
    for (let entry = this.after(this.freshFrom); entry !== null; entry = this.after(entry.number + 1))
      yield entry;
  }

  /** For a checkpoint: the page as it is now. */
  store(key: Uint8Array): Change {
    this.#settlePending();
    const pending = new LazyChange(key, () => this.#pack());
    this.#pending = pending;
    return pending;
  }

  #pack(): Buffer {
    this.#pending = null;
    if (this.#packed !== null) return this.#packed;
    const entries = present(this.#entries, 'the messages of a page that is not packed');
    if (this.#wasRead) for (const entry of entries) entry?.compact();
    this.#packed = packPage(this.from, entries, this.bytes);
    this.bytes = this.#packed.length;
    // From the bytes they come without the entry of the journal that they came with.
    this.#entries = null;
    this.#wasRead = false;
    return this.#packed;
  }

  /** The messages, about to change. */
  #changing(): (Entry | null)[] {
    this.#settlePending();
    return this.#all();
  }

  /** What a checkpoint has taken, it gets as it was. */
  #settlePending(): void {
    this.#pending?.workOut();
  }

  #all(): (Entry | null)[] {
    return this.#entries ?? this.#unpack(this.from);
  }

  /** The messages numbered `first` and above. */
  #unpack(first: number): (Entry | null)[] {
    const packed = present(this.#packed, 'the bytes of a page that is packed');
    const entries: (Entry | null)[] = [];
    this.live = 0;
    for (const entry of unpackPage(this.from, packed, this.#bodies)) {
      while (this.from + entries.length < entry.number) entries.push(null);
      entries.push(entry.number < first ? null : entry);
      if (entry.number >= first) this.live += 1;
    }
    this.to = Math.max(this.to, this.from + entries.length);
    this.#entries = entries;
    return entries;
  }
}
