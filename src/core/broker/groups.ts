/**
 * All shared subscriptions: which there are, and on the serving server which of them may have something to give. A message comes to a group by
 * the same tree of filters as to a session. Source: MQTT 5.0 §4.8.2.
 */
import { present } from '../../base/index.ts';
import type { DurableGroup } from './durable-group.ts';
import type { DurableQueue } from './durable-queue.ts';
import type { FilterTree } from './filter-tree.ts';
import { Group, type GroupSurroundings } from './group.ts';
import type { Ledger } from './ledger.ts';
import type { Consumer, Lending } from './lending.ts';
import type { LocalQueues } from './local-queues.ts';
import type { Lent } from './membership.ts';
import type { Place } from './message.ts';
import type { Op } from './op.ts';
import type { Ready } from './ready.ts';
import type { Session } from './session.ts';
import { placeText, type StoredGroup } from './stored.ts';
import { nameOf, type SharedFilter, type Subscription } from './subscription.ts';

const NO_OPS: readonly Op[] = [];

/** What stands in the tree of filters: sessions with their subscriptions, and groups. */
export type Subscriber = Session | Group;

export type GroupsParts = Readonly<{
  ledger: Ledger;
  ready: Ready;
  tree: FilterTree<Subscriber, Subscription | null>;
  locals: LocalQueues;
}>;

export class Groups implements Lending {
  readonly #tree: GroupsParts['tree'];
  readonly #byName = new Map<string, Group>();
  /** Those with a durable queue, by its place. */
  readonly #durable = new Map<string, Group>();
  readonly #around: GroupSurroundings;
  /** Those that may have something to give. */
  readonly #busy = new Set<Group>();
  /** Those that may have something to propose. */
  readonly #asking = new Set<Group>();
  #dropped = 0;

  constructor({ ledger, ready, tree, locals }: GroupsParts) {
    this.#tree = tree;
    this.#around = {
      ledger,
      locals,
      began: (group, place) => void this.#durable.set(placeText(place), group),
      ended: (group, place) => {
        this.#durable.delete(placeText(place));
        this.#forgetUnused(group);
      },
      ready: (session) => ready.add(session),
      busy: (group) => {
        this.#busy.add(group);
        this.#asking.add(group);
      },
      asks: (group) => void this.#asking.add(group),
      dropped: (count) => void (this.#dropped += count),
    };
  }

  /** Messages that full queues have let go. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Messages in the queues of all. */
  get queuedMessages(): number {
    let sum = 0;
    for (const group of this.#byName.values()) sum += group.length;
    return sum;
  }

  /** What both servers keep. */
  *durable(): Iterable<DurableGroup> {
    for (const { durable } of this.#durable.values()) if (durable !== null) yield durable;
  }

  /** The group whose durable queue began there; null: there is none any more. */
  at(place: Place): Group | null {
    return this.#durable.get(placeText(place)) ?? null;
  }

  /** True: the session was no member. `place`: as of `Group.join`. */
  join(session: Session, subscription: Subscription, place: Place | null): boolean {
    const group = this.#groupOf(subscription);
    if (group.memberCount === 0) this.#tree.set(group.names.filter, group, null);
    return group.join(session, subscription, place);
  }

  /** The session must be a member. */
  leave(session: Session, names: SharedFilter): void {
    const name = nameOf(names);
    const group = present(this.#byName.get(name), `the group ${name}`);
    group.leave(session);
    if (group.memberCount === 0) this.#tree.delete(names.filter, group);
    this.#forgetUnused(group);
  }

  /** A durable session has been opened again. */
  renew(session: Session): void {
    for (const group of session.membership?.groups ?? []) group.renew(session);
  }

  restoreDurable(stored: StoredGroup, queue: DurableQueue): void {
    this.#groupOf(stored).restoreDurable(stored, queue);
  }

  /** Whoever was connected is gone, so that nobody is left for what retired groups have. */
  endRetired(): void {
    for (const group of this.#durable.values()) group.applyEnd();
  }

  compact(): void {
    for (const group of this.#byName.values()) group.compact();
  }

  consume(session: Session, consumer: Consumer): void {
    session.consumer = consumer;
    for (const group of session.membership?.groups ?? []) group.dealer.attach(session, consumer);
  }

  /** The session's connection is over. */
  detach(session: Session): void {
    session.consumer = null;
    const { membership } = session;
    if (membership === null) return;
    for (const group of membership.groups) group.dealer.detach(session);
    const lents = membership.end();
    for (const group of new Set(lents.map(({ lent }) => lent.group)))
      group.dealer.takeBack(lents.filter(({ lent }) => lent.group === group));
  }

  offer(session: Session): void {
    if (session.membership === null) return;
    for (const group of session.membership.groups) group.dealer.offer(session);
  }

  settle(lent: Lent): void {
    lent.group.dealer.settle(lent);
  }

  /** One message of each group in its turn, so that no group keeps a member of several from the others. */
  deal(now: number): void {
    while (this.#busy.size > 0)
      for (const group of this.#busy) if (!group.dealer.deal(now)) this.#busy.delete(group);
  }

  takeOps(): readonly Op[] {
    if (this.#asking.size === 0) return NO_OPS;
    const ops = [...this.#asking].flatMap((group) => group.dealer.takeOps());
    this.#asking.clear();
    return ops;
  }

  cease(): void {
    for (const group of this.#byName.values()) group.cease();
    this.#busy.clear();
    this.#asking.clear();
  }

  #groupOf(names: SharedFilter): Group {
    const name = nameOf(names);
    const found = this.#byName.get(name);
    if (found !== undefined) return found;
    const { group, filter } = names;
    const begun = new Group({ group, filter }, this.#around);
    this.#byName.set(name, begun);
    return begun;
  }

  /** Nobody is a member, and nothing waits. */
  #forgetUnused(group: Group): void {
    if (group.memberCount > 0 || group.durable !== null) return;
    this.#byName.delete(nameOf(group.names));
    // It has nothing left to give, and a server that does not serve never looks.
    this.#busy.delete(group);
    this.#asking.delete(group);
  }
}
