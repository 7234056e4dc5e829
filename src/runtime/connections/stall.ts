/** Notices a client that does not read: as much waits for it as may, and nothing of that leaves. One that reads slowly is left alone. */
import type { Cancel, Clock } from '../../base/index.ts';

export type StallParts = Readonly<{
  clock: Clock;
  /** How long nothing of it may leave. */
  ms: number;
  /** Bytes that wait for it. */
  backlog: () => number;
  stalled: (ms: number) => void;
}>;

export class Stall {
  readonly #parts: StallParts;
  #timer: Cancel | null = null;

  constructor(parts: StallParts) {
    this.#parts = parts;
  }

  /** As much waits for the client as may, or not. */
  see(isBacklogged: boolean): void {
    if (!isBacklogged) this.stop();
    else if (this.#timer === null) this.#watch();
  }

  stop(): void {
    this.#timer?.();
    this.#timer = null;
  }

  #watch(): void {
    const { clock, ms, backlog, stalled } = this.#parts;
    const before = backlog();
    this.#timer = clock.after(ms, () => {
      this.#timer = null;
      if (backlog() < before) this.#watch();
      else stalled(ms);
    });
  }
}
