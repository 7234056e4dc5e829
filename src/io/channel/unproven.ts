/**
 * Sockets of strangers, until they have proved to be the peer: bounded in bytes, in time and in number, so that whatever speaks
 * to the port costs its own connection and nothing else.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Cancel, Clock } from '../../base/index.ts';

/** An HTTP upgrade and two proofs are below 2 KiB; the rest is room for names. */
export const UNPROVEN_BYTES_MAX = 8 * 1024;
/** From the first byte to the proof. Two servers on a slow line need a tenth of it. */
export const PROOF_TIMEOUT_MS = 3_000;
/** More at once, and the oldest goes: the peer proves itself in milliseconds, and so gets past a crowd of silent ones. */
const UNPROVEN_MAX = 64;

export class Unproven {
  readonly #clock: Clock;
  readonly #strange: (socket: Socket, did: string) => void;
  readonly #waiting = new Map<Duplex, Readonly<{ socket: Socket; cancelDeadline: Cancel }>>();

  /** `strange` is told of each one that is cut off for what it did. */
  constructor(clock: Clock, strange: (socket: Socket, did: string) => void) {
    this.#clock = clock;
    this.#strange = strange;
  }

  /** A new socket: its time begins. */
  enter(socket: Socket): void {
    if (this.#waiting.size >= UNPROVEN_MAX) this.#waiting.keys().next().value?.destroy();
    const cancelDeadline = this.#clock.after(PROOF_TIMEOUT_MS, () =>
      this.cutOff(socket, `proved nothing within ${PROOF_TIMEOUT_MS} ms`),
    );
    this.#waiting.set(socket, { socket, cancelDeadline });
    socket.on('close', () => this.#forget(socket));
  }

  /** From here on its bytes are counted, those before included. Not before `ws` reads it: HTTP bounds its own. */
  count(socket: Socket): void {
    // First in the row: what is too much is not looked at.
    socket.prependListener('data', this.#counted);
  }

  /** It is the peer. */
  proven(socket: Socket): void {
    this.#forget(socket);
    socket.off('data', this.#counted);
  }

  /** Ends it and tells why; harmless when it has proved itself or is gone. */
  cutOff(stream: Duplex, did: string): void {
    const socket = this.#forget(stream);
    if (socket === null) return;
    this.#strange(socket, did);
    socket.destroy();
  }

  /** All of them go, without a word. */
  clear(): void {
    for (const { socket } of this.#waiting.values()) socket.destroy();
  }

  #forget(stream: Duplex): Socket | null {
    const waiting = this.#waiting.get(stream);
    if (waiting === undefined) return null;
    this.#waiting.delete(stream);
    waiting.cancelDeadline();
    return waiting.socket;
  }

  // A listener gets its socket as `this`; one function serves all, and can be taken off again.
  readonly #counted = (() => {
    const cutOff = (socket: Socket) =>
      this.cutOff(socket, `sent more than ${UNPROVEN_BYTES_MAX} bytes and no proof`);
    return function (this: Socket) {
      if (this.bytesRead > UNPROVEN_BYTES_MAX) cutOff(this);
    };
  })();
}
