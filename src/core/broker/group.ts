/**
 * The members of one shared subscription, `$share/<group>/<filter>`, and the messages that wait for one of them.
 *
 * As long as a durable session is a member with QoS 1 or 2 (a *keeper*), the queue is part of the replicated state and filled on both servers
 * alike. Without one it is `#local`, known to the serving server alone, as its members are. When the first keeper comes, what is free of the local
 * queue is brought into the durable one by operations; when the last one goes, what is not settled of the durable queue goes over to the local
 * one, in its order, if members are connected here: else nobody is left who could be given it, and it ends with its queue.
 *
 * Who gets a message is decided here and now, on the serving server: whoever is connected and has room, in turn, so that nobody waits for a
 * member that is away or slow. With QoS 1 it is only lent: when the member's connection ends, it is free again at once. With QoS 2 to a durable
 * session it is handed over by an operation and stays with that session (MQTT-4.8.2-4, -5); to another session it is settled before it is sent,
 * since that session may be gone, and with it the knowledge that it was sent. With QoS 0 the same.
 *
 * In `apply` nothing may depend on who is connected but what is not replicated. Source: MQTT 5.0 §4.8.2; PROTOCOL.md §1 (state), §2 Ack.
 */
import { assert, present } from '../../base/index.ts';
import { DurableGroup } from './durable-group.ts';
import { DurableQueue } from './durable-queue.ts';
import type { Ledger } from './ledger.ts';
import type { Consumer } from './lending.ts';
import { Lent, type Delivery } from './membership.ts';
import { lowerQos, type Content, type Message, type Place, type Qos } from './message.ts';
import type { Op, QueueBounds } from './op.ts';
import { NO_IDS, Queue, type Queued, type QueuedQos } from './queue.ts';
import { isFullFor, makeRoom } from './room.ts';
import type { Session } from './session.ts';
import { Stock, type Free } from './stock.ts';
import type { StoredGroup } from './stored.ts';
import type { SharedFilter, Subscription } from './subscription.ts';

/** What a group needs of those around it. */
export interface GroupSurroundings {
  readonly ledger: Ledger;
  /** Its durable queue has begun, or ended. */
  began(group: Group, place: Place): void;
  ended(place: Place): void;
  /** The session has something new. */
  ready(session: Session): void;
  /** Something may be given, and what follows from that proposed. */
  busy(group: Group): void;
  /** Something is to be proposed. */
  asks(group: Group): void;
  /** A full queue has let so many go. */
  dropped(count: number): void;
}

/** Brought into a durable queue at once: what is on its way there is in memory twice. */
const BRINGING_MAX = 64;

const KEPT = { isRetained: false, ids: NO_IDS } as const;

export class Group {
  readonly names: SharedFilter;
  readonly #around: GroupSurroundings;
  readonly #members = new Map<Session, Subscription>();
  /** Members with QoS 1 or 2: durable sessions, and others. */
  readonly #wanting = { durable: 0, local: 0 };
  #durable: DurableGroup | null = null;
  #local = new Stock(new Queue());
  #localBounds: QueueBounds | null = null;
  /** Messages of the local queue below have let go of their entries. */
  #compactThrough = 0;

  /** Members that are connected here; whose turn it is with QoS 0, comes first. */
  readonly #attached = new Map<Session, Consumer>();
  /** Those of them that may have room; whose turn it is, comes first. */
  readonly #able = new Set<Session>();
  /** Too long for everybody who has room, but not for everybody. */
  #aside: Free[] = [];
  /** Of the durable queue, to be settled with one proposal. */
  #settled: number[] = [];
  #handed = new Map<Session, number[]>();
  /** Of the local queue, on their way to the durable one, in order. */
  #bringing: number[] = [];

  constructor(names: SharedFilter, around: GroupSurroundings) {
    this.names = names;
    this.#around = around;
  }

  get hasMembers(): boolean {
    return this.#members.size > 0;
  }

  get durable(): DurableGroup | null {
    return this.#durable;
  }

