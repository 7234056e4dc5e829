/**
 * The latest pair time (ms) that an operation has named. Part of the replicated state, so that whoever serves next counts on from there: a will
 * that is due, a session that ends, a message that expires would wait as long as the clock of one server was ahead of the other's.
 */
import type { Ledger } from './ledger.ts';
import { keyOf, NOWHERE, timeValue } from './stored.ts';

export class PairTime {
  readonly #ledger: Ledger;
  #latest = 0;
  #isStored = true;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** 0: none yet. */
  get latest(): number {
    return this.#latest;
  }

  passed(at: number): void {
    if (at <= this.#latest) return;
    this.#latest = at;
    this.#isStored = false;
  }

  restore(latest: number): void {
    this.#latest = latest;
  }

  /** Adds to the ledger what is new since the last checkpoint. */
  collect(): void {
    if (this.#isStored) return;
    this.#isStored = true;
    this.#ledger.put(keyOf('time', NOWHERE), timeValue(this.#latest));
  }
}
