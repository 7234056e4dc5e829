/** One word for a whole durable state: equal on two servers whose states are equal. For comparing, not against forgery. */

export class Digest {
  #low = 0;
  #high = 0;

  /** The order of adding does not matter. */
  add(key: Uint8Array, value: Uint8Array): void {
    this.#low = (this.#low + hash(key, value, 0x811c9dc5)) >>> 0;
    this.#high = (this.#high + hash(key, value, 0x9e3779b1)) >>> 0;
  }

  get text(): string {
    return [this.#high, this.#low].map((word) => word.toString(16).padStart(8, '0')).join('');
  }
}

/** FNV-1a over both, then the finish of MurmurHash3, without which sums of similar keys would cancel out. */
function hash(key: Uint8Array, value: Uint8Array, seed: number): number {
  let state = seed;
  for (const byte of key) state = Math.imul(state ^ byte, 0x01000193);
  for (const byte of value) state = Math.imul(state ^ byte, 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
