/**
 * The properties of a packet that a server sends, gathered one by one. What is longer than a packet can say is left out: it may have been made
 * of what a client sent. Source: MQTT 5.0 §2.2.2, §1.5.4.
 */
import type { Authentication } from './packet.ts';
import type { Explanation } from './packet-writer.ts';
import { PROPERTY } from './property-table.ts';
import { varintSize, writeVarint } from './wire.ts';

/** Of a text, or of bytes. */
const LENGTH_MAX = 0xffff;

type Name = keyof typeof PROPERTY;

export class PropertyWriter {
  readonly #pieces: Buffer[] = [];
  #size = 0;

  /** With its own length in front. */
  get size(): number {
    return varintSize(this.#size) + this.#size;
  }

  /** Undefined: it is left out; so below. */
  flag(name: Name, value: boolean | undefined): this {
    return value === undefined ? this : this.#put(name, Buffer.from([value ? 1 : 0]));
  }

  u8(name: Name, value: number | undefined): this {
    return value === undefined ? this : this.#put(name, Buffer.from([value]));
  }

  u16(name: Name, value: number | undefined): this {
    if (value === undefined) return this;
    const bytes = Buffer.allocUnsafe(2);
    bytes.writeUInt16BE(value);
    return this.#put(name, bytes);
  }

  u32(name: Name, value: number | undefined): this {
    if (value === undefined) return this;
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(value);
    return this.#put(name, bytes);
  }

  text(name: Name, value: string | undefined): this {
    return value === undefined ? this : this.#put(name, encodeText(value));
  }

  authentication(value: Authentication | undefined): this {
    if (value === undefined) return this;
    const { method, data } = value;
    this.text('authenticationMethod', method);
    return data === null ? this : this.#put('authenticationData', encodeBytes(data));
  }

  explanation({ reasonString, userProperties = [] }: Explanation): this {
    this.text('reasonString', reasonString);
    for (const [name, value] of userProperties)
      this.#put('userProperty', encodeText(name), encodeText(value));
    return this;
  }

  /** Into a packet, with their length in front. Gives the place behind them. */
  writeTo(bytes: Buffer, start: number): number {
    let at = writeVarint(bytes, this.#size, start);
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return at;
  }

  /** Null: it is too long. */
  #put(name: Name, ...value: readonly (Buffer | null)[]): this {
    const pieces = value.filter((piece) => piece !== null);
    if (pieces.length < value.length) return this;
    this.#pieces.push(Buffer.from([PROPERTY[name]]), ...pieces);
    this.#size += 1 + pieces.reduce((sum, { length }) => sum + length, 0);
    return this;
  }
}

const encodeText = (text: string): Buffer | null => encodeBytes(Buffer.from(text));

function encodeBytes(value: Buffer): Buffer | null {
  if (value.length > LENGTH_MAX) return null;
  return Buffer.concat([Buffer.from([value.length >> 8, value.length & 0xff]), value]);
}
