/**
 * Who of a group's members gets what: on the serving server, where they are connected. Whose turn it is and who has room gets the oldest message
 * that is free. With QoS 1 it is lent: when the member's connection ends, it is free again at once. With QoS 2 to a durable session it is handed
 * over by an operation and stays with that session (MQTT-4.8.2-4, -5); to another session it is settled before it is sent, since that session
 * may be gone at once, and with it the knowledge that it was sent. With QoS 0 the same.
 *
 * On the other server nobody is connected, and nothing here does anything. Source: MQTT 5.0 §4.8.2.
 */
import { assert, present } from '../../base/index.ts';
import type { Group, GroupSurroundings } from './group.ts';
import type { Consumer } from './lending.ts';
import { deliveryOf, Lent, type Delivery } from './membership.ts';
import type { Content, Message, Place } from './message.ts';
import type { Op } from './op.ts';
import type { Queued } from './queue.ts';
import type { Session } from './session.ts';
import type { Free, Stock } from './stock.ts';

/** Brought into a durable queue at once: what is on its way there is in memory twice. */
const BRINGING_MAX = 64;

/** So many that have expired are settled with one proposal: more behind them are looked at when that is committed. */
const EXPIRED_MAX = 1024;

/** So many may be too long for those who have room before what stands behind them waits too: they are looked at again and again. */
const ASIDE_MAX = 64;

/** Whose turn it is, and what it gets. */
type Taker = Readonly<{ session: Session; delivery: Delivery }>;

export class Dealer {
  readonly #group: Group;
  readonly #around: GroupSurroundings;
  /** Members that are connected here; whose turn it is with QoS 0, comes first. */
  readonly #attached = new Map<Session, Consumer>();
  /** Those of them that may have room; whose turn it is, comes first. */
  readonly #able = new Set<Session>();
  /** Too long for those who have room, but perhaps not for others. */
  #aside: Free[] = [];
  /** Of the durable queue, to be settled with one proposal. */
  #settled: number[] = [];
  #handed = new Map<Session, number[]>();
  /** Of the local queue, on their way to the durable one, in order. */
  #bringing: number[] = [];

  constructor(group: Group, around: GroupSurroundings) {
    this.#group = group;
    this.#around = around;
  }

  /** Members are connected here. */
  get isServing(): boolean {
    return this.#attached.size > 0;
  }

  /** A member is connected here. */
  attach(session: Session, consumer: Consumer): void {
    this.#attached.set(session, consumer);
    this.#group.durable?.stock.begin();
    this.#freeAside();
    this.offer(session);
    // It may need numbers before it can be lent anything.
    this.#around.ready(session);
  }

  /** Its connection is over. What was lent to it stays so until `takeBack`. */
  detach(session: Session): void {
    this.#attached.delete(session);
    this.#able.delete(session);
    // A retired queue may be left to nobody.
    if (!this.isServing) this.#around.asks(this.#group);
  }

  /** It is a member no longer. What was lent to it stays so: it is its own to acknowledge (MQTT-3.10.4-3). */
  left(session: Session): void {
    this.detach(session);
    // Those who wait for somebody else, may have waited for this one.
    this.#freeAside();
    this.added();
  }

  /** Lent to somebody whose connection is over. Source: MQTT 5.0 §4.8.2: at once, and not only when the session ends. */
  takeBack(lents: readonly Readonly<{ lent: Lent; wasSent: boolean }>[]): void {
    for (const stock of new Set(lents.map(({ lent }) => lent.stock))) {
      const back = lents.filter(({ lent }) => lent.stock === stock && stock.lentOf(lent.number) === lent);
      stock.free(back.map(({ lent, wasSent }) => ({ number: lent.number, isDup: wasSent || lent.isDup })));
    }
    for (const { lent } of lents) lent.stage = 'done';
    this.#around.busy(this.#group);
  }

