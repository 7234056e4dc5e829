/** A client's side of MQTT 3.1.1 as bytes, as much as the simulation says and hears: written apart from the server's, so that both can't err alike. */

export type ServerPacket = Readonly<
  | { type: 'connack'; code: number; isPresent: boolean }
  | {
      type: 'publish';
      topic: string;
      payload: string;
      /** 0 with QoS 0. */
      packetId: number;
      isDup: boolean;
      isRetained: boolean;
    }
  | { type: 'puback'; packetId: number }
  | { type: 'suback'; packetId: number }
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

export const connect = (clientId: string, isClean: boolean, keepAliveSeconds: number): Buffer =>
  packet(0x10, text('MQTT'), Buffer.from([4, isClean ? 2 : 0]), u16(keepAliveSeconds), text(clientId));

export type Publishing = Readonly<{
  topic: string;
  payload: string;
  /** 0: QoS 0. */
  packetId: number;
  isRetained: boolean;
  isDup: boolean;
}>;

export const publish = ({ topic, payload, packetId, isRetained, isDup }: Publishing): Buffer =>
  packet(
    0x30 | (isDup ? 8 : 0) | (packetId === 0 ? 0 : 2) | (isRetained ? 1 : 0),
    text(topic),
    packetId === 0 ? Buffer.alloc(0) : u16(packetId),
    Buffer.from(payload),
  );

export const puback = (packetId: number): Buffer => packet(0x40, u16(packetId));
export const subscribe = (packetId: number, filter: string): Buffer =>
  packet(0x82, u16(packetId), text(filter), Buffer.from([1]));
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

function read(first: number, body: Buffer): ServerPacket {
  switch (first >> 4) {
    case 2:
      return { type: 'connack', isPresent: (body.readUInt8(0) & 1) === 1, code: body.readUInt8(1) };
    case 3: {
      const topicEnd = 2 + body.readUInt16BE(0);
      const hasId = (first & 6) !== 0;
      return {
        type: 'publish',
        topic: body.toString('utf8', 2, topicEnd),
        packetId: hasId ? body.readUInt16BE(topicEnd) : 0,
        payload: body.toString('utf8', topicEnd + (hasId ? 2 : 0)),
        isDup: (first & 8) !== 0,
        isRetained: (first & 1) !== 0,
      };
    }
    case 4:
      return { type: 'puback', packetId: body.readUInt16BE(0) };
    case 9:
      return { type: 'suback', packetId: body.readUInt16BE(0) };
    case 13:
      return { type: 'pingresp' };
    default:
      throw new Error(`a server must not send packet type ${first >> 4}`);
  }
}
