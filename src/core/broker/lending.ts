/**
 * The serving server's side of shared subscriptions: who is connected, has room and gets what is free. None of it is replicated; what has to be
 * comes out as operations to propose. Source: MQTT 5.0 §4.8.2.
 */
import type { Delivery, Lent } from './membership.ts';
import type { Qos } from './message.ts';
import type { Op } from './op.ts';
import type { Session } from './session.ts';

/** The connection that delivers from a member's session, as its groups see it. */
export interface Consumer {
  /**
   * A message granted at this QoS would leave at once: the client reads, nothing of its own waits, and with QoS 1 and 2 its window has room and
   * a number for it. Whoever answers no says `offer` when that has changed.
   */
  hasRoom(granted: Qos): boolean;
  /** The packet is not longer than the client takes. */
  fits(delivery: Delivery): boolean;
}

export interface Lending {
  /** The session's client takes part in its groups, those of today and later ones, until the session is detached. */
  consume(session: Session, consumer: Consumer): void;
  /** The client may have room for something of its groups. */
  offer(session: Session): void;
  /**
   * The client is done with it: PUBACK, also one that says that it was refused. It goes to nobody else from now on.
   * Source: MQTT-4.8.2-6.
   */
  settle(lent: Lent): void;
  /**
   * Gives what is free to those that have room, in turn; they are on the ready list then. `now`: pair time (ms): what has expired goes to
   * nobody. Look at `takeOps` after it.
   */
  deal(now: number): void;
  /** What follows from all that was given, or could not be: to be proposed. */
  takeOps(): readonly Op[];
  /** This server serves no more: all sessions are detached, and who had what is forgotten. */
  cease(): void;
}
