/**
 * A client's side of MQTT 3.1.1 and 5.0 as bytes, as much as the simulation says and hears: written apart from the server's, so that both can't
 * err alike.
 */
import { Properties, properties, PROPERTY } from './mqtt5-properties.ts';

export type SimQos = 0 | 1 | 2;

/** 4: MQTT 3.1.1. */
export type SimLevel = 4 | 5;

export type ServerPacket = Readonly<
  | { type: 'connack'; code: number; isPresent: boolean; aliasMax: number }
  | {
      type: 'publish';
      topic: string;
      payload: string;
      qos: SimQos;
      /** 0 with QoS 0. */
      packetId: number;
      isDup: boolean;
      isRetained: boolean;
    }
  | { type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'; packetId: number; reason: number }
  | { type: 'suback'; packetId: number }
  | { type: 'pingresp' }
  | { type: 'disconnect'; reason: number }
>;

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
};

const NOTHING = Buffer.alloc(0);

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let left = body.length; ;) {
    const digit = left % 128;
    left = Math.floor(left / 128);
    length.push(left > 0 ? digit + 128 : digit);
    if (left === 0) break;
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** Published with QoS 1 when its client goes without a farewell. */
export type Will = Readonly<{ topic: string; payload: string }>;

/** How a client speaks MQTT 5: its session is kept for ever, or ends with its connection. */
export type Mqtt5 = Readonly<{
  /** How many messages with QoS 1 and 2 it takes at once. */
  receiveMax: number;
}>;

/** Topic aliases that a client of MQTT 5 takes. */
const ALIASES = 3;
const FOR_EVER = 0xffff_ffff;

/** `mqtt5` null: MQTT 3.1.1. */
export function connect(
  clientId: string,
  isClean: boolean,
  keepAliveSeconds: number,
  will: Will | null = null,
  mqtt5: Mqtt5 | null = null,
): Buffer {
  const wishes = (): Buffer =>
    properties(
      [PROPERTY.sessionExpiry, isClean ? 0 : FOR_EVER],
      [PROPERTY.receiveMax, mqtt5?.receiveMax ?? 0],
      [PROPERTY.aliasMax, ALIASES],
    );
  return packet(
    0x10,
    text('MQTT'),
    Buffer.from([mqtt5 === null ? 4 : 5, (isClean ? 2 : 0) | (will === null ? 0 : 4 | 8)]),
    u16(keepAliveSeconds),
    mqtt5 === null ? NOTHING : wishes(),
    text(clientId),
    ...(will === null ? [] : [mqtt5 === null ? NOTHING : properties(), text(will.topic), text(will.payload)]),
  );
}

export type Publishing = Readonly<{
  topic: string;
  payload: string;
  qos: SimQos;
  /** Not sent with QoS 0. */
  packetId: number;
  isRetained: boolean;
  isDup: boolean;
}>;

/** `alias`: stands for the topic; null: there is none. `isAliasKnown`: the server has been told of it, and it goes without the topic. */
export type Alias = Readonly<{ alias: number; isAliasKnown: boolean }>;

export const publish = (
  { topic, payload, qos, packetId, isRetained, isDup }: Publishing,
  level: SimLevel = 4,
  alias: Alias | null = null,
): Buffer =>
  packet(
    0x30 | (isDup ? 8 : 0) | (qos << 1) | (isRetained ? 1 : 0),
    text(alias?.isAliasKnown === true ? '' : topic),
    qos === 0 ? NOTHING : u16(packetId),
    level === 4 ? NOTHING : properties(...(alias === null ? [] : ([[PROPERTY.alias, alias.alias]] as const))),
    Buffer.from(payload),
  );

export const puback = (packetId: number): Buffer => packet(0x40, u16(packetId));
export const pubrec = (packetId: number): Buffer => packet(0x50, u16(packetId));
export const pubrel = (packetId: number): Buffer => packet(0x62, u16(packetId));
export const pubcomp = (packetId: number): Buffer => packet(0x70, u16(packetId));
export const subscribe = (packetId: number, filter: string, qos: SimQos, level: SimLevel = 4): Buffer =>
  packet(0x82, u16(packetId), level === 4 ? NOTHING : properties(), text(filter), Buffer.from([qos]));
export const pingreq = (): Buffer => packet(0xc0);
export const disconnect = (): Buffer => packet(0xe0);

/** From a stream of bytes to the packets that a server sends. Throws on anything that a server must not send. */
export class ServerPackets {
  readonly #level: SimLevel;
  /** MQTT 5: topics by the alias that the server has given them on this connection. */
  readonly #topics = new Map<number, string>();
  #bytes: Buffer = Buffer.alloc(0);

  constructor(level: SimLevel = 4) {
    this.#level = level;
  }

  push(bytes: Buffer): ServerPacket[] {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    const packets: ServerPacket[] = [];
    for (let next = this.#next(); next !== null; next = this.#next()) packets.push(next);
    return packets;
  }

  #next(): ServerPacket | null {
    let size = 0;
    for (let at = 1; at < this.#bytes.length; at += 1) {
      const digit = this.#bytes.readUInt8(at);
      size += (digit & 127) * 128 ** (at - 1);
      if (digit >= 128) continue;
      const end = at + 1 + size;
      if (end > this.#bytes.length) return null;
      const [first, body] = [this.#bytes.readUInt8(0), this.#bytes.subarray(at + 1, end)];
      this.#bytes = this.#bytes.subarray(end);
      return this.#read(first, body);
    }
    return null;
  }

  #read(first: number, body: Buffer): ServerPacket {
    switch (first >> 4) {
      case 2: {
        const aliasMax = this.#level === 4 ? 0 : (new Properties(body, 2).number(PROPERTY.aliasMax) ?? 0);
        return {
          type: 'connack',
          isPresent: (body.readUInt8(0) & 1) === 1,
          code: body.readUInt8(1),
          aliasMax,
        };
      }
      case 3:
        return this.#publish(first, body);
      case 4:
        return { type: 'puback', ...answer(body) };
      case 5:
        return { type: 'pubrec', ...answer(body) };
      case 6:
        if (first !== 0x62) throw new Error('a PUBREL whose flags are not 0010');
        return { type: 'pubrel', ...answer(body) };
      case 7:
        return { type: 'pubcomp', ...answer(body) };
      case 9:
        return { type: 'suback', packetId: body.readUInt16BE(0) };
      case 13:
        return { type: 'pingresp' };
      case 14:
        if (this.#level === 4) throw new Error('no server says DISCONNECT in MQTT 3.1.1');
        return { type: 'disconnect', reason: body.length === 0 ? 0 : body.readUInt8(0) };
      default:
        throw new Error(`a server must not send packet type ${first >> 4}`);
    }
  }

  #publish(first: number, body: Buffer): ServerPacket {
    const topicEnd = 2 + body.readUInt16BE(0);
    const qos = qosOf((first >> 1) & 3);
    const idEnd = topicEnd + (qos === 0 ? 0 : 2);
    const props = this.#level === 4 ? null : new Properties(body, idEnd);
    return {
      type: 'publish',
      topic: this.#topic(body.toString('utf8', 2, topicEnd), props?.number(PROPERTY.alias) ?? null),
      qos,
      packetId: qos === 0 ? 0 : body.readUInt16BE(topicEnd),
      payload: body.toString('utf8', props?.end ?? idEnd),
      isDup: (first & 8) !== 0,
      isRetained: (first & 1) !== 0,
    };
  }

  #topic(said: string, alias: number | null): string {
    if (alias === null) return said;
    if (alias < 1 || alias > ALIASES) throw new Error(`alias ${alias}, where ${ALIASES} are taken`);
    const topic = said === '' ? this.#topics.get(alias) : said;
    if (topic === undefined) throw new Error(`alias ${alias} was given to no topic`);
    this.#topics.set(alias, topic);
    return topic;
  }
}

/** The reason is left out where it is success. */
const answer = (body: Buffer): { packetId: number; reason: number } => ({
  packetId: body.readUInt16BE(0),
  reason: body.length > 2 ? body.readUInt8(2) : 0,
});

function qosOf(bits: number): SimQos {
  if (bits === 0 || bits === 1 || bits === 2) return bits;
  throw new Error('a server must not set both QoS bits');
}
