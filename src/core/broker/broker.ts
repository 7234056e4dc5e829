/**
 * The broker's state and what committed operations do to it: sessions, their queues, retained messages, wills, users and access rules. In
 * memory, without time, chance or waiting: the same operations give the same state on both servers. Clients whose sessions are not durable
 * are known to the serving server alone; they get what is committed, and leave no trace. Source: PROTOCOL.md §1 (state), §2 Ack.
 */
import { assert, ByteWriter, unreachable } from '../../base/index.ts';
import { AccessState } from '../access/index.ts';
import { Digest } from './digest.ts';
import { DurableSessions, placeOf, storedSession } from './durable-sessions.ts';
import { FilterTree } from './filter-tree.ts';
import type { Group } from './group.ts';
import { Groups, type Subscriber } from './groups.ts';
import { Ledger } from './ledger.ts';
import type { Lending } from './lending.ts';
import { Message, type Content, type Place } from './message.ts';
import { decodeOps } from './op-codec.ts';
import { NEVER_EXPIRES, type Op, type Outcome, type QueueBounds, type Will } from './op.ts';
import { PAGING, type PagingSizes } from './paging.ts';
import type { MessageQueue } from './queue.ts';
import { Ready } from './ready.ts';
import { restore } from './restore.ts';
import { PairTime } from './pair-time.ts';
import { Retained, type RetainedBounds, type Retaining } from './retained.ts';
import { Router } from './router.ts';
import { Session } from './session.ts';
import { EMPTY_STATE, type StateReader } from './state-reader.ts';
import {
  counterValue,
  groupValue,
  handshakesValue,
  keyOf,
  messageValue,
  retainedValue,
  NOWHERE,
  pageKey,
  sessionValue,
  timeValue,
  willValue,
  type Change,
} from './stored.ts';
import type { SharedFilter, Subscription } from './subscription.ts';
import { Wills } from './wills.ts';

export type BrokerStats = Readonly<{
  durableSessions: number;
  /** Of these, how many whose clients are away. */
  detachedSessions: number;
  queuedMessages: number;
  /** Payloads and properties of what waits for single clients, those of one message in each of its queues. */
  queuedBytes: number;
  /** What those of durable sessions and groups take in memory, roughly; the rest of them is in the store alone. */
  queuedMemoryBytes: number;
  retainedMessages: number;
  /** Of their topics, payloads and properties. */
  retainedBytes: number;
  /** Of all clients that this server knows. */
  subscriptions: number;
}>;

type SessionOp = Extract<
  Op,
  {
    type:
      | 'endSession'
      | 'subscribe'
      | 'unsubscribe'
      | 'settle'
      | 'drop'
      | 'reserve'
      | 'receive'
      | 'release'
      | 'assign'
      | 'complete';
  }
>;

type GroupOp = Extract<Op, { type: 'hand' | 'settleShared' | 'bring' }>;

const APPLIED: Outcome = { type: 'applied' };
const ABSENT: Outcome = { type: 'absent' };
const MATCHED: Outcome = { type: 'published', isMatched: true };
const UNMATCHED: Outcome = { type: 'published', isMatched: false };
const REFUSED: Outcome = { type: 'refused' };

export class Broker {
  readonly #paging: PagingSizes;
  #ledger: Ledger;
  #sessions: DurableSessions;
  #retained: Retained;
  #wills: Wills;
  #time: PairTime;
  #access: AccessState;
  #ready = new Ready();
  #groups: Groups;
  #router: Router;
  #local = new Map<Session, { compactThrough: number }>();
  #appliedSeq = 0;

