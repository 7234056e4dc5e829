/**
 * Load for benchmarks, so light that the server is what is measured: publishers and a subscriber of MQTT 3.1.1 with QoS 1 on bare sockets, one
 * write for many packets. Every message carries its number, and the subscriber looks at the order.
 */
import { connect, type Socket } from 'node:net';
import { ByteWriter } from '../../src/base/index.ts';

const [CONNECT, PUBLISH, PUBACK, SUBSCRIBE, DISCONNECT] = [0x10, 0x32, 0x40, 0x82, 0xe0];

function packet(first: number, body: Buffer): Buffer {
  const size: number[] = [];
  for (let left = body.length; size.length === 0 || left > 0; left = Math.floor(left / 128))
    size.push((left % 128) + (left >= 128 ? 128 : 0));
  return Buffer.concat([Buffer.from([first, ...size]), body]);
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

const connectPacket = (clientId: string, isClean: boolean): Buffer =>
  packet(CONNECT, Buffer.concat([text('MQTT'), Buffer.from([4, isClean ? 2 : 0, 0, 0]), text(clientId)]));

/** Whole packets, one after the other: first byte, and where the body begins and ends. */
function eachPacket(bytes: Buffer, take: (first: number, from: number, to: number) => void): number {
  let at = 0;
  for (;;) {
    let size = 0;
    let head = 1;
    for (let shift = 0; ; shift += 7, head += 1) {
      if (at + head >= bytes.length) return at;
      const byte = bytes[at + head] ?? 0;
      size += (byte & 127) << shift;
      if (byte < 128) break;
    }
    const from = at + head + 1;
    if (from + size > bytes.length) return at;
    take(bytes[at] ?? 0, from, from + size);
    at = from + size;
  }
}

/** A connection that has its CONNACK. */
class Client {
  readonly socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  onPacket: (bytes: Buffer, first: number, from: number, to: number) => void = () => undefined;
  afterChunk: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
      const used = eachPacket(bytes, (first, from, to) => this.onPacket(bytes, first, from, to));
      this.#rest = bytes.subarray(used);
      this.afterChunk();
    });
  }

  static connected(port: number, clientId: string, isClean: boolean): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const client = new Client(socket);
      // What comes in one piece with the CONNACK is for whoever waits for the client.
      const early: [Buffer, number, number, number][] = [];
      client.onPacket = (bytes, first, from, to) => {
        early.push([bytes, first, from, to]);
        if (early.length > 1) return;
        socket.pause();
        resolve(client);
        setImmediate(() => {
          for (const packet of early.slice(1)) client.onPacket(...packet);
          client.afterChunk();
          socket.resume();
        });
      };
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the server closed the connection')));
      socket.write(connectPacket(clientId, isClean));
    });
  }

  async end(): Promise<void> {
    this.socket.removeAllListeners('error').on('error', () => undefined);
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.end(packet(DISCONNECT, Buffer.alloc(0)));
    await closed;
  }
}

/** Fulfils when the server has taken a client; rejects when nobody listens. */
export const served = async (port: number): Promise<void> =>
  (await Client.connected(port, 'bench-probe', true)).end();

/** Publishes `count` messages of `size` bytes to `topic`, with up to `window` unacknowledged. Fulfils when all are acknowledged. */
export async function publishAll(
  port: number,
  { topic, size, count, window }: Readonly<{ topic: string; size: number; count: number; window: number }>,
  acknowledged: (count: number) => void,
): Promise<void> {
  const client = await Client.connected(port, `bench-${process.hrtime.bigint()}`, true);
  const sample = packet(PUBLISH, Buffer.concat([text(topic), Buffer.alloc(2), Buffer.alloc(size)]));
  const idAt = sample.length - size - 2;
  let sent = 0;
  let acked = 0;
  const send = (): void => {
    const more = Math.min(window - (sent - acked), count - sent);
    if (more <= 0) return;
    const bytes = Buffer.alloc(more * sample.length);
    for (let n = 0; n < more; n += 1, sent += 1) {
      sample.copy(bytes, n * sample.length);
      bytes.writeUInt16BE((sent % 65_535) + 1, n * sample.length + idAt);
      bytes.writeUInt32BE(sent, n * sample.length + idAt + 2);
    }
    client.socket.write(bytes);
  };
  await new Promise<void>((resolve, reject) => {
    client.socket.on('close', () =>
      reject(new Error(`the connection is gone after ${acked} acknowledgements`)),
    );
    client.onPacket = (_, first) => {
      if (first === PUBACK) acked += 1;
    };
    let told = 0;
    client.afterChunk = () => {
      acknowledged(acked - told);
      told = acked;
      if (acked === count) resolve();
      else send();
    };
    send();
  });
  await client.end();
}

/** A durable session on a topic, with QoS 1; takes nothing yet. */
export async function subscribed(port: number, clientId: string, topic: string): Promise<void> {
  const client = await Client.connected(port, clientId, false);
  const body = Buffer.concat([Buffer.from([0, 1]), text(topic), Buffer.from([1])]);
  await new Promise<void>((resolve) => {
    client.onPacket = (_, first) => {
      if (first === 0x90) resolve();
    };
    client.socket.write(packet(SUBSCRIBE, body));
  });
  await client.end();
}

/** Takes and acknowledges what waits for the session until `count` messages have come, each in its place. */
export async function takeAll(
  port: number,
  { clientId, count }: Readonly<{ clientId: string; count: number }>,
  taken: (count: number) => void,
): Promise<void> {
  const client = await Client.connected(port, clientId, false);
  let seen = 0;
  await new Promise<void>((resolve, reject) => {
    const acks = new ByteWriter(64 * 1024);
    client.socket.on('close', () => reject(new Error(`the connection is gone after ${seen} messages`)));
    client.onPacket = (bytes, first, from) => {
      if (first >> 4 !== 3) return;
      const idAt = from + 2 + bytes.readUInt16BE(from);
      acks
        .u8(PUBACK)
        .u8(2)
        .u8(bytes[idAt] ?? 0)
        .u8(bytes[idAt + 1] ?? 0);
      seen += 1;
    };
    let told = 0;
    client.afterChunk = () => {
      if (acks.length > 0) client.socket.write(acks.taken());
      taken(seen - told);
      told = seen;
      if (seen >= count) resolve();
    };
  });
  await client.end();
}
