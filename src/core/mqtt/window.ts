/**
 * Which messages have been sent to a session's client and how far each has come: sent, or taken with QoS 2 and not completed. It outlives the
 * connection as long as this server serves. A message's packet identifier follows from its number in the session's queue, which both servers
 * know: a client that comes back, to whichever of the two, gets it under the same one, and no entry is needed to say so.
 *
 * A message that a group has lent goes out under a number of the same queue that was reserved for that. So an acknowledgement that comes late,
 * on another connection or at another server, finds the message that it means, or none: whoever serves next reserves other numbers, and the
 * next message with the same identifier is 65535 numbers away. Numbers reserved so long ago that they are half as far away are left unused.
 * Source: MQTT-2.3.1-4, MQTT-4.3.3-1, MQTT-4.4.0-1, MQTT-4.6.0-1; MQTT 5.0 §4.9; PROTOCOL.md §2 Ack.
 */
import { NumberTable, present } from '../../base/index.ts';
import { Lent, type Delivery, type MessageQueue, type Queued, type Session } from '../broker/index.ts';
import { unexpected } from './faults.ts';
import type { Level } from './packet.ts';

/** Identifiers are 1 to 65535. Source: MQTT-2.3.1-1. */
const PACKET_IDS = 0xffff;

const packetIdOf = (number: number): number => (number % PACKET_IDS) + 1;

/** Reserved in one piece at most: what is reserved and not used is missing from the identifiers before they come round. */
const RESERVED_MAX = 8192;
/** And at least: a client that takes one message at a time must not cost an operation for each. */
const RESERVED_MIN = 64;

/** What of a session a window looks at. */
export type WindowSession = Pick<Session, 'isDurable' | 'handshakes' | 'membership'> &
  Readonly<{ queue: Pick<MessageQueue, 'from' | 'get' | 'next' | 'skip'> }>;

/** What holds for one connection. */
export type WindowTerms = Readonly<{
  level: Level;
  /** Messages with QoS 1 and 2 on their way at once: what this server allows or the client, whichever is less. Source: MQTT5-3.3.4-9. */
  inFlightMax: number;
  /** The packet is not longer than the client takes. Source: MQTT5-3.1.2-24, MQTT5-3.1.2-25. */
  fits: (delivery: Delivery) => boolean;
}>;

/** `isDup`: it was sent before, or may have been. Source: MQTT-3.3.1-1. */
export type Sending = Readonly<{ delivery: Delivery; packetId: number; isDup: boolean }>;

/** The next message has QoS 2 and may be sent when this is committed. */
export type Unassigned = Readonly<{ assignThrough: number }>;

/** What the client is done with: the number of a message of its own queue, or a message that a group has lent. */
export type Taken = number | Lent;

type Sent = Queued | Lent;

export class Window {
  readonly #session: WindowSession;
  #terms: WindowTerms;
  /** Not taken by the client, by packet identifier. */
  readonly #sent = new NumberTable<Sent>();
  /** Those of them that were sent on a former connection, and not on this one yet, in the order of sending. */
  readonly #again = new Set<number>();
  /** Numbers of messages taken with QoS 2 and not completed, by packet identifier, in the order of their PUBRECs. */
  readonly #releasing = new Map<number, number>();
  /** All numbers below were sent. */
  #sentThrough = 0;
  /** Messages below stood in the queue before this server sent from it: the other server, or this one earlier, may have sent them. */
  readonly #foundThrough: number;
  /** For messages of groups, oldest first. */
  readonly #reserved: { next: number; readonly through: number }[] = [];
  #isReserving = false;
  #dropped: number[] = [];

  constructor(session: WindowSession, terms: WindowTerms) {
    this.#session = session;
    this.#terms = terms;
    this.#foundThrough = session.queue.next;
    for (const number of session.handshakes.releasing) this.#releasing.set(packetIdOf(number), number);
  }

  /** Sent on this connection and not acknowledged to the end, and whatever waits for a PUBCOMP. */
  get inFlight(): number {
    return this.#sent.size - this.#again.size + this.#releasing.size;
  }

