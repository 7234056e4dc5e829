/** What the packets that a server sends begin with, and those that are of one form in both versions. Source: MQTT 3.1.1 §2.2, §3.4 to §3.7, §3.13. */
import { PACKET } from './fields.ts';

/** First bytes. MQTT-3.6.1-1: the flags of PUBREL are 0010. */
export const FIRST = {
  connack: PACKET.connack << 4,
  puback: PACKET.puback << 4,
  pubrec: PACKET.pubrec << 4,
  pubrel: (PACKET.pubrel << 4) | 2,
  pubcomp: PACKET.pubcomp << 4,
  suback: PACKET.suback << 4,
  unsuback: PACKET.unsuback << 4,
  disconnect: PACKET.disconnect << 4,
  auth: PACKET.auth << 4,
} as const;

/** Nobody writes into it. */
export const PINGRESP = Buffer.from([PACKET.pingresp << 4, 0]);

/** An acknowledgement that says nothing but whose it is. */
export function short(first: number, packetId: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes[0] = first;
  bytes[1] = 2;
  bytes[2] = packetId >> 8;
  bytes[3] = packetId;
  return bytes;
}
