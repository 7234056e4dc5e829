/**
 * The messages that a session has not settled, oldest first. Each gets the queue's next number; numbers are never used twice, are the
 * same on both servers, and are what settling names. Taking from anywhere costs the same: a settled place stays as a hole until all
 * before it are settled. This one is in memory alone; `durable-queue.ts` has the one that both servers keep.
 */
import type { Message } from './message.ts';

/** At which it is delivered: QoS 0 stands in no queue. */
export type QueuedQos = 1 | 2;

export type Queued = Readonly<{
  number: number;
  message: Message;
  /** What the subscriber is told: it was sent because it was retained, or it came to be kept and the subscriber wants to know. */
  isRetained: boolean;
  /** The subscriber's own numbers for the subscriptions that brought it; empty mostly. */
  ids: readonly number[];
  qos: QueuedQos;
}>;

/** How a message stands in a queue. */
export type Marks = Pick<Queued, 'isRetained' | 'ids' | 'qos'>;

/** No subscription bears a number: one array for all of them. */
export const NO_IDS: readonly number[] = [];

/** What may be done with a queue, whether the stored state has it too or not. */
export interface MessageQueue {
  readonly length: number;
  /** Of payloads and properties. */
  readonly bytes: number;
  /** The number that the next message gets. */
  readonly next: number;
  add(message: Message, marks: Marks): Queued;
  /** Leaves out the next `count` numbers; the first of them. */
  skip(count: number): number;
  get(number: number): Queued | null;
  /** The oldest message whose number is at least `number`; null when there is none. */
  from(number: number): Queued | null;
  /** All from `number` on, oldest first. */
  since(number: number): Iterable<Queued>;
  /** Takes it out; null when it is not (or no longer) there, which is harmless. */
  remove(number: number): Queued | null;
  /** Nobody needs it any more: nothing of it stays, in memory or stored. */
  end(): void;
}

export class Queue implements MessageQueue {
  #places: (Queued | null)[] = [];
  /** Where in `#places` the queue begins; what is before has been settled. */
  #head = 0;
  /** The number of the place at `#head`. */
  #first: number;
  #next: number;
  #length = 0;
  #bytes = 0;

  /** `next`: the first number that it gives. */
  constructor(next = 0) {
    this.#first = next;
    this.#next = next;
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

  add(message: Message, { qos, isRetained, ids }: Marks): Queued {
    const queued = { number: this.#next, message, isRetained, ids, qos };
    while (this.#first + this.#places.length - this.#head < queued.number) this.#places.push(null);
    this.#places.push(queued);
    this.#length += 1;
    this.#bytes += message.bytes;
    this.#next += 1;
    return queued;
  }

  skip(count: number): number {
    const first = this.#next;
    this.#next += count;
    if (this.#length === 0) this.#closeUp();
    return first;
  }

  get(number: number): Queued | null {
    return number < this.#first ? null : (this.#places[number - this.#first + this.#head] ?? null);
  }

  from(number: number): Queued | null {
    for (let at = Math.max(number, this.#first); at < this.#next; at += 1) {
      const queued = this.get(at);
      if (queued !== null) return queued;
    }
    return null;
  }

  *since(number: number): Iterable<Queued> {
    for (let queued = this.from(number); queued !== null; queued = this.from(queued.number + 1)) yield queued;
  }

  remove(number: number): Queued | null {
    const queued = this.get(number);
    if (queued === null) return null;
    this.#places[number - this.#first + this.#head] = null;
    this.#length -= 1;
    this.#bytes -= queued.message.bytes;
    this.#closeUp();
    return queued;
  }

  end(): void {
    this.#length = 0;
    this.#bytes = 0;
    this.#closeUp();
  }

  /** Moves the head to the oldest unsettled message, and now and then gives the room before it back. */
  #closeUp(): void {
    if (this.#length === 0) {
      this.#places.length = 0;
      this.#head = 0;
      this.#first = this.#next;
      return;
    }
    while (this.#places[this.#head] === null) {
      this.#head += 1;
      this.#first += 1;
    }
    // Half of the array or more: each element is moved at most once for each one that was added.
    if (this.#head >= 1024 && this.#head * 2 >= this.#places.length) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
  }
}
