/** What a conversation with a client asks of those around it, and what it is told back. */
import type { Content, Op, SharedFilter, Subscription } from '../../broker/index.ts';
import type { Level } from '../packet.ts';
import type { Reason } from '../reasons.ts';

/** What the client gets. */
export type Answer = Readonly<
  /** Send at once. */
  | { type: 'reply'; bytes: Buffer }
  /** Send the last word, if there is one, then close as if the network had failed. `text`: what the client did, for the console. */
  | { type: 'close'; lastWord: Buffer | null; code: string; text: string }
>;

/** What the client is answered once its operation is committed: kept by the proposer, and given back with the outcome. */
export type Ask = Readonly<
  /** `verdict`: what is said whatever becomes of the operation; null: that depends. */
  | { type: 'puback'; packetId: number; verdict: Reason | null }
  /** `isRepeat`: of a session that is not durable, whose repeats go no further. */
  | { type: 'pubrec'; packetId: number; verdict: Reason | null; isRepeat: boolean }
  /** `isKnown`: as far as this conversation can tell; of a durable session the outcome says it. */
  | { type: 'pubcomp'; packetId: number; isKnown: boolean }
  | { type: 'suback'; packetId: number; reasons: readonly Reason[] }
  /** `existed`: for each filter whether there was such a subscription; null: the outcome says it. */
  | { type: 'unsuback'; packetId: number; existed: readonly boolean[] | null }
>;

/** What was agreed on with CONNECT, as far as a connection must know it. */
export type Terms = Readonly<{
  level: Level;
  /** Silence of the client after which it counts as lost; 0: never. */
  silenceMsMax: number;
  /** How many messages with QoS 1 and 2 the client takes that it has not acknowledged. */
  receiveMax: number;
}>;

export type Effect =
  | Answer
  | Readonly<
      | { type: 'nothing' }
      /** Find out who it is; then tell `admitted` or `refused`. Until then no packet may be taken. The password is a view. */
      | {
          type: 'authenticate';
          clientId: string;
          userName: string | null;
          password: Buffer | null;
          /** Null: it has no will. */
          willTopic: string | null;
        }
      /** Propose; when committed, tell `opened`. Until then no packet may be taken. */
      | { type: 'open'; op: Extract<Op, { type: 'openSession' }>; terms: Terms }
      /** Propose; when committed, tell `committed`, if there is something to ask. */
      | { type: 'propose'; op: Op; ask: Ask | null }
      /** A message with QoS 0 to whoever is connected. `from`: as of the operation `publish`. */
      | { type: 'pass'; content: Content; from: string | null }
      /** For a session that this server alone knows: in force at once; the answer and the retained messages after a commit round. */
      | { type: 'subscribeLocal'; subscriptions: readonly Subscription[]; ask: Ask }
      /** In force at once; the answer after a commit round, to be asked for with what existed. */
      | {
          type: 'unsubscribeLocal';
          filters: readonly SharedFilter[];
          ask: Extract<Ask, { type: 'unsuback' }>;
        }
      /** PUBACK: the client has taken the message that was sent with QoS 1 under this packet identifier, or will not have it. */
      | { type: 'settle'; packetId: number }
      /** PUBREC: the client has taken the message that was sent with QoS 2 under it: settle it, and send PUBREL when that is committed. */
      | { type: 'release'; packetId: number }
      /** PUBREC: the client will not have the message; it is done with. */
      | { type: 'abandon'; packetId: number }
      /** PUBCOMP: the client keeps nothing of the message that was sent with QoS 2 under it. */
      | { type: 'complete'; packetId: number }
      /** The client says farewell: close. `expirySeconds`: of its session from now on; null: as before. */
      | { type: 'depart'; will: 'forgotten' | 'kept'; expirySeconds: number | null }
    >;
