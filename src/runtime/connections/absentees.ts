/**
 * Clients that are away: their wills and their sessions, each with its time. What happens to them is proposed when that has come, and called
 * off when they come back before. Source: MQTT 3.1.1 §3.1.2.5; MQTT 5.0 §3.1.2.5, §3.1.2.11.2, §3.1.3.2.2, §3.1.4.
 */
import type { Clock } from '../../base/index.ts';
import type { Broker, Op } from '../../core/broker/index.ts';
import { Deadlines } from './deadlines.ts';
import type { Departure } from './departure.ts';
import type { PairClock } from './pair-clock.ts';

export type AbsenteesParts = Readonly<{
  broker: Broker;
  clock: Clock;
  pairClock: PairClock;
  propose: (op: Op, done: (() => void) | null) => void;
  /** Nothing may be proposed. */
  isDraining: () => boolean;
  isConnected: (clientId: string) => boolean;
}>;

export class Absentees {
  readonly #parts: AbsenteesParts;
  readonly #wills: Deadlines;
  readonly #ends: Deadlines;
  /** Of clients that went during a drain, which takes no proposals: made known after an `undrain`, or by who serves next. */
  #later: (() => void)[] = [];

  constructor(parts: AbsenteesParts) {
    const { clock, pairClock } = parts;
    this.#parts = parts;
    this.#wills = new Deadlines(clock, pairClock, (clientId) => this.#fireWill(clientId));
    this.#ends = new Deadlines(clock, pairClock, (clientId) => this.#endSession(clientId));
  }

  departed(clientId: string, departure: Departure): void {
    const at = this.#parts.pairClock.now();
    if (this.#parts.isDraining()) this.#later.push(() => this.#departed(clientId, departure, at));
    else this.#departed(clientId, departure, at);
  }

  /** The client is about to open a session: what waited for its absence is called off. */
  returned({ clientId, isClean }: Readonly<{ clientId: string; isClean: boolean }>): void {
    const { broker } = this.#parts;
    this.#wills.callOff(clientId);
    this.#ends.callOff(clientId);
    // A will waits no longer than its session, which ends here. That of a session without a life of its own ended with its connection; where it
    // is there all the same, another server lost the connection, and its client has come back.
    if (isClean && broker.sessionOf(clientId) !== null && broker.willOf(clientId) !== null)
      this.#fireWill(clientId);
  }

  /** Each client that is not connected here has its time from now on. */
  awaitAll(): void {
    const { broker, isConnected } = this.#parts;
    for (const { clientId, dueAt } of broker.dueWills())
      if (!isConnected(clientId)) this.#wills.set(clientId, dueAt);
    for (const { clientId, endsAt } of broker.endingSessions())
      if (!isConnected(clientId)) this.#ends.set(clientId, endsAt);
  }

  /** After a drain that led nowhere. */
  undrained(): void {
    for (const depart of this.#later.splice(0)) depart();
    this.awaitAll();
  }

  /** This server does not serve any more. */
  clear(): void {
    this.#wills.clear();
    this.#ends.clear();
    this.#later = [];
  }

  #departed(clientId: string, { isDurable, expirySeconds, will }: Departure, at: number): void {
    const { propose } = this.#parts;
    if (will === 'forgotten') propose({ type: 'dropWill', clientId }, null);
    if (will === 'at once') propose({ type: 'fireWill', clientId, at }, null);
    if (isDurable)
      propose({ type: 'closeSession', clientId, at, expirySeconds }, () => this.#await(clientId));
  }

  #await(clientId: string): void {
    const { broker, isConnected } = this.#parts;
    if (isConnected(clientId)) return;
    const dueAt = broker.willOf(clientId)?.dueAt ?? null;
    if (dueAt !== null) this.#wills.set(clientId, dueAt);
    const endsAt = broker.sessionOf(clientId)?.endsAt ?? null;
    if (endsAt !== null) this.#ends.set(clientId, endsAt);
  }

  /** During a drain nothing new is proposed: the will stays, and is published by whoever serves next, or after `undrained`. */
  #fireWill(clientId: string): void {
    const { propose, pairClock, isDraining } = this.#parts;
    if (!isDraining()) propose({ type: 'fireWill', clientId, at: pairClock.now() }, null);
  }

  #endSession(clientId: string): void {
    const { broker, propose, isDraining } = this.#parts;
    const detachedAt = broker.sessionOf(clientId)?.detachedAt ?? null;
    if (detachedAt === null || isDraining()) return;
    // Source: MQTT 5.0 §3.1.3.2.2: a will waits no longer than its session.
    this.#fireWill(clientId);
    propose({ type: 'endSession', clientId, detachedAt }, null);
  }
}
