/**
 * A session's part in groups, and what they have given to it: a message that a group has lent stays in the group's queue until the member is
 * done with it, or its connection is over. Who has what is known to the serving server alone, and to nobody after a failover: what is not
 * settled by then is given out anew. Source: MQTT 5.0 §4.8.2.
 */
import type { Group } from './group.ts';
import { lowerQos, type Message, type Qos } from './message.ts';
import { NO_IDS, type Queued } from './queue.ts';
import type { Session } from './session.ts';
import type { Stock } from './stock.ts';
import type { Subscription } from './subscription.ts';

/** A message as one subscriber is to get it. */
export type Delivery = Readonly<{ message: Message; qos: Qos; isRetained: boolean; ids: readonly number[] }>;

/** At the lower QoS of both. Source: MQTT-4.8.2-3. */
export const deliveryOf = (
  { message, qos }: Pick<Queued, 'message'> & Readonly<{ qos: Qos }>,
  subscription: Subscription,
): Delivery => ({
  message,
  qos: lowerQos(qos, subscription.qos),
  isRetained: subscription.isRetainAsPublished && message.isRetained,
  ids: subscription.id === 0 ? NO_IDS : [subscription.id],
});

/**
 * `lent`: with QoS 1 it goes out as it is. Else an operation must be committed first: `handing`, with QoS 2 to a durable session, moves it into
 * the session's own queue; `taking`, with QoS 0, or with QoS 2 to a session that ends with its connection, settles it before it is sent.
 * `done`: the member is done with it, or it is gone.
 */
type Stage = 'lent' | 'handing' | 'taking' | 'done';

export class Lent {
  readonly group: Group;
  readonly session: Session;
  readonly delivery: Delivery;
  /** It was sent before, to this member or another, or may have been. */
  readonly isDup: boolean;
  stage: Stage;
  /** Where it stands. */
  readonly stock: Stock;
  readonly number: number;
  /** Its slot among those that its member is not done with; null: it has none. */
  slot: number | null = null;

  constructor(
    parts: Readonly<{ group: Group; session: Session; delivery: Delivery; isDup: boolean; stage: Stage }>,
    stock: Stock,
    number: number,
  ) {
    this.group = parts.group;
    this.session = parts.session;
    this.delivery = parts.delivery;
    this.isDup = parts.isDup;
    this.stage = parts.stage;
    this.stock = stock;
    this.number = number;
  }

  /** The operation that was awaited for it is committed, or never will be. */
  endPending(): void {
    if (this.stage !== 'handing' && this.stage !== 'taking') return;
    this.stage = 'done';
    if (this.session.membership !== null) this.session.membership.pending -= 1;
  }
}

/** So many slots stay when nothing is in them. */
const KEPT_SLOTS = 256;

export class Membership {
  /** The one that gave last stands last. */
  readonly groups = new Set<Group>();
  /** Messages that will be the member's when an operation is committed. */
  pending = 0;
  /** With QoS 1, sent or not, each in its slot: nothing is allocated for one that comes and goes (see `NumberTable`). */
  #open: (Lent | null)[] = [];
  #freeSlots: number[] = [];
  #waiting: Lent[] = [];

  /** How many are lent and not sent. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The group gives: other groups come first next time. */
  turn(group: Group): void {
    if (this.groups.size < 2) return;
    this.groups.delete(group);
    this.groups.add(group);
  }

  lend(lent: Lent): void {
    lent.slot = this.#freeSlots.pop() ?? this.#open.length;
    this.#open[lent.slot] = lent;
    this.#waiting.push(lent);
  }

  /** The next one to send; null when there is none. */
  take(): Lent | null {
    return this.#waiting.shift() ?? null;
  }

  /** The member is done with it. */
  close(lent: Lent): void {
    if (lent.slot === null || this.#open[lent.slot] !== lent) return;
    this.#open[lent.slot] = null;
    this.#freeSlots.push(lent.slot);
    lent.slot = null;
    if (this.#freeSlots.length === this.#open.length && this.#open.length > KEPT_SLOTS) {
      this.#open = [];
      this.#freeSlots = [];
    }
  }

  /** The member's connection is over: what it is not done with, and whether it was sent. */
  end(): readonly Readonly<{ lent: Lent; wasSent: boolean }>[] {
    const unsent = new Set(this.#waiting);
    const open = this.#open
      .filter((lent) => lent !== null)
      .map((lent) => ({ lent, wasSent: !unsent.has(lent) }));
    for (const { lent } of open) lent.slot = null;
    this.#open = [];
    this.#freeSlots = [];
    this.#waiting = [];
    return open;
  }
}
