/**
 * How many connections all ports together hold, and how many one address opens within a second. Asked when a connection is accepted, before
 * anything is spent on it: one that is too many is reset without a word, because to be told why it would have to get past TLS and say CONNECT,
 * and that is what the limits are there to spare.
 */
import type { Clock } from '../../base/index.ts';

export type AcceptLimitsParts = Readonly<{
  connectionsMax: number;
  /** From one address within a second; 0: any number. */
  ratePerAddressMax: number;
  /** How long that does not hold after a port was opened: all clients come back at once then. */
  rushMs: number;
  clock: Clock;
}>;

const SECOND_MS = 1_000;

export class AcceptLimits {
  readonly connectionsMax: number;
  readonly ratePerAddressMax: number;
  readonly #rushMs: number;
  readonly #clock: Clock;
  #rushUntil = 0;
  #connections = 0;
  /** Of the second that began at `#since`: never more addresses than connections were accepted in it. */
  #byAddress = new Map<string, number>();
  #since: number;

  constructor({ connectionsMax, ratePerAddressMax, rushMs, clock }: AcceptLimitsParts) {
    this.connectionsMax = connectionsMax;
    this.ratePerAddressMax = ratePerAddressMax;
    this.#rushMs = rushMs;
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** A port is opened: this server begins to serve. */
  opened(): void {
    this.#rushUntil = this.#clock.now() + this.#rushMs;
  }

  /** False: there are as many connections as may be. True: there is one more, until `leave`. */
  enter(): boolean {
    if (this.#connections >= this.connectionsMax) return false;
    this.#connections += 1;
    return true;
  }

  leave(): void {
    this.#connections -= 1;
  }

  /** False: this address has had as many in this second as it may. */
  admits(address: string): boolean {
    if (this.ratePerAddressMax === 0) return true;
    const now = this.#clock.now();
    if (now < this.#rushUntil) return true;
    if (now - this.#since >= SECOND_MS) {
      this.#since = now;
      this.#byAddress = new Map();
    }
    const had = this.#byAddress.get(address) ?? 0;
    if (had >= this.ratePerAddressMax) return false;
    this.#byAddress.set(address, had + 1);
    return true;
  }
}
