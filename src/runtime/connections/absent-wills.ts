/**
 * The wills of clients that were connected when another server served (or this one, before it stopped): each has its time to come back;
 * then its will is published. Source: MQTT-3.1.2-8.
 */
import type { Cancel, Clock } from '../../base/index.ts';

export class AbsentWills {
  readonly #clock: Clock;
  readonly #fire: (clientId: string) => void;
  readonly #timers = new Map<string, Cancel>();

  constructor(clock: Clock, fire: (clientId: string) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Safe to repeat: a time that runs goes on. */
  await(clientId: string, patienceMs: number): void {
    if (this.#timers.has(clientId)) return;
    const cancel = this.#clock.after(patienceMs, () => {
      this.#timers.delete(clientId);
      this.#fire(clientId);
    });
    this.#timers.set(clientId, cancel);
  }

  cameBack(clientId: string): void {
    this.#timers.get(clientId)?.();
    this.#timers.delete(clientId);
  }

  clear(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
