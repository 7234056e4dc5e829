/**
 * What one connection of a fuzzing client hears, held against what it has said: every packet is one that a server may send (the judge of the
 * conformance tests), to a client of this version that has asked for these bounds, and no more messages are under way than it takes. What it
 * has said, spoilt as it may be, is read by the shipped decoder.
 */
import { Decoder, MqttViolation, type Connect, type Level, type Packet } from '../../src/core/mqtt/index.ts';
import { Bounds } from '../conformance/harness/bounds.ts';
import type { PropertyName } from '../conformance/harness/fields.ts';
import { judge, type Heard } from '../conformance/harness/judge.ts';
import { Breach, demand } from '../conformance/harness/reader.ts';

const NOTHING = Buffer.alloc(0);

export class Ear {
  readonly #decoder: Decoder;
  readonly #topics: Set<string>;
  #isUnread = false;
  #level: Level | null = null;
  #bounds: Bounds | null = null;
  #receiveMax = 65_535;
  #rest: Buffer = NOTHING;
  readonly #unacknowledged = new Set<number>();
  /** Acknowledged when nothing was known of them: the server may read that before or after what it sends under them. */
  readonly #foretold = new Set<number>();

  /** `topics`: where the topics are noted that it publishes to. */
  constructor(packetSizeMax: number, topics: Set<string>) {
    this.#decoder = new Decoder(packetSizeMax);
    this.#topics = topics;
  }

  /** The client says this. */
  said(bytes: Buffer): void {
    try {
      if (!this.#isUnread) this.#decoder.push(bytes);
      while (!this.#isUnread) {
        const packet = this.#decoder.next();
        if (packet === null) break;
        this.#note(packet);
      }
    } catch (failure) {
      if (!(failure instanceof MqttViolation)) throw failure;
      this.#isUnread = true;
      this.#level ??= failure.level;
    }
  }

  /** The server says this; the packets that are whole by now. Throws `Breach`. */
  heard(bytes: Uint8Array): readonly Heard[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    const end = wholePackets(this.#rest);
    if (end === 0) return [];
    const whole = this.#rest.subarray(0, end);
    this.#rest = this.#rest.subarray(end);
    this.#bounds ??= new Bounds({});
    const bounds = this.#bounds;
    try {
      return this.#judged(whole).map((one) => {
        if (one.type === 'publish' && one.id !== null) this.#delivered(one.id);
        return bounds.check(one);
      });
    } catch (failure) {
      if (!(failure instanceof Breach)) throw failure;
      const to = this.#level === null ? 'a client of no known version' : `a client of level ${this.#level}`;
      throw new Breach(`${failure.message}, to ${to}: ${whole.toString('hex')}`, { cause: failure });
    }
  }

  /** The server has closed the connection after all that it had to say. */
  ended(): void {
    demand(this.#rest.length === 0, 'MQTT 2.2.3', 'a packet that is not whole');
  }

  /** A client whose version is not to be seen may be answered in either. */
  #judged(whole: Buffer): readonly Heard[] {
    if (this.#level !== null) return judge(this.#level, whole);
    try {
      return judge(4, whole);
    } catch (failure) {
      if (!(failure instanceof Breach)) throw failure;
      return judge(5, whole);
    }
  }

  #note(packet: Packet): void {
    if (this.#level === null && packet.type !== 'connect') {
      // Nobody reads on, and a version that is not known is answered in the oldest.
      this.#isUnread = true;
      if (packet.type === 'foreignConnect') this.#level = 4;
      return;
    }
    switch (packet.type) {
      case 'connect':
        this.#connected(packet);
        break;
      case 'publish':
        if (packet.topic !== '') this.#topics.add(packet.topic);
        break;
      // A PUBCOMP out of turn frees nothing.
      case 'puback':
      case 'pubrec':
        if (!this.#unacknowledged.delete(packet.packetId)) this.#foretold.add(packet.packetId);
        break;
      default:
    }
  }

  #connected(connect: Connect): void {
    if (connect.will !== null) this.#topics.add(connect.will.address);
    if (this.#level !== null) return;
    const { level, packetSizeMax, aliasMax, wantsProblemInformation, wantsResponseInformation } = connect;
    this.#level = level;
    this.#receiveMax = connect.receiveMax;
    const size: [PropertyName, number][] =
      packetSizeMax === null ? [] : [['maximumPacketSize', packetSizeMax]];
    this.#bounds = new Bounds({
      properties: [
        ...size,
        ['topicAliasMaximum', aliasMax],
        ['requestProblem', wantsProblemInformation ? 1 : 0],
        ['requestResponse', wantsResponseInformation ? 1 : 0],
      ],
    });
  }

  #delivered(id: number): void {
    if (this.#foretold.has(id)) return;
    demand(
      !this.#unacknowledged.has(id),
      'MQTT-2.3.1-4, MQTT5-2.2.1-4',
      `identifier ${id} while it is in use`,
    );
    this.#unacknowledged.add(id);
    const { size } = this.#unacknowledged;
    demand(
      size <= this.#receiveMax,
      'MQTT5-3.3.4-9',
      `${size} messages to a client that takes ${this.#receiveMax}`,
    );
  }
}

/** Where the last whole packet ends. */
function wholePackets(bytes: Buffer): number {
  let end = 0;
  for (;;) {
    let size = 0;
    let at = end + 1;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) return end;
      at += 1;
      size += (byte & 0x7f) << shift;
      if (byte < 0x80 || shift > 21) break;
    }
    if (at + size > bytes.length) return end;
    end = at + size;
  }
}
