/**
 * From a stream of bytes to whole packets, of the version that the client's CONNECT says. What a client announces is bounded before any of it
 * is kept; chunks are joined once, when the packet is there, so a big packet in many chunks costs one copy. Many small chunks are gathered, or
 * a packet that comes in single bytes would take a hundred times its length. Source: MQTT 3.1.1 §2.2.3; MQTT 5.0 §2.1.4.
 */
import { CLAUSE } from './clauses.ts';
import { malformed, mqttFaults, MqttViolation } from './faults.ts';
import { LEVEL } from './fields.ts';
import type { Level, Packet } from './packet.ts';
import { parsePacket } from './parse.ts';
import { REASON } from './reasons.ts';

const EMPTY = Buffer.alloc(0);

/** A shorter chunk is copied; what keeps a view of it would be as big. */
const SMALL_BYTES = 1024;
/** Memory taken at a time for small chunks. */
const GATHERED_BYTES = 4096;

export class Decoder {
  readonly #packetSizeMax: number;
  /** As long as no CONNECT has come, only its beginning counts, which is the same in both. */
  #level: Level = LEVEL.v311;
  /** What `next` reads; the packet at `#at` may be cut off at its end. */
  #bytes: Buffer = EMPTY;
  #at = 0;
  /** Came after `#bytes`. */
  #later: Buffer[] = [];
  #laterBytes = 0;
  /** Where the last of `#later` may grow: memory of small chunks, and how much of it is used. */
  #gathered: Buffer = EMPTY;
  #gatheredBytes = 0;
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

  /** Keeps a view of `bytes`, or a copy. */
  push(bytes: Buffer): void {
    if (this.#at === this.#bytes.length && this.#later.length === 0) {
      this.#bytes = bytes;
      this.#at = 0;
      return;
    }
    this.#laterBytes += bytes.length;
    if (this.#gather(bytes)) return;
    this.#later.push(bytes);
    this.#gathered = EMPTY;
  }

  /** The next whole packet, or null until more has come. Throws `MqttViolation`; after that nothing more may be asked. */
  next(): Packet | null {
    if (this.held < this.#needed) return null;
    if (this.#bytes.length - this.#at < this.#needed) this.#join();
    const bytes = this.#bytes;
    const head = bytes[this.#at] ?? 0;
    let size = 0;
    let at = this.#at + 1;
    let isOverlong = false;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw this.#overlong();
      if (at >= bytes.length) return this.#wait(at - this.#at + 1);
      const byte = bytes[at] ?? 0;
      at += 1;
      size += (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      isOverlong = byte === 0 && shift > 0;
      break;
    }
    const end = at + size;
    const whole = end - this.#at;
    if (whole > this.#packetSizeMax) {
      const text = mqttFaults.LS_MQTT_PACKET_SIZE(whole, this.#packetSizeMax);
      throw new MqttViolation('LS_MQTT_PACKET_SIZE', REASON.packetTooLarge, text, this.#level);
    }
    if (end > bytes.length) return this.#wait(whole);
    const packet = parsePacket(this.#level, head, bytes, at, end);
    if (packet.type === 'connect') this.#level = packet.level;
    // MQTT 3.1.1 does not ask for the shortest form; and what a CONNECT is can't be told before it is read.
    if (isOverlong && this.#level === LEVEL.v5)
      throw malformed(this.#level, 'MQTT-1.5.5-1', 'a remaining length with a byte too many');
    this.#passOn(end);
    return packet;
  }

  /** What was read may be let go of. */
  #passOn(end: number): void {
    this.#needed = 2;
    if (end < this.#bytes.length) this.#at = end;
    else {
      this.#bytes = EMPTY;
      this.#at = 0;
    }
  }

  /** What is needed may have come already, in a later chunk. */
  #wait(needed: number): Packet | null {
    this.#needed = needed;
    return this.held < needed ? null : this.next();
  }

  /** Whether `bytes` went to other small chunks. */
  #gather(bytes: Buffer): boolean {
    if (bytes.length > this.#gathered.length - this.#gatheredBytes) {
      if (bytes.length >= SMALL_BYTES) return false;
      this.#gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);
      this.#gatheredBytes = 0;
      this.#later.push(EMPTY);
    }
    this.#gathered.set(bytes, this.#gatheredBytes);
    this.#gatheredBytes += bytes.length;
    this.#later[this.#later.length - 1] = this.#gathered.subarray(0, this.#gatheredBytes);
    return true;
  }

  #join(): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#later]);
    this.#at = 0;
    this.#later = [];
    this.#laterBytes = 0;
    this.#gathered = EMPTY;
  }

  #overlong(): MqttViolation {
    const text = 'a remaining length of more than four bytes';
    return malformed(this.#level, CLAUSE.lengthBytes[this.#level], text);
  }
}
