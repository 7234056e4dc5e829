/** A client's side of MQTT 3.1.1 as bytes, as much as the simulation says and hears: written apart from the server's, so that both can't err alike. */

export type SimQos = 0 | 1 | 2;

export type ServerPacket = Readonly<
  | { type: 'connack'; code: number; isPresent: boolean }
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
  | { type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp' | 'suback'; packetId: number }
  | { type: 'pingresp' }
>;

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
};

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

export const connect = (
  clientId: string,
  isClean: boolean,
  keepAliveSeconds: number,
  will: Will | null = null,
): Buffer =>
  packet(
    0x10,
    text('MQTT'),
    Buffer.from([4, (isClean ? 2 : 0) | (will === null ? 0 : 4 | 8)]),
    u16(keepAliveSeconds),
    text(clientId),
    ...(will === null ? [] : [text(will.topic), text(will.payload)]),
  );

export type Publishing = Readonly<{
  topic: string;
  payload: string;
  qos: SimQos;
  /** Not sent with QoS 0. */
  packetId: number;
  isRetained: boolean;
  isDup: boolean;
}>;

export const publish = ({ topic, payload, qos, packetId, isRetained, isDup }: Publishing): Buffer =>
  packet(
    0x30 | (isDup ? 8 : 0) | (qos << 1) | (isRetained ? 1 : 0),
    text(topic),
    qos === 0 ? Buffer.alloc(0) : u16(packetId),
    Buffer.from(payload),
  );

export const puback = (packetId: number): Buffer => packet(0x40, u16(packetId));
export const pubrec = (packetId: number): Buffer => packet(0x50, u16(packetId));
export const pubrel = (packetId: number): Buffer => packet(0x62, u16(packetId));
export const pubcomp = (packetId: number): Buffer => packet(0x70, u16(packetId));
export const subscribe = (packetId: number, filter: string, qos: SimQos): Buffer =>
  packet(0x82, u16(packetId), text(filter), Buffer.from([qos]));
export const pingreq = (): Buffer => packet(0xc0);
export const disconnect = (): Buffer => packet(0xe0);

/** From a stream of bytes to the packets that a server sends. Throws on anything that a server must not send. */
export class ServerPackets {
  #bytes: Buffer = Buffer.alloc(0);

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
      return read(first, body);
    }
    return null;
  }
}

function qosOf(bits: number): SimQos {
  if (bits === 0 || bits === 1 || bits === 2) return bits;
  throw new Error('a server must not set both QoS bits');
}

function read(first: number, body: Buffer): ServerPacket {
  switch (first >> 4) {
    case 2:
      return { type: 'connack', isPresent: (body.readUInt8(0) & 1) === 1, code: body.readUInt8(1) };
    case 3: {
      const topicEnd = 2 + body.readUInt16BE(0);
      const qos = qosOf((first >> 1) & 3);
      return {
        type: 'publish',
        topic: body.toString('utf8', 2, topicEnd),
        qos,
        packetId: qos === 0 ? 0 : body.readUInt16BE(topicEnd),
        payload: body.toString('utf8', topicEnd + (qos === 0 ? 0 : 2)),
        isDup: (first & 8) !== 0,
        isRetained: (first & 1) !== 0,
      };
    }
    case 4:
      return { type: 'puback', packetId: body.readUInt16BE(0) };
    case 5:
      return { type: 'pubrec', packetId: body.readUInt16BE(0) };
    case 6:
      if (first !== 0x62) throw new Error('a PUBREL whose flags are not 0010');
      return { type: 'pubrel', packetId: body.readUInt16BE(0) };
    case 7:
      return { type: 'pubcomp', packetId: body.readUInt16BE(0) };
    case 9:
      return { type: 'suback', packetId: body.readUInt16BE(0) };
    case 13:
      return { type: 'pingresp' };
    default:
      throw new Error(`a server must not send packet type ${first >> 4}`);
  }
}
