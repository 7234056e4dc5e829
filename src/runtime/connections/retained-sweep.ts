/**
 * Retained messages whose time is over: nobody is sent them, and here they leave the state, by and by. Looks at some at a time, so that a million
 * of them is not noticed; and not at all where none expires.
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { Op } from '../../core/broker/index.ts';

/** A million of those that expire is gone round within two minutes. */
const [COUNT, STRIDE_MS] = [10_000, 1_000] as const;

export type RetainedSweepParts = Readonly<{
  clock: Clock;
  /** Pair time (ms). */
  now: () => number;
  /** There are some that expire. */
  isNeeded: () => boolean;
  /** As of `Broker.expiredRetained`. */
  expired: (now: number, count: number) => readonly string[];
  /** Nothing may be proposed just now. */
  isHoldingBack: () => boolean;
  /** `done` comes when it is committed. */
  propose: (op: Op, done: () => void) => void;
}>;

export class RetainedSweep {
  readonly #parts: RetainedSweepParts;
  #cancel: Cancel | null = null;
  #isUnderWay = false;

  constructor(parts: RetainedSweepParts) {
    this.#parts = parts;
  }

  /** After every entry: begins where there is something to look at, and a look is not under way. */
  look(): void {
    if (this.#isUnderWay || !this.#parts.isNeeded()) return;
    this.#isUnderWay = true;
    this.#wait();
  }

  /** This server does not serve any more. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#isUnderWay = false;
  }

  #wait(): void {
    this.#cancel = this.#parts.clock.after(STRIDE_MS, () => this.#lookOn());
  }

  /** The next look is after its commit: what was found would be found again. */
  #lookOn(): void {
    const { now, isNeeded, expired, isHoldingBack, propose } = this.#parts;
    if (!isNeeded()) return this.clear();
    const at = now();
    const addresses = isHoldingBack() ? [] : expired(at, COUNT);
    if (addresses.length === 0) this.#wait();
    else propose({ type: 'dropRetained', addresses, at }, () => this.#wait());
  }
}
