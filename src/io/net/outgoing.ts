/** What is written within one turn leaves in one piece: many small acknowledgements cost one system call, or one WebSocket frame. */

/** Up to here pieces are copied together; a longer one is cheaper to hand over as it is. */
const COPY_BYTES_MAX = 16 * 1024;

export class Outgoing {
  readonly #send: (pieces: readonly Uint8Array[]) => void;
  #queued: Uint8Array[] = [];
  #bytes = 0;
  #isFlushDue = false;

  /** `send` gets the pieces of one turn, in order. */
  constructor(send: (pieces: readonly Uint8Array[]) => void) {
    this.#send = send;
  }

  /** Bytes that wait for the end of the turn. */
  get bytes(): number {
    return this.#bytes;
  }

  put(bytes: Uint8Array): void {
    this.#queued.push(bytes);
    this.#bytes += bytes.length;
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    process.nextTick(() => this.flush());
  }

  flush(): void {
    this.#isFlushDue = false;
    const queued = this.#queued;
    if (queued.length === 0) return;
    this.clear();
    const pieces: Uint8Array[] = [];
    let small: Uint8Array[] = [];
    const together = (): void => {
      const [only] = small;
      if (only !== undefined) pieces.push(small.length === 1 ? only : Buffer.concat(small));
      small = [];
    };
    for (const piece of queued) {
      if (piece.length <= COPY_BYTES_MAX) {
        small.push(piece);
        continue;
      }
      together();
      pieces.push(piece);
    }
    together();
    this.#send(pieces);
  }

  clear(): void {
    this.#queued = [];
    this.#bytes = 0;
  }
}