  /** A connected member may have room. */
  offer(session: Session): void {
    const consumer = this.#attached.get(session);
    if (consumer === undefined) return;
    this.#able.add(session);
    if (this.#aside.some(({ queued }) => consumer.fits(this.#deliveryFor(session, queued))))
      this.#freeAside();
    this.#around.busy(this.#group);
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
    for (let free = this.#peek(); free !== null; free = this.#peek()) {
      const { stock, queued } = free;
      if (queued.message.hasExpired(now)) {
        if (this.#settled.length >= EXPIRED_MAX) return false;
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
      if (this.#able.size === 0 || this.#aside.length === ASIDE_MAX) return false;
      stock.shift(free);
      this.#setAside(free);
    }
    return false;
  }

  /** What is to be proposed. */
  takeOps(): readonly Op[] {
    if (this.#group.durable === null) return [];
    const { place: group } = this.#group.durable;
    const ops: Op[] = [];
    for (const [{ clientId }, numbers] of this.#handed) ops.push({ type: 'hand', group, clientId, numbers });
    if (this.#handed.size > 0) this.#handed = new Map();
    if (this.#settled.length > 0) ops.push({ type: 'settleShared', group, numbers: this.#settled });
    if (this.#settled.length > 0) this.#settled = [];
    if (!this.#group.isRetired) this.#bring(group, ops);
    else if (!this.isServing) ops.push({ type: 'endShared', group });
    return ops;
  }

  /** There is something new in the group. */
  added(): void {
    if (this.#able.size > 0) this.#around.busy(this.#group);
  }

  /** With QoS 0 to whoever is connected and reads; to nobody where there is none. */
  pass(message: Message): void {
    for (const [session, consumer] of this.#attached) {
      const delivery = deliveryOf({ message, qos: 0 }, this.#group.subscriptionOf(session));
      if (!consumer.hasRoom(0) || !consumer.fits(delivery)) continue;
      this.#attached.delete(session);
      this.#attached.set(session, consumer);
      session.pass(delivery);
      return this.#around.ready(session);
    }
  }

  /** Settled: what was to be settled before it is sent, may be sent. `queued` null: it was gone before. */
  settled(lent: Lent | null, queued: Queued | null): void {
    if (lent?.stage !== 'taking') return;
    lent.endPending();
    if (queued !== null) this.#arrive(lent.session, lent.delivery);
  }

  /** One of the messages that were to be brought into the durable queue is there. */
  brought(): void {
    const number = this.#bringing.shift();
    if (number !== undefined) this.#group.local.remove(number);
    if (this.#bringing.length === 0) this.#around.asks(this.#group);
  }

  /** The durable queue takes new messages from now on. */
  begins(): void {
    this.#freeAside();
  }

  /** It has ended: what was on its way there finds it no more. */
  ends(stock: Stock): void {
    this.#freeAside();
    this.#group.local.free(this.#bringing.map((number) => ({ number, isDup: false })));
    this.#forget(stock);
  }

  /** This server serves no more. */
  cease(): void {
    assert(!this.isServing, 'nobody is connected to a server that serves no more');
    if (this.#group.durable !== null) this.#forget(this.#group.durable.stock);
  }

  /** Nothing more comes of what was given of the durable queue, or asked for it. */
  #forget(stock: Stock): void {
    for (const lent of stock.lents()) lent.endPending();
    stock.cease();
    this.#aside = [];
    this.#settled = [];
    this.#handed = new Map();
    this.#bringing = [];
  }

  /** Whose turn it is, and what it would get; null: nobody can take it now. Who has no room does not stand in the way any more. */
  #takerOf(queued: Queued): Taker | null {
    for (const session of this.#able) {
      const consumer = present(this.#attached.get(session), 'the connection of a member that may have room');
      if (!consumer.hasRoom(this.#group.subscriptionOf(session).qos)) {
        this.#able.delete(session);
        continue;
      }
      const delivery = this.#deliveryFor(session, queued);
      if (!consumer.fits(delivery)) continue;
      this.#able.delete(session);
      this.#able.add(session);
      return { session, delivery };
    }
    return null;
  }

  #give({ stock, queued, isDup }: Free, { session, delivery }: Taker): void {
    const { number } = queued;
    const { qos } = delivery;
    session.membership?.turn(this.#group);
    if (qos === 1) {
      const lent = new Lent({ group: this.#group, session, delivery, isDup, stage: 'lent' }, stock, number);
      stock.give(lent);
      session.membership?.lend(lent);
      return this.#around.ready(session);
    }
    if (stock === this.#group.local) {
      stock.remove(number);
      return this.#arrive(session, delivery);
    }
    const stage = qos === 2 && session.isDurable ? 'handing' : 'taking';
    const lent = new Lent({ group: this.#group, session, delivery, isDup, stage }, stock, number);
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
      if (this.#group.memberCount > 0) this.#group.keep(message);
      return;
    }
    if (qos === 0) session.owed.push(delivery);
    else session.queue.add(message, { ...delivery, qos });
    this.#around.ready(session);
  }

  /** It fits nobody who has room. Where it fits somebody who has none, or somebody is away, it waits; else nobody gets it. Source: MQTT 5.0 §3.1.2.11.4. */
  #setAside(free: Free): void {
    const { queued } = free;
    let mayFit = this.#group.memberCount > this.#attached.size;
    for (const [session, consumer] of this.#attached)
      mayFit ||= consumer.fits(this.#deliveryFor(session, queued));
    if (mayFit) this.#aside.push(free);
    else this.#finish(free.stock, queued.number);
  }

  #freeAside(): void {
    for (const stock of new Set(this.#aside.map((free) => free.stock))) {
      const its = this.#aside.filter((free) => free.stock === stock);
      stock.free(its.map(({ queued, isDup }) => ({ number: queued.number, isDup })));
    }
    this.#aside = [];
  }

  /** Nobody is to be given it any more. */
  #finish(stock: Stock, number: number): void {
    if (stock !== this.#group.durable?.stock) {
      stock.remove(number);
      return;
    }
    stock.finish(number);
    this.#settled.push(number);
    this.#around.asks(this.#group);
  }

  /** The oldest message that is free. What a retired queue has comes first. */
  #peek(): Free | null {
    const { durable, isRetired, local } = this.#group;
    const free = durable?.stock.peek() ?? null;
    return free === null && (durable === null || isRetired) ? local.peek() : free;
  }

  /** A bounded piece of it; the next follows when this is committed. */
  #bring(group: Place, ops: Op[]): void {
    if (this.#bringing.length > 0) return;
    for (let free = this.#group.local.peek(); free !== null; free = this.#group.local.peek()) {
      if (this.#bringing.length === BRINGING_MAX) return;
      this.#group.local.shift(free);
      this.#bringing.push(free.queued.number);
      ops.push({ type: 'bring', group, ...contentOf(free.queued.message) });
    }
  }

  #deliveryFor(session: Session, queued: Queued): Delivery {
    return deliveryOf(queued, this.#group.subscriptionOf(session));
  }
}

const contentOf = ({ address, payload, qos, isRetained, properties, expiresAt }: Message): Content => ({
  address,
  payload,
  qos,
  isRetained,
  properties,
  expiresAt,
});
