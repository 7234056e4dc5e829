/**
 * What operators see of a synchronisation: its begin, now and then its per cent, speed and what is left, and its end. Short ones (a delta of
 * a few entries) are told in one line each way. Source: PROTOCOL.md §5.
 */
import type { Clock, Log } from '../../base/index.ts';

export type SyncView = Readonly<{
  kind: 'delta' | 'full';
  /** Null while it can't be estimated. */
  percent: number | null;
  megabytesPerSecond: number;
  entriesLeft: number;
}>;

type What = Readonly<{ kind: 'delta' | 'full'; side: 'sends' | 'gets'; entries: number; bytes: number }>;

const LINE_EVERY_MS = 2_000;

export class SyncProgress {
  readonly #what: What;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #since: number;
  #bytes = 0;
  #entriesLeft: number;
  #lastLine: number;
  #isOver = false;

  constructor(what: What, clock: Clock, log: Log) {
    this.#what = what;
    this.#clock = clock;
    this.#log = log;
    this.#since = clock.now();
    this.#lastLine = this.#since;
    this.#entriesLeft = what.entries;
    const size = what.kind === 'full' ? `, about ${megabytes(what.bytes)} MB` : '';
    this.#say(`begins: ${what.entries} entries to go${size}`);
  }

  moved(bytes: number): void {
    this.#bytes += bytes;
    this.#line();
  }

  left(entries: number): void {
    this.#entriesLeft = entries;
    this.#line();
  }

  /** `why`: null when it has ended well. */
  end(why: string | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const seconds = (this.#clock.now() - this.#since) / 1000;
    this.#say(
      why === null
        ? `has ended: ${megabytes(this.#bytes)} MB in ${seconds.toFixed(1)} s`
        : `was broken off: ${why}`,
    );
  }

  view(): SyncView {
    const seconds = Math.max(0.001, (this.#clock.now() - this.#since) / 1000);
    const { kind, entries, bytes } = this.#what;
    const done =
      kind === 'full' ? this.#bytes / Math.max(1, bytes) : 1 - this.#entriesLeft / Math.max(1, entries);
    return {
      kind,
      percent: Math.max(0, Math.min(100, Math.round(done * 100))),
      megabytesPerSecond: Number((this.#bytes / 1e6 / seconds).toFixed(1)),
      entriesLeft: this.#entriesLeft,
    };
  }

  #line(): void {
    const now = this.#clock.now();
    if (this.#isOver || now - this.#lastLine < LINE_EVERY_MS) return;
    this.#lastLine = now;
    const { percent, megabytesPerSecond, entriesLeft } = this.view();
    this.#say(`${percent ?? 0} %, ${megabytesPerSecond} MB/s, ${entriesLeft} entries to go`);
  }

  #say(text: string): void {
    const { kind, side } = this.#what;
    const name = kind === 'full' ? 'Full synchronisation' : 'Synchronisation';
    this.#log.say({
      level: 'info',
      text: `${name} ${side === 'sends' ? 'of the peer' : 'from the peer'} ${text}`,
    });
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
