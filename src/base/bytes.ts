/**
 * Bytes written and read in order: the journal's and the broker's own formats. Numbers are little-endian; a `size` is a u32
 * length in front of bytes; text is UTF-8. Buffers are Node's global; nothing is imported.
 */
import { assert } from './assert.ts';

/**
 * Grows as it is written to. `taken()` gives what was written, and the next bytes go behind it: many small takings share one piece of
 * memory, which lives as long as the last of them.
 */
export class ByteWriter {
  readonly #capacity: number;
  #buffer: Buffer;
  /** Where the bytes that are not yet taken begin and end. */
  #start = 0;
  #end = 0;

  /** `capacity`: bytes of memory taken at a time. */
  constructor(capacity = 4096) {
    this.#capacity = capacity;
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  u8(value: number): this {
    this.#room(1);
    this.#end = this.#buffer.writeUInt8(value, this.#end);
    return this;
  }

  u16(value: number): this {
    this.#room(2);
    this.#end = this.#buffer.writeUInt16LE(value, this.#end);
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#end = this.#buffer.writeUInt32LE(value, this.#end);
    return this;
  }

  /** A whole number up to 2^53 - 1, in eight bytes. */
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `not a u64 that a number holds: ${value}`);
    this.#room(8);
    this.#buffer.writeUInt32LE(value % 0x1_0000_0000, this.#end);
    this.#buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000), this.#end + 4);
    this.#end += 8;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    return this.raw(value);
  }

  text(value: string): this {
    const size = Buffer.byteLength(value);
    this.u32(size);
    this.#room(size);
    this.#end += this.#buffer.write(value, this.#end, 'utf8');
    return this;
  }

  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#buffer.set(value, this.#end);
    this.#end += value.length;
    return this;
  }

  /** The bytes so far, as a view that later writing may change. */
  view(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** The bytes so far, which no later writing changes. */
  taken(): Buffer {
    const bytes = this.view();
    this.#start = this.#end;
    return bytes;
  }

  #room(size: number): void {
    if (this.#end + size <= this.#buffer.length) return;
    const { length } = this;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#capacity, length + size, length * 2));
    this.#buffer.copy(grown, 0, this.#start, this.#end);
    this.#buffer = grown;
    this.#start = 0;
    this.#end = length;
  }
}

/** Bytes that ended before what they announce. The caller says whose bytes they were. */
export class BytesEnded extends Error {
  override name = 'BytesEnded';
}

/** Reads what a `ByteWriter` wrote. Byte strings come back as views, not copies. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#step(1));
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#step(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#step(4));
  }

  u64(): number {
    const at = this.#step(8);
    return this.#bytes.readUInt32LE(at) + this.#bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
  }

  bytes(): Buffer {
    const size = this.u32();
    const at = this.#step(size);
    return this.#bytes.subarray(at, at + size);
  }

  text(): string {
    const size = this.u32();
    const at = this.#step(size);
    return this.#bytes.toString('utf8', at, at + size);
  }

  #step(size: number): number {
    const at = this.#at;
    if (size > this.#bytes.length - at)
      throw new BytesEnded(`${size} bytes wanted at ${at}, ${this.#bytes.length - at} left`);
    this.#at = at + size;
    return at;
  }
}
