/** What a conversation is given: what this server allows, and how clients prove who they are. */
import type { QueueBounds, RetainedBounds, Retaining } from '../../broker/index.ts';
import type { Permissions } from '../permissions.ts';
import type { PublishCopies } from '../publish-copies.ts';
import type { Reason } from '../reasons.ts';
import type { TopicLimits } from '../topics.ts';

/** What this server takes, and tells clients of MQTT 5 that it takes. */
export type SessionLimits = Readonly<{
  /** The longest packet, in bytes. */
  packetSizeMax: number;
  /** How many messages with QoS 1 and 2 it has not acknowledged. */
  receiveMax: number;
  /** The highest topic alias, both ways. */
  aliasMax: number;
  /** How long a session outlives its connection; `NEVER_EXPIRES`: as its client says. */
  sessionExpirySecondsMax: number;
  /** How long a message lives; 0: as its publisher says. */
  messageExpirySecondsMax: number;
  /** 0: as its client says. */
  keepAliveSecondsMax: number;
  topic: TopicLimits;
  /** Of one client. */
  subscriptionsMax: number;
  retained: RetainedBounds;
}>;

/** How many messages are retained, as far as this server knows. */
export type RetainedExcess = (retaining: Retaining, bounds: RetainedBounds) => keyof RetainedBounds | null;

/** Something is refused, and the connection goes on: for the console. `text` goes on after "A client". */
export type Warn = (code: string, text: string) => void;

export type AuthAnswer = Readonly<
  /** The client is to answer. */
  | { type: 'continue'; data: Buffer }
  /** The client is who it says, and may do this from now on. `data`: a last word for it; null: none. */
  | { type: 'accepted'; data: Buffer | null; permissions: Permissions }
  /** `text`: for the console. */
  | { type: 'refused'; reason: Reason; code: string; text: string }
>;

/** One authentication. After anything but `continue` it is over. */
export interface Exchange {
  /** `data`: what the client says; null: nothing yet. */
  step(data: Buffer | null): AuthAnswer;
}

export type ClientOfExchange = Readonly<{ clientId: string; isAgain: boolean; willTopic: string | null }>;

/** Enhanced authentication. Source: MQTT 5.0 §4.12. */
export interface Mechanisms {
  /**
   * Begins an authentication of a client; null: there is no such method. `isAgain`: it is connected, and is to prove that it still is who it was.
   * `willTopic`: that of its will; null: it has none, or is connected.
   */
  begin(method: string, client: ClientOfExchange): Exchange | null;
}

export type SessionParts = Readonly<{
  /** The name of a client that gives none. */
  spareClientId: string;
  /** How much its queue takes. */
  queue: QueueBounds;
  limits: SessionLimits;
  mechanisms: Mechanisms;
  retainedExcess: RetainedExcess;
  warn: Warn;
  /** Where packets for many clients are kept; null: nowhere. */
  copies: PublishCopies | null;
}>;
