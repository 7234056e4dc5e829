/**
 * From a stream of bytes to whole packets. What a client announces is bounded before any of it is kept; chunks are joined once, when
 * the packet is there, so a big packet in many chunks costs one copy. Source: MQTT 3.1.1 §2.2.3.
 */
import { malformed, mqttFaults, MqttViolation } from './faults.ts';
import type { Packet } from './packet.ts';
import { parsePacket } from './parse.ts';
import { REASON } from './reasons.ts';

const EMPTY = Buffer.alloc(0);

export class Decoder {
  readonly #packetSizeMax: number;
  /** What `next` reads; the packet at `#at` may be cut off at its end. */
  #bytes: Buffer = EMPTY;
  #at = 0;
  /** Came after `#bytes`. */
  #later: Buffer[] = [];
  #laterBytes = 0;
  /** Bytes that the packet at `#at` is known to need. */
  #needed = 2;

  /** `packetSizeMax`: the longest packet that is taken, in bytes. */
  constructor(packetSizeMax: number) {
    this.#packetSizeMax = packetSizeMax;
  }

  /** Bytes that came and were not read as packets yet. */
  get held(): number {
    return this.#bytes.length - this.#at + this.#laterBytes;
  }

  /** Keeps a view of `bytes`. */
  push(bytes: Buffer): void {
    if (this.#at === this.#bytes.length && this.#later.length === 0) {
      this.#bytes = bytes;
      this.#at = 0;
      return;
    }
    this.#later.push(bytes);
    this.#laterBytes += bytes.length;
  }

  /** The next whole packet, or null until more has come. Throws `MqttViolation`; after that nothing more may be asked. */
  next(): Packet | null {
    if (this.held < this.#needed) return null;
    if (this.#bytes.length - this.#at < this.#needed) this.#join();
    const bytes = this.#bytes;
    const head = bytes.readUInt8(this.#at);
    let size = 0;
    let at = this.#at + 1;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw malformed(4, '2.2.3', 'a remaining length of more than four bytes');
      if (at >= bytes.length) return this.#wait(at - this.#at + 1);
      const byte = bytes.readUInt8(at);
      at += 1;
      size += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const end = at + size;
    const whole = end - this.#at;
    if (whole > this.#packetSizeMax) {
      const text = mqttFaults.LS_MQTT_PACKET_SIZE(whole, this.#packetSizeMax);
      throw new MqttViolation('LS_MQTT_PACKET_SIZE', REASON.packetTooLarge, text);
    }
    if (end > bytes.length) return this.#wait(whole);
    this.#at = end;
    this.#needed = 2;
    return parsePacket(head, bytes, at, end);
  }

  /** What is needed may have come already, in a later chunk. */
  #wait(needed: number): Packet | null {
    this.#needed = needed;
    return this.held < needed ? null : this.next();
  }

  #join(): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#later]);
    this.#at = 0;
    this.#later = [];
    this.#laterBytes = 0;
  }
}
