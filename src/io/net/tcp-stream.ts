/**
 * One client's TCP socket as a byte stream. What is written within one turn leaves in one piece: many small acknowledgements cost one
 * system call.
 */
import { isIPv6, type Socket } from 'node:net';
import type { ByteStream, StreamEvents } from '../../ports/index.ts';

/** Up to here pieces are copied together; a longer one is cheaper to hand over as it is. */
const COPY_BYTES_MAX = 16 * 1024;

/** How long a client may take to close its half after the last word. */
const FAREWELL_MS = 2_000;

export class TcpStream implements ByteStream {
  readonly #socket: Socket;
  readonly remote: string;
  #queued: Uint8Array[] = [];
  #queuedBytes = 0;
  #isFlushDue = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const host = socket.remoteAddress ?? 'an unknown address';
    this.remote = `${isIPv6(host) ? `[${host}]` : host}:${socket.remotePort ?? 0}`;
    socket.setNoDelay(true);
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
    this.#queued.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    process.nextTick(() => this.#flush());
  }

  backlog(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#flush();
    // Read to its end: closing on unread bytes makes the kernel reset the connection, and the client loses the last word said to it.
    this.#socket.resume();
    this.#socket.end();
    this.#socket.setTimeout(FAREWELL_MS, () => this.#socket.destroy());
  }

  destroy(): void {
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#socket.destroy();
  }

  #flush(): void {
    this.#isFlushDue = false;
    const queued = this.#queued;
    if (queued.length === 0 || this.#socket.destroyed) return;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#socket.cork();
    let small: Uint8Array[] = [];
    for (const piece of queued) {
      if (piece.length <= COPY_BYTES_MAX) {
        small.push(piece);
        continue;
      }
      this.#writeTogether(small);
      small = [];
      this.#socket.write(piece);
    }
    this.#writeTogether(small);
    this.#socket.uncork();
  }

  #writeTogether(pieces: readonly Uint8Array[]): void {
    const [only] = pieces;
    if (only === undefined) return;
    this.#socket.write(pieces.length === 1 ? only : Buffer.concat(pieces));
  }
}
