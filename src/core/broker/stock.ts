/**
 * One queue of a group and, on the serving server, who has what of it. On the other server nobody has anything, and this is the queue alone.
 */
import { NumberTable } from '../../base/index.ts';
import type { Lent } from './membership.ts';
import type { MessageQueue, Queued } from './queue.ts';

/** A message that nobody has, of `stock`. `isDup`: somebody had it and may have been sent it. */
export type Free = Readonly<{ stock: Stock; queued: Queued; isDup: boolean }>;

/** The same by its number. */
type Again = Readonly<{ number: number; isDup: boolean }>;

export class Stock {
  readonly queue: MessageQueue;
  readonly #given = new NumberTable<Lent>();
  /** All numbers below were given or set aside; those of them that are free again are in `#again`, in their order. */
  #through = 0;
  #again: Again[] = [];
  /** Messages below stood in the queue before this server gave anything of it: the other server, or this one earlier, may have. Null: it has not. */
  #foundThrough: number | null = null;

  constructor(queue: MessageQueue) {
    this.queue = queue;
  }

  /** This server gives from now on. */
  begin(): void {
    this.#foundThrough ??= this.queue.next;
  }

  /** The oldest message that is free; null when there is none. */
  peek(): Free | null {
    for (let again = this.#again[0]; again !== undefined; again = this.#again[0]) {
      const queued = this.queue.get(again.number);
      if (queued !== null) return { stock: this, queued, isDup: again.isDup };
      this.#again.shift();
    }
    let queued = this.queue.from(this.#through);
    while (queued !== null && this.#given.has(queued.number)) queued = this.queue.from(queued.number + 1);
    this.#through = queued === null ? this.queue.next : queued.number;
    if (queued === null) return null;
    return { stock: this, queued, isDup: queued.number < (this.#foundThrough ?? 0) };
  }

  /** The message that `peek` gave is not free any more. */
  shift({ queued: { number } }: Free): void {
    if (this.#again[0]?.number === number) this.#again.shift();
    else this.#through = number + 1;
  }

  give(lent: Lent): void {
    this.#given.set(lent.number, lent);
  }

  /** Who has it; null when nobody has. */
  lentOf(number: number): Lent | null {
    return this.#given.get(number) ?? null;
  }

  /** What of it is given, in no order. */
  lents(): Lent[] {
    return Array.from(this.#given.entries(), ([, lent]) => lent);
  }

  /** Nobody is to be given it any more; it is taken out when that is committed. */
  finish(number: number): void {
    this.#given.delete(number);
  }

  /** Nobody has them any more, and nobody is done with them. */
  free(messages: readonly Again[]): void {
    if (messages.length === 0) return;
    for (const { number } of messages) this.#given.delete(number);
    this.#again = [...messages, ...this.#again].sort((a, b) => a.number - b.number);
  }

  /** Takes it out, whoever has it; null when it is not there, which is harmless. */
  remove(number: number): Queued | null {
    this.#given.delete(number);
    return this.queue.remove(number);
  }

  /** This server gives no more; what is in the queue is free when it begins again. */
  cease(): void {
    this.#given.clear();
    this.#again = [];
    this.#through = 0;
    this.#foundThrough = null;
  }
}
