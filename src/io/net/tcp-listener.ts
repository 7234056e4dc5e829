/** A TCP port for clients, open only while this server serves. Source: ports/listener.ts; PROTOCOL.md §3 (serves). */
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Listener, ListenerEvents } from '../../ports/index.ts';
import { listenFault } from './faults.ts';
import type { MqttListenerOptions } from './options.ts';
import { TcpStream } from './tcp-stream.ts';

/** Many clients come back at once after a takeover; the kernel bounds this by its own limit. */
const BACKLOG = 4096;

export class TcpListener implements Listener {
  readonly #place: MqttListenerOptions;
  #server: Server | null = null;
  /** Settles when `#server` is bound or refused. */
  #opening: Promise<void> = Promise.resolve();
  readonly #sockets = new Set<Socket>();

  /** Port 0 takes a free one. */
  constructor(place: MqttListenerOptions) {
    this.#place = place;
  }

  /** The port that is bound; null when none is. */
  get port(): number | null {
    const address = this.#server?.address() ?? null;
    return address === null || typeof address === 'string' ? null : address.port;
  }

  async open(events: ListenerEvents): Promise<void> {
    await this.close();
    const server = createServer((socket) => {
      if (this.#server === server) this.#accept(socket, events);
      else socket.destroy();
    });
    this.#server = server;
    this.#opening = this.#listen(server);
    try {
      await this.#opening;
    } catch (failure) {
      if (this.#server === server) this.#server = null;
      throw failure;
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server === null) return;
    // A server that is closed before its port is bound would bind it afterwards.
    const isBound = await this.#opening.then(
      () => true,
      () => false,
    );
    if (isBound) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(server: Server): Promise<void> {
    const { host, port } = this.#place;
    const text = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
    return new Promise((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException): void => reject(listenFault(text, error));
      server.once('error', refused);
      server.listen({ host, port, backlog: BACKLOG, exclusive: true }, () => {
        server.off('error', refused);
        // Such as no descriptors left: those who are connected stay, and others may come later.
        server.on('error', () => undefined);
        resolve();
      });
    });
  }

  #accept(socket: Socket, events: ListenerEvents): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const stream = new TcpStream(socket);
    stream.tell(events.connected(stream));
  }
}
