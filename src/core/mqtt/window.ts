/**
 * Which messages of a session have been sent to its client and how far each has come: sent, or taken with QoS 2 and not completed. It outlives
 * the connection as long as this server serves. A message's packet identifier follows from its number in the queue, which both servers know: a
 * client that comes back, to whichever of the two, gets it under the same one, and no entry is needed to say so.
 * Source: MQTT-2.3.1-4, MQTT-4.3.3-1, MQTT-4.4.0-1, MQTT-4.6.0-1; PROTOCOL.md §2 Ack.
 */
import type { MessageQueue, Queued, Session } from '../broker/index.ts';
import { unexpected } from './faults.ts';

/** Identifiers are 1 to 65535. Source: MQTT-2.3.1-1. */
const PACKET_IDS = 0xffff;

const packetIdOf = (number: number): number => (number % PACKET_IDS) + 1;

/** What of a session a window looks at. */
export type WindowSession = Pick<Session, 'isDurable' | 'handshakes'> &
  Readonly<{ queue: Pick<MessageQueue, 'from' | 'get' | 'next'> }>;

/** `isDup`: it was sent before, or may have been. Source: MQTT-3.3.1-1. */
export type Sending = Readonly<{ queued: Queued; packetId: number; isDup: boolean }>;

/** The next message has QoS 2 and may be sent when this is committed. */
export type Unassigned = Readonly<{ assignThrough: number }>;

export class Window {
  readonly #session: WindowSession;
  readonly #inFlightMax: number;
  /** Sent and not taken, by packet identifier, in the order of sending. */
  readonly #sent = new Map<number, Queued>();
  /** Numbers of messages taken with QoS 2 and not completed, by packet identifier, in the order of their PUBRECs. */
  readonly #releasing = new Map<number, number>();
  /** All numbers below were sent. */
  #sentThrough = 0;
  /** Messages below stood in the queue before this server sent from it: the other server, or this one earlier, may have sent them. */
  readonly #foundThrough: number;

  constructor(session: WindowSession, inFlightMax: number) {
    this.#session = session;
    this.#inFlightMax = inFlightMax;
    this.#foundThrough = session.queue.next;
    for (const number of session.handshakes.releasing) this.#releasing.set(packetIdOf(number), number);
  }

  /** Messages that the client has not acknowledged to the end, with QoS 1 and 2 together. */
  get inFlight(): number {
    return this.#sent.size + this.#releasing.size;
  }

  /** The next message to send for the first time on this server; null when there is none, or no room. */
  next(): Sending | Unassigned | null {
    if (this.inFlight >= this.#inFlightMax) return null;
    const queued = this.#session.queue.from(this.#sentThrough);
    if (queued === null) return null;
    const { number, qos } = queued;
    const packetId = packetIdOf(number);
    // Somebody holds an acknowledgement back for 65535 messages: no further before it comes.
    if (this.#sent.has(packetId) || this.#releasing.has(packetId)) return null;
    // One entry for as many messages as the window holds, not one for each.
    if (qos === 2 && this.#session.isDurable && number >= this.#session.handshakes.assignedThrough)
      return { assignThrough: number + this.#inFlightMax };
    this.#sentThrough = number + 1;
    this.#sent.set(packetId, queued);
    return { queued, packetId, isDup: number < this.#foundThrough };
  }

  /** PUBACK: the number of the message that the client has taken; null when none waits under this identifier. */
  settle(packetId: number): number | null {
    const queued = this.#sent.get(packetId);
    if (queued === undefined) return null;
    if (queued.qos === 2) throw unexpected(4, 'MQTT-4.3.3-2', 'a PUBACK for a message with QoS 2');
    this.#sent.delete(packetId);
    return queued.number;
  }

  /** PUBREC: the same; null also when it has come before. From here on the message is not sent again. Source: MQTT-4.3.3-1. */
  release(packetId: number): number | null {
    const queued = this.#sent.get(packetId);
    if (queued === undefined) return null;
    if (queued.qos === 1) throw unexpected(4, 'MQTT-4.3.2-2', 'a PUBREC for a message with QoS 1');
    this.#sent.delete(packetId);
    this.#releasing.set(packetId, queued.number);
    return queued.number;
  }

  /** PUBCOMP: the number of the message that is done with; null when none waits for it under this identifier. */
  complete(packetId: number): number | null {
    if (this.#sent.has(packetId)) throw unexpected(4, 'MQTT-4.3.3-2', 'a PUBCOMP without a PUBREC');
    const number = this.#releasing.get(packetId);
    if (number === undefined) return null;
    this.#releasing.delete(packetId);
    return number;
  }

  /** For a client that has come back: the identifiers that it is to release, in the order of their PUBRECs. Source: MQTT-4.6.0-4. */
  releasing(): Iterable<number> {
    return this.#releasing.keys();
  }

  /** For a client that has come back: what this server sent and it has not taken, in the order of the first sending. */
  resend(): readonly Sending[] {
    const again: Sending[] = [];
    for (const [packetId, queued] of this.#sent) {
      // A full queue has let it go meanwhile.
      if (this.#session.queue.get(queued.number) === null) this.#sent.delete(packetId);
      else again.push({ queued, packetId, isDup: true });
    }
    return again;
  }
}
