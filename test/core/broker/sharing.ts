/**
 * Two brokers that apply the same entries, one of which serves clients that are members of groups: real windows, and what `Connections` does for
 * them, without bytes. What is proposed is committed when the test says so.
 */
import { expect } from 'vitest';
import {
  Broker,
  plainSubscription,
  type Delivery,
  type Op,
  type Outcome,
  type Qos,
  type Session,
  type Subscription,
} from '../../../src/core/broker/index.ts';
import { Window, type WindowTerms } from '../../../src/core/mqtt/index.ts';
import { bodyOf, MemoryStore, open, openLocally, publish, TINY_PAGES } from './entries.ts';

export const sharedSubscription = (
  group: string,
  filter: string,
  more: Partial<Subscription> = {},
): Subscription => ({ ...plainSubscription(filter, 1), group, ...more });

export const textOf = ({ message }: Pick<Delivery, 'message'>): string =>
  Buffer.from(message.payload).toString();

/** A message on its way to a client. */
export type Packet = Readonly<{
  text: string;
  qos: Qos;
  packetId: number;
  isDup: boolean;
  delivery: Delivery;
}>;

export type MemberTerms = Readonly<{
  isDurable: boolean;
  capacity: number;
  sizeMax: number;
  more: Partial<Extract<Op, { type: 'openSession' }>>;
}>;

const TERMS: MemberTerms = { isDurable: true, capacity: 100, sizeMax: 1e6, more: {} };

/** A connection. */
class Line {
  readonly session: Session;
  readonly window: Window;
  readonly terms: MemberTerms;
  readonly inbox: Packet[] = [];
  /** Sent on this connection, and not acknowledged to the end. */
  readonly open = new Map<number, Packet>();
  /** False: the client does not read. */
  isReading = true;
  isAssigning = false;

  constructor(session: Session, window: Window, terms: MemberTerms) {
    this.session = session;
    this.window = window;
    this.terms = terms;
  }
}

export class Sharing {
  #brokers: readonly [serving: Broker, other: Broker];
  readonly #stores = new WeakMap<Broker, MemoryStore>();
  readonly #lines = new Map<string, Line>();
  #windows = new WeakMap<Session, Window>();
  #pending: { op: Op; done: (outcome: Outcome) => void }[] = [];
  #seq = 0;
  now = 1000;
  /** What was committed of it, in order. */
  readonly published: Readonly<{ text: string; qos: Qos }>[] = [];

  constructor() {
    this.#brokers = [this.#paged(), this.#paged()];
  }

  /** The one that serves. */
  get broker(): Broker {
    return this.#brokers[0];
  }

  get digests(): readonly [string, string] {
    const [serving, other] = this.#brokers;
    return [serving.digest(), other.digest()];
  }

  /** What waits for its commit. */
  get proposed(): readonly Op[] {
    return this.#pending.map(({ op }) => op);
  }

  isConnected(clientId: string): boolean {
    return this.#lines.has(clientId);
  }

  propose(op: Op, done: (outcome: Outcome) => void = () => undefined): void {
    this.#pending.push({ op, done });
  }

  /** Something that was proposed before all that waits. */
  proposeFirst(op: Op): void {
    this.#pending.unshift({ op, done: () => undefined });
  }

  /** One entry of all that was proposed, and what follows from it. */
  commitOnce(): void {
    const batch = this.#pending;
    const outcomes = this.commitUntold();
    batch.forEach(({ done }, n) => {
      const outcome = outcomes[n];
      if (outcome !== undefined) done(outcome);
    });
    this.deliver();
  }

