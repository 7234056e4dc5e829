/** Properties of MQTT 5 as a simulated client writes and reads them. Source: MQTT 5.0 §2.2.2. */

/** Those that it has a use for. */
export const PROPERTY = { sessionExpiry: 0x11, receiveMax: 0x21, aliasMax: 0x22, alias: 0x23 } as const;

const LONG = new Set<number>([0x02, 0x11, 0x18, 0x27]);
const SHORT = new Set<number>([0x13, 0x21, 0x22, 0x23]);
const BYTE = new Set<number>([0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a]);
const TEXT = new Set<number>([0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1a, 0x1c, 0x1f]);

const SUBSCRIPTION_IDENTIFIER = 0x0b;
const USER = 0x26;

/** Numbers of two or four bytes, with their length in front. */
export function properties(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const all = pairs.map(([id, value]) => {
    const bytes = Buffer.alloc(LONG.has(id) ? 5 : 3);
    bytes.writeUInt8(id);
    bytes.writeUIntBE(value, 1, bytes.length - 1);
    return bytes;
  });
  const size = all.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Buffer.from([size]), ...all]);
}

/** Reads all that stand at one place. Throws on one that no server sends, or that stands there twice. */
export class Properties {
  readonly #numbers = new Map<number, number>();
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    const end = this.#varint() + this.#at;
    while (this.#at < end) this.#one();
  }

  /** Where what comes after them begins. */
  get end(): number {
    return this.#at;
  }

  number(id: number): number | null {
    return this.#numbers.get(id) ?? null;
  }

  #one(): void {
    const id = this.#varint();
    if (TEXT.has(id)) this.#skipText();
    else if (id === USER) {
      this.#skipText();
      this.#skipText();
    } else if (id === SUBSCRIPTION_IDENTIFIER) this.#varint();
    else this.#number(id);
  }

  #number(id: number): void {
    const size = LONG.has(id) ? 4 : SHORT.has(id) ? 2 : BYTE.has(id) ? 1 : 0;
    if (size === 0 || this.#numbers.has(id)) throw new Error(`property ${id} stands where it must not`);
    this.#numbers.set(id, this.#bytes.readUIntBE(this.#at, size));
    this.#at += size;
  }

  #skipText(): void {
    this.#at += 2 + this.#bytes.readUInt16BE(this.#at);
  }

  #varint(): number {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const digit = this.#bytes.readUInt8(this.#at++);
      value += (digit & 127) * factor;
      if (digit < 128) return value;
    }
  }
}
