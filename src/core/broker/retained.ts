/** The last retained message of each address, for those who subscribe later. Source: MQTT-3.3.1-5 to MQTT-3.3.1-11. */
import type { Ledger } from './ledger.ts';
import type { Message } from './message.ts';
import { inOrderOfPublication } from './publication-order.ts';
import { keyOf, retainedValue } from './stored.ts';
import { TopicTree } from './topic-tree.ts';

export class Retained {
  readonly #messages = new TopicTree<Message>();
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
    this.#messages.set(message.address, message);
    this.#fresh.add(message);
    this.#ledger.hold(message);
  }

  /** The address' message goes, where its time is over at `at` (pair time). */
  expire(address: string, at: number): void {
    if (this.#messages.get(address)?.hasExpired(at) === true) this.#take(address);
  }

  #take(address: string): void {
    const former = this.#messages.get(address);
    if (former === undefined) return;
    this.#messages.delete(address);
    if (!this.#fresh.delete(former)) this.#ledger.drop(keyOf('retained', former.place));
    this.#ledger.release(former);
  }

  restore(message: Message): void {
    this.#messages.set(message.address, message);
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
