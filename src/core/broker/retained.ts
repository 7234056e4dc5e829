/**
 * The last retained message of each address, for those who subscribe later. One whose time is over stays until an operation takes it away, but
 * nobody is sent it. Source: MQTT-3.3.1-5 to MQTT-3.3.1-11; MQTT 5.0 §3.3.2.3.3.
 */
import type { Ledger } from './ledger.ts';
import type { Message } from './message.ts';
import { inOrderOfPublication } from './publication-order.ts';
import { keyOf, retainedValue } from './stored.ts';
import { TopicTree } from './topic-tree.ts';

export class Retained {
  readonly #messages = new TopicTree<Message>();
  /** Those that expire, and how far the round through them has come. */
  readonly #expiring = new Set<Message>();
  #round = this.#expiring.values();
  /** Those that no checkpoint has seen. */
  readonly #fresh = new Set<Message>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get count(): number {
    return this.#messages.size;
  }

  /** An empty payload takes the retained message of its address away. */
  set(message: Message): void {
    this.#take(message.address);
    if (message.payload.length === 0) return;
    this.#put(message);
    this.#fresh.add(message);
  }

  /** There are some that expire. */
  get hasExpiring(): boolean {
    return this.#expiring.size > 0;
  }

  /**
   * Addresses whose messages' time is over at `now` (pair time), found among the next `count` of those that expire: call after call goes round
   * all of them.
   */
  expired(now: number, count: number): readonly string[] {
    const found: string[] = [];
    for (let left = Math.min(count, this.#expiring.size); left > 0; left -= 1) {
      let next = this.#round.next();
      if (next.done === true) {
        this.#round = this.#expiring.values();
        next = this.#round.next();
      }
      if (next.value?.hasExpired(now) === true) found.push(next.value.address);
    }
    return found;
  }

  /** The address' message goes, where its time is over at `at` (pair time). */
  expire(address: string, at: number): void {
    if (this.#messages.get(address)?.hasExpired(at) === true) this.#take(address);
  }

  #take(address: string): void {
    const former = this.#messages.get(address);
    if (former === undefined) return;
    this.#messages.delete(address);
    this.#expiring.delete(former);
    if (!this.#fresh.delete(former)) this.#ledger.drop(keyOf('retained', former.place));
    this.#ledger.release(former);
  }

  restore(message: Message): void {
    this.#put(message);
  }

  #put(message: Message): void {
    this.#messages.set(message.address, message);
    if (message.expiresAt !== null) this.#expiring.add(message);
    this.#ledger.hold(message);
  }

  /** In the order in which they were published, on both servers and after loading: the order in which a subscriber gets them. */
  matching(filter: string): readonly Message[] {
    return inOrderOfPublication(this.#messages.matching(filter));
  }

  /** In no order to rely on. */
  all(): Iterable<Message> {
    return this.#messages.all();
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    for (const message of this.#fresh) {
      this.#ledger.store(message);
      this.#ledger.put(keyOf('retained', message.place), retainedValue());
    }
    this.#fresh.clear();
  }
}
