/** Clients that do next to nothing: a connection each, and what comes goes to whoever asked for it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, parser, type Packet } from 'mqtt-packet';

export type Version = 4 | 5;

/** Clients that connect at the same time. */
const AT_ONCE = 100;

/** A client that has read its CONNACK. What comes later goes to `heard`. */
export async function client(
  port: number,
  clientId: string,
  version: Version,
  heard: (packet: Packet) => void = () => undefined,
): Promise<Socket> {
  const socket = await silent(port);
  const reading = parser({ protocolVersion: version });
  const answered = new Promise<void>((resolve) => {
    reading.on('packet', (packet) => {
      if (packet.cmd === 'connack') resolve();
      else heard(packet);
    });
  });
  socket.on('data', (bytes) => void reading.parse(bytes));
  const packet = { cmd: 'connect', protocolId: 'MQTT', clientId, clean: true, keepalive: 0 } as const;
  socket.write(generate({ ...packet, protocolVersion: version }, { protocolVersion: version }));
  await answered;
  return socket;
}

/** A connection that says nothing. */
async function silent(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** So many; `version` null: none of them has said CONNECT. */
export async function crowd(port: number, count: number, version: Version | null): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const first = sockets.length;
    const some = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, n) =>
      version === null ? silent(port) : client(port, `idle-${version}-${first + n}`, version),
    );
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}
