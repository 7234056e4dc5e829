/**
 * The queues of sessions and groups that are not durable. They are in memory alone, on the serving server alone, so there is a bound for all of
 * them together: where they come to more, the longest lets its oldest messages go. A client that reads nothing costs the others nothing.
 */
import type { Message } from './message.ts';
import { Queue, type Marks, type Queued } from './queue.ts';

/** What a message takes in memory beside its payload and properties, roughly, and each place in a queue where it stands. */
const MESSAGE_BYTES = 300;
const PLACE_BYTES = 100;
/** What is too much goes down to this part of what may be, and the longest of them at once to this part of itself. */
const KEPT_PART = 15 / 16;

export class LocalQueues {
  readonly #bytesMax: number;
  readonly #filled = new Set<LocalQueue>();
  #bytes = 0;
  #dropped = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What they take in memory, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Messages that were let go, in each of their queues. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `letGo`: takes a message out that stands in it. */
  begin(letGo: (number: number) => void): LocalQueue {
    return new LocalQueue(this, letGo);
  }

  added(queue: LocalQueue, message: Message): void {
    this.#filled.add(queue);
    this.#bytes += PLACE_BYTES;
    // However many places it stands in, it is in memory once.
    if (message.localPlaces === 0) this.#bytes += MESSAGE_BYTES + message.bytes;
    message.localPlaces += 1;
  }

  removed(queue: LocalQueue, message: Message): void {
    if (queue.length === 0) this.#filled.delete(queue);
    this.#bytes -= PLACE_BYTES;
    message.localPlaces -= 1;
    if (message.localPlaces === 0) this.#bytes -= MESSAGE_BYTES + message.bytes;
  }

  /** They take no more than they may. */
  trim(): void {
    // Again and again all of them down to a part of the longest: looking for the longest each time would take its time where there are many.
    while (this.#bytes > this.#bytesMax && this.#filled.size > 0) {
      const level = this.#longest() * KEPT_PART;
      for (const queue of this.#filled) {
        this.#cut(queue, level);
        if (this.#bytes <= this.#bytesMax * KEPT_PART) return;
      }
    }
  }

  /** No further than to what may be in all of them. */
  #cut(queue: LocalQueue, level: number): void {
    while (sizeOf(queue) > level && this.#bytes > this.#bytesMax * KEPT_PART) {
      const oldest = queue.from(0);
      if (oldest === null) return;
      queue.letGo(oldest.number);
      this.#dropped += 1;
    }
  }

  /** How long that is. */
  #longest(): number {
    let longest = 0;
    for (const queue of this.#filled) longest = Math.max(longest, sizeOf(queue));
    return longest;
  }
}

export class LocalQueue extends Queue {
  readonly letGo: (number: number) => void;
  readonly #all: LocalQueues;

  constructor(all: LocalQueues, letGo: (number: number) => void) {
    super();
    this.#all = all;
    this.letGo = letGo;
  }

  override add(message: Message, marks: Marks): Queued {
    const queued = super.add(message, marks);
    this.#all.added(this, message);
    return queued;
  }

  override remove(number: number): Queued | null {
    const queued = super.remove(number);
    if (queued !== null) this.#all.removed(this, queued.message);
    return queued;
  }

  override end(): void {
    const messages = [...this.since(0)];
    super.end();
    for (const { message } of messages) this.#all.removed(this, message);
  }
}

const sizeOf = ({ bytes, length }: LocalQueue): number => bytes + length * PLACE_BYTES;
