/** Warnings that would come with every dialling: each reason is said at most once a minute, with how often it came meanwhile. */
import type { Clock, Log } from '../../base/index.ts';
import type { ChannelFaultCode } from './faults.ts';

const SILENCE_MS = 60_000;

export class RareWarnings {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #said = new Map<ChannelFaultCode, { at: number; unsaid: number }>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  warn(code: ChannelFaultCode, text: string): void {
    const now = this.#clock.now();
    const last = this.#said.get(code);
    if (last !== undefined && now - last.at < SILENCE_MS) {
      last.unsaid += 1;
      return;
    }
    this.#said.set(code, { at: now, unsaid: 0 });
    this.#log.say({ level: 'warn', code, text, fields: { unsaid: last?.unsaid ?? 0 } });
  }
}
