/**
 * What both servers keep of a group as long as a durable session is a member of it with QoS 1 or 2, and until what is left then is given: its
 * queue, and how much that takes. Who is a member, and so whether it is retired, follows from the sessions' subscriptions. Source: PROTOCOL.md §1 (state).
 */
import type { DurableQueue } from './durable-queue.ts';
import type { Ledger } from './ledger.ts';
import type { Place } from './message.ts';
import type { QueueBounds } from './op.ts';
import { Stock } from './stock.ts';
import { groupValue, keyOf, type StoredGroup } from './stored.ts';

export class DurableGroup {
  readonly queue: DurableQueue;
  readonly stock: Stock;
  readonly #names: Readonly<{ group: string; filter: string }>;
  readonly #ledger: Ledger;
  #bounds: QueueBounds;
  /** The stored state has it, as it now is or as it was. */
  #wasStored: boolean;

  constructor(
    stored: StoredGroup,
    queue: DurableQueue,
    parts: Readonly<{ ledger: Ledger; wasStored: boolean }>,
  ) {
    this.#names = stored;
    this.queue = queue;
    this.stock = new Stock(queue);
    this.#bounds = stored.bounds;
    this.#ledger = parts.ledger;
    this.#wasStored = parts.wasStored;
    if (!this.#wasStored) this.#ledger.touch(this);
  }

  get place(): Place {
    return this.queue.place;
  }

  get bounds(): QueueBounds {
    return this.#bounds;
  }

  /** They are those of the member that has come or come back last: so they follow the servers' options. */
  set bounds(bounds: QueueBounds) {
    const { messages, bytes, whenFull } = this.#bounds;
    if (bounds.messages === messages && bounds.bytes === bytes && bounds.whenFull === whenFull) return;
    this.#bounds = bounds;
    this.#ledger.touch(this);
  }

  get stored(): StoredGroup {
    const { group, filter } = this.#names;
    return { group, filter, bounds: this.#bounds };
  }

  end(): void {
    this.queue.end();
    if (this.#wasStored) this.#ledger.drop(keyOf('group', this.place));
    this.#ledger.untouch(this);
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    this.#ledger.put(keyOf('group', this.place), groupValue(this.stored));
    this.#wasStored = true;
  }
}
