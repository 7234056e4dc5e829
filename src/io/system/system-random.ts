/** Chance from the operating system, good enough for identifiers that strangers must not guess. */
import { randomBytes, randomFillSync } from 'node:crypto';
import type { Random } from '../../base/index.ts';

const ID_BYTES = 16;
/** So many identifiers are asked of the system at once: each connection takes one, and a thousand may come together. */
const IDS_TOGETHER = 256;

export class SystemRandom implements Random {
  readonly #pool = Buffer.alloc(ID_BYTES * IDS_TOGETHER);
  #used = this.#pool.length;

  id(): string {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += ID_BYTES;
    return this.#pool.toString('hex', from, this.#used);
  }

  unit(): number {
    return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
  }
}
