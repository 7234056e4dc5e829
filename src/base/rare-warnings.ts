/** Warnings that somebody could bring about without end: each code is said at most once a minute, with how many went unsaid. */
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

const SILENCE_MS = 60_000;

export class RareWarnings {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #said = new Map<string, { at: number; unsaid: number }>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** True: a warning with this code would be said now. */
  isDue(code: string): boolean {
    const last = this.#said.get(code);
    return last === undefined || this.#clock.now() - last.at >= SILENCE_MS;
  }

  warn(code: string, text: string): void {
    const last = this.#said.get(code);
    if (last !== undefined && !this.isDue(code)) {
      last.unsaid += 1;
      return;
    }
    this.#said.set(code, { at: this.#clock.now(), unsaid: 0 });
    this.#log.say({ level: 'warn', code, text, fields: { unsaid: last?.unsaid ?? 0 } });
  }
}
