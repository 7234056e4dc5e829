/**
 * The newest entries of the journal, kept in memory: what is about to be applied or sent is found here without a read. A gap is never held:
 * entries come in order, and the oldest go first. Law: a hit is exactly what the journal holds.
 */
import { assert } from '../../base/index.ts';
import type { Entry } from '../../core/replication/index.ts';

export class EntryCache {
  readonly #bytesMax: number;
  #entries: (Entry | null)[] = [];
  /** Index of the oldest entry still held; the places before it are given back now and then. */
  #head = 0;
  #bytes = 0;

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
    while (this.#bytes > this.#bytesMax && this.#head < this.#entries.length - 1) {
      this.#bytes -= this.#entries[this.#head]?.bytes.length ?? 0;
      this.#entries[this.#head] = null;
      this.#head += 1;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  at(seq: number): Entry | null {
    const oldest = this.#entries[this.#head];
    if (oldest === undefined || oldest === null || seq < oldest.seq) return null;
    return this.#entries[this.#head + (seq - oldest.seq)] ?? null;
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
