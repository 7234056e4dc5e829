/** A thousand clients lose their server at once. Source: PROTOCOL.md §3; MQTT-3.1.2-4. */
import { connect as dial, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connect as connectPacket, ServerPackets } from '../../src/simulator/clients/mqtt-bytes.ts';
import { protectedPair } from './traffic.ts';

const CLIENTS = 1_000;
const AGAIN_MS = { min: 20, max: 300 };

/** A durable client that knows both ports, and dials one after the other until it is let in. */
class CrowdClient {
  readonly #id: string;
  readonly #ports: readonly number[];
  #socket: Socket | null = null;
  #dials = 0;
  #isWanted = true;
  /** By connection, whether the server knew its session. */
  readonly sessions: boolean[] = [];
  isConnected = false;

  constructor(id: string, ports: readonly number[]) {
    this.#id = id;
    this.#ports = ports;
    this.#dial();
  }

  close(): void {
    this.#isWanted = false;
    this.#socket?.destroy();
  }

  #dial(): void {
    if (!this.#isWanted) return;
    const packets = new ServerPackets();
    const socket = dial({ host: '127.0.0.1', port: this.#ports[this.#dials++ % this.#ports.length] ?? 0 });
    this.#socket = socket;
    socket.on('connect', () => socket.write(connectPacket(this.#id, false, 60)));
    socket.on('data', (bytes) => {
      for (const packet of packets.push(bytes)) {
        if (packet.type !== 'connack') continue;
        this.isConnected = true;
        this.sessions.push(packet.isPresent);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isConnected = false;
      setTimeout(() => this.#dial(), AGAIN_MS.min + Math.random() * (AGAIN_MS.max - AGAIN_MS.min));
    });
  }
}

test(`${CLIENTS} durable clients come back at once after a kill of the active: each finds its session, and no second takeover follows (§3)`, async () => {
  const { pair, active, passive } = await protectedPair();
  const ports = [pair.ports[active].mqtt, pair.ports[passive].mqtt];
  const clients = Array.from({ length: CLIENTS }, (_, n) => new CrowdClient(`c${n}`, ports));
  onTestFinished(() => {
    for (const client of clients) client.close();
  });
  const all = (): Promise<true> =>
    pair.until(`${CLIENTS} connections`, async () =>
      clients.every(({ isConnected }) => isConnected) ? true : null,
    );
  await all();
  expect((await pair.status(active))?.clients).toBe(CLIENTS);

  pair.server(active).kill('SIGKILL');
  await pair.server(active).ended;
  await pair.until('nobody connected to the one that is gone', async () =>
    clients.every(({ isConnected }) => isConnected) ? null : true,
  );
  await all();
  pair.start(active);
  expect(await pair.protected()).toEqual({ active: passive, passive: active });
  expect(clients.every(({ isConnected }) => isConnected)).toBe(true);
  for (const { sessions } of clients) expect(sessions).toEqual([false, true]);
  expect(pair.server(passive).states().slice(-3)).toEqual(['STANDALONE', 'ACTIVE_SYNC', 'ACTIVE']);
});
