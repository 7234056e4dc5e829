/**
 * The sessions that both servers keep: made, filled, settled and ended by committed operations only, and stored by checkpoints. How their
 * queues are stored is said in `durable-queue.ts`.
 */
import { present } from '../../base/index.ts';
import { DurableQueue } from './durable-queue.ts';
import type { Ledger } from './ledger.ts';
import type { Handshakes } from './handshakes.ts';
import type { Place } from './message.ts';
import { Session, type SessionTerms } from './session.ts';
import { handshakesValue, keyOf, sessionValue, type StoredSession } from './stored.ts';

export class DurableSessions {
  readonly #byClient = new Map<string, Session>();
  /** Those that a checkpoint has to look at. */
  readonly #touched = new Set<Session>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get count(): number {
    return this.#byClient.size;
  }

  get(clientId: string): Session | null {
    return this.#byClient.get(clientId) ?? null;
  }

  all(): Iterable<Session> {
    return this.#byClient.values();
  }

  begin(terms: SessionTerms, place: Place): Session {
    const session = this.#put(terms, place, new DurableQueue(place, this.#ledger));
    this.changed(session);
    return session;
  }

  restore(stored: StoredSession, queue: DurableQueue): Session {
    const session = this.#put(stored, queue.place, queue);
    for (const recall of stored.recalls) session.recalls.restore(recall);
    session.isStored = true;
    session.wasStored = true;
    return session;
  }

  /** Its subscriptions or terms are others than before. */
  changed(session: Session): void {
    session.isStored = false;
    this.#touched.add(session);
  }

  restoreHandshakes(session: Session, handshakes: Handshakes): void {
    session.handshakes = handshakes;
    handshakes.wasStored = true;
  }

  /** The client is done with a message; of one with QoS 2 its number stays until `complete`. */
  settle(session: Session, number: number): void {
    if (session.queue.remove(number)?.qos === 2) this.#shaken(session).releasing.add(number);
  }

  complete(session: Session, numbers: readonly number[]): void {
    const { releasing } = this.#shaken(session);
    for (const number of numbers) releasing.delete(number);
  }

  assign(session: Session, through: number): void {
    const { assignedThrough } = session.handshakes;
    if (through > assignedThrough) this.#shaken(session).assignedThrough = through;
  }

  /** False: the message under this identifier has come before. Source: MQTT-4.3.3-2. */
  receive(session: Session, packetId: number): boolean {
    if (session.handshakes.received.has(packetId)) return false;
    this.#shaken(session).received.add(packetId);
    return true;
  }

  /** False: nothing is known of this identifier. */
  release(session: Session, packetId: number): boolean {
    return session.handshakes.received.has(packetId) && this.#shaken(session).received.delete(packetId);
  }

  end(session: Session): void {
    const place = placeOf(session);
    if (session.handshakes.wasStored) this.#ledger.drop(keyOf('handshakes', place));
    session.queue.end();
    if (session.wasStored) this.#ledger.drop(keyOf('session', place));
    this.#touched.delete(session);
    this.#byClient.delete(session.clientId);
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    for (const session of this.#touched) this.#collectOne(session);
    this.#touched.clear();
  }

  #collectOne(session: Session): void {
    const place = placeOf(session);
    if (!session.isStored) this.#ledger.put(keyOf('session', place), sessionValue(storedSession(session)));
    this.#collectHandshakes(session.handshakes, place);
    session.isStored = true;
    session.wasStored = true;
  }

  #collectHandshakes(handshakes: Handshakes, place: Place): void {
    if (handshakes.isStored) return;
    handshakes.isStored = true;
    const key = keyOf('handshakes', place);
    if (!handshakes.isEmpty) this.#ledger.put(key, handshakesValue(handshakes));
    else if (handshakes.wasStored) this.#ledger.drop(key);
    handshakes.wasStored = !handshakes.isEmpty;
  }

  #put(terms: SessionTerms, place: Place, queue: DurableQueue): Session {
    const session = new Session(terms, place, queue);
    this.#byClient.set(terms.clientId, session);
    return session;
  }

  /** The session's handshakes, about to change. */
  #shaken(session: Session): Handshakes {
    session.handshakes.isStored = false;
    this.#touched.add(session);
    return session.handshakes;
  }
}

export const placeOf = (session: Session): Place =>
  present(session.place, `the place of ${session.clientId}`);

export const storedSession = (session: Session): StoredSession => ({
  clientId: session.clientId,
  user: session.user,
  bounds: session.bounds,
  expirySeconds: session.expirySeconds,
  detachedAt: session.detachedAt,
  subscriptions: [...session.subscriptions.values()],
  recalls: [...session.recalls.all()],
});
