/**
 * The packets that a client may send, as values, of MQTT 3.1.1 and of MQTT 5 alike: what only MQTT 5 has is there with the value that means
 * what MQTT 3.1.1 means. What the decoder gives is checked as far as one packet tells. Source: MQTT 3.1.1 §3; MQTT 5.0 §3.
 */
import type { Qos, SharedFilter, Subscription, Will } from '../broker/index.ts';
import type { Reason } from './reasons.ts';

/** Protocol levels: 4 is MQTT 3.1.1, 5 is MQTT 5. */
export type Level = 4 | 5;

/** Of enhanced authentication. `data` null: none was sent, which an empty one is not. Source: MQTT 5.0 §4.12. */
export type Authentication = Readonly<{ method: string; data: Buffer | null }>;

export type Connect = Readonly<{
  type: 'connect';
  level: Level;
  /** Empty: the server is to name the client. */
  clientId: string;
  /** MQTT 3.1.1: clean session; MQTT 5: clean start. */
  isClean: boolean;
  keepAliveSeconds: number;
  /** Without its patience, which follows from the keep-alive. Payload and properties are views. */
  will: Omit<Will, 'patienceMs'> | null;
  userName: string | null;
  /** A view. It may come without a user name in MQTT 5. */
  password: Buffer | null;
  /** How long the session outlives the connection; `NEVER_EXPIRES`: for ever, as one of MQTT 3.1.1 that is not clean. */
  expirySeconds: number;
  /** How many messages with QoS 1 and 2 the client takes that it has not acknowledged. 1 to 65535. */
  receiveMax: number;
  /** The longest packet that the client takes, in bytes; null: it names none. */
  packetSizeMax: number | null;
  /** The highest topic alias that the client takes; 0: none. */
  aliasMax: number;
  wantsResponseInformation: boolean;
  /** False: no reason strings and user properties, but with PUBLISH. */
  wantsProblemInformation: boolean;
  authentication: Authentication | null;
}>;

/** A CONNECT of another version, of which nothing more was read. */
export type ForeignConnect = Readonly<{
  type: 'foreignConnect';
  level: number;
  /** It has MQTT 3.1's name for the protocol. */
  isMqisdp: boolean;
}>;

/** Payload and properties are views into what came from the network, or copies of it. */
export type Publish = Readonly<{
  type: 'publish';
  /** Empty: the alias stands for it. */
  topic: string;
  /** 0: none. */
  alias: number;
  payload: Buffer;
  qos: Qos;
  isRetained: boolean;
  isDup: boolean;
  /** 0 with QoS 0. */
  packetId: number;
  /** What goes along with the payload unaltered, as `Content` has it; `NO_PROPERTIES`: nothing. */
  properties: Uint8Array;
  /** Null: never. */
  expirySeconds: number | null;
  /** The payload is said to be UTF-8. Nobody has looked yet: `isUtf8` does. */
  isText: boolean;
}>;

export type Ack = Readonly<{
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  packetId: number;
  /** Success in MQTT 3.1.1. */
  reason: Reason;
}>;

export type Subscribe = Readonly<{
  type: 'subscribe';
  packetId: number;
  /** One at least. All have the same identifier. */
  subscriptions: readonly Subscription[];
}>;

export type Unsubscribe = Readonly<{
  type: 'unsubscribe';
  packetId: number;
  /** One at least. */
  filters: readonly SharedFilter[];
}>;

export type Disconnect = Readonly<{
  type: 'disconnect';
  reason: Reason;
  /** What the client says of its session now; null: nothing. */
  expirySeconds: number | null;
}>;

/** MQTT 5 only. `reason`: to go on with an authentication, or to begin one again. */
export type Auth = Readonly<{ type: 'auth'; reason: Reason; authentication: Authentication }>;

export type Packet =
  | Connect
  | ForeignConnect
  | Publish
  | Ack
  | Subscribe
  | Unsubscribe
  | Readonly<{ type: 'pingreq' }>
  | Disconnect
  | Auth;
