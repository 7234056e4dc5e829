/** Chance from a seed: one seed, one row of numbers. The generator is mulberry32: 32 bits of state, good enough to pick faults. */
import { assert, present, type Random } from '../../base/index.ts';

export class SimRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  id(): string {
    return Array.from({ length: 4 }, () => this.#next().toString(16).padStart(8, '0')).join('');
  }

  unit(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number from 0 up to, not including, `n`. */
  below(n: number): number {
    assert(Number.isSafeInteger(n) && n > 0, `a number below ${n}`);
    return Math.floor(this.unit() * n);
  }

  /** One of these, each as likely as the others. */
  oneOf<T>(these: readonly T[]): T {
    return present(these[this.below(these.length)], 'one of a list');
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.unit() < p;
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  }
}
