/**
 * Who gets a message, and how: subscriptions matched, wishes obeyed, queues filled, and the list of sessions that have something new. For one
 * session there is one copy, however many of its subscriptions match. Source: MQTT 5.0 §3.3.4, §3.8.3.1; MQTT-3.3.5-1 of 3.1.1.
 */
import { FilterTree } from './filter-tree.ts';
import { lowerQos, type Message, type Qos } from './message.ts';
import { NO_IDS } from './queue.ts';
import type { Session } from './session.ts';
import type { Subscription } from './subscription.ts';

/** What one session gets of one message. */
type Delivery = { readonly session: Session; qos: Qos; isAsPublished: boolean; ids: readonly number[] };

export type Routed = 'matched' | 'unmatched' | 'refused';

export class Router {
  readonly #tree = new FilterTree<Session, Subscription>();
  #ready: Session[] = [];
  #dropped = 0;

  /** Messages that full queues have let go. */
  get dropped(): number {
    return this.#dropped;
  }

  /** True: the session had no subscription with this filter. The new one takes the former one's place. Source: MQTT-3.8.4-3. */
  subscribe(session: Session, subscription: Subscription): boolean {
    session.subscriptions.set(subscription.filter, subscription);
    return this.#tree.set(subscription.filter, session, subscription);
  }

  /** For each filter whether there was such a subscription. */
  unsubscribe(session: Session, filters: Iterable<string>): boolean[] {
    return [...filters].map((filter) => {
      const existed = session.subscriptions.delete(filter);
      if (existed) this.#tree.delete(filter, session);
      return existed;
    });
  }

  /** `from`: its publisher, if that may have asked not to get its own. Refused: nobody has got it. */
  route(message: Message, from: string | null): Routed {
    const deliveries = this.#deliveriesOf(message, from);
    if (deliveries.some(({ session, qos }) => this.#refuses(session, message, lowerQos(qos, message.qos))))
      return 'refused';
    for (const { session, qos, isAsPublished, ids } of deliveries)
      this.#deliver(session, message, { granted: qos, isRetained: isAsPublished && message.isRetained, ids });
    return deliveries.length === 0 ? 'unmatched' : 'matched';
  }

  /** A message that was retained, for a new subscription. Source: MQTT-3.3.1-8; MQTT 5.0 §3.3.1.3. */
  deliverRetained(session: Session, message: Message, { qos, id }: Subscription): void {
    this.#deliver(session, message, { granted: qos, isRetained: true, ids: id === 0 ? NO_IDS : [id] });
  }

  /** Attached sessions that have something new since this was last asked. */
  takeReady(): readonly Session[] {
    if (this.#ready.length === 0) return this.#ready;
    const taken = this.#ready;
    this.#ready = [];
    for (const session of taken) session.isReady = false;
    return taken;
  }

  /** Each session once: with the highest QoS of its subscriptions that match, and the numbers of all of them. Source: MQTT-3.3.4-2 to -4 of 5.0. */
  #deliveriesOf(message: Message, from: string | null): readonly Delivery[] {
    const deliveries: Delivery[] = [];
    const bySession = new Map<Session, Delivery>();
    this.#tree.match(message.address, (session, { qos, id, isNoLocal, isRetainAsPublished }) => {
      if (isNoLocal && session.clientId === from) return;
      const ids = id === 0 ? NO_IDS : [id];
      const found = bySession.get(session);
      if (found === undefined) {
        const delivery = { session, qos, isAsPublished: isRetainAsPublished, ids };
        bySession.set(session, delivery);
        deliveries.push(delivery);
        return;
      }
      if (qos > found.qos) found.qos = qos;
      if (isRetainAsPublished) found.isAsPublished = true;
      if (id !== 0) found.ids = [...found.ids, id];
    });
    return deliveries;
  }

  /** Only what both servers know may refuse: a session that is not durable lets its oldest message go. */
  #refuses({ isDurable, bounds, queue }: Session, message: Message, qos: Qos): boolean {
    if (!isDurable || qos === 0 || bounds.whenFull === 'dropOldest') return false;
    return queue.length >= bounds.messages || queue.bytes + message.bytes > bounds.bytes;
  }

  /** At the lower QoS of both. Source: MQTT-3.8.4-6. */
  #deliver(
    session: Session,
    message: Message,
    { granted, isRetained, ids }: Readonly<{ granted: Qos; isRetained: boolean; ids: readonly number[] }>,
  ): void {
    const qos = lowerQos(granted, message.qos);
    if (qos !== 0) {
      if (!this.#makeRoom(session, message)) return;
      session.queue.add(message, { qos, isRetained, ids });
    } else if (session.isAttached) session.pass({ message, isRetained, ids });
    if (!session.isAttached || session.isReady) return;
    session.isReady = true;
    this.#ready.push(session);
  }

  /**
   * A full queue lets its oldest messages go: the newest is what a client that comes back wants, and the publisher is not at fault. Not one
   * that may be on its way with QoS 2: the client would keep its packet identifier, and take the next message under it for a repeat.
   * False: there is nothing to let go of, and the new message is dropped.
   */
  #makeRoom(session: Session, message: Message): boolean {
    const { queue, bounds } = session;
    const isTooBig = message.bytes > bounds.bytes;
    if (isTooBig) this.#dropped += 1;
    while (!isTooBig && (queue.length >= bounds.messages || queue.bytes + message.bytes > bounds.bytes)) {
      const oldest = queue.from(session.handshakes.assignedThrough);
      this.#dropped += 1;
      if (oldest === null) return false;
      queue.remove(oldest.number);
    }
    return !isTooBig;
  }
}
