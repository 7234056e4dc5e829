/**
 * What each operation does to the state. Nothing here knows a clock, a connection or chance: the same operations on the same state give the same
 * state and, but for what only a serving server knows, the same outcomes. Source: PROTOCOL.md §1 (state).
 */
import { unreachable } from '../../base/index.ts';
import type { Group } from './group.ts';
import { Message, type Content, type Place } from './message.ts';
import { NEVER_EXPIRES, type Op, type Outcome, type Will } from './op.ts';
import type { Routed } from './router.ts';
import type { Session } from './session.ts';
import type { State } from './state.ts';
import { isAfter, isOf, type RecallPiece } from './recalls.ts';
import { hasWildcard, wantsRetained, type Subscription } from './subscription.ts';

type SessionOp = Extract<
  Op,
  {
    type:
      | 'endSession'
      | 'subscribe'
      | 'unsubscribe'
      | 'recall'
      | 'settle'
      | 'drop'
      | 'reserve'
      | 'receive'
      | 'release'
      | 'assign'
      | 'complete';
  }
>;

type GroupOp = Extract<Op, { type: 'hand' | 'settleShared' | 'bring' | 'endShared' }>;

const APPLIED: Outcome = { type: 'applied' };
const ABSENT: Outcome = { type: 'absent' };
const MATCHED: Outcome = { type: 'published', isMatched: true };
const UNMATCHED: Outcome = { type: 'published', isMatched: false };
const REFUSED: Outcome = { type: 'refused' };

export class Applying {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** `place`: of the operation. */
  apply(op: Op, place: Place): Outcome {
    if ('at' in op) this.#state.time.passed(op.at);
    switch (op.type) {
      case 'publish':
        return this.#publish(new Message(place, op), { from: op.from, publisher: op.from });
      case 'openSession':
        return this.#open(op, place);
      case 'closeSession':
        return this.#close(op);
      case 'claimed':
        return this.#claimed(op.at);
      case 'fireWill': {
        const will = this.#state.wills.take(op.clientId);
        if (will === null) return ABSENT;
        const message = new Message(place, contentOf(will, op.at));
        const routed = this.#state.router.routeToRoom(message);
        return this.#published(message, routed, op.clientId);
      }
      case 'dropWill':
        return this.#state.wills.take(op.clientId) === null ? ABSENT : APPLIED;
      case 'dropRetained':
        for (const address of op.addresses) this.#state.retained.expire(address, op.at);
        return APPLIED;
      case 'access':
        return this.#state.access.apply(op.change, place) ? APPLIED : ABSENT;
      case 'barrier':
        return APPLIED;
      case 'hand':
      case 'settleShared':
      case 'bring':
      case 'endShared': {
        const group = this.#state.groups.at(op.group);
        return group === null ? ABSENT : this.#changeGroup(group, op, place);
      }
      case 'endSession':
      case 'subscribe':
      case 'unsubscribe':
      case 'recall':
      case 'settle':
      case 'drop':
      case 'reserve':
      case 'receive':
      case 'release':
      case 'assign':
      case 'complete': {
        const session = this.#state.sessions.get(op.clientId);
        return session === null ? ABSENT : this.#change(session, op, place);
      }
      default:
        return unreachable(op);
    }
  }

