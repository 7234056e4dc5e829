/**
 * Equal values become one value with one number, so that worlds are kept and compared as rows of numbers. What lies inside a value is
 * numbered first, and once: of a part that has changed, only what is new in it is looked at.
 */
import { present } from '../../base/index.ts';

/** Numbers for everything that lies inside values, whatever it is. */
class Insides {
  readonly #byText = new Map<string, number>();
  /** Objects inside the values that are kept; those of a value that turned out to be known already are soon gone. */
  readonly #known = new Map<object, number>();

  textOf(value: object): string {
    let text = Array.isArray(value) ? '[' : '{';
    for (const key in value) {
      // Of plain values every key is their own, and what is under it is looked at only for what it is.
      const inside: unknown = (value as Record<string, unknown>)[key];
      if (typeof inside === 'object' && inside !== null) text += `${key}:#${this.#numberOf(inside)},`;
      else text += typeof inside === 'string' ? `${key}:"${inside},` : `${key}:${String(inside)},`;
    }
    return text;
  }

  /** Whatever is inside this value will be met again. */
  keep(value: object): void {
    for (const inside of Object.values(value) as unknown[]) {
      if (typeof inside !== 'object' || inside === null || this.#known.has(inside)) continue;
      this.#known.set(inside, this.#numberOf(inside));
      this.keep(inside);
    }
  }

  #numberOf(value: object): number {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const text = this.textOf(value);
    let number = this.#byText.get(text);
    if (number === undefined) {
      number = this.#byText.size;
      this.#byText.set(text, number);
    }
    return number;
  }
}

const insides = new Insides();

export class Pool<T extends object> {
  readonly #values: T[] = [];
  readonly #byText = new Map<string, number>();
  /** The values themselves: most parts of a world are those of the world before it. */
  readonly #known = new Map<T, number>();
  readonly #note: (value: T) => void;

  /** `note`: called once for each value, in the order of their numbers. */
  constructor(note: (value: T) => void = () => undefined) {
    this.#note = note;
  }

  get size(): number {
    return this.#values.length;
  }

  numberOf(value: T): number {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const text = insides.textOf(value);
    let number = this.#byText.get(text);
    if (number === undefined) {
      number = this.#values.length;
      this.#values.push(value);
      this.#byText.set(text, number);
      this.#known.set(value, number);
      insides.keep(value);
      this.#note(value);
    }
    return number;
  }

  at(number: number): T {
    return present(this.#values[number], `number ${number} of a pool`);
  }
}
