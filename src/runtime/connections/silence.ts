/** Notices a client that says nothing for too long: one timer for each connection, set again only when it rings, so that traffic costs it nothing. */
import type { Cancel, Clock } from '../../base/index.ts';

export type SilenceParts = Readonly<{
  clock: Clock;
  /** The client can't be heard just now, whatever it says: that is not its silence. */
  isExcused: () => boolean;
  /** It was silent for so long. */
  tooLong: (ms: number) => void;
}>;

export class Silence {
  readonly #parts: SilenceParts;
  #lastHeard: number;
  /** 0: never too long. */
  #ms = 0;
  #timer: Cancel | null = null;

  constructor(parts: SilenceParts) {
    this.#parts = parts;
    this.#lastHeard = parts.clock.now();
  }

  /** From now on so much silence is too long; 0: none is. It counts from now. */
  allow(ms: number): void {
    this.#ms = ms;
    this.heard();
    this.#watch();
  }

  heard(): void {
    this.#lastHeard = this.#parts.clock.now();
  }

  stop(): void {
    this.#timer?.();
    this.#timer = null;
  }

  #watch(): void {
    this.stop();
    if (this.#ms === 0) return;
    const { clock, isExcused, tooLong } = this.#parts;
    if (isExcused()) this.heard();
    const left = this.#lastHeard + this.#ms - clock.now();
    if (left > 0) this.#timer = clock.after(Math.ceil(left), () => this.#watch());
    else tooLong(this.#ms);
  }
}
