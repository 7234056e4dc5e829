/**
 * Retained messages whose time is over: nobody is sent them, and here they leave the state, by and by. Looks at some at a time, so that a million
 * of them is not noticed.
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { Op } from '../../core/broker/index.ts';

/** A million of those that expire is gone round within two minutes. */
const [COUNT, STRIDE_MS] = [10_000, 1_000] as const;

export type RetainedSweepParts = Readonly<{
  clock: Clock;
  /** Pair time (ms). */
  now: () => number;
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

  constructor(parts: RetainedSweepParts) {
    this.#parts = parts;
  }

  begin(): void {
    this.#cancel = this.#parts.clock.after(STRIDE_MS, () => this.#look());
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** The next look is after its commit: what was found would be found again. */
  #look(): void {
    const { now, expired, isHoldingBack, propose } = this.#parts;
    const at = now();
    const addresses = isHoldingBack() ? [] : expired(at, COUNT);
    if (addresses.length === 0) this.begin();
    else propose({ type: 'dropRetained', addresses, at }, () => this.begin());
  }
}
