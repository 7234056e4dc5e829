/** What comes of a part when something is done to it, by numbers: worked out once for each part and deed. */
import { NumberList, Tuples } from './tuples.ts';

export class Changes {
  readonly #keys: Tuples;
  readonly #results = new NumberList();
  readonly #work: (part: number, deed: number) => number;

  /** `work`: what comes of it; NONE: what is not walked. */
  constructor(work: (part: number, deed: number) => number) {
    this.#keys = new Tuples(2);
    this.#work = work;
  }

  of(part: number, deed: number): number {
    const { next } = this.#keys;
    next[0] = part;
    next[1] = deed;
    const before = this.#keys.count;
    const number = this.#keys.add();
    if (number !== before) return this.#results.at(number);
    // The keys of what is worked out meanwhile, if any, are of other changes.
    const result = this.#work(part, deed);
    this.#results.push(result);
    return result;
  }
}