  /**
   * A connection begins: what was sent on a former one and not taken comes again with `next`, before anything new. What groups had lent has
   * gone back to them.
   */
  begin(terms: WindowTerms): void {
    this.#terms = terms;
    this.#again.clear();
    const own: Queued[] = [];
    for (const [, sent] of this.#sent.entries()) if (!(sent instanceof Lent)) own.push(sent);
    this.#sent.clear();
    for (const sent of own.sort((a, b) => a.number - b.number)) {
      const packetId = packetIdOf(sent.number);
      this.#sent.set(packetId, sent);
      this.#again.add(packetId);
    }
  }

  /** For a client that has come back: the identifiers that it is to release, in the order of their PUBRECs. Source: MQTT-4.6.0-4. */
  releasing(): Iterable<number> {
    return this.#releasing.keys();
  }

  /**
   * The next message to send; null when there is none, or no room. `now`: pair time (ms): what has expired and was not sent is left out. After
   * it, look at `takeDropped`.
   */
  next(now: number): Sending | Unassigned | null {
    if (this.inFlight >= this.#terms.inFlightMax) return null;
    return this.#nextAgain() ?? this.#nextLent() ?? this.#nextOwn(now);
  }

  /** Numbers of messages that were left out since it was last asked: they expired, or are too long for the client. */
  takeDropped(): readonly number[] {
    const taken = this.#dropped;
    if (taken.length > 0) this.#dropped = [];
    return taken;
  }

  /** Messages of the session's own numbered below `through` have been sent, or are not to be. */
  hasSent(through: number): boolean {
    // Looking for the next one steps over numbers at the end that were left out.
    if (this.#sentThrough < through) this.#own();
    return this.#sentThrough >= through;
  }

  /** A message of a group could be sent at once. */
  hasRoom(): boolean {
    const { membership, isDurable } = this.#session;
    if (membership === null || this.#again.size > 0) return false;
    if (this.inFlight + membership.waiting + membership.pending >= this.#terms.inFlightMax) return false;
    return this.#own() === null && (!isDurable || this.#numbersLeft() > membership.waiting);
  }

  /** How many numbers are to be reserved for messages of groups; 0: none. Whoever asks proposes it, and tells `reserved`. */
  toReserve(): number {
    const { membership, isDurable } = this.#session;
    if (membership === null || !isDurable || this.#isReserving) return 0;
    // Half of it lasts while the next is on its way, however fast the client acknowledges.
    const count = Math.min(Math.max(2 * this.#terms.inFlightMax, RESERVED_MIN), RESERVED_MAX);
    if (this.#numbersLeft() * 2 > count) return 0;
    this.#isReserving = true;
    return count;
  }

  reserved(first: number, count: number): void {
    this.#isReserving = false;
    this.#reserved.push({ next: first, through: first + count });
  }

  /** PUBACK, whatever it says: what the client is done with; null when nothing waits under this identifier. */
  settle(packetId: number): Taken | null {
    const sent = this.#sent.get(packetId);
    if (sent === undefined) return null;
    if (!(sent instanceof Lent) && sent.qos === 2)
      throw unexpected(this.#terms.level, 'MQTT-4.3.3-2', 'a PUBACK for a message with QoS 2');
    this.#forget(packetId);
    return sent instanceof Lent ? sent : sent.number;
  }

  /**
   * PUBREC: the number of the message that the client has taken; null when none waits under this identifier, also when it has come before. From
   * here on the message is not sent again. Source: MQTT-4.3.3-1.
   */
  release(packetId: number): number | null {
    const number = this.refuse(packetId);
    if (number !== null) this.#releasing.set(packetId, number);
    return number;
  }

  /** PUBREC that says that the message is refused: the same, but nothing follows, and its identifier is free. Source: MQTT 5.0 §4.4. */
  refuse(packetId: number): number | null {
    const sent = this.#sent.get(packetId);
    if (sent === undefined) return null;
    if (sent instanceof Lent || sent.qos === 1)
      throw unexpected(this.#terms.level, 'MQTT-4.3.2-2', 'a PUBREC for a message with QoS 1');
    this.#forget(packetId);
    return sent.number;
  }

  /** PUBCOMP: the number of the message that is done with; null when none waits for it under this identifier. */
  complete(packetId: number): number | null {
    if (this.#sent.has(packetId))
      throw unexpected(this.#terms.level, 'MQTT-4.3.3-2', 'a PUBCOMP without a PUBREC');
    const number = this.#releasing.get(packetId);
    if (number === undefined) return null;
    this.#releasing.delete(packetId);
    return number;
  }

  /** What was sent may be expired by now, and is sent again all the same. Source: MQTT5-4.4.0-1, MQTT5-4.3.3-7. */
  #nextAgain(): Sending | null {
    if (this.#again.size === 0) return null;
    for (const packetId of this.#again) {
      const sent = present(this.#sent.get(packetId), 'what is to be sent again');
      if (sent instanceof Lent || this.#session.queue.get(sent.number) === null) {
        // A full queue has let it go meanwhile.
        this.#forget(packetId);
      } else if (this.#terms.fits(sent)) {
        this.#again.delete(packetId);
        return { delivery: sent, packetId, isDup: true };
      } else {
        this.#forget(packetId);
        this.#dropped.push(sent.number);
      }
    }
    return null;
  }

  #nextLent(): Sending | null {
    const { membership } = this.#session;
    if (membership === null || membership.waiting === 0) return null;
    const packetId = this.#takeReserved();
    const lent = packetId === null ? null : membership.take();
    if (packetId === null || lent === null) return null;
    this.#sent.set(packetId, lent);
    return { delivery: lent.delivery, packetId, isDup: lent.isDup };
  }

  #nextOwn(now: number): Sending | Unassigned | null {
    let queued = this.#own();
    while (queued !== null && this.#isHopeless(queued, now)) {
      this.#dropped.push(queued.number);
      this.#sentThrough = queued.number + 1;
      queued = this.#own();
    }
    if (queued === null) return null;
    const { number, qos } = queued;
    const packetId = packetIdOf(number);
    // Somebody holds an acknowledgement back for 65535 messages: no further before it comes.
    if (!this.#isFree(packetId)) return null;
    // One entry for as many messages as the window holds, not one for each.
    if (qos === 2 && this.#session.isDurable && number >= this.#session.handshakes.assignedThrough)
      return { assignThrough: number + this.#terms.inFlightMax };
    this.#sentThrough = number + 1;
    this.#sent.set(packetId, queued);
    return { delivery: queued, packetId, isDup: number < this.#foundThrough };
  }

  /** The next message of the session's own. */
  #own(): Queued | null {
    const queued = this.#session.queue.from(this.#sentThrough);
    // Numbers that were left out need not be walked over again.
    if (queued === null) this.#sentThrough = this.#session.queue.next;
    return queued;
  }

  /** Source: MQTT-3.3.2-5, MQTT5-3.1.2-25, MQTT5-4.3.3-7. */
  #isHopeless(queued: Queued, now: number): boolean {
    const { number, qos, message } = queued;
    if (!this.#terms.fits(queued)) return true;
    if (!message.hasExpired(now)) return false;
    const { assignedThrough } = this.#session.handshakes;
    const mayHaveBeenSent = qos === 2 && number < this.#foundThrough && number < assignedThrough;
    return !mayHaveBeenSent;
  }

  /** The packet identifier of the next number for a message of a group; null: one has to be reserved first. */
  #takeReserved(): number | null {
    const { queue, isDurable } = this.#session;
    // Nobody else has to know of it. One is free, as less than all are in flight.
    if (!isDurable) {
      for (;;) {
        const packetId = packetIdOf(queue.skip(1));
        if (this.#isFree(packetId)) return packetId;
      }
    }
    while (this.#numbersLeft() > 0) {
      const piece = present(this.#reserved[0], 'a piece of the reserved numbers');
      const packetId = packetIdOf(piece.next);
      piece.next += 1;
      if (this.#isFree(packetId)) return packetId;
    }
    return null;
  }

  #numbersLeft(): number {
    const pieces = this.#reserved;
    const oldest = this.#session.queue.next - PACKET_IDS / 2;
    for (let first = pieces[0]; first !== undefined; first = pieces[0]) {
      if (first.next < first.through && first.next >= oldest) break;
      pieces.shift();
    }
    let left = 0;
    for (const { next, through } of pieces) left += through - next;
    return left;
  }

  #isFree(packetId: number): boolean {
    return !this.#sent.has(packetId) && !this.#releasing.has(packetId);
  }

  #forget(packetId: number): void {
    this.#sent.delete(packetId);
    this.#again.delete(packetId);
  }
}
