/**
 * The time that operations name: milliseconds since 1970 as the serving server counts them. At the beginning of its service it looks at its
 * wall clock, and never behind what the state calls past already; from then on it counts by the clock that never jumps. So a session's or a
 * message's time goes on through a failover, also through a night with both servers off, and a wall clock set back gives nobody time twice.
 */
import type { Clock } from '../../base/index.ts';

export class PairClock {
  readonly #clock: Clock;
  #base = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** This server begins to serve; `latest`: what the state names as past. */
  begin(latest: number): void {
    this.#base = Math.max(this.#clock.wall(), latest) - this.#clock.now();
  }

  /** A whole number. */
  now(): number {
    return Math.floor(this.#base + this.#clock.now());
  }
}
