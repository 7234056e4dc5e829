/**
 * The broker's state and what committed operations do to it: sessions, their queues, retained messages, wills. In memory, without time,
 * chance or waiting: the same operations give the same state on both servers. Clients whose sessions are not durable are known to the
 * serving server alone; they get what is committed, and leave no trace. Source: PROTOCOL.md §1 (state), §2 Ack.
 */
import { assert, unreachable } from '../../base/index.ts';
import { Digest } from './digest.ts';
import { DurableSessions, placeOf, storedSession } from './durable-sessions.ts';
import { FilterTree } from './filter-tree.ts';
import { Ledger } from './ledger.ts';
import { lowerQos, Message, type Place, type Qos } from './message.ts';
import { decodeOps, type Op, type Outcome, type Subscription } from './op.ts';
import type { QueuedQos } from './queue.ts';
import { restore } from './restore.ts';
import { Retained } from './retained.ts';
import { Session } from './session.ts';
import {
  counterValue,
  handshakesValue,
  keyOf,
  messageValue,
  queuedKey,
  queuedValue,
  retainedValue,
  sessionValue,
  willValue,
  type Change,
} from './stored.ts';
import { Wills } from './wills.ts';

export type BrokerStats = Readonly<{
  durableSessions: number;
  queuedMessages: number;
  retainedMessages: number;
}>;

type SessionOp = Extract<
  Op,
  { type: 'subscribe' | 'unsubscribe' | 'settle' | 'receive' | 'release' | 'assign' | 'complete' }
>;

const APPLIED: Outcome = { type: 'applied' };
const ABSENT: Outcome = { type: 'absent' };
const NOWHERE: Place = { seq: 0, index: 0 };

export class Broker {
  #ledger = new Ledger();
  #sessions = new DurableSessions(this.#ledger);
  #retained = new Retained(this.#ledger);
  #wills = new Wills(this.#ledger);
  #tree = new FilterTree<Session>();
  #local = new Map<Session, { compactThrough: number }>();
  #ready: Session[] = [];
  #appliedSeq = 0;
  #dropped = 0;

  /** The entry that was applied last; 0: none since `load`. */
  get appliedSeq(): number {
    return this.#appliedSeq;
  }

  /**
   * Forgets everything and takes over a stored state; entries beyond it follow with `apply`. Keys must come in their order, as stores
   * give them. The bytes are copied.
   */
  load(entries: Iterable<Readonly<{ key: Uint8Array; value: Uint8Array }>>): void {
    this.#ledger = new Ledger();
    this.#sessions = new DurableSessions(this.#ledger);
    this.#retained = new Retained(this.#ledger);
    this.#wills = new Wills(this.#ledger);
    this.#tree = new FilterTree();
    this.#local = new Map();
    this.#ready = [];
    this.#appliedSeq = 0;
    this.#dropped = 0;
    restore(entries, {
      sessions: this.#sessions,
      retained: this.#retained,
      wills: this.#wills,
      subscribe: (session, { filter, qos }) => this.#subscribe(session, filter, qos),
    });
  }