  /** Messages that wait, or are lent. */
  get length(): number {
    return this.#local.queue.length + (this.#durable?.queue.length ?? 0);
  }

  /** True: it was no member. `place`: of the operation, for a queue that begins with it; null: none begins, one is restored later. */
  join(session: Session, subscription: Subscription, place: Place | null): boolean {
    const former = this.#members.get(session);
    this.#members.set(session, subscription);
    session.join(this);
    this.#count(session, former, -1);
    this.#count(session, subscription, 1);
    if (subscription.qos > 0) this.#bound(session);
    if (this.#wanting.durable > 0 && this.#durable === null && place !== null)
      this.#begin(place, session.bounds);
    this.#endDurable();
    if (session.consumer !== null) this.attach(session, session.consumer);
    return former === undefined;
  }

  leave(session: Session): void {
    const former = this.#subscriptionOf(session);
    this.#members.delete(session);
    session.membership?.groups.delete(this);
    this.#attached.delete(session);
    this.#able.delete(session);
    this.#count(session, former, -1);
    this.#endDurable();
    if (this.#members.size === 0) this.#local.queue.end();
  }

  /** A member has come back. */
  renew(session: Session): void {
    if ((this.#members.get(session)?.qos ?? 0) > 0) this.#bound(session);
  }

  restoreDurable(stored: StoredGroup, queue: DurableQueue): void {
    assert(this.#wanting.durable > 0, `the stored queue of ${this.#text} has a member`);
    this.#durable = new DurableGroup(stored, queue, { ledger: this.#around.ledger, wasStored: true });
    this.#around.began(this, queue.place);
  }

  /** Only what both servers know may refuse. */
  refuses(message: Message): boolean {
    if (this.#durable === null || message.qos === 0) return false;
    const { queue, bounds } = this.#durable;
    return bounds.whenFull === 'refuse' && isFullFor(queue, bounds, message);
  }

  /** A message for one of the members. */
  route(message: Message): void {
    const { qos } = message;
    if (qos === 0 || this.#wanting.durable + this.#wanting.local === 0) return this.#pass(message);
    const stock = this.#stock;
    const bounds = this.#durable?.bounds ?? present(this.#localBounds, 'bounds of a queue that is wanted');
    const { hasRoom, gone } = makeRoom(message, { queue: stock.queue, bounds, from: 0 }, (number) =>
      this.#letGo(stock, number),
    );
    if (gone > 0) this.#around.dropped(gone);
    if (hasRoom) this.#add(stock, message, qos);
  }

  /** A member is connected here. */
  attach(session: Session, consumer: Consumer): void {
    this.#attached.set(session, consumer);
    this.#stock.begin();
    this.offer(session);
    // It may need numbers before it can be lent anything.
    this.#around.ready(session);
  }

  /** It is so no longer. What was lent to it and not settled is free again. */
  detach(session: Session): void {
    this.#attached.delete(session);
    this.#able.delete(session);
  }

  /** Lent to somebody whose connection is over. Source: MQTT 5.0 §4.8.2: at once, and not only when the session ends. */
  takeBack(lents: readonly Readonly<{ lent: Lent; wasSent: boolean }>[]): void {
    for (const stock of new Set(lents.map(({ lent }) => lent.stock))) {
      const back = lents.filter(({ lent }) => lent.stock === stock && stock.lentOf(lent.number) === lent);
      stock.free(back.map(({ lent, wasSent }) => ({ number: lent.number, isDup: wasSent || lent.isDup })));
    }
    for (const { lent } of lents) lent.stage = 'done';
    this.#around.busy(this);
  }

  /** A connected member may have room. */
  offer(session: Session): void {
    if (!this.#attached.has(session)) return;
    this.#able.add(session);
    this.#freeAside();
    this.#around.busy(this);
  }

  /** The member is done with it. */
  settle(lent: Lent): void {
    lent.session.membership?.close(lent);
    if (lent.stage !== 'lent') return;
    lent.stage = 'done';
    this.#finish(lent.stock, lent.number);
  }

  /** Gives the oldest message that is free to whoever's turn it is. False: there is none, or nobody has room. */
  deal(now: number): boolean {
    const stock = this.#stock;
    for (let free = stock.peek(); free !== null; free = stock.peek()) {
      const { queued } = free;
      if (queued.message.hasExpired(now)) {
        stock.shift(free);
        this.#finish(stock, queued.number);
        continue;
      }
      const taker = this.#takerOf(queued);
      if (taker !== null) {
        stock.shift(free);
        this.#give(free, taker);
        return true;
      }
      if (this.#able.size === 0) return false;
      stock.shift(free);
      this.#setAside(free);
    }
    return false;
  }

  /** What is to be proposed. */
  takeOps(): readonly Op[] {
    if (this.#durable === null) return [];
    const { place: group } = this.#durable;
    const ops: Op[] = [];
    for (const [{ clientId }, numbers] of this.#handed) ops.push({ type: 'hand', group, clientId, numbers });
    if (this.#handed.size > 0) this.#handed = new Map();
    if (this.#settled.length > 0) ops.push({ type: 'settleShared', group, numbers: this.#settled });
    if (this.#settled.length > 0) this.#settled = [];
    this.#bring(group, ops);
    return ops;
  }

  /** Committed: done with. What was to be settled before it is sent may be sent. */
  applySettle(numbers: readonly number[]): void {
    const { stock } = present(this.#durable, 'the queue that is settled');
    for (const number of numbers) {
      const lent = stock.lentOf(number);
      const queued = stock.remove(number);
      if (lent?.stage !== 'taking') continue;
      this.#endPending(lent);
      if (queued !== null) this.#arrive(lent.session, lent.delivery);
    }
  }

  /** Committed: a durable member's from now on. `session` null: there is none of that name. */
  applyHand(session: Session | null, numbers: readonly number[]): boolean {
    const { stock } = present(this.#durable, 'the queue that is handed from');
    const subscription = session === null ? undefined : this.#members.get(session);
    for (const number of numbers) {
      const queued = stock.queue.get(number);
      const lent = stock.lentOf(number);
      if (lent !== null) this.#endPending(lent);
      if (queued === null) continue;
      const delivery = subscription && deliveryOf(queued.message, queued.qos, subscription);
      if (session !== null && delivery !== undefined && delivery.qos !== 0) {
        session.queue.add(queued.message, { ...delivery, qos: delivery.qos });
        stock.remove(number);
        this.#around.ready(session);
      } else if (lent !== null) stock.free([{ number, isDup: false }]);
    }
    this.#around.busy(this);
    return subscription !== undefined;
  }

  /** Committed: both servers have it now. It takes what room there is and more: it had been accepted. */
  applyBring(message: Message): void {
    const { stock } = present(this.#durable, 'the queue that is brought to');
    const number = this.#bringing.shift();
    if (number !== undefined) this.#local.remove(number);
    this.#add(stock, message, message.qos === 2 ? 2 : 1);
    if (this.#bringing.length === 0) this.#around.asks(this);
  }

  /** This server serves no more. */
  cease(): void {
    assert(this.#attached.size === 0, 'nobody is connected to a server that serves no more');
    this.#local.queue.end();
    this.#local = new Stock(new Queue());
    this.#compactThrough = 0;
    this.#forget(this.#durable?.stock ?? this.#local);
  }

  /** From now on no message of the local queue holds on to the entry that it came with. */
  compact(): void {
    const { queue } = this.#local;
    for (const { message } of queue.since(this.#compactThrough)) message.compact();
    this.#compactThrough = queue.next;
  }

  get #stock(): Stock {
    return this.#durable?.stock ?? this.#local;
  }

  get #text(): string {
    return `$share/${this.names.group ?? ''}/${this.names.filter}`;
  }

  #count(session: Session, subscription: Subscription | undefined, by: 1 | -1): void {
    if (subscription === undefined || subscription.qos === 0) return;
    this.#wanting[session.isDurable ? 'durable' : 'local'] += by;
  }

  /** Its bounds are those of the member that has come, or come back, last: so they follow the servers' options. */
  #bound(session: Session): void {
    if (!session.isDurable) this.#localBounds = session.bounds;
    else if (this.#durable !== null) this.#durable.bounds = session.bounds;
  }

  #begin(place: Place, bounds: QueueBounds): void {
    const { ledger } = this.#around;
    const { filter } = this.names;
    const group = present(this.names.group, 'the name of a group');
    const queue = new DurableQueue(place, ledger);
    this.#freeAside();
    this.#durable = new DurableGroup({ group, filter, bounds }, queue, { ledger, wasStored: false });
    if (this.#attached.size > 0) this.#durable.stock.begin();
    this.#around.began(this, place);
    this.#around.busy(this);
  }

  /** The last keeper has gone. */
  #endDurable(): void {
    if (this.#durable === null || this.#wanting.durable > 0) return;
    const { stock, place } = this.#durable;
    if (this.#attached.size > 0) this.#inherit(stock);
    this.#forget(stock);
    this.#durable.end();
    this.#durable = null;
    this.#around.ended(place);
    this.#around.busy(this);
  }

  /**
   * What was in the durable queue comes into the local one, behind what is there: lent to whom it is lent, done with where it is, and else free,
   * also what an operation was to be awaited for: that will find no queue. All of it is sent as if it had been sent before.
   */
  #inherit(stock: Stock): void {
    this.#local.free(this.#bringing.map((number) => ({ number, isDup: false })));
    for (const { number, message, qos } of stock.queue.since(0)) {
      if (stock.isDone(number)) continue;
      const lent = stock.lentOf(number);
      const { number: next } = this.#local.queue.add(message, { ...KEPT, qos });
      if (lent?.stage !== 'lent') continue;
      lent.stock = this.#local;
      lent.number = next;
      this.#local.give(lent);
    }
    this.#local.found();
  }

  /** Nothing more comes of what was given of the durable queue, or asked for it. */
  #forget(stock: Stock): void {
    for (const lent of stock.lents()) this.#endPending(lent);
    stock.cease();
    this.#aside = [];
    this.#settled = [];
    this.#handed = new Map();
    this.#bringing = [];
  }

  #add(stock: Stock, message: Message, qos: QueuedQos): void {
    stock.queue.add(message, { ...KEPT, qos });
    if (this.#able.size > 0 || stock !== this.#stock) this.#around.busy(this);
  }

  /** With QoS 0 to whoever is connected and reads; to nobody where there is none. */
  #pass(message: Message): void {
    for (const [session, consumer] of this.#attached) {
      const delivery = deliveryOf(message, 0, this.#subscriptionOf(session));
      if (!consumer.hasRoom(0) || !consumer.fits(delivery)) continue;
      this.#attached.delete(session);
      this.#attached.set(session, consumer);
      session.pass(delivery);
      return this.#around.ready(session);
    }
  }

  /** Whose turn it is, and what it would get; null: nobody can take it now. Who has no room does not stand in the way any more. */
  #takerOf({ message, qos }: Queued): Taker | null {
    for (const session of this.#able) {
      const consumer = present(this.#attached.get(session), 'the connection of a member that may have room');
      const subscription = this.#subscriptionOf(session);
      if (!consumer.hasRoom(subscription.qos)) {
        this.#able.delete(session);
        continue;
      }
      const delivery = deliveryOf(message, qos, subscription);
      if (!consumer.fits(delivery)) continue;
      this.#able.delete(session);
      this.#able.add(session);
      return { session, delivery };
    }
    return null;
  }

  #give({ queued, isDup }: Free, { session, delivery }: Taker): void {
    const stock = this.#stock;
    const { number } = queued;
    const { qos } = delivery;
    session.membership?.turn(this);
    if (qos === 1) {
      const lent = new Lent({ group: this, session, delivery, isDup, stage: 'lent' }, stock, number);
      stock.give(lent);
      session.membership?.lend(lent);
      return this.#around.ready(session);
    }
    if (this.#durable === null) {
      stock.remove(number);
      return this.#arrive(session, delivery);
    }
    const stage = qos === 2 && session.isDurable ? 'handing' : 'taking';
    const lent = new Lent({ group: this, session, delivery, isDup, stage }, stock, number);
    stock.give(lent);
    if (session.membership !== null) session.membership.pending += 1;
    if (stage === 'taking') this.#settled.push(number);
    else {
      const numbers = this.#handed.get(session);
      if (numbers === undefined) this.#handed.set(session, [number]);
      else numbers.push(number);
    }
  }

  /** A message that stands in no queue of the group any more comes to a member: with QoS 0, or with QoS 2 to a session that is not durable. */
  #arrive(session: Session, delivery: Delivery): void {
    const { message, qos } = delivery;
    if (session.consumer === null) {
      // It was never sent, so it may go to somebody else.
      if (this.hasMembers) this.#add(this.#local, message, message.qos === 2 ? 2 : 1);
      return;
    }
    if (qos === 0) session.pass(delivery);
    else session.queue.add(message, { ...delivery, qos });
    this.#around.ready(session);
  }

  /** Fits nobody who has room. Somebody else may have room later; whom it fits never, does not come into it. Source: MQTT 5.0 §3.1.2.11.4. */
  #setAside(free: Free): void {
    const { message, qos, number } = free.queued;
    const fitsSomebody = [...this.#attached].some(([session, consumer]) =>
      consumer.fits(deliveryOf(message, qos, this.#subscriptionOf(session))),
    );
    if (fitsSomebody) this.#aside.push(free);
    else this.#finish(this.#stock, number);
  }

  #freeAside(): void {
    if (this.#aside.length === 0) return;
    this.#stock.free(this.#aside.map(({ queued, isDup }) => ({ number: queued.number, isDup })));
    this.#aside = [];
  }

  /** Nobody is to be given it any more. */
  #finish(stock: Stock, number: number): void {
    if (stock !== this.#durable?.stock) {
      stock.remove(number);
      return;
    }
    stock.finish(number);
    this.#settled.push(number);
    this.#around.asks(this);
  }

  #letGo(stock: Stock, number: number): void {
    const lent = stock.lentOf(number);
    if (lent !== null) this.#endPending(lent);
    stock.remove(number);
  }

  #endPending(lent: Lent): void {
    if (lent.stage !== 'handing' && lent.stage !== 'taking') return;
    lent.stage = 'done';
    if (lent.session.membership !== null) lent.session.membership.pending -= 1;
  }

  /** A bounded piece of it; the next follows when this is committed. */
  #bring(group: Place, ops: Op[]): void {
    if (this.#bringing.length > 0) return;
    for (let free = this.#local.peek(); free !== null; free = this.#local.peek()) {
      if (this.#bringing.length === BRINGING_MAX) return;
      this.#local.shift(free);
      this.#bringing.push(free.queued.number);
      ops.push({ type: 'bring', group, ...contentOf(free.queued.message) });
    }
  }

  #subscriptionOf(session: Session): Subscription {
    return present(this.#members.get(session), `the subscription of a member of ${this.#text}`);
  }
}

type Taker = Readonly<{ session: Session; delivery: Delivery }>;

/** At the lower QoS of both. Source: MQTT-4.8.2-3. */
const deliveryOf = (message: Message, qos: Qos, subscription: Subscription): Delivery => ({
  message,
  qos: lowerQos(qos, subscription.qos),
  isRetained: subscription.isRetainAsPublished && message.isRetained,
  ids: subscription.id === 0 ? NO_IDS : [subscription.id],
});

const contentOf = ({ address, payload, qos, isRetained, properties, expiresAt }: Message): Content => ({
  address,
  payload,
  qos,
  isRetained,
  properties,
  expiresAt,
});
