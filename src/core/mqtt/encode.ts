/** The packets that a server sends, as bytes. All are short and of one form, so they are made by hand. Source: MQTT 3.1.1 §3. */
import type { Message, Qos } from '../broker/index.ts';
import { PACKET, type SUBSCRIPTION_REFUSED } from './fields.ts';

/** Source: §3.2; MQTT-3.2.2-4: a refusal says that no session is present. */
export const connack = (code: number, isSessionPresent: boolean): Buffer =>
  Buffer.from([PACKET.connack << 4, 2, isSessionPresent ? 1 : 0, code]);

/** MQTT 5's CONNACK "Unsupported Protocol Version", which its clients understand. Source: MQTT 5.0 §3.1.2.2, §3.2. */
export const connackForMqtt5 = (): Buffer => Buffer.from([PACKET.connack << 4, 3, 0, 0x84, 0]);

const short = (type: number, packetId: number): Buffer =>
  Buffer.from([type << 4, 2, packetId >> 8, packetId & 0xff]);

/** Source: §3.4. */
export const puback = (packetId: number): Buffer => short(PACKET.puback, packetId);

/** Source: §3.5. */
export const pubrec = (packetId: number): Buffer => short(PACKET.pubrec, packetId);

/** Source: §3.6; MQTT-3.6.1-1: its flags are 0010. */
export const pubrel = (packetId: number): Buffer =>
  Buffer.from([(PACKET.pubrel << 4) | 2, 2, packetId >> 8, packetId & 0xff]);

/** Source: §3.7. */
export const pubcomp = (packetId: number): Buffer => short(PACKET.pubcomp, packetId);

/** Source: §3.11. */
export const unsuback = (packetId: number): Buffer => short(PACKET.unsuback, packetId);

/** One return code for each filter, in their order. Source: MQTT-3.8.4-5. */
export function suback(packetId: number, granted: readonly (Qos | typeof SUBSCRIPTION_REFUSED)[]): Buffer {
  const head = packetOf(PACKET.suback << 4, 2 + granted.length);
  head.bytes.writeUInt16BE(packetId, head.at);
  head.bytes.set(granted, head.at + 2);
  return head.bytes;
}

/** Source: §3.13. */
export const pingresp = (): Buffer => Buffer.from([PACKET.pingresp << 4, 0]);

/** `packetId` 0 with QoS 0. Source: §3.3. */
export function publish(
  { address, payload }: Message,
  marks: Readonly<{ qos: Qos; packetId: number; isRetained: boolean; isDup: boolean }>,
): Buffer {
  const { qos, packetId } = marks;
  const topicBytes = Buffer.byteLength(address);
  const size = 2 + topicBytes + (qos === 0 ? 0 : 2) + payload.length;
  const flags = (marks.isDup ? 8 : 0) + (qos << 1) + (marks.isRetained ? 1 : 0);
  const { bytes, at } = packetOf((PACKET.publish << 4) + flags, size);
  let end = bytes.writeUInt16BE(topicBytes, at);
  end += bytes.write(address, end, 'utf8');
  if (qos !== 0) end = bytes.writeUInt16BE(packetId, end);
  bytes.set(payload, end);
  return bytes;
}

/** A packet with its first byte and remaining length; `size` bytes from `at` on are still to be written. Source: §2.2.3. */
function packetOf(first: number, size: number): { bytes: Buffer; at: number } {
  const lengthBytes = size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x20_0000 ? 3 : 4;
  const bytes = Buffer.allocUnsafe(1 + lengthBytes + size);
  bytes.writeUInt8(first, 0);
  let left = size;
  for (let at = 1; at <= lengthBytes; at += 1) {
    bytes.writeUInt8((left & 0x7f) | (at < lengthBytes ? 0x80 : 0), at);
    left >>= 7;
  }
  return { bytes, at: 1 + lengthBytes };
}
