/** The packets that a client may send, as values. Source: MQTT 3.1.1 §3. */
import type { Qos, Will } from '../broker/index.ts';

export type Connect = Readonly<{
  type: 'connect';
  clientId: string;
  isClean: boolean;
  keepAliveSeconds: number;
  /** Without its patience, which follows from the keep-alive. */
  will: Omit<Will, 'patienceMs'> | null;
}>;

/** `qos` as sent: 2 too, which the session refuses. The payload is a view into what came from the network. */
export type Publish = Readonly<{
  type: 'publish';
  topic: string;
  payload: Buffer;
  qos: Qos | 2;
  isRetained: boolean;
  /** 0 with QoS 0. */
  packetId: number;
}>;

export type Packet =
  | Connect
  /** A CONNECT of another version, of which nothing more was read. */
  | Readonly<{ type: 'foreignConnect'; level: number }>
  | Publish
  | Readonly<{ type: 'puback'; packetId: number }>
  /** Granted is at most 1, whatever was asked for. */
  | Readonly<{
      type: 'subscribe';
      packetId: number;
      subscriptions: readonly Readonly<{ filter: string; qos: Qos }>[];
    }>
  | Readonly<{ type: 'unsubscribe'; packetId: number; filters: readonly string[] }>
  | Readonly<{ type: 'pingreq' }>
  | Readonly<{ type: 'disconnect' }>;
