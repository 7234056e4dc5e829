/**
 * Which messages of a queue have been sent to the client and wait for its PUBACK, and under which packet identifiers. It outlives the
 * connection as long as this server serves, so that a client that comes back gets the same messages under the same identifiers.
 * Source: MQTT-2.3.1-4, MQTT-4.4.0-1, MQTT-4.6.0-6.
 */
import type { Queue, Queued } from '../broker/index.ts';

const PACKET_ID_MAX = 0xffff;

/** What of a queue a window looks at. */
export type QueueView = Pick<Queue, 'from' | 'get'>;
export type Sending = Readonly<{ queued: Queued; packetId: number }>;

export class Window {
  readonly #inFlightMax: number;
  /** The queue's numbers by packet identifier, in the order of sending. */
  readonly #inFlight = new Map<number, number>();
  #lastPacketId = 0;
  /** All numbers below were sent. */
  #sentThrough = 0;

  constructor(inFlightMax: number) {
    this.#inFlightMax = inFlightMax;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** The next message to send for the first time; null when there is none, or no room. */
  next(queue: QueueView): Sending | null {
    if (this.#inFlight.size >= this.#inFlightMax) return null;
    const queued = queue.from(this.#sentThrough);
    if (queued === null) return null;
    const packetId = (this.#lastPacketId % PACKET_ID_MAX) + 1;
    // Somebody holds an acknowledgement back for 65535 messages: no further before it comes.
    if (this.#inFlight.has(packetId)) return null;
    this.#lastPacketId = packetId;
    this.#sentThrough = queued.number + 1;
    this.#inFlight.set(packetId, queued.number);
    return { queued, packetId };
  }

  /** The number of the message that the client has taken; null when none waits under this identifier. */
  settle(packetId: number): number | null {
    const number = this.#inFlight.get(packetId);
    if (number === undefined) return null;
    this.#inFlight.delete(packetId);
    return number;
  }

  /** For a client that has come back: what it has not acknowledged, in the order of the first sending. */
  resend(queue: QueueView): readonly Sending[] {
    const again: Sending[] = [];
    for (const [packetId, number] of this.#inFlight) {
      const queued = queue.get(number);
      // A full queue has let it go meanwhile.
      if (queued === null) this.#inFlight.delete(packetId);
      else again.push({ queued, packetId });
    }
    return again;
  }
}
