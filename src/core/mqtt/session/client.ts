/** What a conversation knows of its client since CONNECT. */
import type { Session } from '../../broker/index.ts';
import { mqttFaults } from '../faults.ts';
import type { PacketWriter } from '../packet-writer.ts';
import type { Connect } from '../packet.ts';
import type { Answer } from './effect.ts';

export type Client = Readonly<{
  /** As it came, but for the identifier of a client that gave none. */
  connect: Connect;
  /** The client gave no identifier. */
  isNamedHere: boolean;
  writer: PacketWriter;
}>;

/** What it looks at of the session that the client has now. */
export type ClientSession = Pick<Session, 'isDurable' | 'handshakes' | 'subscriptions'>;

/** Null: it is longer than the client takes, and must not be sent. Source: MQTT5-3.1.2-24. */
export function fitting({ connect }: Client, bytes: Buffer | null): Buffer | null {
  const { packetSizeMax } = connect;
  return bytes === null || packetSizeMax === null || bytes.length <= packetSizeMax ? bytes : null;
}

/** Source: MQTT5-3.1.2-24: a packet that is too long for the client is not sent; without this answer it could not go on. */
export function answerTo(client: Client, bytes: Buffer): Answer {
  const { packetSizeMax } = client.connect;
  if (packetSizeMax === null || fitting(client, bytes) !== null) return { type: 'reply', bytes };
  const text = mqttFaults.LS_MQTT_ANSWER_SIZE(bytes.length, packetSizeMax);
  return { type: 'close', lastWord: null, code: 'LS_MQTT_ANSWER_SIZE', text };
}
