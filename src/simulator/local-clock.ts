/**
 * Time as one machine or one process lives it: it can be made to stand still, and it ends when what lives by it dies. What falls due
 * while it stands still comes after it wakes, in the order in which it would have come. Law: nothing runs in a frozen or a dead process.
 */
import type { Cancel, Clock } from '../base/index.ts';

/** A timer that is early by less has come in time: sums of fractions don't come out even. */
const TOLERANCE_MS = 1e-6;

export class LocalClock implements Clock {
  readonly #base: Clock;
  #isOver = false;
  #isFrozen = false;
  /** When it was frozen so that its own time stands still too, as a paused virtual machine's does. */
  #stoppedAt: number | null = null;
  /** What passed while it was stopped. */
  #missed = 0;
  #waiting: (() => void)[] = [];

  constructor(base: Clock) {
    this.#base = base;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  now(): number {
    return (this.#stoppedAt ?? this.#base.now()) - this.#missed;
  }

  wall(): number {
    return this.#base.wall();
  }

  after(ms: number, act: () => void): Cancel {
    const due = this.now() + Math.max(0, ms);
    let isWanted = true;
    const ring = (): void => {
      if (!isWanted) return;
      if (due - this.now() > TOLERANCE_MS) set();
      else act();
    };
    const set = (): void => void this.#base.after(due - this.now(), () => this.whenAwake(ring));
    set();
    return () => {
      isWanted = false;
    };
  }

  /** Now, or once it is awake; never, when it dies before. For what reaches the process from outside. */
  whenAwake(act: () => void): void {
    if (this.#isOver) return;
    if (this.#isFrozen) this.#waiting.push(act);
    else act();
  }

  /** A promise of the outside, as the process sees it. */
  seen<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.whenAwake(() => resolve(value)),
        (failure: unknown) =>
          this.whenAwake(() => reject(failure instanceof Error ? failure : new Error(String(failure)))),
      );
    });
  }

  /** `stops`: its own time stands still too, so that it doesn't know how long it was gone. */
  freeze(stops: boolean): void {
    this.#isFrozen = true;
    if (stops) this.#stoppedAt ??= this.#base.now();
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    if (this.#stoppedAt !== null) this.#missed += this.#base.now() - this.#stoppedAt;
    this.#stoppedAt = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    // One at a time: between two of them everything runs that follows from the first.
    for (const act of waiting) this.#base.after(0, () => this.whenAwake(act));
  }

  end(): void {
    this.#isOver = true;
    this.#waiting = [];
  }
}
