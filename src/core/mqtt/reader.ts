/**
 * The fields of one packet, read in order and strictly: what is not well-formed by the specification is refused here.
 * Source: MQTT 3.1.1 §1.5; MQTT 5.0 §1.5.
 */
import { CLAUSE } from './clauses.ts';
import { malformed, unexpected } from './faults.ts';
import type { Level } from './packet.ts';
import { isUtf8 } from './utf8.ts';

export class PacketReader {
  /** Of a CONNECT it is known only when its first fields have been read. */
  level: Level;
  readonly #bytes: Buffer;
  #end: number;
  #at: number;
  /** Where the packet ends, while its properties are read; else 0. */
  #packetEnd = 0;

  /** Reads `bytes` from `start` up to `end`. */
  constructor(level: Level, bytes: Buffer, start: number, end: number) {
    this.level = level;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Bytes to the end of the packet, or of its properties while those are read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Where it reads next. */
  get at(): number {
    return this.#at;
  }

  u8(): number {
    // Inside: `#step` has looked.
    return this.#bytes[this.#step(1)] ?? 0;
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#step(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#step(4));
  }

  /** Source: MQTT 5.0 §1.5.5. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0)
        throw malformed(this.level, 'MQTT-1.5.5-1', 'a variable byte integer with a byte too many');
      return value;
    }
    throw malformed(
      this.level,
      CLAUSE.lengthBytes[this.level],
      'a variable byte integer of more than four bytes',
    );
  }

  /** Source: MQTT-2.3.1-1; MQTT 5.0 MQTT-2.2.1-3. */
  packetId(): number {
    const packetId = this.u16();
    if (packetId !== 0) return packetId;
    const fault = this.level === 5 ? unexpected : malformed;
    throw fault(this.level, CLAUSE.packetId[this.level], 'packet identifier 0');
  }

  /** Source: MQTT-1.5.3-1, MQTT-1.5.3-2. A byte order mark stays what it is: MQTT-1.5.3-3. */
  text(): string {
    const size = this.u16();
    const at = this.#step(size);
    const text = this.#bytes.toString('utf8', at, at + size);
    this.#checkText(text, at, size);
    return text;
  }

  /** Checks a string and makes none of it. */
  skipText(): void {
    const size = this.u16();
    const at = this.#step(size);
    if (!this.#isAscii(at, size)) this.#checkText(this.#bytes.toString('utf8', at, at + size), at, size);
  }

  /** A view. */
  bytes(): Buffer {
    const size = this.u16();
    const at = this.#step(size);
    return this.#bytes.subarray(at, at + size);
  }

  /** A view of what was read from one place to another. */
  between(from: number, to: number): Buffer {
    return this.#bytes.subarray(from, to);
  }

  /** A view of what was read since `from`. */
  since(from: number): Buffer {
    return this.#bytes.subarray(from, this.#at);
  }

  /** A view of all that is left. */
  rest(): Buffer {
    const at = this.#step(this.left);
    return this.#bytes.subarray(at, this.#end);
  }

  /** From here to `closeProperties` there are properties and nothing else. Source: MQTT 5.0 §2.2.2.1. */
  openProperties(): void {
    const size = this.varint();
    if (size > this.left)
      throw malformed(this.level, '2.2.2.1', 'a property length that goes beyond its packet');
    this.#packetEnd = this.#end;
    this.#end = this.#at + size;
  }

  closeProperties(): void {
    this.#end = this.#packetEnd;
    this.#packetEnd = 0;
  }

  /** The remaining length covers the packet's fields and nothing else. Source: §2.2.3; MQTT 5.0 §2.1.4. */
  close(): void {
    if (this.left > 0)
      throw malformed(this.level, CLAUSE.remainingLength[this.level], `${this.left} bytes too many`);
  }

  #step(size: number): number {
    const at = this.#at;
    if (size > this.#end - at)
      throw this.#packetEnd === 0
        ? malformed(this.level, CLAUSE.remainingLength[this.level], 'a field that ends beyond its packet')
        : malformed(this.level, '2.2.2.1', 'a property that ends beyond the property length');
    this.#at = at + size;
    return at;
  }

  /** Null characters apart: nothing in it needs a look. */
  #isAscii(at: number, size: number): boolean {
    const bytes = this.#bytes;
    for (let n = at; n < at + size; n += 1) {
      const byte = bytes[n] ?? 0;
      if (byte === 0 || byte >= 0x80) return false;
    }
    return true;
  }

  #checkText(text: string, at: number, size: number): void {
    if (text.includes('\0'))
      throw malformed(this.level, CLAUSE.nullCharacter[this.level], 'a null character in a string');
    // The decoder puts U+FFFD in place of what is ill-formed.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(at, at + size)))
      throw malformed(this.level, CLAUSE.utf8[this.level], 'a string that is not UTF-8');
  }
}
