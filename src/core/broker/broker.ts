/**
 * The broker: the state that committed operations add up to (sessions, their queues, retained messages, wills, users and access rules), and what
 * a server asks of it. Without time, chance or waiting: the same operations give the same state on both servers. Clients whose sessions are not
 * durable are known to the serving server alone; they get what is committed, and leave no trace. Source: PROTOCOL.md §1 (state), §2 Ack.
 */
import { assert } from '../../base/index.ts';
import type { AccessState } from '../access/index.ts';
import { Applying } from './applying.ts';
import type { Lending } from './lending.ts';
import { Message, type Content, type Qos } from './message.ts';
import { decodeOps } from './op-codec.ts';
import type { Outcome, QueueBounds } from './op.ts';
import { PAGING, type PagingSizes } from './paging.ts';
import { isOf, type Recall, type RecallPiece } from './recalls.ts';
import { restore } from './restore.ts';
import type { RetainedBounds, Retaining } from './retained.ts';
import { Session } from './session.ts';
import { emptyState, type MemorySizes, type State } from './state.ts';
import { digestOf } from './state-digest.ts';
import { EMPTY_STATE, type StateReader } from './state-reader.ts';
import { NOWHERE, type Change } from './stored.ts';
import { wantsRetained, type SharedFilter, type Subscription } from './subscription.ts';

/** Of no operation. */
const LAST_INDEX = 0xffff_ffff;

export type BrokerStats = Readonly<{
  durableSessions: number;
  /** Of these, how many whose clients are away. */
  detachedSessions: number;
  queuedMessages: number;
  /** Payloads and properties of what waits for single clients, those of one message in each of its queues. */
  queuedBytes: number;
  /** What those of durable sessions and groups take in memory, and retained ones that are not stored yet, roughly; the rest of them is in the store alone. */
  queuedMemoryBytes: number;
  retainedMessages: number;
  /** Of their topics, payloads and properties. */
  retainedBytes: number;
  /** Of all clients that this server knows. */
  subscriptions: number;
}>;

export class Broker {
  readonly #sizes: MemorySizes;
  #state: State;
  #applying: Applying;
  #local = new Map<Session, { compactThrough: number }>();
  #appliedSeq = 0;

  /** `localBytesMax`: what waits for all clients together whose sessions are not durable, as far as it is in memory; bytes, roughly. */
  constructor(paging: PagingSizes = PAGING, localBytesMax = Infinity) {
    this.#sizes = { paging, localBytesMax };
    this.#state = emptyState(EMPTY_STATE, this.#sizes);
    this.#applying = new Applying(this.#state);
  }

  /** The latest pair time (ms) that an operation has named; 0: none. */
  get latestTime(): number {
    return this.#state.time.latest;
  }

