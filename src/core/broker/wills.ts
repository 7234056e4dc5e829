/** The wills of connected clients, kept until they are published or taken back. Source: MQTT-3.1.2-8, MQTT-3.1.2-10. */
import type { Ledger } from './ledger.ts';
import type { Place } from './message.ts';
import type { Will } from './op.ts';
import { keyOf, willValue } from './stored.ts';

type Held = Readonly<{ place: Place; clientId: string; will: Will }>;

export class Wills {
  readonly #held = new Map<string, Held>();
  /** Those that no checkpoint has seen. */
  readonly #fresh = new Set<Held>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  set(place: Place, clientId: string, will: Will): void {
    this.take(clientId);
    // A copy: a will outlives the entry that it came with.
    const held = { place, clientId, will: { ...will, payload: Buffer.from(will.payload) } };
    this.#held.set(clientId, held);
    this.#fresh.add(held);
  }

  restore(place: Place, clientId: string, will: Will): void {
    this.#held.set(clientId, { place, clientId, will });
  }

  /** Takes the client's will out; null when it has none. */
  take(clientId: string): Will | null {
    const held = this.#held.get(clientId);
    if (held === undefined) return null;
    this.#held.delete(clientId);
    if (!this.#fresh.delete(held)) this.#ledger.drop(keyOf('will', held.place));
    return held.will;
  }

  all(): Iterable<Held> {
    return this.#held.values();
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    for (const held of this.#fresh)
      this.#ledger.put(keyOf('will', held.place), willValue(held.clientId, held.will));
    this.#fresh.clear();
  }
}
