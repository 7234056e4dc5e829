/**
 * Tuples of numbers, each known by a number of its own, in the order in which they came: exact, not by a hash alone, and outside the heap of
 * JavaScript. A tuple takes four bytes a number, and eight to twenty more to be found.
 */
import { present } from '../../base/index.ts';

const CHUNK_BITS = 14;
const CHUNK_MASK = (1 << CHUNK_BITS) - 1;
export const NONE = 0xffffffff;

export class Tuples {
  /** What `add` looks for; filled in by the caller. */
  readonly next: Uint32Array;
  readonly #width: number;
  readonly #chunks: Uint32Array[] = [];
  #slots = new Uint32Array(1 << 10).fill(NONE);
  #count = 0;

  constructor(width: number) {
    this.#width = width;
    this.next = new Uint32Array(width);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return (this.#chunks.length * this.#width * (CHUNK_MASK + 1) + this.#slots.length) * 4;
  }

  /** The number of the tuple in `next`. A new one has the number that `count` was. */
  add(): number {
    if (this.#count * 5 > this.#slots.length * 3) this.#grow();
    const { next } = this;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const width = this.#width;
    let slot = hashOf(next, 0, width) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const met = slots[slot] ?? NONE;
      if (met === NONE) break;
      const chunk = this.#chunks[met >>> CHUNK_BITS];
      const from = (met & CHUNK_MASK) * width;
      let n = 0;
      while (n < width && chunk?.[from + n] === next[n]) n += 1;
      if (n === width) return met;
    }
    const number = this.#count;
    this.#count += 1;
    slots[slot] = number;
    const at = number & CHUNK_MASK;
    if (at === 0) this.#chunks.push(new Uint32Array((CHUNK_MASK + 1) * width));
    this.#chunk(number).set(next, at * width);
    return number;
  }

  /** Part `n` of a tuple. */
  part(number: number, n: number): number {
    return this.#chunks[number >>> CHUNK_BITS]?.[(number & CHUNK_MASK) * this.#width + n] ?? NONE;
  }

  #chunk(number: number): Uint32Array {
    return present(this.#chunks[number >>> CHUNK_BITS], 'a chunk of tuples');
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2).fill(NONE);
    const mask = slots.length - 1;
    const width = this.#width;
    for (let number = 0; number < this.#count; number += 1) {
      let slot = hashOf(this.#chunk(number), (number & CHUNK_MASK) * width, width) & mask;
      while (slots[slot] !== NONE) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

/** Every number stirred in, and a last stir so that the low bits depend on all. */
function hashOf(numbers: Uint32Array, from: number, width: number): number {
  let hash = 0x811c9dc5;
  for (let n = from; n < from + width; n += 1) {
    hash = Math.imul(hash ^ (numbers[n] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Numbers without end, outside the heap. */
export class NumberList {
  readonly #chunks: Uint32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(number: number): void {
    const at = this.#length & CHUNK_MASK;
    if (at === 0) this.#chunks.push(new Uint32Array(CHUNK_MASK + 1));
    const chunk = this.#chunks[this.#length >>> CHUNK_BITS];
    if (chunk !== undefined) chunk[at] = number;
    this.#length += 1;
  }

  at(n: number): number {
    return present(this.#chunks[n >>> CHUNK_BITS]?.[n & CHUNK_MASK], 'a number of the list');
  }
}
