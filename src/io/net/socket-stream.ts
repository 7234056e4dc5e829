/** One client's TCP or TLS socket as a byte stream. Source: ports/listener.ts. */
import type { Socket } from 'node:net';
import type { ByteStream, StreamEvents, Transport } from '../../ports/index.ts';
import { awaitEnd } from './farewell.ts';
import { Outgoing } from './outgoing.ts';

/** Who the client is, as far as its way here has shown. */
export type Client = Readonly<{ transport: Transport; remote: string; certificateName: string | null }>;

export class SocketStream implements ByteStream {
  readonly transport: Transport;
  readonly remote: string;
  readonly certificateName: string | null;
  readonly #socket: Socket;
  readonly #outgoing: Outgoing;

  constructor(socket: Socket, { transport, remote, certificateName }: Client) {
    this.transport = transport;
    this.remote = remote;
    this.certificateName = certificateName;
    this.#socket = socket;
    this.#outgoing = new Outgoing((pieces) => {
      if (socket.destroyed) return;
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    });
  }

  /** `closed` comes once, last. */
  tell(events: StreamEvents): void {
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => events.data(bytes));
    socket.on('drain', () => events.drained());
    // `close` follows and is all that anybody needs to know.
    socket.on('error', () => undefined);
    socket.on('close', () => events.closed());
  }

  write(bytes: Uint8Array): void {
    this.#outgoing.put(bytes);
  }

  backlog(): number {
    return this.#outgoing.bytes + this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#outgoing.flush();
    // Read to its end: closing on unread bytes makes the kernel reset the connection, and the client loses the last word said to it.
    this.#socket.resume();
    this.#socket.end();
    awaitEnd(this.#socket, () => this.#socket.writableLength);
  }

  destroy(): void {
    this.#outgoing.clear();
    this.#socket.destroy();
  }
}
