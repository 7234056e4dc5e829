/**
 * Who gets a message, and how: subscriptions matched, wishes obeyed, queues filled. For one session there is one copy, however many of its
 * subscriptions match; one more for each group, whoever its members are. Source: MQTT 5.0 §3.3.4, §3.8.3.1, §4.8.2; MQTT-3.3.5-1 of 3.1.1.
 */
import type { FilterTree } from './filter-tree.ts';
import { Group } from './group.ts';
import type { Groups, Subscriber } from './groups.ts';
import type { LocalQueues } from './local-queues.ts';
import { lowerQos, type Message, type Place, type Qos } from './message.ts';
import { NO_IDS } from './queue.ts';
import { KnownRecipients, type Recipient, type Recipients } from './recipients.ts';
import type { Ready } from './ready.ts';
import { isFullFor, makeRoom } from './room.ts';
import type { Passing, Session } from './session.ts';
import { nameOf, type SharedFilter, type Subscription } from './subscription.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export type Routed = 'matched' | 'unmatched' | 'refused';

export type RouterParts = Readonly<{
  tree: FilterTree<Subscriber, Subscription | null>;
  groups: Groups;
  ready: Ready;
  locals: LocalQueues;
}>;

export class Router {
  readonly #tree: RouterParts['tree'];
  readonly #groups: Groups;
  readonly #ready: Ready;
  readonly #locals: LocalQueues;
  readonly #known = new KnownRecipients();
  #dropped = 0;

  constructor({ tree, groups, ready, locals }: RouterParts) {
    this.#tree = tree;
    this.#groups = groups;
    this.#ready = ready;
    this.#locals = locals;
  }

  /** Messages that full queues have let go. */
  get dropped(): number {
    return this.#dropped + this.#groups.dropped + this.#locals.dropped;
  }

  /**
   * True: the session had no subscription with this filter. The new one takes the former one's place (MQTT-3.8.4-3). `place`: for what begins with
   * it, as of `Group.join`.
   */
  subscribe(session: Session, subscription: Subscription, place: Place | null): boolean {
    this.#known.forget();
    session.subscriptions.set(nameOf(subscription), subscription);
    return subscription.group === null
      ? this.#tree.set(subscription.filter, session, subscription)
      : this.#groups.join(session, subscription, place);
  }

  /** For each filter whether there was such a subscription. */
  unsubscribe(session: Session, filters: Iterable<SharedFilter>): boolean[] {
    this.#known.forget();
    return [...filters].map((names) => {
      const existed = session.subscriptions.delete(nameOf(names));
      if (names.group === null) session.recalls.end(names.filter);
      if (existed && names.group === null) this.#tree.delete(names.filter, session);
      else if (existed) this.#groups.leave(session, names);
      return existed;
    });
  }

  /** The session ends. */
  leave(session: Session): void {
    this.unsubscribe(session, [...session.subscriptions.values()]);
  }

  /** `from`: its publisher, if that may have asked not to get its own. Refused: nobody has got it. */
  route(message: Message, from: string | null): Routed {
    const recipients = this.#recipientsOf(message, from);
    const { sessions, groups } = recipients;
    if (sessions.some((recipient) => lacksRoom(recipient, message))) return 'refused';
    if (groups.some((group) => group.refuses(message))) return 'refused';
    return this.#give(message, recipients);
  }

  /** A message whose publisher is gone and can't be told that a full queue refuses: who has no room goes without, and all others get it. */
  routeToRoom(message: Message): Routed {
    const all = this.#recipientsOf(message, null);
    const sessions = all.sessions.filter((recipient) => !lacksRoom(recipient, message));
    const groups = all.groups.filter((group) => !group.refuses(message));
    this.#dropped += all.sessions.length + all.groups.length - sessions.length - groups.length;
    return this.#give(message, { sessions, groups });
  }

