/**
 * The journal's entries that are not applied yet, and the newest one: what is about to be applied or sent is found here without a read. A gap is
 * never held: entries come in order, and the oldest go first. Law: a hit is exactly what the journal holds, and nothing is held for long: what
 * outlives a few turns costs the collector most, and who wants what is applied reads it.
 */
import { assert } from '../../base/index.ts';
import type { Entry } from '../../core/replication/index.ts';

/** Places are given back when so many are empty. */
const EMPTY_PLACES_MAX = 64;

export class EntryCache {
  readonly #bytesMax: number;
  readonly #entries: (Entry | null)[] = [];
  /** Index of the oldest entry still held; the places before it are given back now and then. */
  #head = 0;
  #bytes = 0;

  /** Whatever is not applied goes too, the oldest first, where it takes more than `bytesMax`. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(entry: Entry): void {
    const newest = this.#entries.at(-1);
    assert(
      newest === undefined || entry.seq === (newest?.seq ?? 0) + 1,
      `entry ${entry.seq} does not follow ${newest?.seq ?? 0}`,
    );
    this.#entries.push(entry);
    this.#bytes += entry.bytes.length;
    while (this.#bytes > this.#bytesMax && this.#head < this.#entries.length - 1) this.#drop();
  }

  at(seq: number): Entry | null {
    const oldest = this.#entries[this.#head];
    if (oldest === undefined || oldest === null || seq < oldest.seq) return null;
    return this.#entries[this.#head + (seq - oldest.seq)] ?? null;
  }

  /** All through `seq` is applied. */
  applied(seq: number): void {
    while (this.#head < this.#entries.length - 1 && (this.#entries[this.#head]?.seq ?? 0) <= seq)
      this.#drop();
  }

  clear(): void {
    this.#entries.length = 0;
    this.#head = 0;
    this.#bytes = 0;
  }

  #drop(): void {
    this.#bytes -= this.#entries[this.#head]?.bytes.length ?? 0;
    this.#entries[this.#head] = null;
    this.#head += 1;
    if (this.#head < EMPTY_PLACES_MAX || this.#head * 2 < this.#entries.length) return;
    this.#entries.splice(0, this.#head);
    this.#head = 0;
  }
}
