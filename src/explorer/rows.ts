/** A world as a row of numbers, and all rows met so far: exact, not by a hash alone, and outside the heap of JavaScript. */
import { present } from '../base/index.ts';
import { Pool } from './pool.ts';
import { SERVERS, type World } from './world.ts';

/** Parts of a world: three that both share, and six of each server. */
const WIDTH = 15;
const ROWS_PER_CHUNK = 1 << 18;
const NONE = 0xffffffff;

export class Rows {
  readonly #shares = new Pool<World['share']>();
  readonly #channels = new Pool<World['channel']>();
  readonly #ledgers = new Pool<World['ledger']>();
  readonly #stores = new Pool<World['primary']['store']>();
  readonly #keepers = new Pool<World['primary']['keeper']>();
  readonly #links = new Pool<World['primary']['link']>();
  readonly #desks = new Pool<World['primary']['desk']>();
  readonly #replications = new Pool<World['primary']['replication']>();
  readonly #chunks: Uint32Array[] = [];
  readonly #row = new Uint32Array(WIDTH);
  #slots = new Uint32Array(1 << 16).fill(NONE);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The number of this world, and whether it is met for the first time. */
  add(world: World): Readonly<{ number: number; isNew: boolean }> {
    this.#write(world);
    if (this.#count * 2 > this.#slots.length) this.#grow();
    const slot = this.#slotOf(this.#row);
    const met = this.#slots[slot] ?? NONE;
    if (met !== NONE) return { number: met, isNew: false };
    const number = this.#count;
    this.#count += 1;
    if (number % ROWS_PER_CHUNK === 0) this.#chunks.push(new Uint32Array(ROWS_PER_CHUNK * WIDTH));
    this.#rowAt(number).set(this.#row);
    this.#slots[slot] = number;
    return { number, isNew: true };
  }

  at(number: number): World {
    const row = this.#rowAt(number);
    const part = (n: number): number => row[n] ?? NONE;
    const server = (n: number): World['primary'] => ({
      machine: part(n),
      store: this.#stores.at(part(n + 1)),
      keeper: this.#keepers.at(part(n + 2)),
      link: this.#links.at(part(n + 3)),
      desk: this.#desks.at(part(n + 4)),
      replication: this.#replications.at(part(n + 5)),
    });
    return {
      share: this.#shares.at(part(0)),
      channel: this.#channels.at(part(1)),
      ledger: this.#ledgers.at(part(2)),
      primary: server(3),
      secondary: server(9),
    };
  }

  #write(world: World): void {
    const row = this.#row;
    row[0] = this.#shares.numberOf(world.share);
    row[1] = this.#channels.numberOf(world.channel);
    row[2] = this.#ledgers.numberOf(world.ledger);
    let at = 3;
    for (const name of SERVERS) {
      const { machine, store, keeper, link, desk, replication } = world[name];
      row[at] = machine;
      row[at + 1] = this.#stores.numberOf(store);
      row[at + 2] = this.#keepers.numberOf(keeper);
      row[at + 3] = this.#links.numberOf(link);
      row[at + 4] = this.#desks.numberOf(desk);
      row[at + 5] = this.#replications.numberOf(replication);
      at += 6;
    }
  }

  #rowAt(number: number): Uint32Array {
    const chunk = present(this.#chunks[Math.floor(number / ROWS_PER_CHUNK)], 'a chunk of rows');
    const at = (number % ROWS_PER_CHUNK) * WIDTH;
    return chunk.subarray(at, at + WIDTH);
  }

  /** Where the row stands, or the empty slot where it would. */
  #slotOf(row: Uint32Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = hashOf(row) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] ?? NONE;
      if (number === NONE || this.#isSame(number, row)) return slot;
    }
  }

  #isSame(number: number, row: Uint32Array): boolean {
    const chunk = present(this.#chunks[Math.floor(number / ROWS_PER_CHUNK)], 'a chunk of rows');
    const from = (number % ROWS_PER_CHUNK) * WIDTH;
    for (let n = 0; n < WIDTH; n += 1) if (chunk[from + n] !== row[n]) return false;
    return true;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 4).fill(NONE);
    for (let number = 0; number < this.#count; number += 1)
      this.#slots[this.#slotOf(this.#rowAt(number))] = number;
  }
}

/** FNV-1a over the numbers, with a last stir so that the low bits depend on all. */
function hashOf(row: Uint32Array): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < WIDTH; n += 1) {
    hash = Math.imul(hash ^ (row[n] ?? 0), 0x01000193);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Numbers without end, outside the heap. */
export class NumberList {
  #numbers = new Uint32Array(1 << 16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const longer = new Uint32Array(this.#numbers.length * 2);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[this.#length] = number;
    this.#length += 1;
  }

  at(n: number): number {
    return present(this.#numbers[n], 'a number of the list');
  }
}