  /**
   * Applies the operations of one committed entry; one outcome for each, in order. Entries come in their order, each once. Payloads stay
   * views into `body` until the next `changes`.
   */
  apply(body: Uint8Array, at: number): readonly Outcome[] {
    assert(at > this.#appliedSeq, `entry ${at} applied after ${this.#appliedSeq}`);
    const outcomes: Outcome[] = [];
    for (const op of decodeOps(body)) outcomes.push(this.#applyOne(op, { seq: at, index: outcomes.length }));
    this.#appliedSeq = at;
    return outcomes;
  }

  /**
   * What has changed in the durable state since the last call (or `load`): to be stored together with `appliedSeq`. What came and went
   * in between is not there. From now on no message in memory holds on to the entry that it came with.
   */
  changes(): readonly Change[] {
    this.#sessions.collect();
    this.#retained.collect();
    this.#wills.collect();
    for (const [session, seen] of this.#local) {
      for (const { message } of session.queue.since(seen.compactThrough)) message.compact();
      seen.compactThrough = session.queue.next;
    }
    return this.#ledger.take();
  }

  /** Equal where the durable states are equal, whatever has been stored of them. Walks through everything: for checks, not for service. */
  digest(): string {
    const digest = new Digest();
    for (const message of this.#retained.all()) {
      digest.add(keyOf('message', message.place), messageValue(message));
      digest.add(keyOf('retained', message.place), retainedValue());
    }
    for (const { place, clientId, will } of this.#wills.all())
      digest.add(keyOf('will', place), willValue(clientId, will));
    for (const session of this.#sessions.all()) {
      const place = placeOf(session);
      digest.add(keyOf('session', place), sessionValue(storedSession(session)));
      digest.add(keyOf('counter', place), counterValue(session.queue.next));
      if (!session.handshakes.isEmpty)
        digest.add(keyOf('handshakes', place), handshakesValue(session.handshakes));
      for (const queued of session.queue.since(0)) {
        const { number, message } = queued;
        digest.add(queuedKey(place, number), queuedValue(queued));
        digest.add(keyOf('message', message.place), messageValue(message));
      }
    }
    return digest.text;
  }

  stats(): BrokerStats {
    let queuedMessages = 0;
    for (const session of this.#sessions.all()) queuedMessages += session.queue.length;
    for (const session of this.#local.keys()) queuedMessages += session.queue.length;
    return {
      durableSessions: this.#sessions.count,
      queuedMessages,
      retainedMessages: this.#retained.count,
    };
  }

  /** Messages that full queues have let go since `load`. */
  get droppedMessages(): number {
    return this.#dropped;
  }

  /** Clients that have a will, and how long a server that has just begun to serve waits for each of them. */
  wills(): readonly Readonly<{ clientId: string; patienceMs: number }>[] {
    return [...this.#wills.all()].map(({ clientId, will }) => ({ clientId, patienceMs: will.patienceMs }));
  }

  /** The client's durable session; null: it has none. */
  sessionOf(clientId: string): Session | null {
    return this.#sessions.get(clientId);
  }

  /** A connection begins to deliver from the client's durable session, which must be there. */
  attach(clientId: string): Session {
    const session = this.sessionOf(clientId);
    assert(session !== null, `no durable session of ${clientId} to attach to`);
    session.isAttached = true;
    return session;
  }

  /** Begins a session that is not durable, for a connection that delivers from it. */
  openLocal(clientId: string, queueMessagesMax: number): Session {
    const session = new Session(clientId, null, queueMessagesMax);
    session.isAttached = true;
    this.#local.set(session, { compactThrough: 0 });
    return session;
  }

  /** The connection is over. A session that is not durable ends with it. */
  detach(session: Session): void {
    session.isAttached = false;
    session.takePassing();
    if (this.#local.delete(session)) this.#unsubscribe(session, [...session.filters.keys()]);
  }

  /** For a session that is not durable. In force at once; the retained messages come with `sendRetained`. */
  subscribeLocal(session: Session, subscriptions: readonly Subscription[]): void {
    assert(this.#local.has(session), `${session.clientId} has no local session`);
    for (const { filter, qos } of subscriptions) this.#subscribe(session, filter, qos);
  }

  unsubscribeLocal(session: Session, filters: readonly string[]): void {
    assert(this.#local.has(session), `${session.clientId} has no local session`);
    this.#unsubscribe(session, filters);
  }

  /**
   * Sends a session that is not durable the retained messages of these subscriptions as far as they were published up to entry
   * `through`; later ones have come to it as they were published.
   */
  sendRetained(session: Session, subscriptions: readonly Subscription[], through: number): void {
    if (!this.#local.has(session)) return;
    for (const { filter, qos } of subscriptions)
      for (const message of this.#retained.matching(filter))
        if (message.place.seq <= through) this.#deliver(session, message, qos, true);
  }

  settleLocal(session: Session, number: number): void {
    session.queue.remove(number);
  }

  /** A message with QoS 0 to whoever is connected; it is neither journalled nor kept. */
  pass(address: string, payload: Uint8Array): void {
    this.#route(new Message(NOWHERE, address, payload, 0));
  }

  /** Attached sessions that have something new since this was last asked. */
  takeReady(): readonly Session[] {
    if (this.#ready.length === 0) return this.#ready;
    const taken = this.#ready;
    this.#ready = [];
    for (const session of taken) session.isReady = false;
    return taken;
  }

  #applyOne(op: Op, place: Place): Outcome {
    switch (op.type) {
      case 'publish':
        return this.#publish(new Message(place, op.address, op.payload, op.qos), op.isRetained);
      case 'openSession':
        return this.#open(op, place);
      case 'fireWill': {
        const will = this.#wills.take(op.clientId);
        if (will === null) return ABSENT;
        return this.#publish(new Message(place, will.address, will.payload, will.qos), will.isRetained);
      }
      case 'dropWill':
        return this.#wills.take(op.clientId) === null ? ABSENT : APPLIED;
      case 'barrier':
        return APPLIED;
      case 'subscribe':
      case 'unsubscribe':
      case 'settle':
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
    if (op.isDurable) {
      const session = former ?? this.#sessions.begin(op.clientId, place, op.queueMessagesMax);
      if (session.queueMessagesMax !== op.queueMessagesMax) this.#sessions.changed(session);
      session.queueMessagesMax = op.queueMessagesMax;
    } else if (former !== null) {
      this.#unsubscribe(former, [...former.filters.keys()]);
      this.#sessions.end(former);
    }
    this.#wills.take(op.clientId);
    if (op.will !== null) this.#wills.set(place, op.clientId, op.will);
    return { type: 'opened', isPresent: op.isDurable && former !== null };
  }

  #change(session: Session, op: SessionOp, place: Place): Outcome {
    switch (op.type) {
      case 'subscribe':
        for (const { filter, qos } of op.subscriptions) {
          this.#subscribe(session, filter, qos);
          for (const message of this.#retained.matching(filter)) this.#deliver(session, message, qos, true);
        }
        this.#sessions.changed(session);
        return APPLIED;
      case 'unsubscribe':
        this.#unsubscribe(session, op.filters);
        this.#sessions.changed(session);
        return APPLIED;
      case 'settle':
        for (const number of op.numbers) this.#sessions.settle(session, number);
        return APPLIED;
      case 'receive':
        return this.#sessions.receive(session, op.packetId)
          ? this.#publish(new Message(place, op.address, op.payload, 2), op.isRetained)
          : APPLIED;
      case 'release':
        this.#sessions.release(session, op.packetId);
        return APPLIED;
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

  #publish(message: Message, isRetained: boolean): Outcome {
    if (isRetained) this.#retained.set(message);
    this.#route(message);
    return APPLIED;
  }

  #subscribe(session: Session, filter: string, qos: Qos): void {
    session.filters.set(filter, qos);
    this.#tree.add(filter, session, qos);
  }

  #unsubscribe(session: Session, filters: readonly string[]): void {
    for (const filter of filters) if (session.filters.delete(filter)) this.#tree.remove(filter, session);
  }

  #route(message: Message): void {
    for (const [session, qos] of this.#tree.match(message.address))
      this.#deliver(session, message, qos, false);
  }

  /** At the lower QoS of both. Source: MQTT-3.8.4-6. */
  #deliver(session: Session, message: Message, granted: Qos, isRetained: boolean): void {
    const qos = lowerQos(granted, message.qos);
    if (qos !== 0) this.#enqueue(session, message, qos, isRetained);
    else if (session.isAttached) session.pass({ message, isRetained });
    if (!session.isAttached || session.isReady) return;
    session.isReady = true;
    this.#ready.push(session);
  }

  /**
   * A full queue lets its oldest message go: the newest is what a client that comes back wants, and the publisher is not at fault. Not one
   * that may be on its way with QoS 2: the client would keep its packet identifier, and take the next message under it for a repeat.
   */
  #enqueue(session: Session, message: Message, qos: QueuedQos, isRetained: boolean): void {
    const { queue } = session;
    if (queue.length >= session.queueMessagesMax) {
      this.#dropped += 1;
      const oldest = queue.from(session.handshakes.assignedThrough);
      if (oldest === null) return;
      if (session.isDurable) this.#sessions.remove(session, oldest.number);
      else queue.remove(oldest.number);
    }
    if (session.isDurable) this.#sessions.add(session, message, qos, isRetained);
    else queue.add(message, qos, isRetained);
  }
}
