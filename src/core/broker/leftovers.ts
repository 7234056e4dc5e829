/**
 * Pages of queues that have ended, to be taken away: so many with each checkpoint, because a queue may have been long. Till then the stored
 * state has more than the state, which nobody sees: no queue begins at that place again. Source: PROTOCOL.md §1 (state).
 */
import type { Bodies } from './bodies.ts';
import type { Place } from './message.ts';
import type { StateReader } from './state-reader.ts';
import { unpackPage } from './stored-page.ts';
import { endedValue, keyOf, numberIn, pageKey, type Change } from './stored.ts';

const PAGE_COST = 8;
const BODY_COST = 1;

type Leftover = {
  readonly place: Place;
  /** What is numbered below had been settled before. */
  readonly first: number;
  /** The stored state knows of it. */
  isStored: boolean;
  /** Nothing more is taken away before this checkpoint is durable. */
  after: number;
};

export class Leftovers {
  readonly #reader: StateReader;
  readonly #bodies: Bodies;
  readonly #costMax: number;
  readonly #queues = new Set<Leftover>();

  constructor(reader: StateReader, bodies: Bodies, costMax: number) {
    this.#reader = reader;
    this.#bodies = bodies;
    this.#costMax = costMax;
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  add(place: Place, first: number): void {
    this.#queues.add({ place, first, isStored: false, after: 0 });
  }

  restore(place: Place, first: number): void {
    this.#queues.add({ place, first, isStored: true, after: 0 });
  }

  /** For checkpoint `next`; what the one numbered `durable` has stored is there to be read. */
  *collect(next: number, durable: number): Iterable<Change> {
    let cost = 0;
    for (const leftover of this.#queues) {
      const { place, first, isStored, after } = leftover;
      if (!isStored) {
        leftover.isStored = true;
        leftover.after = next;
        yield { key: keyOf('ended', place), value: endedValue(first) };
        continue;
      }
      if (after > durable) continue;
      for (const { key, value } of this.#reader.range(
        pageKey(place, 0),
        pageKey(place, Number.MAX_SAFE_INTEGER),
      )) {
        if (cost >= this.#costMax) break;
        cost += PAGE_COST + this.#release(numberIn(key), value, first) * BODY_COST;
        yield { key, value: null };
      }
      leftover.after = next;
      if (cost >= this.#costMax) return;
      yield { key: keyOf('ended', place), value: null };
      this.#queues.delete(leftover);
    }
  }

  /** How many of its messages have keys of their own. */
  #release(from: number, packed: Buffer, first: number): number {
    let count = 0;
    for (const { number, isShared, place } of unpackPage(from, packed, this.#bodies)) {
      if (!isShared) continue;
      count += 1;
      if (number >= first) this.#bodies.release(place);
    }
    return count;
  }
}
