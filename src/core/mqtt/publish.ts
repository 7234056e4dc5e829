/**
 * A PUBLISH to a client, as bytes: its length first, then one piece of memory, written once. Source: MQTT 3.1.1 §3.3; MQTT 5.0 §3.3.
 */
import { assert } from '../../base/index.ts';
import { LEVEL, PACKET } from './fields.ts';
import type { PublishContent, PublishMarks } from './packet-writer.ts';
import type { Level } from './packet.ts';
import { PROPERTY } from './property-table.ts';
import { textSize, varintSize, writeText, writeVarint } from './wire.ts';

/** The longest that a remaining length can say. Source: MQTT 3.1.1 table 2.4. */
const REMAINING_MAX = 0x0fff_ffff;

export const DUP = 8;

/** The first byte. Source: MQTT-3.3.1-2: no DUP with QoS 0. */
export const publishFlags = ({ qos, isRetained, isDup }: PublishMarks): number =>
  (PACKET.publish << 4) + (isDup && qos > 0 ? DUP : 0) + (qos << 1) + (isRetained ? 1 : 0);

/** The whole packet's length. */
export function publishSize(level: Level, content: PublishContent, marks: PublishMarks): number {
  const size = remainingSize(level, content, marks, textSize(content.address));
  return 1 + varintSize(size) + size;
}

/** `isWhole`: with the payload; else all that goes in front of it. */
export function encodePublish(
  level: Level,
  content: PublishContent,
  marks: PublishMarks,
  isWhole: boolean,
): Buffer {
  const { address, payload } = content;
  const { qos, packetId } = marks;
  const addressSize = textSize(address);
  const size = remainingSize(level, content, marks, addressSize);
  assert(size <= REMAINING_MAX, 'a PUBLISH is longer than MQTT can say');
  const bytes = Buffer.allocUnsafe(1 + varintSize(size) + size - (isWhole ? 0 : payload.length));
  bytes[0] = publishFlags(marks);
  let at = writeVarint(bytes, size, 1);
  at = isNamed(marks) ? writeText(bytes, address, addressSize, at) : writeText(bytes, '', 0, at);
  if (qos !== 0) {
    bytes[at] = packetId >> 8;
    bytes[at + 1] = packetId;
    at += 2;
  }
  if (level === LEVEL.v5) at = writeProperties(bytes, content, marks, at);
  if (isWhole) bytes.set(payload, at);
  return bytes;
}

const isNamed = ({ alias }: PublishMarks): boolean => alias === null || alias.isNew;

function remainingSize(
  level: Level,
  { payload, properties }: PublishContent,
  marks: PublishMarks,
  addressSize: number,
): number {
  const size = 2 + (isNamed(marks) ? addressSize : 0) + (marks.qos === 0 ? 0 : 2) + payload.length;
  if (level !== LEVEL.v5) return size;
  const propertiesSize = ownSize(marks) + properties.length;
  return size + varintSize(propertiesSize) + propertiesSize;
}

/** Of the properties that are the client's own. */
function ownSize({ ids, alias, expirySeconds }: PublishMarks): number {
  let size = (expirySeconds === null ? 0 : 5) + (alias === null ? 0 : 3);
  for (const id of ids) size += 1 + varintSize(id);
  return size;
}

function writeProperties(
  bytes: Buffer,
  { properties }: PublishContent,
  marks: PublishMarks,
  start: number,
): number {
  const { ids, alias, expirySeconds } = marks;
  let at = writeVarint(bytes, ownSize(marks) + properties.length, start);
  if (expirySeconds !== null) {
    bytes[at] = PROPERTY.messageExpiry;
    at = bytes.writeUInt32BE(expirySeconds, at + 1);
  }
  if (alias !== null) {
    bytes[at] = PROPERTY.alias;
    at = bytes.writeUInt16BE(alias.number, at + 1);
  }
  for (const id of ids) {
    bytes[at] = PROPERTY.subscriptionId;
    at = writeVarint(bytes, id, at + 1);
  }
  if (properties.length > 0) bytes.set(properties, at);
  return at + properties.length;
}
