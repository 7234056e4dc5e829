/**
 * Who forced the pair and why stays on the console for good: each word that the newest record knows is said once by every process.
 * Source: PROTOCOL.md §2 Force; REASONS.md C9.
 */
import type { Log } from '../../base/index.ts';
import type { ArbitrationRecord } from '../../core/pair/index.ts';

export class Forcings {
  readonly #log: Log;
  /** The list only grows: how much of it has been said. */
  #said = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** `seen`: the newest record that this server's store keeps. */
  notice(seen: ArbitrationRecord | null): void {
    const forced = seen?.forced ?? [];
    for (const { by, why, at, epoch } of forced.slice(this.#said))
      this.#log.say({
        level: 'warn',
        code: 'LS_PAIR_FORCED',
        text: `This pair was forced by ${by}, at ${at}, in epoch ${epoch}: ${why}`,
      });
    this.#said = Math.max(this.#said, forced.length);
  }
}
