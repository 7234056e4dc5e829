/** The packets that a client may send, as values. Source: MQTT 3.1.1 §3. */
import type { Qos, Subscription, Will } from '../broker/index.ts';

export type Connect = Readonly<{
  type: 'connect';
  clientId: string;
  isClean: boolean;
  keepAliveSeconds: number;
  /** Without its patience, which follows from the keep-alive. */
  will: Omit<Will, 'patienceMs'> | null;
}>;

/** The payload is a view into what came from the network. */
export type Publish = Readonly<{
  type: 'publish';
  topic: string;
  payload: Buffer;
  qos: Qos;
  isRetained: boolean;
  /** 0 with QoS 0. */
  packetId: number;
}>;

export type Packet =
  | Connect
  /** A CONNECT of another version, of which nothing more was read. */
  | Readonly<{ type: 'foreignConnect'; level: number }>
  | Publish
  | Readonly<{ type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'; packetId: number }>
  | Readonly<{ type: 'subscribe'; packetId: number; subscriptions: readonly Subscription[] }>
  | Readonly<{ type: 'unsubscribe'; packetId: number; filters: readonly string[] }>
  | Readonly<{ type: 'pingreq' }>
  | Readonly<{ type: 'disconnect' }>;