  /** Users and rules, until `load`. */
  get access(): AccessState {
    return this.#state.access;
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
    const state = (this.#state = emptyState(reader, this.#sizes));
    this.#applying = new Applying(state);
    this.#local = new Map();
    this.#appliedSeq = 0;
    restore(state);
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
      outcomes.push(this.#applying.apply(op, { seq: at, index }));
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
    this.#state.sessions.collect();
    this.#state.retained.collect();
    this.#state.wills.collect();
    this.#state.time.collect();
    this.#state.access.collect();
    for (const [session, seen] of this.#local) {
      for (const { message } of session.queue.since(seen.compactThrough)) message.compact();
      seen.compactThrough = session.queue.next;
    }
    this.#state.groups.compact();
    return this.#state.ledger.take();
  }

  /** The reader that was loaded from gives all that `changes` has given: queued messages that it has need not stay in memory. */
  stored(): void {
    this.#state.ledger.stored();
  }

  /** What queued and retained messages take in memory that `changes` has not given yet; bytes, roughly. */
  get freshBytes(): number {
    return this.#state.ledger.freshBytes;
  }

  /** The stored state has what the state has not, and more `changes` take it away. */
  get hasLeftovers(): boolean {
    return !this.#state.ledger.leftovers.isEmpty;
  }

  /** Equal where the durable states are equal, whatever has been stored of them. Walks through everything: for checks, not for service. */
  digest(): string {
    return digestOf(this.#state);
  }

  stats(): BrokerStats {
    let { queuedMessages } = this.#state.groups;
    let [detachedSessions, queuedBytes, subscriptions] = [0, 0, 0];
    const add = ({ queue, subscriptions: its }: Session): void => {
      queuedMessages += queue.length;
      queuedBytes += queue.bytes;
      subscriptions += its.size;
    };
    for (const session of this.#state.sessions.all()) {
      add(session);
      if (session.detachedAt !== null) detachedSessions += 1;
    }
    for (const session of this.#local.keys()) add(session);
    return {
      durableSessions: this.#state.sessions.count,
      detachedSessions,
      queuedMessages,
      queuedBytes,
      queuedMemoryBytes: this.#state.ledger.memoryBytes,
      retainedMessages: this.#state.retained.count,
      retainedBytes: this.#state.retained.bytes,
      subscriptions,
    };
  }

  /** Messages that full queues have let go since `load`. */
  get droppedMessages(): number {
    return this.#state.router.dropped;
  }

  /** Wills of clients that are gone, and when each is to be published (pair time, ms). */
  dueWills(): readonly Readonly<{ clientId: string; dueAt: number }>[] {
    const due: { clientId: string; dueAt: number }[] = [];
    for (const { clientId, dueAt } of this.#state.wills.all())
      if (dueAt !== null) due.push({ clientId, dueAt });
    return due;
  }

  /** The client's will and when it is to be published; null: it has none. */
  willOf(clientId: string): Readonly<{ dueAt: number | null }> | null {
    return this.#state.wills.get(clientId);
  }

  /** Sessions that end at some time (pair time, ms) if nobody comes back to them. */
  *endingSessions(): Iterable<Readonly<{ clientId: string; detachedAt: number; endsAt: number }>> {
    for (const { clientId, detachedAt, endsAt } of this.#state.sessions.all())
      if (detachedAt !== null && endsAt !== null) yield { clientId, detachedAt, endsAt };
  }

  /** The durable sessions; some may have ended, and others begun, by the time that an iteration comes to them. */
  sessions(): Iterable<Session> {
    return this.#state.sessions.all();
  }

  /** Some retained messages expire. */
  get hasExpiringRetained(): boolean {
    return this.#state.retained.hasExpiring;
  }

  /** As of `Retained.excess`. */
  retainedExcess(retaining: Retaining, bounds: RetainedBounds): keyof RetainedBounds | null {
    return this.#state.retained.excess(retaining, bounds);
  }

  /** As of `Retained.expired`: addresses for `dropRetained`. */
  expiredRetained(now: number, count: number): readonly string[] {
    return this.#state.retained.expired(now, count);
  }

  /** The client's durable session; null: it has none. */
  sessionOf(clientId: string): Session | null {
    return this.#state.sessions.get(clientId);
  }

  /** What this server does with groups while it serves. */
  get lending(): Lending {
    return this.#state.groups;
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
    const queue = this.#state.locals.begin((number) => void queue.remove(number));
    const terms = { clientId, user: null, bounds, expirySeconds: 0, detachedAt: null };
    const session = new Session(terms, null, queue);
    session.isAttached = true;
    this.#local.set(session, { compactThrough: 0 });
    return session;
  }

  /** The connection is over. A session that is not durable ends with it. */
  detach(session: Session): void {
    session.isAttached = false;
    session.takePassing();
    session.owed.length = 0;
    this.#state.groups.detach(session);
    if (!this.#local.delete(session)) return;
    this.#state.router.leave(session);
    session.queue.end();
  }

  /**
   * For a session that is not durable. In force at once. For those that are given back the retained messages are wanted: see `bringRetained`.
   */
  subscribeLocal(session: Session, subscriptions: readonly Subscription[]): readonly Subscription[] {
    assert(this.#local.has(session), `${session.clientId} has no local session`);
    return subscriptions.filter((subscription) =>
      wantsRetained(subscription, this.#state.router.subscribe(session, subscription, null)),
    );
  }

  /** For each filter whether there was such a subscription. */
  unsubscribeLocal(session: Session, filters: readonly SharedFilter[]): readonly boolean[] {
    assert(this.#local.has(session), `${session.clientId} has no local session`);
    return this.#state.router.unsubscribe(session, filters);
  }

  /**
   * Brings a session that is not durable the retained messages of these subscriptions, as far as they were published up to entry `through`:
   * later ones have come to it as they were published. Those of filters with wildcards come with `recallLocal`.
   */
  bringRetained(session: Session, subscriptions: readonly Subscription[], through: number): void {
    if (!this.#local.has(session)) return;
    for (const subscription of subscriptions)
      if (session.subscriptions.has(subscription.filter))
        this.#applying.bringRetained(session, subscription, { seq: through, index: LAST_INDEX });
  }

  /** Addresses of the retained messages that the recall has still to bring, in the order of their publication; the first so many. `granted`: by its subscription. */
  retainedAddresses(recall: Recall, granted: Qos, countMax = Infinity): readonly string[] {
    const addresses: string[] = [];
    for (const message of this.#state.retained.matching(recall.filter)) {
      if (addresses.length >= countMax) break;
      if (isOf(message, recall, granted)) addresses.push(message.address);
    }
    return addresses;
  }

  /** The retained message of this address; null: there is none. */
  retainedAt(address: string): Message | null {
    return this.#state.retained.at(address);
  }

  /** Brings a session that is not durable a piece of a recall: as the operation does it to others. */
  recallLocal(session: Session, piece: RecallPiece): void {
    this.#applying.recall(session, piece);
  }

  settleLocal(session: Session, number: number): void {
    session.queue.remove(number);
  }

  /**
   * A message with QoS 0 to whoever is connected; it is neither journalled nor kept. `from`: as of `publish`. False: nobody had subscribed
   * to it.
   */
  pass(content: Content, from: string | null): boolean {
    return this.#state.router.route(new Message(NOWHERE, content), from) === 'matched';
  }

  /** The same to one session alone, as a message that was retained; not to a client that does not read just then. */
  passTo(session: Session, content: Content, subscription: Subscription): void {
    this.#state.router.deliverRetained(session, new Message(NOWHERE, content), subscription, false);
  }

  /** Attached sessions that have something new since this was last asked. */
  takeReady(): readonly Session[] {
    return this.#state.ready.take();
  }
}
