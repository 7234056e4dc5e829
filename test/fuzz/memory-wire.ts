/**
 * A stream in memory, both ends: the server's as its port has it, the client's to be sent through, ended, and left unread. Nothing comes by
 * itself: `deliver` brings the server what has happened, as a network would later. Whatever the server throws goes to whoever called.
 */
import type { ByteStream, ListenerEvents, StreamEvents } from '../../src/ports/index.ts';
import type { Wire } from './talker.ts';

export class MemoryWire implements ByteStream, Wire {
  readonly transport = 'tcp';
  readonly remote = '192.0.2.1:4711';
  readonly certificateName = null;
  readonly #events: StreamEvents;
  readonly #unsent: Buffer[] = [];
  readonly #unheard: Uint8Array[] = [];
  #isFinished = false;
  #isPaused = false;
  #isToldClosed = false;
  #backlog = 0;
  isOpen = true;
  /** Reads nothing. */
  isDeaf = false;

  constructor(events: ListenerEvents) {
    this.#events = events.connected(this);
  }

  /** The server knows that it is over. */
  get isGone(): boolean {
    return this.#isToldClosed;
  }

  send(bytes: Buffer): void {
    if (this.isOpen && !this.#isFinished) this.#unsent.push(bytes);
  }

  finish(): void {
    this.#isFinished = true;
  }

  reset(): void {
    this.#unsent.length = 0;
    this.isOpen = false;
  }

  /** What the server has written since it was last asked. */
  heard(): readonly Uint8Array[] {
    return this.#unheard.splice(0);
  }

  /** The network takes so much of what waits for a deaf client. */
  takes(bytes: number): void {
    const before = this.#backlog;
    this.#backlog = Math.max(0, before - bytes);
    if (this.isOpen && before > 0 && this.#backlog === 0) this.#events.drained();
  }

  /** Brings the server what has been sent; whether there was anything. */
  deliver(): boolean {
    if (this.#isToldClosed) return false;
    let isNews = false;
    while (this.isOpen && !this.#isPaused) {
      const next = this.#unsent.shift();
      if (next === undefined) break;
      isNews = true;
      this.#events.data(Buffer.from(next));
    }
    if (this.#isFinished && !this.#isPaused && this.#unsent.length === 0) this.isOpen = false;
    if (this.isOpen) return isNews;
    this.#isToldClosed = true;
    this.#events.closed();
    return true;
  }

  write(bytes: Uint8Array): void {
    if (this.#isToldClosed) throw new Error('the server writes to a stream that it knows to be closed');
    if (!this.isOpen) return;
    this.#unheard.push(Uint8Array.from(bytes));
    if (this.isDeaf) this.#backlog += bytes.length;
  }

  backlog(): number {
    return this.#backlog;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  end(): void {
    this.isOpen = false;
  }

  destroy(): void {
    this.isOpen = false;
  }
}
