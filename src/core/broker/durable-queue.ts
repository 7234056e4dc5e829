/**
 * A queue that both servers keep, a session's or another's, and how checkpoints store it: what is in it when one comes is stored, what was
 * settled before is never written. Its keys bear the place of the operation that began it. Source: PROTOCOL.md §1 (state).
 */
import type { Ledger } from './ledger.ts';
import type { Message, Place } from './message.ts';
import { Queue, type Marks, type MessageQueue, type Queued } from './queue.ts';
import { counterValue, keyOf, queuedKey, queuedValue } from './stored.ts';

export class DurableQueue implements MessageQueue {
  readonly place: Place;
  readonly #ledger: Ledger;
  readonly #queue: Queue;
  /** The stored state has its counter, as it now is or as it was. */
  #wasStored: boolean;
  /** Everything numbered below was seen by a checkpoint: stored then, or settled before. */
  #storedThrough: number;

  /** `storedNext`: the next number of a queue that the stored state has; null: it begins. */
  constructor(place: Place, ledger: Ledger, storedNext: number | null = null) {
    this.place = place;
    this.#ledger = ledger;
    this.#queue = new Queue(storedNext ?? 0);
    this.#wasStored = storedNext !== null;
    this.#storedThrough = storedNext ?? 0;
    if (storedNext === null) ledger.touch(this);
  }

  get length(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  get next(): number {
    return this.#queue.next;
  }

  get(number: number): Queued | null {
    return this.#queue.get(number);
  }

  from(number: number): Queued | null {
    return this.#queue.from(number);
  }

  since(number: number): Iterable<Queued> {
    return this.#queue.since(number);
  }

  add(message: Message, marks: Marks): Queued {
    this.#ledger.hold(message);
    this.#ledger.touch(this);
    return this.#queue.add(message, marks);
  }

  skip(count: number): number {
    this.#ledger.touch(this);
    return this.#queue.skip(count);
  }

  restoreQueued(queued: Omit<Queued, 'isStored'>): void {
    this.#queue.restore({ ...queued, isStored: true });
    this.#ledger.hold(queued.message);
  }

  remove(number: number): Queued | null {
    const queued = this.#queue.remove(number);
    if (queued === null) return null;
    if (queued.isStored) this.#ledger.drop(queuedKey(this.place, number));
    this.#ledger.release(queued.message);
    return queued;
  }

  end(): void {
    for (const { number } of [...this.since(0)]) this.remove(number);
    if (this.#wasStored) this.#ledger.drop(keyOf('counter', this.place));
    this.#ledger.untouch(this);
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    const { next } = this.#queue;
    if (!this.#wasStored || next !== this.#storedThrough)
      this.#ledger.put(keyOf('counter', this.place), counterValue(next));
    for (const queued of this.#queue.since(this.#storedThrough)) {
      this.#ledger.store(queued.message);
      this.#ledger.put(queuedKey(this.place, queued.number), queuedValue(queued));
      queued.isStored = true;
    }
    this.#wasStored = true;
    this.#storedThrough = next;
  }
}
