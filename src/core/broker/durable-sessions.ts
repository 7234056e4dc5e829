/**
 * The sessions that both servers keep: made, filled, settled and ended by committed operations only, and stored by checkpoints. What is
 * in a queue when a checkpoint comes is stored; what was settled before is never written.
 */
import { present } from '../../base/index.ts';
import type { Ledger } from './ledger.ts';
import type { Handshakes } from './handshakes.ts';
import type { Message, Place } from './message.ts';
import { Queue, type Queued } from './queue.ts';
import { Session, type SessionTerms } from './session.ts';
import {
  counterValue,
  handshakesValue,
  keyOf,
  placeText,
  queuedKey,
  queuedValue,
  sessionValue,
  type StoredSession,
} from './stored.ts';

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
    const session = new Session(terms, place);
    this.#byClient.set(terms.clientId, session);
    this.changed(session);
    return session;
  }

  restore(place: Place, stored: StoredSession, next: number): Session {
    const session = new Session(stored, place, new Queue(next));
    session.isStored = true;
    session.wasStored = true;
    session.storedThrough = next;
    this.#byClient.set(stored.clientId, session);
    return session;
  }

  /** Its subscriptions or terms are others than before. */
  changed(session: Session): void {
    session.isStored = false;
    this.#touched.add(session);
  }

  /** Puts a message into the queue. */
  add(session: Session, message: Message, marks: Parameters<Queue['add']>[1]): void {
    session.queue.add(message, marks);
    this.#ledger.hold(message);
    this.#touched.add(session);
  }

  restoreQueued(session: Session, queued: Omit<Queued, 'isStored'>): void {
    session.queue.restore({ ...queued, isStored: true });
    this.#ledger.hold(queued.message);
  }

  restoreHandshakes(session: Session, handshakes: Handshakes): void {
    session.handshakes = handshakes;
    handshakes.wasStored = true;
  }

  /** Takes a message out of the queue; null when it is not there, which is harmless. */
  remove(session: Session, number: number): Queued | null {
    const queued = session.queue.remove(number);
    if (queued === null) return null;
    if (queued.isStored) this.#ledger.drop(queuedKey(placeOf(session), number));
    this.#ledger.release(queued.message);
    return queued;
  }

  /** The client is done with a message; of one with QoS 2 its number stays until `complete`. */
  settle(session: Session, number: number): void {
    if (this.remove(session, number)?.qos === 2) this.#shaken(session).releasing.add(number);
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

  release(session: Session, packetId: number): void {
    if (session.handshakes.received.has(packetId)) this.#shaken(session).received.delete(packetId);
  }

  end(session: Session): void {
    const place = placeOf(session);
    if (session.handshakes.wasStored) this.#ledger.drop(keyOf('handshakes', place));
    for (const { number } of [...session.queue.since(0)]) this.remove(session, number);
    if (session.wasStored) {
      this.#ledger.drop(keyOf('counter', place));
      this.#ledger.drop(keyOf('session', place));
    }
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
    const { queue } = session;
    if (!session.isStored) this.#ledger.put(keyOf('session', place), sessionValue(storedSession(session)));
    if (!session.wasStored || queue.next !== session.storedThrough)
      this.#ledger.put(keyOf('counter', place), counterValue(queue.next));
    for (const queued of queue.since(session.storedThrough)) {
      this.#ledger.store(queued.message);
      this.#ledger.put(queuedKey(place, queued.number), queuedValue(queued));
      queued.isStored = true;
    }
    this.#collectHandshakes(session.handshakes, place);
    session.isStored = true;
    session.wasStored = true;
    session.storedThrough = queue.next;
  }

  #collectHandshakes(handshakes: Handshakes, place: Place): void {
    if (handshakes.isStored) return;
    handshakes.isStored = true;
    const key = keyOf('handshakes', place);
    if (!handshakes.isEmpty) this.#ledger.put(key, handshakesValue(handshakes));
    else if (handshakes.wasStored) this.#ledger.drop(key);
    handshakes.wasStored = !handshakes.isEmpty;
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
  bounds: session.bounds,
  expirySeconds: session.expirySeconds,
  detachedAt: session.detachedAt,
  subscriptions: [...session.subscriptions.values()],
});

/** Messages and sessions by their places, while loading. */
export class ByPlace<T> {
  readonly #items = new Map<string, T>();

  set(place: Place, item: T): void {
    this.#items.set(placeText(place), item);
  }

  get(place: Place): T {
    return present(
      this.#items.get(placeText(place)),
      `what is at ${placeText(place)}, and was stored before,`,
    );
  }
}
