/**
 * Operations: everything that changes the replicated state. What one does depends on nothing but the state and the operation: times come
 * along in it, as pair time (ms; see `runtime/connections/pair-clock.ts`). Their bytes are in `op-codec.ts`.
 * Source: PROTOCOL.md §1 (state), §2 Ack.
 */
import type { AccessOp } from '../access/index.ts';
import type { Content, Place } from './message.ts';
import type { RecallPiece } from './recalls.ts';
import type { SharedFilter, Subscription } from './subscription.ts';

/** What is published for a client that went without a farewell. */
export type Will = Omit<Content, 'expiresAt'> &
  Readonly<{
    /** The message expires so long after its publication; null: never. */
    expirySeconds: number | null;
    /** It is published so long after the connection has ended, or when the session ends, whichever comes first. Source: MQTT 5.0 §3.1.3.2.2. */
    delaySeconds: number;
    /** How long a server that takes over waits for the client to come back before it publishes the will. */
    patienceMs: number;
  }>;

/** A session that never ends of itself. Source: MQTT 5.0 §3.1.2.11.2. */
export const NEVER_EXPIRES = 0xffff_ffff;

/** How much a session's queue takes, and what becomes of a message for which there is no room. The same on both servers. */
export type QueueBounds = Readonly<{
  messages: number;
  /** Of payloads and properties. */
  bytes: number;
  /** `dropOldest`: makes room for it. `refuse`: it is published to nobody, and its publisher is told. */
  whenFull: 'dropOldest' | 'refuse';
}>;

export type Op = Readonly<
  /** `from`: the publisher, where it has asked not to be sent its own messages, or this one is to be kept: it counts as one of its own. */
  | ({ type: 'publish'; from: string | null } & Content)
  /**
   * A client has connected. Its durable session goes on, unless `isClean`; one that never was begins. With `expirySeconds` 0 it has no durable
   * session from here on. Its former will makes way for this one. `user`: to whom the session belongs from here on, null: to nobody.
   */
  | {
      type: 'openSession';
      clientId: string;
      user: string | null;
      isClean: boolean;
      expirySeconds: number;
      queue: QueueBounds;
      will: Will | null;
    }
  /**
   * The client's connection is over since `at`: its durable session waits, and so does its will, if it still has one. `expirySeconds`: what the
   * client said at its farewell, null: as before; with 0 the session ends.
   */
  | { type: 'closeSession'; clientId: string; at: number; expirySeconds: number | null }
  /** Another server serves, or this one again: whoever was connected is gone since `at`. */
  | { type: 'claimed'; at: number }
  /** The session's time is over; nothing, where its client has been connected since `detachedAt`. */
  | { type: 'endSession'; clientId: string; detachedAt: number }
  | { type: 'subscribe'; clientId: string; subscriptions: readonly Subscription[] }
  | { type: 'unsubscribe'; clientId: string; filters: readonly SharedFilter[] }
  /**
   * A piece of a recall (see recalls.ts): the retained messages of these addresses that are part of it, in this order. It is the one that goes
   * `through` there, and has come as far as `after`; null: to its end.
   */
  | ({ type: 'recall'; clientId: string } & RecallPiece)
  /**
   * A message with QoS 2 from the client of a durable session: published, unless it was received before under that packet identifier and
   * not released since.
   */
  | ({ type: 'receive'; clientId: string; packetId: number } & Content)
  /** The client will not send that message again: its packet identifier may mean another one. Safe to repeat. */
  | { type: 'release'; clientId: string; packetId: number }
  /** From now on the session's messages numbered below `through` may be on their way to the client with QoS 2. */
  | { type: 'assign'; clientId: string; through: number }
  /** The consumer has taken these and keeps nothing of them; after `settle`, which a message with QoS 2 does not end with. */
  | { type: 'complete'; clientId: string; numbers: readonly number[] }
  /** The consumer is done with these, or has taken them with QoS 2; by their numbers in the session's queue. */
  | { type: 'settle'; clientId: string; numbers: readonly number[] }
  /** These were not given to the consumer and never will be: their time is over, or they are too long for it. */
  | { type: 'drop'; clientId: string; numbers: readonly number[] }
  /**
   * The next `count` numbers of the session's queue are left out of it: its client is sent messages of groups under them. By whoever serves now:
   * whoever serves next reserves others.
   */
  | { type: 'reserve'; clientId: string; count: number }
  /**
   * Messages of a group, by their numbers in its queue, go over to the queue of a member with a durable session, which takes them with QoS 2. They
   * stay where they are if it is no such member any more. `group`: the place of the operation that began the group's queue, as below.
   */
  | { type: 'hand'; group: Place; clientId: string; numbers: readonly number[] }
  /** A member is done with these of a group, or nobody will be given them: their time is over, or they are too long. */
  | { type: 'settleShared'; group: Place; numbers: readonly number[] }
  /** A message that stood in a group for members without durable sessions comes into the queue that the group has now. */
  | ({ type: 'bring'; group: Place } & Content)
  /** Nobody is connected who could be given what a retired group still has: its queue ends. Nothing, where it is not retired any more. */
  | { type: 'endShared'; group: Place }
  /** Retained messages of these addresses whose time is over at `at`. */
  | { type: 'dropRetained'; addresses: readonly string[]; at: number }
  /** `at`: from when its message's own time counts. */
  | { type: 'fireWill'; clientId: string; at: number }
  | { type: 'dropWill'; clientId: string }
  /** Users and rules. */
  | { type: 'access'; change: AccessOp }
  /** Changes nothing: for answers that must wait for a commit round. */
  | { type: 'barrier' }
>;

/** What applying an operation says to its proposer. */
export type Outcome = Readonly<
  | { type: 'applied' }
  /** Of `publish` and `receive`. `isMatched`: somebody had subscribed to it, as this server knows it, whose clients are connected. */
  | { type: 'published'; isMatched: boolean }
  /** Of the same: a queue is full that refuses; nobody gets the message, and nothing is kept of it. */
  | { type: 'refused' }
  /** `isPresent`: the session had been there before. `isDurable`: the client has a durable session now. */
  | { type: 'opened'; isPresent: boolean; isDurable: boolean }
  /** For each filter whether there was such a subscription. */
  | { type: 'unsubscribed'; existed: readonly boolean[] }
  /** Of `reserve`: the first of the numbers. */
  | { type: 'reserved'; from: number }
  /** The operation names a session, a packet identifier, a group, a will, a user or a rule that is not there; nothing was changed. */
  | { type: 'absent' }
>;
