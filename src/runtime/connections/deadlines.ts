/**
 * What is to be done for clients that are away, each at its time: wills published, sessions ended. A client that comes back calls its own off.
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { PairClock } from './pair-clock.ts';

/** Timers run this long at most, and are set again: a session may wait for decades, a timer of Node's no longer than 24 days. */
const STRIDE_MS = 86_400_000;

export class Deadlines {
  readonly #clock: Clock;
  readonly #pairClock: PairClock;
  readonly #due: (clientId: string) => void;
  readonly #timers = new Map<string, Cancel>();

  constructor(clock: Clock, pairClock: PairClock, due: (clientId: string) => void) {
    this.#clock = clock;
    this.#pairClock = pairClock;
    this.#due = due;
  }

  /** `at`: pair time. A former one of this client is called off. */
  set(clientId: string, at: number): void {
    this.callOff(clientId);
    const left = Math.max(0, at - this.#pairClock.now());
    const cancel = this.#clock.after(Math.min(left, STRIDE_MS), () => {
      if (left > STRIDE_MS) return this.set(clientId, at);
      this.#timers.delete(clientId);
      this.#due(clientId);
    });
    this.#timers.set(clientId, cancel);
  }

  callOff(clientId: string): void {
    this.#timers.get(clientId)?.();
    this.#timers.delete(clientId);
  }

  clear(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