  /** Until nothing is proposed any more. */
  commit(...ops: readonly Op[]): void {
    for (const op of ops) this.propose(op);
    while (this.#pending.length > 0) this.commitOnce();
  }

  /** The same, but no proposer is told: the server dies first. */
  commitUntold(): readonly Outcome[] {
    const body = bodyOf(...this.proposed);
    for (const op of this.proposed)
      if (op.type === 'publish')
        this.published.push({ text: Buffer.from(op.payload).toString(), qos: op.qos });
    this.#pending = [];
    this.#seq += 1;
    const [outcomes] = this.#brokers.map((broker) => broker.apply(body, this.#seq));
    return outcomes ?? [];
  }

  publish(text: string, qos: Qos = 1, address = 't'): void {
    this.commit(publish(address, text, { qos }));
  }

  /** Connected when it returns; its session is the one that it had, if it is durable. */
  connect(clientId: string, more: Partial<MemberTerms> = {}): void {
    const terms = { ...TERMS, ...more };
    this.lose(clientId);
    const op = terms.isDurable ? open(clientId, terms.more) : openLocally(clientId);
    if (op.type !== 'openSession') throw new Error('a CONNECT opens a session');
    this.propose(op, () => this.#attach(clientId, op, terms));
    this.commit();
  }

  #attach(clientId: string, op: Extract<Op, { type: 'openSession' }>, terms: MemberTerms): void {
    const { broker } = this;
    const session = terms.isDurable ? broker.attach(clientId) : broker.openLocal(clientId, op.queue);
    const windowTerms: WindowTerms = {
      level: 5,
      inFlightMax: terms.capacity,
      fits: (delivery) => fits(delivery, terms),
    };
    const former = this.#windows.get(session);
    former?.begin(windowTerms);
    const window = former ?? new Window(session, windowTerms);
    this.#windows.set(session, window);
    const line = new Line(session, window, terms);
    this.#lines.set(clientId, line);
    broker.lending.consume(session, {
      hasRoom: (granted) =>
        line.isReading &&
        (granted === 0 ? (session.membership?.pending ?? 0) < terms.capacity : window.hasRoom()),
      fits: (delivery) => fits(delivery, terms),
    });
    this.#send(line);
  }

  subscribe(clientId: string, more: Partial<Subscription> = {}): void {
    const { session } = this.#line(clientId);
    const subscription = sharedSubscription('g', 't', more);
    if (session.isDurable) this.propose({ type: 'subscribe', clientId, subscriptions: [subscription] });
    else this.broker.subscribeLocal(session, [subscription]);
    this.commit();
    this.deliver();
  }

  unsubscribe(clientId: string, group = 'g', filter = 't'): void {
    const filters = [{ group, filter }];
    const { session } = this.#line(clientId);
    if (session.isDurable) this.propose({ type: 'unsubscribe', clientId, filters });
    else this.broker.unsubscribeLocal(session, filters);
    this.commit();
    this.deliver();
  }

  /** The client's connection is over. */
  lose(clientId: string): void {
    const line = this.#lines.get(clientId);
    if (line === undefined) return;
    this.#lines.delete(clientId);
    this.broker.detach(line.session);
    this.deliver();
  }

  /** The server that served dies; what was proposed is lost; the other one serves. */
  failOver(): void {
    for (const clientId of [...this.#lines.keys()]) {
      const line = this.#line(clientId);
      this.#lines.delete(clientId);
      this.broker.detach(line.session);
    }
    this.broker.lending.cease();
    this.#pending = [];
    this.#windows = new WeakMap();
    const [serving, other] = this.#brokers;
    this.#brokers = [other, serving];
    this.commit({ type: 'claimed', at: this.now });
  }

  /** Both store what has changed. */
  checkpoint(): void {
    for (const broker of this.#brokers) this.#storeOf(broker).checkpoint(broker);
  }

  /** The other server gets the whole state as the serving one stores it. */
  synchronise(): void {
    this.checkpoint();
    const store = new MemoryStore();
    store.take(this.#storeOf(this.broker).entries());
    this.#brokers = [this.broker, this.#paged(store)];
  }

  /** What is queued is not in memory, mostly. */
  #paged(store = new MemoryStore()): Broker {
    const broker = new Broker(TINY_PAGES);
    broker.load(store);
    this.#stores.set(broker, store);
    return broker;
  }

  #storeOf(broker: Broker): MemoryStore {
    return this.#stores.get(broker) ?? expect.unreachable('each has a store');
  }

  reads(clientId: string, isReading: boolean): void {
    const line = this.#line(clientId);
    line.isReading = isReading;
    this.#send(line);
    this.deliver();
  }

  windowOf(clientId: string): Window {
    return this.#line(clientId).window;
  }

  sessionOf(clientId: string): Session {
    return this.#line(clientId).session;
  }

  /** What has been sent to the client since this was last asked, the first so many. */
  taken(clientId: string, count = Infinity): readonly Packet[] {
    return this.#lines.get(clientId)?.inbox.splice(0, count) ?? [];
  }

  /** The same as texts: `payload`, with q2 or q0, `r` and `d` as they are marked. */
  sent(clientId: string): readonly string[] {
    return this.taken(clientId).map(({ text, qos, isDup, delivery }) => {
      const ids = delivery.ids.length === 0 ? '' : ` ${delivery.ids.join(',')}`;
      return `${text}${qos === 1 ? '' : ` q${qos}`}${delivery.isRetained ? ' r' : ''}${ids}${isDup ? ' d' : ''}`;
    });
  }

  /** PUBACK. */
  acknowledge(clientId: string, packetId: number): void {
    const { window, session, open } = this.#line(clientId);
    open.delete(packetId);
    const taken = window.settle(packetId);
    if (typeof taken === 'number') this.#settle(session, taken);
    else if (taken !== null) this.broker.lending.settle(taken);
    this.#afterPackets(clientId);
  }

  /** PUBREC; PUBREL comes when `released` is called. */
  receive(clientId: string, packetId: number, released: () => void): void {
    const { window, session } = this.#line(clientId);
    const number = window.release(packetId);
    if (number === null) released();
    else if (session.isDurable) this.propose({ type: 'settle', clientId, numbers: [number] }, released);
    else {
      this.broker.settleLocal(session, number);
      released();
    }
    this.#afterPackets(clientId);
  }

  /** PUBCOMP. */
  complete(clientId: string, packetId: number): void {
    const { window, session, open } = this.#line(clientId);
    open.delete(packetId);
    const number = window.complete(packetId);
    if (number !== null && session.isDurable) this.propose({ type: 'complete', clientId, numbers: [number] });
    this.#afterPackets(clientId);
  }

  /** Acknowledges all that the client has been sent with QoS 1; what it was. */
  acknowledgeAll(clientId: string): readonly string[] {
    this.taken(clientId);
    const packets = [...this.#line(clientId).open.values()];
    for (const { packetId } of packets) this.acknowledge(clientId, packetId);
    return packets.map(({ text }) => text);
  }

  /** As `Connections` does it after each packet and each entry. */
  deliver(): void {
    for (;;) {
      this.broker.lending.deal(this.now);
      for (const op of this.broker.lending.takeOps()) this.propose(op);
      const ready = this.broker.takeReady();
      if (ready.length === 0) return;
      for (const session of ready) {
        const line = this.#lines.get(session.clientId);
        if (line?.session === session) this.#send(line);
      }
    }
  }

  #send(line: Line): void {
    const { session, window } = line;
    for (const passing of [...session.owed.splice(0), ...session.takePassing()])
      line.inbox.push(packetOf({ delivery: { ...passing, qos: 0 }, packetId: 0, isDup: false }));
    while (line.isReading) {
      const next = window.next(this.now);
      if (next === null) break;
      if ('assignThrough' in next) {
        this.#assign(line, next.assignThrough);
        break;
      }
      const packet = packetOf(next);
      line.inbox.push(packet);
      if (line.open.has(packet.packetId)) throw new Error(`${packet.packetId} is under way already`);
      line.open.set(packet.packetId, packet);
      if (line.open.size > line.terms.capacity) throw new Error('more is under way than the client takes');
    }
    const dropped = window.takeDropped();
    const { clientId } = session;
    if (dropped.length > 0 && session.isDurable) this.propose({ type: 'drop', clientId, numbers: dropped });
    const count = window.toReserve();
    if (count > 0)
      this.propose({ type: 'reserve', clientId, count }, (outcome) => {
        if (outcome.type !== 'reserved') return;
        window.reserved(outcome.from, count);
        this.broker.lending.offer(session);
      });
    this.broker.lending.offer(session);
  }

  #assign(line: Line, through: number): void {
    if (line.isAssigning) return;
    line.isAssigning = true;
    this.propose({ type: 'assign', clientId: line.session.clientId, through }, () => {
      line.isAssigning = false;
      if (this.#lines.get(line.session.clientId) === line) this.#send(line);
    });
  }

  #settle(session: Session, number: number): void {
    if (session.isDurable) this.propose({ type: 'settle', clientId: session.clientId, numbers: [number] });
    else this.broker.settleLocal(session, number);
  }

  #afterPackets(clientId: string): void {
    this.#send(this.#line(clientId));
    this.deliver();
  }

  #line(clientId: string): Line {
    const line = this.#lines.get(clientId);
    if (line === undefined) throw new Error(`${clientId} is not connected`);
    return line;
  }
}

const fits = ({ message }: Delivery, { sizeMax }: MemberTerms): boolean => message.payload.length <= sizeMax;

const packetOf = ({
  delivery,
  packetId,
  isDup,
}: Readonly<{ delivery: Delivery; packetId: number; isDup: boolean }>): Packet => ({
  text: textOf(delivery),
  qos: delivery.qos,
  packetId,
  isDup,
  delivery,
});
