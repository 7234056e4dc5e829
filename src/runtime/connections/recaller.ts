/**
 * Brings a session's recalls on while its client is connected: a piece at a time, and the next one when that has been sent. So one that
 * subscribes to a million retained messages costs neither memory nor the others their turns, and gets all of them however slowly it reads.
 * Source: core/broker/recalls.ts; MQTT-3.3.1-6 of 3.1.1; PROTOCOL.md §2 Ack.
 */
import type { Cancel } from '../../base/index.ts';
import {
  isFullFor,
  isOf,
  type Place,
  type Qos,
  type Recall,
  type RecallPiece,
  type Session,
} from '../../core/broker/index.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * How many messages a piece has at most; and no more bytes than these and one message, their topics counted. `found`: how many of the messages of
 * a recall are known at once: a client that stops reading holds on to so many addresses. To find the next ones takes less than to send these.
 */
export type PieceSizes = Readonly<{ messages: number; bytes: number; found: number }>;

export const PIECES: PieceSizes = { messages: 500, bytes: 256 * 1024, found: 50_000 };

/** Through the first addresses of one recall; those before `at` have been looked at. `isWhole`: nothing comes after them. */
type Walk = Readonly<{ filter: string; through: Place; addresses: readonly string[]; isWhole: boolean }> & {
  at: number;
};

export type RecallerParts = Readonly<{
  around: Surroundings;
  session: Session;
  /** The client has room, and what is numbered below in its queue has been sent. */
  isRead: (through: number) => boolean;
  /** There is something new to deliver. */
  brought: () => void;
}>;

export class Recaller {
  readonly #parts: RecallerParts;
  #walk: Walk | null = null;
  #isOver = false;
  #isUnderWay = false;
  #cancel: Cancel | null = null;
  /** What the last piece brought is numbered below this in the queue. */
  #broughtThrough = 0;

  constructor(parts: RecallerParts) {
    this.#parts = parts;
  }

  /** Nothing more is brought. */
  end(): void {
    this.#isOver = true;
    this.#walk = null;
    this.#cancel?.();
  }

  /** Brings the next piece, if it is time for one. */
  go(): void {
    const { session, around, isRead } = this.#parts;
    const recall = session.recalls.first;
    if (recall === null || this.#isOver || this.#isUnderWay || !isRead(this.#broughtThrough)) return;
    if (session.isDurable && around.isHoldingBack()) return;
    const piece = this.#cut(recall);
    if (piece === null) return;
    this.#isUnderWay = true;
    if (session.isDurable) {
      around.propose({ type: 'recall', clientId: session.clientId, ...piece }, () => this.#goOn());
      return;
    }
    around.broker.recallLocal(session, piece);
    this.#broughtThrough = session.queue.next;
    // Others have their turn before it is sent, if it is not being sent just now, and before the next piece.
    this.#cancel = around.clock.after(0, () => this.#goOn());
  }

  #goOn(): void {
    const { session, brought } = this.#parts;
    if (this.#isOver) return;
    this.#isUnderWay = false;
    this.#broughtThrough = session.queue.next;
    brought();
  }

  /** Null: the queue has no room just now, and what waits in it comes first. */
  #cut(recall: Recall): RecallPiece | null {
    const { broker, pairClock, pieces } = this.#parts.around;
    const { queue, bounds, subscriptions } = this.#parts.session;
    const filled = { length: queue.length, bytes: queue.bytes };
    const now = pairClock.now();
    const { filter, through } = recall;
    const granted = subscriptions.get(filter)?.qos ?? 0;
    const walk = this.#walkOf(recall, granted);
    const addresses: string[] = [];
    let { after } = recall;
    let bytes = 0;
    while (addresses.length < pieces.messages && bytes < pieces.bytes) {
      const address = walk.addresses[walk.at];
      if (address === undefined) {
        this.#walk = null;
        return { filter, through, addresses, after: walk.isWhole ? null : after };
      }
      const found = broker.retainedAt(address);
      const message = found !== null && isOf(found, recall, granted) ? found : null;
      const comes = message !== null && !message.hasExpired(now);
      // One that is longer than the whole queue may be is left out when it comes there.
      if (comes && granted > 0 && message.qos > 0 && message.bytes <= bounds.bytes) {
        if (isFullFor(filled, bounds, message)) break;
        filled.length += 1;
        filled.bytes += message.bytes;
      }
      walk.at += 1;
      if (message === null) continue;
      after = message.place;
      if (!comes) continue;
      addresses.push(address);
      bytes += address.length + message.bytes;
    }
    if (addresses.length === 0) return null;
    return { filter, through, addresses, after };
  }

  /** A new one, where another server, connection or subscription has begun the recall, or the former one has come to its end. */
  #walkOf(recall: Recall, granted: Qos): Walk {
    const { filter, through } = recall;
    const former = this.#walk;
    const isIts = former?.filter === filter && former.through === through;
    if (isIts && (former.isWhole || former.at < former.addresses.length)) return former;
    const { broker, pieces } = this.#parts.around;
    const addresses = broker.retainedAddresses(recall, granted, pieces.found);
    const isWhole = addresses.length < pieces.found;
    return (this.#walk = { filter, through, addresses, isWhole, at: 0 });
  }
}