  constructor(paging: PagingSizes = PAGING) {
    this.#paging = paging;
    this.#ledger = new Ledger(EMPTY_STATE, paging);
    this.#sessions = new DurableSessions(this.#ledger);
    this.#retained = new Retained(this.#ledger);
    this.#wills = new Wills(this.#ledger);
    this.#time = new PairTime(this.#ledger);
    this.#access = new AccessState(this.#ledger);
    const { groups, router } = routing(this.#ledger, this.#ready);
    this.#groups = groups;
    this.#router = router;
  }

  /** The latest pair time (ms) that an operation has named; 0: none. */
  get latestTime(): number {
    return this.#time.latest;
  }

  /** Users and rules, until `load`. */
  get access(): AccessState {
    return this.#access;
  }

  /** The entry that was applied last; 0: none since `load`. */
  get appliedSeq(): number {
    return this.#appliedSeq;
  }

  /**
   * Forgets everything and takes over a stored state; entries beyond it follow with `apply`. What is queued stays where it is: it is read from
   * `reader` when it is wanted, from now on until the next `load`.
   */
  load(reader: StateReader): void {
    this.#ledger = new Ledger(reader, this.#paging);
    this.#sessions = new DurableSessions(this.#ledger);
    this.#retained = new Retained(this.#ledger);
    this.#wills = new Wills(this.#ledger);
    this.#time = new PairTime(this.#ledger);
    this.#access = new AccessState(this.#ledger);
    this.#ready = new Ready();
    const { groups, router } = routing(this.#ledger, this.#ready);
    this.#groups = groups;
    this.#router = router;
    this.#local = new Map();
    this.#appliedSeq = 0;
    restore({
      ledger: this.#ledger,
      sessions: this.#sessions,
      retained: this.#retained,
      wills: this.#wills,
      time: this.#time,
      access: this.#access,
      groups: this.#groups,
      subscribe: (session, subscription) => void this.#router.subscribe(session, subscription, null),
    });
  }

  /**
   * Applies the operations of one committed entry; one outcome for each, in order. Entries come in their order, each once. Payloads stay
   * views into `body` until the next checkpoint.
   */
  apply(body: Uint8Array, at: number): readonly Outcome[] {
    assert(at > this.#appliedSeq, `entry ${at} applied after ${this.#appliedSeq}`);
    const outcomes: Outcome[] = [];
    let index = 0;
    for (const op of decodeOps(body)) {
      outcomes.push(this.#applyOne(op, { seq: at, index }));
      // Each subscription may begin something, which gets a place of its own.
      index += op.type === 'subscribe' ? Math.max(1, op.subscriptions.length) : 1;
    }
    this.#appliedSeq = at;
    return outcomes;
  }

  /**
   * What has changed in the durable state since the last call (or `load`): to be stored together with `appliedSeq`. What came and went
   * in between is not there. Values are worked out when they are asked for, as they are now, whatever is applied meanwhile; once all have been,
   * no message in memory holds on to the entry that it came with. One call at a time: `stored` says when its changes are durable.
   */
  changes(): readonly Change[] {
    this.#sessions.collect();
    this.#retained.collect();
    this.#wills.collect();
    this.#time.collect();
    this.#access.collect();
    for (const [session, seen] of this.#local) {
      for (const { message } of session.queue.since(seen.compactThrough)) message.compact();
      seen.compactThrough = session.queue.next;
    }
    this.#groups.compact();
    return this.#ledger.take();
  }

  /** The reader that was loaded from gives all that `changes` has given: queued messages that it has need not stay in memory. */
  stored(): void {
    this.#ledger.stored();
  }

  /** What queued messages take in memory that `changes` has not given yet; bytes, roughly. */
  get freshBytes(): number {
    return this.#ledger.freshBytes;
  }

  /** The stored state has what the state has not, and more `changes` take it away. */
  get hasLeftovers(): boolean {
    return !this.#ledger.leftovers.isEmpty;
  }

  /** Equal where the durable states are equal, whatever has been stored of them. Walks through everything: for checks, not for service. */
  digest(): string {
    const digest = new Digest();
    for (const { message, publisher } of this.#retained.all()) {
      digest.add(keyOf('message', message.place), messageValue(message));
      digest.add(keyOf('retained', message.place), retainedValue(publisher, null));
    }
    for (const held of this.#wills.all()) digest.add(keyOf('will', held.place), willValue(held));
    digest.add(keyOf('time', NOWHERE), timeValue(this.#time.latest));
    for (const { key, value } of this.#access.parts()) digest.add(key, value);
    for (const session of this.#sessions.all()) {
      const place = placeOf(session);
      digest.add(keyOf('session', place), sessionValue(storedSession(session)));
      if (!session.handshakes.isEmpty)
        digest.add(keyOf('handshakes', place), handshakesValue(session.handshakes));
      addQueue(digest, place, session.queue);
    }
    for (const { place, stored, queue } of this.#groups.durable()) {
      digest.add(keyOf('group', place), groupValue(stored));
      addQueue(digest, place, queue);
    }
    return digest.text;
  }

  stats(): BrokerStats {
    let { queuedMessages } = this.#groups;
    let [detachedSessions, queuedBytes, subscriptions] = [0, 0, 0];
    const add = ({ queue, subscriptions: its }: Session): void => {
      queuedMessages += queue.length;
      queuedBytes += queue.bytes;
      subscriptions += its.size;
    };
    for (const session of this.#sessions.all()) {
      add(session);
      if (session.detachedAt !== null) detachedSessions += 1;
    }
    for (const session of this.#local.keys()) add(session);
    return {
      durableSessions: this.#sessions.count,
      detachedSessions,
      queuedMessages,
      queuedBytes,
      queuedMemoryBytes: this.#ledger.memoryBytes,
      retainedMessages: this.#retained.count,
      retainedBytes: this.#retained.bytes,
      subscriptions,
    };
  }

  /** Messages that full queues have let go since `load`. */
  get droppedMessages(): number {
    return this.#router.dropped;
  }

  /** Wills of clients that are gone, and when each is to be published (pair time, ms). */
  dueWills(): readonly Readonly<{ clientId: string; dueAt: number }>[] {
    const due: { clientId: string; dueAt: number }[] = [];
    for (const { clientId, dueAt } of this.#wills.all()) if (dueAt !== null) due.push({ clientId, dueAt });
    return due;
  }

  /** The client's will and when it is to be published; null: it has none. */
  willOf(clientId: string): Readonly<{ dueAt: number | null }> | null {
    return this.#wills.get(clientId);
  }

  /** Sessions that end at some time (pair time, ms) if nobody comes back to them. */
  *endingSessions(): Iterable<Readonly<{ clientId: string; detachedAt: number; endsAt: number }>> {
    for (const { clientId, detachedAt, endsAt } of this.#sessions.all())
      if (detachedAt !== null && endsAt !== null) yield { clientId, detachedAt, endsAt };
  }

  /** The durable sessions; some may have ended, and others begun, by the time that an iteration comes to them. */
  sessions(): Iterable<Session> {
    return this.#sessions.all();
  }

  /** Some retained messages expire. */
  get hasExpiringRetained(): boolean {
    return this.#retained.hasExpiring;
  }

  /** As of `Retained.excess`. */
  retainedExcess(retaining: Retaining, bounds: RetainedBounds): keyof RetainedBounds | null {
    return this.#retained.excess(retaining, bounds);
  }

  /** As of `Retained.expired`: addresses for `dropRetained`. */
  expiredRetained(now: number, count: number): readonly string[] {
    return this.#retained.expired(now, count);
  }

  /** The client's durable session; null: it has none. */
  sessionOf(clientId: string): Session | null {
    return this.#sessions.get(clientId);
  }

  /** What this server does with groups while it serves. */
  get lending(): Lending {
    return this.#groups;
  }

  /** A connection begins to deliver from the client's durable session, which must be there. */
  attach(clientId: string): Session {
    const session = this.sessionOf(clientId);
    assert(session !== null, `no durable session of ${clientId} to attach to`);
    session.isAttached = true;
    return session;
  }

  /** Begins a session that is not durable, for a connection that delivers from it. */
  openLocal(clientId: string, bounds: QueueBounds): Session {
    const session = new Session({ clientId, user: null, bounds, expirySeconds: 0, detachedAt: null }, null);
    session.isAttached = true;
    this.#local.set(session, { compactThrough: 0 });
    return session;
  }

  /** The connection is over. A session that is not durable ends with it. */
  detach(session: Session): void {
    session.isAttached = false;
    session.takePassing();
    this.#groups.detach(session);
    if (this.#local.delete(session)) this.#router.leave(session);
  }

  /**
   * For a session that is not durable. In force at once. The retained messages come with `sendRetained`, for those subscriptions that are given
   * back.
   */
  subscribeLocal(session: Session, subscriptions: readonly Subscription[]): readonly Subscription[] {
    assert(this.#local.has(session), `${session.clientId} has no local session`);
    return subscriptions.filter((subscription) =>
      wantsRetained(subscription, this.#router.subscribe(session, subscription, null)),
    );
  }

  /** For each filter whether there was such a subscription. */
  unsubscribeLocal(session: Session, filters: readonly SharedFilter[]): readonly boolean[] {
    assert(this.#local.has(session), `${session.clientId} has no local session`);
    return this.#router.unsubscribe(session, filters);
  }

  /**
   * Sends a session that is not durable the retained messages of these subscriptions as far as they were published up to entry
   * `through`; later ones have come to it as they were published.
   */
  sendRetained(session: Session, subscriptions: readonly Subscription[], through: number): void {
    if (!this.#local.has(session)) return;
    for (const subscription of subscriptions)
      for (const message of this.#retained.matching(subscription.filter))
        if (message.place.seq <= through) this.#router.deliverRetained(session, message, subscription);
  }

  settleLocal(session: Session, number: number): void {
    session.queue.remove(number);
  }

  /**
   * A message with QoS 0 to whoever is connected; it is neither journalled nor kept. `from`: as of `publish`. False: nobody had subscribed
   * to it.
   */
  pass(content: Content, from: string | null): boolean {
    return this.#router.route(new Message(NOWHERE, content), from) === 'matched';
  }

  /** The same to one session alone, as a message that was retained. */
  passTo(session: Session, content: Content, subscription: Subscription): void {
    this.#router.deliverRetained(session, new Message(NOWHERE, content), subscription);
  }

  /** Attached sessions that have something new since this was last asked. */
  takeReady(): readonly Session[] {
    return this.#ready.take();
  }

  #applyOne(op: Op, place: Place): Outcome {
    if ('at' in op) this.#time.passed(op.at);
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
        const will = this.#wills.take(op.clientId);
        if (will === null) return ABSENT;
        const message = new Message(place, contentOf(will, op.at));
        return this.#publish(message, { from: null, publisher: op.clientId });
      }
      case 'dropWill':
        return this.#wills.take(op.clientId) === null ? ABSENT : APPLIED;
      case 'dropRetained':
        for (const address of op.addresses) this.#retained.expire(address, op.at);
        return APPLIED;
      case 'access':
        return this.#access.apply(op.change, place) ? APPLIED : ABSENT;
      case 'barrier':
        return APPLIED;
      case 'hand':
      case 'settleShared':
      case 'bring': {
        const group = this.#groups.at(op.group);
        return group === null ? ABSENT : this.#changeGroup(group, op, place);
      }
      case 'endSession':
      case 'subscribe':
      case 'unsubscribe':
      case 'settle':
      case 'drop':
      case 'reserve':
      case 'receive':
      case 'release':
      case 'assign':
      case 'complete': {
        const session = this.#sessions.get(op.clientId);
        return session === null ? ABSENT : this.#change(session, op, place);
      }
      default:
        return unreachable(op);
    }
  }

  #open(op: Extract<Op, { type: 'openSession' }>, place: Place): Outcome {
    const former = this.#sessions.get(op.clientId);
    if (former !== null && op.isClean) this.#end(former);
    this.#wills.take(op.clientId);
    if (op.will !== null) this.#wills.set(place, op.clientId, op.will);
    const present = op.isClean ? null : former;
    if (present !== null) {
      present.user = op.user;
      present.bounds = op.queue;
      present.expirySeconds = op.expirySeconds;
      present.detachedAt = null;
      this.#sessions.changed(present);
      this.#groups.renew(present);
    } else if (op.expirySeconds > 0) {
      const { clientId, user, expirySeconds, queue } = op;
      this.#sessions.begin({ clientId, user, bounds: queue, expirySeconds, detachedAt: null }, place);
    }
    return {
      type: 'opened',
      isPresent: present !== null,
      isDurable: present !== null || op.expirySeconds > 0,
    };
  }

  /** A will waits for its time or for the session's end, whichever comes first. Source: MQTT 5.0 §3.1.3.2.2. */
  #close({ clientId, at, expirySeconds }: Extract<Op, { type: 'closeSession' }>): Outcome {
    const session = this.#sessions.get(clientId);
    const expiry = expirySeconds ?? session?.expirySeconds ?? 0;
    const will = this.#wills.get(clientId)?.will;
    if (will !== undefined) this.#wills.await(clientId, at + delayOf(will, expiry));
    if (session === null) return ABSENT;
    session.expirySeconds = expiry;
    this.#detached(session, at);
    return APPLIED;
  }

  /** Who was connected may come back; till then neither its will nor its session's end is hurried. */
  #claimed(at: number): Outcome {
    for (const { clientId, will } of this.#wills.all()) {
      const expiry = this.#sessions.get(clientId)?.expirySeconds ?? 0;
      this.#wills.await(clientId, at + Math.max(delayOf(will, expiry), will.patienceMs));
    }
    for (const session of [...this.#sessions.all()])
      if (session.detachedAt === null) this.#detached(session, at);
    return APPLIED;
  }

  #detached(session: Session, at: number): void {
    if (session.expirySeconds === 0) return this.#end(session);
    session.detachedAt = at;
    this.#sessions.changed(session);
  }

  #end(session: Session): void {
    this.#router.leave(session);
    this.#sessions.end(session);
  }

  #change(session: Session, op: SessionOp, place: Place): Outcome {
    switch (op.type) {
      case 'endSession':
        if (session.detachedAt !== op.detachedAt) return ABSENT;
        this.#end(session);
        return APPLIED;
      case 'subscribe':
        for (const [n, subscription] of op.subscriptions.entries()) {
          const itsPlace = { seq: place.seq, index: place.index + n };
          const isNew = this.#router.subscribe(session, subscription, itsPlace);
          if (!wantsRetained(subscription, isNew)) continue;
          for (const message of this.#retained.matching(subscription.filter))
            this.#router.deliverRetained(session, message, subscription);
        }
        this.#sessions.changed(session);
        return APPLIED;
      case 'unsubscribe': {
        const existed = this.#router.unsubscribe(session, op.filters);
        this.#sessions.changed(session);
        return { type: 'unsubscribed', existed };
      }
      case 'settle':
        for (const number of op.numbers) this.#sessions.settle(session, number);
        return APPLIED;
      case 'drop':
        for (const number of op.numbers) session.queue.remove(number);
        return APPLIED;
      case 'reserve':
        return { type: 'reserved', from: session.queue.skip(op.count) };
      case 'receive':
        return this.#receive(session, op, place);
      case 'release':
        return this.#sessions.release(session, op.packetId) ? APPLIED : ABSENT;
      case 'assign':
        this.#sessions.assign(session, op.through);
        return APPLIED;
      case 'complete':
        this.#sessions.complete(session, op.numbers);
        return APPLIED;
      default:
        return unreachable(op);
    }
  }

  #changeGroup(group: Group, op: GroupOp, place: Place): Outcome {
    switch (op.type) {
      case 'hand':
        return group.applyHand(this.#sessions.get(op.clientId), op.numbers) ? APPLIED : ABSENT;
      case 'settleShared':
        group.applySettle(op.numbers);
        return APPLIED;
      case 'bring':
        group.applyBring(new Message(place, op));
        return APPLIED;
      default:
        return unreachable(op);
    }
  }

  /** Of a message that was refused no identifier is kept: the client may send it again. Source: MQTT 5.0 §4.3.3. */
  #receive(session: Session, op: Extract<Op, { type: 'receive' }>, place: Place): Outcome {
    if (session.handshakes.received.has(op.packetId)) return MATCHED;
    const { clientId } = session;
    const outcome = this.#publish(new Message(place, op), { from: clientId, publisher: clientId });
    if (outcome.type !== 'refused') this.#sessions.receive(session, op.packetId);
    return outcome;
  }

  /** `from`: as of `Router.route`. `publisher`: whose message it is, where it is retained. */
  #publish(
    message: Message,
    { from, publisher }: Readonly<{ from: string | null; publisher: string | null }>,
  ): Outcome {
    const routed = this.#router.route(message, from);
    if (routed === 'refused') return REFUSED;
    if (message.isRetained) this.#retained.set(message, publisher);
    return routed === 'matched' ? MATCHED : UNMATCHED;
  }
}

/** Who gets messages: sessions and groups, found by one tree of filters. */
function routing(ledger: Ledger, ready: Ready): Readonly<{ groups: Groups; router: Router }> {
  const tree = new FilterTree<Subscriber, Subscription | null>();
  const groups = new Groups({ ledger, ready, tree });
  return { groups, router: new Router({ tree, groups, ready }) };
}

/** However it is stored, and wherever it is. */
function addQueue(digest: Digest, place: Place, queue: MessageQueue): void {
  const { next, length: messages, bytes } = queue;
  // Where it begins, one of two servers may know better than the other.
  digest.add(keyOf('counter', place), counterValue({ next, first: 0, messages, bytes }));
  for (const { number, message, qos, isRetained, ids } of queue.since(0)) {
    const marks = new ByteWriter(64).u64(message.place.seq).u32(message.place.index);
    marks.u8(qos + (isRetained ? 4 : 0));
    for (const id of ids) marks.u32(id);
    digest.add(pageKey(place, number), marks.taken());
    digest.add(keyOf('message', message.place), messageValue(message));
  }
}

/** A shared one brings none. Source: MQTT 5.0 §4.8.2. */
const wantsRetained = ({ group, retainHandling }: Subscription, isNew: boolean): boolean =>
  group === null && (retainHandling === 'send' || (retainHandling === 'sendIfNew' && isNew));

const delayOf = ({ delaySeconds }: Will, expirySeconds: number): number =>
  1000 * (expirySeconds === NEVER_EXPIRES ? delaySeconds : Math.min(delaySeconds, expirySeconds));

const contentOf = (will: Will, at: number): Content => ({
  ...will,
  expiresAt: will.expirySeconds === null ? null : at + will.expirySeconds * 1000,
});
