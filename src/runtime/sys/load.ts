/** How quickly a counter rises, in counts a minute: averages over 1, 5 and 15 minutes in which what is longer ago counts less, as a system's load. */

/** By the minutes that they look back. */
export type Averages = Readonly<Record<1 | 5 | 15, number>>;

export class Load {
  #count: number;
  #averages: Averages = { 1: 0, 5: 0, 15: 0 };

  constructor(count = 0) {
    this.#count = count;
  }

  get averages(): Averages {
    return this.#averages;
  }

  /** The counter stands at `count`, `ms` after it was last seen. */
  see(count: number, ms: number): void {
    if (ms <= 0) return;
    const minutes = ms / 60_000;
    const rate = (count - this.#count) / minutes;
    this.#count = count;
    const next = (over: keyof Averages): number =>
      rate + Math.exp(-minutes / over) * (this.#averages[over] - rate);
    this.#averages = { 1: next(1), 5: next(5), 15: next(15) };
  }
}
