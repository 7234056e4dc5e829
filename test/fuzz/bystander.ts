/**
 * Clients that do nothing wrong while others do: they publish and take on topics of their own. What comes must be what is owed, once and in
 * order; the first that is not is thrown as an error.
 */
import type { Heard } from '../conformance/harness/judge.ts';
import { valueIn } from '../conformance/harness/judge.ts';
import type { ConnectFields, Packets } from '../conformance/harness/packets.ts';
import { Ear } from './ear.ts';
import type { MemoryWire } from './memory-wire.ts';

/** All begin with this. */
export const BYSTANDER = 'by-';
export const BYSTANDERS_TOPIC = 'by/';

export class Disturbed extends Error {
  override name = 'Disturbed';
}

export class Bystander {
  readonly packets: Packets;
  readonly clientId: string;
  readonly #fields: ConnectFields;
  readonly #packetSizeMax: number;
  #wire: MemoryWire | null = null;
  #ear: Ear | null = null;
  protected isConnected = false;
  isPresent: boolean | null = null;

  constructor(packets: Packets, fields: ConnectFields & { clientId: string }, packetSizeMax: number) {
    this.packets = packets;
    this.clientId = fields.clientId;
    this.#fields = fields;
    this.#packetSizeMax = packetSizeMax;
  }

  get wire(): MemoryWire | null {
    return this.#wire;
  }

  /** It has a keep-alive. */
  get isWatched(): boolean {
    return (this.#fields.keepAlive ?? 0) > 0;
  }

  connect(wire: MemoryWire): void {
    this.#wire = wire;
    this.#ear = new Ear(this.#packetSizeMax, new Set());
    this.isConnected = false;
    this.say(this.packets.connect(this.#fields));
  }

  /** It goes, and says so. */
  leave(): void {
    this.say(this.packets.disconnect());
    this.#wire = null;
  }

  say(...packets: readonly Buffer[]): void {
    for (const packet of packets) {
      this.#ear?.said(packet);
      this.#wire?.send(packet);
    }
  }

  /** Takes what has come, and answers it; whether there was anything. */
  hear(): boolean {
    if (this.#wire === null || this.#ear === null) return false;
    let isNews = false;
    for (const bytes of this.#wire.heard())
      for (const one of this.#ear.heard(bytes)) {
        isNews = true;
        this.#take(one);
      }
    if (!this.#wire.isOpen) throw new Disturbed(`${this.clientId} was disconnected`);
    return isNews;
  }

  protected take(heard: Heard): void {
    throw new Disturbed(`${this.clientId} was sent a ${heard.type}`);
  }

  #take(heard: Heard): void {
    if (heard.type === 'pingresp') return;
    if (heard.type !== 'connack') return this.take(heard);
    if (heard.codes[0] !== 0)
      throw new Disturbed(`${this.clientId} was refused with ${heard.codes[0] ?? ''}`);
    this.isConnected = true;
    this.isPresent = heard.isPresent;
  }
}

/** Numbers its messages, by topic: 1, 2, 3… */
export class BystandingPublisher extends Bystander {
  readonly published = new Map<string, number>();
  readonly #unacknowledged = new Set<number>();
  #id = 0;

  publish(kind: string, qos: number): void {
    const topic = `${BYSTANDERS_TOPIC}${this.clientId}/${kind}`;
    const number = (this.published.get(topic) ?? 0) + 1;
    this.published.set(topic, number);
    if (qos > 0) {
      this.#id = (this.#id % 60_000) + 1;
      this.#unacknowledged.add(this.#id);
    }
    const properties = [['contentType', 'text']] as const;
    this.say(this.packets.publish({ topic, payload: String(number), qos, id: this.#id, properties }));
  }

  get isSettled(): boolean {
    return this.#unacknowledged.size === 0;
  }

  protected override take(heard: Heard): void {
    const { type, id, codes } = heard;
    if (id === null || !this.#unacknowledged.has(id) || (codes[0] ?? 0) >= 0x80)
      throw new Disturbed(`${this.clientId} was answered with ${type} ${id ?? ''} ${codes.join()}`);
    if (type === 'pubrec') this.say(this.packets.pubrel(id));
    else this.#unacknowledged.delete(id);
  }
}

/** Takes messages; which ones, it notes by topic. */
export class BystandingConsumer extends Bystander {
  readonly #filters: readonly (readonly [string, number])[];
  readonly #took: (topic: string, number: number, by: BystandingConsumer) => void;
  readonly #filling = new Set<number>();
  isSubscribed = false;

  constructor(
    parts: Readonly<{
      packets: Packets;
      fields: ConnectFields & { clientId: string };
      packetSizeMax: number;
      filters: readonly (readonly [string, number])[];
      took: (topic: string, number: number, by: BystandingConsumer) => void;
    }>,
  ) {
    super(parts.packets, parts.fields, parts.packetSizeMax);
    this.#filters = parts.filters;
    this.#took = parts.took;
  }

  subscribe(): void {
    this.say(this.packets.subscribe(60_001, this.#filters));
  }

  protected override take(heard: Heard): void {
    const { type, id, topic, payload, qos } = heard;
    if (type === 'suback') {
      this.isSubscribed = heard.codes.every((code) => code < 0x80);
    } else if (type === 'pubrel' && id !== null) {
      this.#filling.delete(id);
      this.say(this.packets.pubcomp(id));
    } else if (type === 'publish') {
      if (qos === 2 && id !== null && this.#filling.has(id)) return;
      if (qos === 2 && id !== null) this.#filling.add(id);
      const isFromFive = topic.includes('-5/');
      if (this.packets.level === 5 && isFromFive && valueIn(heard, 'contentType') !== 'text')
        throw new Disturbed(`${this.clientId} misses a property of ${topic}=${payload.toString()}`);
      this.#took(topic, Number(payload.toString()), this);
      if (qos === 1 && id !== null) this.say(this.packets.puback(id));
      if (qos === 2 && id !== null) this.say(this.packets.pubrec(id));
    } else super.take(heard);
  }
}
