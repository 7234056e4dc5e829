/**
 * Why a server waits. What keeps it from serving may change while its state does not, and some obstacles come and go with every try: each is told
 * once for as long as the server waits. Source: PROTOCOL.md §3 (onto the console with its reason), §6.
 */
import type { Log } from '../../base/index.ts';
import type { ServerName } from '../../core/pair/index.ts';
import { waitingLine } from './lines.ts';

export class Obstacles {
  readonly #me: ServerName;
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(me: ServerName, log: Log) {
    this.#me = me;
    this.#log = log;
  }

  /** A new state; the line that says so has told this reason. */
  entered(why: string): void {
    this.#told.clear();
    this.#told.add(withoutNumbers(why));
  }

  waits(why: string): void {
    const obstacle = withoutNumbers(why);
    if (why === '' || this.#told.has(obstacle)) return;
    this.#told.add(obstacle);
    this.#log.say(waitingLine(this.#me, why));
  }
}

/** Two sentences that differ in a process or a time only are one. */
const withoutNumbers = (why: string): string => why.replaceAll(/\d+/g, '#');
