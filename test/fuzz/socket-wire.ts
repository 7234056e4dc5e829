/** A fuzzing client's real connection. */
import { connect, type Socket } from 'node:net';
import type { Wire } from './talker.ts';

export class SocketWire implements Wire {
  readonly #socket: Socket;
  #isOpen = true;
  /** It is over, from whichever end. */
  readonly closed: Promise<void>;

  /** `heard`: null for a client that reads nothing. */
  constructor(address: Readonly<{ host: string; port: number }>, heard: ((bytes: Buffer) => void) | null) {
    const socket = connect(address);
    this.#socket = socket;
    socket.setNoDelay(true);
    // What the server does with it is its own affair: a reset is an end like others.
    socket.on('error', () => undefined);
    socket.once('end', () => (this.#isOpen = false));
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        this.#isOpen = false;
        resolve();
      }),
    );
    if (heard === null) socket.pause();
    else socket.on('data', heard);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(bytes: Buffer): void {
    if (this.#isOpen) this.#socket.write(bytes);
  }

  finish(): void {
    this.#isOpen = false;
    this.#socket.end();
  }

  reset(): void {
    this.#isOpen = false;
    this.#socket.resetAndDestroy();
  }

  /** Whatever is still under way with it. */
  abandon(): void {
    this.#socket.destroy();
  }
}
