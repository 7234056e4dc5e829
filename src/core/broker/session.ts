/**
 * One client's subscriptions and queue. Durable: part of the replicated state, the same on both servers, and there when nobody is
 * connected. Not durable: known to the serving server alone, and gone with its connection.
 */
import type { Group } from './group.ts';
import { Handshakes } from './handshakes.ts';
import type { Consumer } from './lending.ts';
import { Membership } from './membership.ts';
import type { Message, Place } from './message.ts';
import { NEVER_EXPIRES, type QueueBounds } from './op.ts';
import type { MessageQueue } from './queue.ts';
import { Recalls } from './recalls.ts';
import type { Subscription } from './subscription.ts';

/** A message for whoever is connected just now; it stands in no queue and is never sent twice. */
export type Passing = Readonly<{ message: Message; isRetained: boolean; ids: readonly number[] }>;

/** What both servers know of a session, apart from its queue. */
export type SessionTerms = Readonly<{
  clientId: string;
  /** To whom it belongs; null: to an anonymous client, so to nobody. */
  user: string | null;
  bounds: QueueBounds;
  /** It ends so long after its connection; 0: with it. */
  expirySeconds: number;
  /** Pair time (ms) since when nobody is connected; null: somebody is. */
  detachedAt: number | null;
}>;

export class Session {
  readonly clientId: string;
  /** The place of the operation that began it; null for a session that is not durable. */
  readonly place: Place | null;
  /** By their names (`nameOf`). */
  readonly subscriptions = new Map<string, Subscription>();
  readonly queue: MessageQueue;
  readonly recalls = new Recalls();
  /** Of a session that is not durable they stay empty: what it has half done ends with its connection. */
  handshakes = new Handshakes();
  user: string | null;
  bounds: QueueBounds;
  expirySeconds: number;
  detachedAt: number | null;

  /** Its part in shared subscriptions; null: it never had any. */
  membership: Membership | null = null;
  /** The connection that takes what its groups give; null: there is none. */
  consumer: Consumer | null = null;

  /** A connection of this server delivers from it. */
  isAttached = false;
  /** It is on the list of those that have something new. */
  isReady = false;
  #passing: Passing[] = [];
  /** The same, oldest first, for a client that reads slowly: retained messages that a subscription brings, and what was taken from a group for it. */
  readonly owed: Passing[] = [];

  /** The stored state has the session itself, as it now is. */
  isStored = false;
  /** The stored state has the session, as it now is or as it was. */
  wasStored = false;

  constructor(terms: SessionTerms, place: Place | null, queue: MessageQueue) {
    this.clientId = terms.clientId;
    this.user = terms.user;
    this.bounds = terms.bounds;
    this.expirySeconds = terms.expirySeconds;
    this.detachedAt = terms.detachedAt;
    this.place = place;
    this.queue = queue;
  }

  get isDurable(): boolean {
    return this.place !== null;
  }

  /** Pair time (ms) at which it ends if nobody comes back; null: not as things are. */
  get endsAt(): number | null {
    if (this.detachedAt === null || this.expirySeconds === NEVER_EXPIRES) return null;
    return this.detachedAt + this.expirySeconds * 1000;
  }

  /** It is a member of a group. */
  join(group: Group): void {
    this.membership ??= new Membership();
    this.membership.groups.add(group);
  }

  pass(passing: Passing): void {
    this.#passing.push(passing);
  }

  /** Takes what came with QoS 0 since it was last asked. */
  takePassing(): readonly Passing[] {
    const taken = this.#passing;
    if (taken.length > 0) this.#passing = [];
    return taken;
  }
}
