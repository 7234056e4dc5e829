/** A state's parts filled anew with what a store holds of them. Source: PROTOCOL.md §1 (state). */
import { assert, present } from '../../base/index.ts';
import { ACCESS_KINDS, type AccessState } from '../access/index.ts';
import { DurableQueue } from './durable-queue.ts';
import type { DurableSessions } from './durable-sessions.ts';
import type { Groups } from './groups.ts';
import type { Ledger } from './ledger.ts';
import type { Message, Place } from './message.ts';
import type { Retained } from './retained.ts';
import type { Session } from './session.ts';
import {
  counterFrom,
  groupFrom,
  handshakesFrom,
  KINDS,
  kindOf,
  messageFrom,
  numberIn,
  placeIn,
  placeText,
  publisherFrom,
  queuedFrom,
  sessionFrom,
  willFrom,
} from './stored.ts';
import type { PairTime } from './pair-time.ts';
import type { Subscription } from './subscription.ts';
import type { Wills } from './wills.ts';

/** What is filled; all of it empty before. */
export type RestoredParts = Readonly<{
  ledger: Ledger;
  sessions: DurableSessions;
  retained: Retained;
  wills: Wills;
  time: PairTime;
  access: AccessState;
  groups: Groups;
  subscribe: (session: Session, subscription: Subscription) => void;
}>;

/** Keys must come in their order: what they refer to has come before. The bytes are copied. */
export function restore(
  entries: Iterable<Readonly<{ key: Uint8Array; value: Uint8Array }>>,
  into: RestoredParts,
): void {
  const messages = new ByPlace<Message>();
  const stored = new ByPlace<ReturnType<typeof sessionFrom>>();
  const sessions = new ByPlace<Session>();
  const queues = new ByPlace<DurableQueue>();
  for (const entry of entries) {
    const key = asBuffer(entry.key);
    const value = asBuffer(entry.value);
    const place = placeIn(key);
    switch (kindOf(key)) {
      case KINDS.message:
        messages.set(place, messageFrom(place, value));
        break;
      case KINDS.session:
        stored.set(place, sessionFrom(value));
        break;
      case KINDS.counter: {
        const queue = new DurableQueue(place, into.ledger, counterFrom(value));
        queues.set(place, queue);
        const terms = stored.find(place);
        // A group's, which follows.
        if (terms === null) break;
        const session = into.sessions.restore(terms, queue);
        for (const subscription of terms.subscriptions) into.subscribe(session, subscription);
        sessions.set(place, session);
        break;
      }
      case KINDS.queued: {
        const { message, ...marks } = queuedFrom(value);
        const queued = { number: numberIn(key), message: messages.get(message), ...marks };
        queues.get(place).restoreQueued(queued);
        break;
      }
      case KINDS.retained:
        into.retained.restore(messages.get(place), publisherFrom(value));
        break;
      case KINDS.will:
        into.wills.restore(place, willFrom(value));
        break;
      case ACCESS_KINDS.user:
      case ACCESS_KINDS.rule:
        into.access.restore(kindOf(key), place, value);
        break;
      case KINDS.time:
        into.time.restore(counterFrom(value));
        break;
      case KINDS.group:
        into.groups.restoreDurable(groupFrom(value), queues.get(place));
        break;
      default:
        assert(kindOf(key) === KINDS.handshakes, `a stored key of unknown kind ${kindOf(key)}`);
        into.sessions.restoreHandshakes(sessions.get(place), handshakesFrom(value));
    }
  }
}

/** Messages, sessions and queues by their places. */
class ByPlace<T> {
  readonly #items = new Map<string, T>();

  set(place: Place, item: T): void {
    this.#items.set(placeText(place), item);
  }

  find(place: Place): T | null {
    return this.#items.get(placeText(place)) ?? null;
  }

  get(place: Place): T {
    return present(this.find(place), `what is at ${placeText(place)}, and was stored before,`);
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
