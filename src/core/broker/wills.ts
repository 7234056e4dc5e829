/**
 * The wills of clients, kept until they are published or taken back. A connected client's is not due; that of one that has gone is at a time
 * that both servers know. Source: MQTT-3.1.2-8, MQTT-3.1.2-10; MQTT 5.0 §3.1.3.2.2.
 */
import type { Ledger } from './ledger.ts';
import type { Place } from './message.ts';
import type { Will } from './op.ts';
import { keyOf, willValue, type StoredWill } from './stored.ts';

type Held = StoredWill & Readonly<{ place: Place }>;

export class Wills {
  readonly #held = new Map<string, Held>();
  /** Those that the stored state does not have as they now are, and whether it has them as they were. */
  readonly #fresh = new Map<string, boolean>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  set(place: Place, clientId: string, will: Will): void {
    this.take(clientId);
    // A copy: a will outlives the entry that it came with.
    const [payload, properties] = [Buffer.from(will.payload), Buffer.from(will.properties)];
    this.#held.set(clientId, { place, clientId, will: { ...will, payload, properties }, dueAt: null });
    this.#fresh.set(clientId, false);
  }

  restore(place: Place, stored: StoredWill): void {
    this.#held.set(stored.clientId, { place, ...stored });
  }

  get(clientId: string): StoredWill | null {
    return this.#held.get(clientId) ?? null;
  }

  /** Its client is gone, and it is to be published at `dueAt` (pair time); nothing where there is none, or it is due already. */
  await(clientId: string, dueAt: number): void {
    const held = this.#held.get(clientId);
    if (held === undefined || held.dueAt !== null) return;
    this.#held.set(clientId, { ...held, dueAt });
    if (!this.#fresh.has(clientId)) this.#fresh.set(clientId, true);
  }

  /** Takes the client's will out; null when it has none. */
  take(clientId: string): Will | null {
    const held = this.#held.get(clientId);
    if (held === undefined) return null;
    this.#held.delete(clientId);
    const wasStored = this.#fresh.get(clientId) ?? true;
    this.#fresh.delete(clientId);
    if (wasStored) this.#ledger.drop(keyOf('will', held.place));
    return held.will;
  }

  all(): Iterable<Held> {
    return this.#held.values();
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    for (const clientId of this.#fresh.keys()) {
      const held = this.#held.get(clientId);
      if (held !== undefined) this.#ledger.put(keyOf('will', held.place), willValue(held));
    }
    this.#fresh.clear();
  }
}
