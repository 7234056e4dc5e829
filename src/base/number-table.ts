/**
 * A map by whole numbers from 0 on, for what comes and goes with every message: nothing is allocated for that. A Map replaces its table again and
 * again, and one that the collector has taken for old holds on to all that follow it and to what they held, until a major collection (V8 11.3).
 * Open addressing with linear probing; what follows a place that becomes free moves up. Law: it gives what a Map gives, but for the order.
 */
import { assert } from './assert.ts';

const FREE = -1;
const BITS_MIN = 3;
/** So large it stays: what comes and goes with each burst of a client takes no more, and is not to make it shrink and grow again. */
const KEPT_BITS = 8;
/** Spreads neighbours (2^32 by the golden ratio): numbers in a row would else be one long run of places, and each removal would walk through it. */
const SPREAD = 0x9e37_79b1;

export class NumberTable<Value> {
  #bits = BITS_MIN;
  #numbers = emptyPlaces(BITS_MIN);
  #values: (Value | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(number: number): boolean {
    return number !== FREE && this.#numbers[this.#placeOf(number)] === number;
  }

  get(number: number): Value | undefined {
    return this.#values[this.#placeOf(number)];
  }

  set(number: number, value: Value): void {
    assert(Number.isSafeInteger(number) && number > FREE, `a whole number from 0 on: ${number}`);
    let place = this.#placeOf(number);
    if (this.#numbers[place] === FREE) {
      if ((this.#size + 1) * 2 > this.#numbers.length) {
        this.#resize(this.#bits + 1);
        place = this.#placeOf(number);
      }
      this.#size += 1;
      this.#numbers[place] = number;
    }
    this.#values[place] = value;
  }

  /** True: it was there. */
  delete(number: number): boolean {
    let free = this.#placeOf(number);
    if (this.#numbers[free] === FREE) return false;
    const mask = this.#numbers.length - 1;
    for (let place = (free + 1) & mask; this.#numbers[place] !== FREE; place = (place + 1) & mask) {
      const other = this.#numbers[place] ?? FREE;
      // Only where a search for it comes past the free place.
      if (((place - this.#home(other)) & mask) < ((place - free) & mask)) continue;
      this.#numbers[free] = other;
      this.#values[free] = this.#values[place];
      free = place;
    }
    this.#numbers[free] = FREE;
    this.#values[free] = undefined;
    this.#size -= 1;
    if (this.#bits > KEPT_BITS && this.#size * 8 < this.#numbers.length) this.#resize(this.#bits - 1);
    return true;
  }

  /** In no order. Not to be changed meanwhile. */
  *entries(): Generator<readonly [number: number, value: Value]> {
    for (const [place, number] of this.#numbers.entries())
      if (number !== FREE) yield [number, this.#values[place] as Value];
  }

  clear(): void {
    this.#renew(BITS_MIN);
  }

  /** Where it is, or would be. */
  #placeOf(number: number): number {
    const numbers = this.#numbers;
    const mask = numbers.length - 1;
    let place = this.#home(number);
    while (numbers[place] !== FREE && numbers[place] !== number) place = (place + 1) & mask;
    return place;
  }

  #home(number: number): number {
    return Math.imul(number, SPREAD) >>> (32 - this.#bits);
  }

  #resize(bits: number): void {
    const former = [...this.entries()];
    this.#renew(bits);
    for (const [number, value] of former) this.set(number, value);
  }

  #renew(bits: number): void {
    this.#bits = bits;
    this.#numbers = emptyPlaces(bits);
    this.#values = [];
    this.#size = 0;
  }
}

const emptyPlaces = (bits: number): Float64Array => new Float64Array(2 ** bits).fill(FREE);
