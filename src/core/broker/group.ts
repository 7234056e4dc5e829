/**
 * The members of one shared subscription, `$share/<group>/<filter>`, and the messages that wait for one of them. Who that is, is decided on the
 * serving server: see `dealer.ts`.
 *
 * As long as a durable session is a member with QoS 1 or 2, the queue is part of the replicated state and filled on both servers alike. Without
 * one it is `local`, known to the serving server alone, as its members are. When the first such member comes, what is free of the local queue is
 * brought into the durable one by operations. When the last one goes, the durable queue is retired: new messages come into the local one, and
 * what is in the retired one is given first, to whoever is connected. It ends when it is empty, when nobody is connected any more, or when
 * another server serves; if such a member comes before that, it takes new messages again.
 *
 * In `apply` nothing may depend on who is connected but what is not replicated. Source: MQTT 5.0 §4.8.2; PROTOCOL.md §1 (state), §2 Ack.
 */
import { assert, present } from '../../base/index.ts';
import { Dealer } from './dealer.ts';
import { DurableGroup } from './durable-group.ts';
import { DurableQueue } from './durable-queue.ts';
import type { Ledger } from './ledger.ts';
import type { LocalQueues } from './local-queues.ts';
import { deliveryOf } from './membership.ts';
import type { Message, Place } from './message.ts';
import type { QueueBounds } from './op.ts';
import { NO_IDS, type QueuedQos } from './queue.ts';
import { isFullFor, makeRoom } from './room.ts';
import type { Session } from './session.ts';
import { Stock } from './stock.ts';
import type { StoredGroup } from './stored.ts';
import type { SharedFilter, Subscription } from './subscription.ts';

/** What a group needs of those around it. */
export interface GroupSurroundings {
  readonly ledger: Ledger;
  readonly locals: LocalQueues;
  /** Its durable queue has begun, or ended. */
  began(group: Group, place: Place): void;
  ended(group: Group, place: Place): void;
  /** The session has something new. */
  ready(session: Session): void;
  /** Something may be given, and what follows from that proposed. */
  busy(group: Group): void;
  /** Something is to be proposed. */
  asks(group: Group): void;
  /** A full queue has let so many go. */
  dropped(count: number): void;
}

export class Group {
  readonly names: SharedFilter;
  readonly dealer: Dealer;
  readonly #around: GroupSurroundings;
  readonly #members = new Map<Session, Subscription>();
  /** Members with QoS 1 or 2: durable sessions, and others. */
  readonly #wanting = { durable: 0, local: 0 };
  #durable: DurableGroup | null = null;
  #local: Stock;
  #localBounds: QueueBounds | null = null;
  /** Messages of the local queue below have let go of their entries. */
  #compactThrough = 0;

  constructor(names: SharedFilter, around: GroupSurroundings) {
    this.names = names;
    this.#around = around;
    this.#local = this.#emptyLocal();
    this.dealer = new Dealer(this, around);
  }

  /** Whether connected or not. */
  get memberCount(): number {
    return this.#members.size;
  }

  get durable(): DurableGroup | null {
    return this.#durable;
  }

  get local(): Stock {
    return this.#local;
  }

  /** Its durable queue takes nothing new: no durable session wants it any more. */
  get isRetired(): boolean {
    return this.#durable !== null && this.#wanting.durable === 0;
  }

  /** Messages that wait, or are lent. */
  get length(): number {
    return this.#local.queue.length + (this.#durable?.queue.length ?? 0);
  }

