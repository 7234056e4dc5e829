/**
 * The fields of one packet, read in order and strictly: what is not well-formed by the specification is refused here.
 * Source: MQTT 3.1.1 §1.5.
 */
import { malformed } from './faults.ts';

export class PacketReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  /** Reads `bytes` from `start` up to `end`. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#step(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#step(2));
  }

  /** Source: MQTT-2.3.1-1. */
  packetId(): number {
    const packetId = this.u16();
    if (packetId === 0) throw malformed(4, 'MQTT-2.3.1-1', 'packet identifier 0');
    return packetId;
  }

  /** Source: MQTT-1.5.3-1, MQTT-1.5.3-2. A byte order mark stays what it is: MQTT-1.5.3-3. */
  text(): string {
    const size = this.u16();
    const at = this.#step(size);
    const text = this.#bytes.toString('utf8', at, at + size);
    if (text.includes('\0')) throw malformed(4, 'MQTT-1.5.3-2', 'a null character in a string');
    // The decoder puts U+FFFD in place of what is ill-formed; where the client sent that character itself, the bytes come out again.
    if (text.includes('\ufffd') && !Buffer.from(text).equals(this.#bytes.subarray(at, at + size)))
      throw malformed(4, 'MQTT-1.5.3-1', 'a string that is not UTF-8');
    return text;
  }

  /** A view. */
  bytes(): Buffer {
    const size = this.u16();
    const at = this.#step(size);
    return this.#bytes.subarray(at, at + size);
  }

  /** A view of all that is left. */
  rest(): Buffer {
    const at = this.#step(this.left);
    return this.#bytes.subarray(at, this.#end);
  }

  /** Source: §2.2.3: the remaining length covers the packet's fields and nothing else. */
  close(): void {
    if (this.left > 0) throw malformed(4, '2.2.3', `${this.left} bytes too many`);
  }

  #step(size: number): number {
    const at = this.#at;
    if (size > this.#end - at) throw malformed(4, '2.2.3', 'a field that ends beyond its packet');
    this.#at = at + size;
    return at;
  }
}