  #open(op: Extract<Op, { type: 'openSession' }>, place: Place): Outcome {
    const former = this.#state.sessions.get(op.clientId);
    if (former !== null && op.isClean) this.#end(former);
    this.#state.wills.take(op.clientId);
    if (op.will !== null) this.#state.wills.set(place, op.clientId, op.will);
    const present = op.isClean ? null : former;
    if (present !== null) {
      present.user = op.user;
      present.bounds = op.queue;
      present.expirySeconds = op.expirySeconds;
      present.detachedAt = null;
      this.#state.sessions.changed(present);
      present.recalls.cameBack(place);
      this.#state.groups.renew(present);
    } else if (op.expirySeconds > 0) {
      const { clientId, user, expirySeconds, queue } = op;
      this.#state.sessions.begin({ clientId, user, bounds: queue, expirySeconds, detachedAt: null }, place);
    }
    return {
      type: 'opened',
      isPresent: present !== null,
      isDurable: present !== null || op.expirySeconds > 0,
    };
  }

  /** A will waits for its time or for the session's end, whichever comes first. Source: MQTT 5.0 §3.1.3.2.2. */
  #close({ clientId, at, expirySeconds }: Extract<Op, { type: 'closeSession' }>): Outcome {
    const session = this.#state.sessions.get(clientId);
    const expiry = expirySeconds ?? session?.expirySeconds ?? 0;
    const will = this.#state.wills.get(clientId)?.will;
    if (will !== undefined) this.#state.wills.await(clientId, at + delayOf(will, expiry));
    if (session === null) return ABSENT;
    session.expirySeconds = expiry;
    this.#detached(session, at);
    return APPLIED;
  }

  /** Who was connected may come back; till then neither its will nor its session's end is hurried. */
  #claimed(at: number): Outcome {
    for (const { clientId, will } of this.#state.wills.all()) {
      const expiry = this.#state.sessions.get(clientId)?.expirySeconds ?? 0;
      this.#state.wills.await(clientId, at + Math.max(delayOf(will, expiry), will.patienceMs));
    }
    for (const session of [...this.#state.sessions.all()])
      if (session.detachedAt === null) this.#detached(session, at);
    this.#state.groups.endRetired();
    return APPLIED;
  }

  #detached(session: Session, at: number): void {
    if (session.expirySeconds === 0) return this.#end(session);
    session.detachedAt = at;
    this.#state.sessions.changed(session);
  }

  #end(session: Session): void {
    this.#state.router.leave(session);
    this.#state.sessions.end(session);
  }

  #change(session: Session, op: SessionOp, place: Place): Outcome {
    switch (op.type) {
      case 'endSession':
        if (session.detachedAt !== op.detachedAt) return ABSENT;
        this.#end(session);
        return APPLIED;
      case 'subscribe':
        this.#subscribe(session, op.subscriptions, place);
        return APPLIED;
      case 'unsubscribe': {
        const existed = this.#state.router.unsubscribe(session, op.filters);
        this.#state.sessions.changed(session);
        return { type: 'unsubscribed', existed };
      }
      case 'recall':
        if (!this.recall(session, op)) return ABSENT;
        this.#state.sessions.changed(session);
        return APPLIED;
      case 'settle':
        for (const number of op.numbers) this.#state.sessions.settle(session, number);
        return APPLIED;
      case 'drop':
        for (const number of op.numbers) session.queue.remove(number);
        return APPLIED;
      case 'reserve':
        return { type: 'reserved', from: session.queue.skip(op.count) };
      case 'receive':
        return this.#receive(session, op, place);
      case 'release':
        return this.#state.sessions.release(session, op.packetId) ? APPLIED : ABSENT;
      case 'assign':
        this.#state.sessions.assign(session, op.through);
        return APPLIED;
      case 'complete':
        this.#state.sessions.complete(session, op.numbers);
        return APPLIED;
      default:
        return unreachable(op);
    }
  }

  #subscribe(session: Session, subscriptions: readonly Subscription[], place: Place): void {
    for (const [n, subscription] of subscriptions.entries()) {
      const itsPlace = { seq: place.seq, index: place.index + n };
      const isNew = this.#state.router.subscribe(session, subscription, itsPlace);
      if (wantsRetained(subscription, isNew)) this.bringRetained(session, subscription, itsPlace);
    }
    this.#state.sessions.changed(session);
  }

  /** What was published up to `through` and retained. Of a topic without wildcards it is one message, which comes at once. */
  bringRetained(session: Session, subscription: Subscription, through: Place): void {
    const { retained, router, ready } = this.#state;
    const { filter } = subscription;
    if (!hasWildcard(filter)) {
      const message = retained.at(filter);
      if (message !== null && !isAfter(message.place, through))
        router.deliverRetained(session, message, subscription);
    } else if (retained.count > 0) {
      session.recalls.begin(filter, through);
      ready.add(session);
    }
  }

  /** False: the piece is of no recall that is under way. */
  recall(session: Session, piece: RecallPiece): boolean {
    const recall = session.recalls.of(piece);
    const subscription = session.subscriptions.get(piece.filter);
    if (recall === null || subscription === undefined) return false;
    const { retained, router } = this.#state;
    for (const address of piece.addresses) {
      const message = retained.at(address);
      if (message !== null && isOf(message, recall, subscription.qos))
        router.deliverRetained(session, message, subscription);
    }
    session.recalls.cameTo(recall, piece.after);
    return true;
  }

  #changeGroup(group: Group, op: GroupOp, place: Place): Outcome {
    switch (op.type) {
      case 'hand':
        return group.applyHand(this.#state.sessions.get(op.clientId), op.numbers) ? APPLIED : ABSENT;
      case 'settleShared':
        group.applySettle(op.numbers);
        return APPLIED;
      case 'bring':
        group.applyBring(new Message(place, op));
        return APPLIED;
      case 'endShared':
        return group.applyEnd() ? APPLIED : ABSENT;
      default:
        return unreachable(op);
    }
  }

  /** Of a message that was refused no identifier is kept: the client may send it again. Source: MQTT 5.0 §4.3.3. */
  #receive(session: Session, op: Extract<Op, { type: 'receive' }>, place: Place): Outcome {
    if (session.handshakes.received.has(op.packetId)) return MATCHED;
    const { clientId } = session;
    const outcome = this.#publish(new Message(place, op), { from: clientId, publisher: clientId });
    if (outcome.type !== 'refused') this.#state.sessions.receive(session, op.packetId);
    return outcome;
  }

  /** `from`: as of `Router.route`. `publisher`: whose message it is, where it is retained. */
  #publish(
    message: Message,
    { from, publisher }: Readonly<{ from: string | null; publisher: string | null }>,
  ): Outcome {
    return this.#published(message, this.#state.router.route(message, from), publisher);
  }

  #published(message: Message, routed: Routed, publisher: string | null): Outcome {
    if (routed === 'refused') return REFUSED;
    if (message.isRetained) this.#state.retained.set(message, publisher);
    return routed === 'matched' ? MATCHED : UNMATCHED;
  }
}

const delayOf = ({ delaySeconds }: Will, expirySeconds: number): number =>
  1000 * (expirySeconds === NEVER_EXPIRES ? delaySeconds : Math.min(delaySeconds, expirySeconds));

const contentOf = (will: Will, at: number): Content => ({
  ...will,
  expiresAt: will.expirySeconds === null ? null : at + will.expirySeconds * 1000,
});