  /** Of a member. */
  subscriptionOf(session: Session): Subscription {
    return present(this.#members.get(session), `the subscription of a member of ${this.#text}`);
  }

  /** True: it was no member. `place`: of the operation, for a queue that begins with it; null: none begins, one is restored later. */
  join(session: Session, subscription: Subscription, place: Place | null): boolean {
    const former = this.#members.get(session);
    this.#members.set(session, subscription);
    session.join(this);
    this.#count(session, former, -1);
    this.#count(session, subscription, 1);
    if (subscription.qos > 0) this.#bound(session);
    if (this.#wanting.durable > 0 && place !== null) this.#begin(place, session.bounds);
    this.#retire();
    if (session.consumer !== null) this.dealer.attach(session, session.consumer);
    return former === undefined;
  }

  leave(session: Session): void {
    const former = this.subscriptionOf(session);
    this.#members.delete(session);
    session.membership?.groups.delete(this);
    this.dealer.left(session);
    this.#count(session, former, -1);
    this.#retire();
    if (this.#members.size === 0) this.#local.queue.end();
  }

  /** A member has come back. */
  renew(session: Session): void {
    if (this.subscriptionOf(session).qos > 0) this.#bound(session);
  }

  restoreDurable(stored: StoredGroup, queue: DurableQueue): void {
    assert(this.#wanting.durable > 0 || queue.length > 0, `the stored queue of ${this.#text} is needed`);
    this.#durable = new DurableGroup(stored, queue, { ledger: this.#around.ledger, wasStored: true });
    this.#around.began(this, queue.place);
  }

  /** Only what both servers know may refuse. */
  refuses(message: Message): boolean {
    const durable = this.#filled;
    if (durable === null || message.qos === 0) return false;
    const { queue, bounds } = durable;
    return bounds.whenFull === 'refuse' && isFullFor(queue, bounds, message);
  }

  /** A message for one of the members. */
  route(message: Message): void {
    const { qos } = message;
    if (qos === 0 || this.#wanting.durable + this.#wanting.local === 0) return this.dealer.pass(message);
    const durable = this.#filled;
    const stock = durable?.stock ?? this.#local;
    const bounds = durable?.bounds ?? present(this.#localBounds, 'bounds of a queue that is wanted');
    const around = { queue: stock.queue, bounds, from: 0 };
    const { hasRoom, gone } = makeRoom(message, around, (number) => letGo(stock, number));
    if (gone > 0) this.#around.dropped(gone);
    if (hasRoom) add(stock, message, qos);
    this.dealer.added();
  }

  /** A message that was taken out to be given, and could not be. It is brought into the durable queue, if there is one. */
  keep(message: Message): void {
    add(this.#local, message, message.qos === 2 ? 2 : 1);
    this.#around.busy(this);
  }

  /** Committed: done with. */
  applySettle(numbers: readonly number[]): void {
    const { stock } = present(this.#durable, 'the queue that is settled');
    for (const number of numbers) {
      const lent = stock.lentOf(number);
      this.dealer.settled(lent, stock.remove(number));
    }
    // What has expired behind these waits for it.
    this.dealer.added();
    this.#retire();
  }

  /** Committed: a durable member's from now on. `session` null: there is none of that name. False: it is no member any more. */
  applyHand(session: Session | null, numbers: readonly number[]): boolean {
    const { stock } = present(this.#durable, 'the queue that is handed from');
    const subscription = session === null ? undefined : this.#members.get(session);
    for (const number of numbers) {
      const queued = stock.queue.get(number);
      const lent = stock.lentOf(number);
      lent?.endPending();
      if (queued === null) continue;
      const delivery = subscription && deliveryOf(queued, subscription);
      if (session !== null && delivery !== undefined && delivery.qos !== 0) {
        session.queue.add(queued.message, { ...delivery, qos: delivery.qos });
        stock.remove(number);
        this.#around.ready(session);
      } else if (lent !== null) stock.free([{ number, isDup: false }]);
    }
    this.#around.busy(this);
    return subscription !== undefined;
  }

  /** Committed: both servers have it now, also where the queue is retired. It takes what room there is and more: it had been accepted. */
  applyBring(message: Message): void {
    const { stock } = present(this.#durable, 'the queue that is brought to');
    add(stock, message, message.qos === 2 ? 2 : 1);
    this.dealer.brought();
    this.dealer.added();
  }

  /** Nobody is left for what is in a retired queue. False: it is not retired. */
  applyEnd(): boolean {
    const { isRetired } = this;
    if (isRetired) this.#end();
    return isRetired;
  }

  /** This server serves no more. */
  cease(): void {
    this.#local.queue.end();
    this.#local = this.#emptyLocal();
    this.#compactThrough = 0;
    this.dealer.cease();
  }

  /** From now on no message of the local queue holds on to the entry that it came with. */
  compact(): void {
    const { queue } = this.#local;
    if (queue.next === this.#compactThrough) return;
    for (const { message } of queue.since(this.#compactThrough)) message.compact();
    this.#compactThrough = queue.next;
  }

  /** The durable queue, if new messages come to it. */
  get #filled(): DurableGroup | null {
    return this.isRetired ? null : this.#durable;
  }

  get #text(): string {
    return `$share/${this.names.group ?? ''}/${this.names.filter}`;
  }

  #emptyLocal(): Stock {
    const stock: Stock = new Stock(this.#around.locals.begin((number) => letGo(stock, number)));
    return stock;
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

  /** There is a durable queue from now on, which takes new messages. */
  #begin(place: Place, bounds: QueueBounds): void {
    this.dealer.begins();
    this.#around.busy(this);
    if (this.#durable !== null) return;
    const { ledger } = this.#around;
    const { filter } = this.names;
    const group = present(this.names.group, 'the name of a group');
    const queue = new DurableQueue(place, ledger);
    this.#durable = new DurableGroup({ group, filter, bounds }, queue, { ledger, wasStored: false });
    if (this.dealer.isServing) this.#durable.stock.begin();
    this.#around.began(this, place);
  }

  /** If nobody is left for whom both servers would have to keep it: what waits is given, and the queue ends. */
  #retire(): void {
    if (!this.isRetired) return;
    if (this.#durable?.queue.length === 0) this.#end();
    else this.#around.busy(this);
  }

  #end(): void {
    const durable = present(this.#durable, 'the queue that ends');
    this.#durable = null;
    this.dealer.ends(durable.stock);
    durable.end();
    this.#around.busy(this);
    this.#around.ended(this, durable.place);
  }
}

/** A full queue lets it go, whoever has it. */
function letGo(stock: Stock, number: number): void {
  stock.lentOf(number)?.endPending();
  stock.remove(number);
}

/** What a member is told of it besides, is the member's own. The number that it gets. */
const add = ({ queue }: Stock, message: Message, qos: QueuedQos): number =>
  queue.add(message, { qos, isRetained: false, ids: NO_IDS }).number;