  /**
   * A message that was retained, for a new subscription. Where a full queue refuses, what waits in it stays and this does not come: its publisher
   * was told nothing of this subscriber. Source: MQTT-3.3.1-8; MQTT 5.0 §3.3.1.3.
   */
  deliverRetained(session: Session, message: Message, { qos, id }: Subscription, isOwed = true): void {
    if (refuses(session, message, lowerQos(qos, message.qos))) {
      this.#dropped += 1;
      return;
    }
    this.#deliver(
      session,
      message,
      { granted: qos, isRetained: true, ids: id === 0 ? NO_IDS : [id] },
      isOwed,
    );
    this.#locals.trim();
  }

  #give(message: Message, { sessions, groups }: Recipients): Routed {
    for (const { session, qos, isAsPublished, ids } of sessions)
      this.#deliver(session, message, { granted: qos, isRetained: isAsPublished && message.isRetained, ids });
    for (const group of groups) group.route(message);
    this.#locals.trim();
    return sessions.length + groups.length === 0 ? 'unmatched' : 'matched';
  }

  /** Each session once: with the highest QoS of its subscriptions that match, and the numbers of all of them, the lowest first. Source: MQTT-3.3.4-2 to -4 of 5.0. */
  #recipientsOf({ address }: Message, from: string | null): Recipients {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const sessions: Writable<Recipient>[] = [];
    const groups: Group[] = [];
    const bySession = new Map<Session, Writable<Recipient>>();
    let noLocals = 0;
    this.#tree.match(address, (session, subscription) => {
      if (session instanceof Group) {
        groups.push(session);
        return;
      }
      if (subscription === null) return;
      const { qos, id, isNoLocal, isRetainAsPublished } = subscription;
      if (isNoLocal) noLocals += 1;
      if (isNoLocal && session.clientId === from) return;
      const ids = id === 0 ? NO_IDS : [id];
      const found = bySession.get(session);
      if (found === undefined) {
        const recipient = { session, qos, isAsPublished: isRetainAsPublished, ids };
        bySession.set(session, recipient);
        sessions.push(recipient);
        return;
      }
      if (qos > found.qos) found.qos = qos;
      if (isRetainAsPublished) found.isAsPublished = true;
      // In the order of the tree they would tell who else had subscribed before, which the two servers do not know alike.
      if (id !== 0) found.ids = [...found.ids, id].sort((a, b) => a - b);
    });
    const recipients = { sessions, groups };
    // Else who gets it depends on who sends it.
    if (noLocals === 0) this.#known.keep(address, recipients);
    return recipients;
  }

  /** At the lower QoS of both. Source: MQTT-3.8.4-6. */
  #deliver(
    session: Session,
    message: Message,
    { granted, ...marks }: Readonly<{ granted: Qos }> & Omit<Passing, 'message'>,
    isOwed = false,
  ): void {
    const qos = lowerQos(granted, message.qos);
    if (qos !== 0) {
      if (!this.#makeRoom(session, message)) return;
      session.queue.add(message, { qos, ...marks });
    } else if (session.isAttached) {
      if (isOwed) session.owed.push({ message, ...marks });
      else session.pass({ message, ...marks });
    }
    this.#ready.add(session);
  }

  /**
   * A message that may be on its way with QoS 2 stays: the client would keep its packet identifier, and take the next message under it for a
   * repeat. False: the new message is dropped.
   */
  #makeRoom({ queue, bounds, handshakes }: Session, message: Message): boolean {
    const from = handshakes.assignedThrough;
    const { hasRoom, gone } = makeRoom(message, { queue, bounds, from }, (number) => queue.remove(number));
    this.#dropped += gone;
    return hasRoom;
  }
}

/** Only what both servers know may refuse: a session that is not durable lets its oldest message go. */
const refuses = ({ isDurable, bounds, queue }: Session, message: Message, qos: Qos): boolean =>
  isDurable && qos !== 0 && bounds.whenFull === 'refuse' && isFullFor(queue, bounds, message);

const lacksRoom = ({ session, qos }: Recipient, message: Message): boolean =>
  refuses(session, message, lowerQos(qos, message.qos));
