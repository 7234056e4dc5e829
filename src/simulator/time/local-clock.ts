/**
 * Time as one machine or one process lives it: it can be made to stand still, and it ends when what lives by it dies. What falls due
 * while it stands still comes after it wakes, in the order in which it would have come. Law: nothing runs in a frozen or a dead process.
 */
import type { Cancel, Clock } from '../../base/index.ts';

/** A timer that is early by less has come in time: sums of fractions don't come out even. */
const TOLERANCE_MS = 1e-6;

/** One timer of a local clock. Thousands are set in a run: it is all that one costs. */
class LocalTimer {
  readonly due: number;
  readonly #clock: LocalClock;
  #act: (() => void) | null;

  constructor(clock: LocalClock, due: number, act: () => void) {
    this.#clock = clock;
    this.due = due;
    this.#act = act;
  }

  readonly cancel = (): void => {
    this.#act = null;
  };

  /** The base's time has come. */
  readonly ring = (): void => this.#clock.whenAwake(this.#ringAwake);

  readonly #ringAwake = (): void => {
    if (this.#act === null) return;
    if (this.due - this.#clock.now() > TOLERANCE_MS) this.#clock.set(this);
    else this.#act();
  };
}

export class LocalClock implements Clock {
  readonly #base: Clock;
  readonly #turnMs: () => number;
  #isOver = false;
  #isFrozen = false;
  /** When it was frozen so that its own time stands still too, as a paused virtual machine's does. */
  #stoppedAt: number | null = null;
  /** What passed while it was stopped. */
  #missed = 0;
  #waiting: (() => void)[] = [];
  #wallOffset = 0;

  /** `turnMs`: how long what the process is doing still takes, drawn each time. */
  constructor(base: Clock, turnMs: () => number = () => 0) {
    this.#base = base;
    this.#turnMs = turnMs;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  now(): number {
    return (this.#stoppedAt ?? this.#base.now()) - this.#missed;
  }

  wall(): number {
    return this.#base.wall() + this.#wallOffset;
  }

  /** Somebody sets the clock on the wall; time passes as before. */
  jumpWall(ms: number): void {
    this.#wallOffset += ms;
  }

  after(ms: number, act: () => void): Cancel {
    const timer = new LocalTimer(this, this.now() + Math.max(0, ms), act);
    this.set(timer);
    return timer.cancel;
  }

  soon(act: () => void): void {
    this.after(this.#turnMs(), act);
  }

  /** Rings at its due time of this clock, or once it is awake. For this file. */
  set(timer: LocalTimer): void {
    this.#base.after(timer.due - this.now(), timer.ring);
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
