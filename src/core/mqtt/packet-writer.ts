/**
 * The packets that a server sends, as bytes: one writer for each connection, of its client's level, so that whoever answers need not know
 * which. It leaves out what the client did not ask for: reason strings and user properties where it wants no problem information, or where
 * the packet would become longer than it takes. Source: MQTT 3.1.1 §3; MQTT 5.0 §3, MQTT-3.1.2-29, MQTT-3.2.2-19, MQTT-3.2.2-20.
 */
import type { Message, Qos } from '../broker/index.ts';
import type { Authentication, Level } from './packet.ts';
import type { PublishCopies } from './publish-copies.ts';
import type { Reason } from './reasons.ts';

/** What a writer must know of its client. */
export type WriterParts = Readonly<{
  level: Level;
  /** The longest packet that the client takes, in bytes; null: any. */
  packetSizeMax: number | null;
  wantsProblemInformation: boolean;
  /** Where packets for many clients are kept; one for all writers. Null: each is made anew. */
  copies: PublishCopies | null;
}>;

/** For people, and for nothing else. Left out of MQTT 3.1.1. */
export type Explanation = Readonly<{
  reasonString?: string;
  userProperties?: readonly (readonly [name: string, value: string])[];
}>;

/** What a server says of itself and of the session with a CONNACK; what is not there has the value that the specification gives it. */
export type ConnackProperties = Explanation &
  Readonly<{
    /** Where it is not what the client asked for. */
    expirySeconds?: number;
    receiveMax?: number;
    qosMax?: 0 | 1;
    isRetainAvailable?: boolean;
    packetSizeMax?: number;
    assignedClientId?: string;
    aliasMax?: number;
    isWildcardAvailable?: boolean;
    isIdAvailable?: boolean;
    isSharedAvailable?: boolean;
    /** The client is to keep this keep-alive, not its own. */
    keepAliveSeconds?: number;
    responseInformation?: string;
    serverReference?: string;
    authentication?: Authentication;
  }>;

export type DisconnectProperties = Explanation & Readonly<{ serverReference?: string }>;

/** How a message goes to one client. */
export type PublishMarks = Readonly<{
  qos: Qos;
  /** 0 with QoS 0. */
  packetId: number;
  isRetained: boolean;
  isDup: boolean;
  /** Of the client's subscriptions that bring it. MQTT 5 only, as the two below; MQTT 3.1.1 goes without. */
  ids: readonly number[];
  /** `isNew`: the topic name goes along; else the number stands for it. */
  alias: Readonly<{ number: number; isNew: boolean }> | null;
  /** What is left of the message's time. Null: it never expires. */
  expirySeconds: number | null;
}>;

/** Of a message, what a packet carries. */
export type PublishContent = Pick<Message, 'address' | 'payload' | 'properties'>;

export interface PacketWriter {
  readonly level: Level;
  /** The connection is accepted. Source: §3.2. */
  connack(isPresent: boolean, properties?: ConnackProperties): Buffer;
  /** It is not. Null: MQTT 3.1.1 has no return code for it, so the connection is closed without a word (MQTT-3.2.2-6 there). */
  refusal(reason: Reason, properties?: ConnackProperties): Buffer | null;
  puback(packetId: number, reason: Reason, explanation?: Explanation): Buffer;
  pubrec(packetId: number, reason: Reason, explanation?: Explanation): Buffer;
  pubrel(packetId: number, reason: Reason, explanation?: Explanation): Buffer;
  pubcomp(packetId: number, reason: Reason, explanation?: Explanation): Buffer;
  /** One reason for each filter, in their order; in MQTT 3.1.1 each failure is 0x80. */
  suback(packetId: number, reasons: readonly Reason[], explanation?: Explanation): Buffer;
  /** The same; MQTT 3.1.1 tells none. */
  unsuback(packetId: number, reasons: readonly Reason[], explanation?: Explanation): Buffer;
  pingresp(): Buffer;
  /** Null: MQTT 3.1.1 servers send none. */
  disconnect(reason: Reason, properties?: DisconnectProperties): Buffer | null;
  /** MQTT 5 only. */
  auth(reason: Reason, authentication: Authentication, explanation?: Explanation): Buffer;
  /** The whole packet. It may be shared with other connections: nobody writes into it. */
  publish(content: PublishContent, marks: PublishMarks): Buffer;
  /** All of it but the payload, which is sent right behind it: for one so long that a copy of it for each client is too much. */
  publishHead(content: PublishContent, marks: PublishMarks): Buffer;
  /** How long the packet will be: one longer than the client takes is not sent. Source: MQTT 5.0 MQTT-3.1.2-24, MQTT-3.1.2-25. */
  publishSize(content: PublishContent, marks: PublishMarks): number;
}
