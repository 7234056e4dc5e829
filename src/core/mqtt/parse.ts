/**
 * From the bytes of one whole packet to its value, with every check that needs no more than the packet, by the rules of the client's version.
 * Source: MQTT 3.1.1 §3; MQTT 5.0 §3.
 */
import { NO_PROPERTIES, type RetainHandling, type SharedFilter } from '../broker/index.ts';
import { CLAUSE } from './clauses.ts';
import { malformed, unexpected } from './faults.ts';
import { PACKET, qosOf, REQUIRED_FLAGS } from './fields.ts';
import type { Ack, Auth, Disconnect, Level, Packet, Subscribe } from './packet.ts';
import { parseConnect } from './parse-connect.ts';
import { readMessageProperties, readProperties } from './property-reader.ts';
import { CARRIED, PROPERTY } from './property-table.ts';
import { PacketReader } from './reader.ts';
import { isClientReason, REASON, type Reason } from './reasons.ts';
import { checkTopicName, sharedFilter } from './topics.ts';

/**
 * `head` is the first byte; the rest of the packet, without the remaining length, lies in `bytes` from `start` to `end`. `level`: the client's;
 * a CONNECT says its own.
 */
export function parsePacket(level: Level, head: number, bytes: Buffer, start: number, end: number): Packet {
  const reader = new PacketReader(level, bytes, start, end);
  const type = head >> 4;
  if (type === PACKET.publish) return parsePublish(head & 0x0f, reader);
  const packet = parseOther(type, head & 0x0f, reader);
  if (packet.type !== 'foreignConnect') reader.close();
  return packet;
}

function parseOther(type: number, flags: number, reader: PacketReader): Packet {
  const { level } = reader;
  const required = REQUIRED_FLAGS[type];
  if (required === undefined || (type === PACKET.auth && level !== 5))
    throw unexpected(
      level,
      CLAUSE.packetTypes[level],
      `packet type ${type}, which no client has reason to send`,
    );
  if (flags !== required)
    throw malformed(level, CLAUSE.flags[level], `flags ${flags} in a packet of type ${type}`);
  switch (type) {
    case PACKET.connect:
      return parseConnect(reader);
    case PACKET.puback:
      return parseAck('puback', reader);
    case PACKET.pubrec:
      return parseAck('pubrec', reader);
    case PACKET.pubrel:
      return parseAck('pubrel', reader);
    case PACKET.pubcomp:
      return parseAck('pubcomp', reader);
    case PACKET.subscribe:
      return parseSubscribe(reader);
    case PACKET.unsubscribe:
      return parseUnsubscribe(reader);
    case PACKET.pingreq:
      return { type: 'pingreq' };
    case PACKET.auth:
      return parseAuth(reader);
    default:
      return parseDisconnect(reader);
  }
}

function parsePublish(flags: number, reader: PacketReader): Packet {
  const { level } = reader;
  const qos = qosOf((flags >> 1) & 3);
  if (qos === null) throw malformed(level, CLAUSE.publishQos[level], 'both QoS bits set');
  const isDup = (flags & 8) !== 0;
  if (qos === 0 && isDup) throw malformed(level, CLAUSE.dup[level], 'DUP set with QoS 0');
  const topic = reader.text();
  if (topic !== '' || level !== 5) checkTopicName(level, topic);
  const packetId = qos === 0 ? 0 : reader.packetId();
  const said = level === 5 ? readMessageProperties(reader, 'publish') : null;
  if (topic === '' && said?.alias === 0)
    throw unexpected(level, '3.3.2.1', 'neither a topic name nor a topic alias');
  return {
    type: 'publish',
    topic,
    alias: said === null ? 0 : said.alias,
    payload: reader.rest(),
    qos,
    isRetained: (flags & 1) === 1,
    isDup,
    packetId,
    properties: said === null ? NO_PROPERTIES : said.forwarded,
    expirySeconds: said === null ? null : said.expirySeconds,
    isText: said !== null && said.isText,
  };
}

/** Where the clause is that says which reasons there are. */
const REASON_CLAUSE = {
  puback: 'MQTT-3.4.2-1',
  pubrec: 'MQTT-3.5.2-1',
  pubrel: 'MQTT-3.6.2-1',
  pubcomp: 'MQTT-3.7.2-1',
  disconnect: 'MQTT-3.14.2-1',
  auth: 'MQTT-3.15.2-1',
} as const;

function parseReason(carrier: keyof typeof REASON_CLAUSE, reader: PacketReader): Reason {
  const byte = reader.u8();
  if (isClientReason(carrier, byte)) return byte;
  throw unexpected(
    reader.level,
    REASON_CLAUSE[carrier],
    `reason ${byte} in a ${carrier.toUpperCase()} from a client`,
  );
}

/** Reason and properties may be missing, the properties alone too. Source: MQTT 5.0 §3.4.2.1 and its likes. */
function parseAck(type: Ack['type'], reader: PacketReader): Ack {
  const packetId = reader.packetId();
  if (reader.level !== 5 || reader.left === 0) return { type, packetId, reason: REASON.success };
  const reason = parseReason(type, reader);
  if (reader.left > 0) readProperties(reader, CARRIED[type]);
  return { type, packetId, reason };
}

function parseSubscribe(reader: PacketReader): Packet {
  const { level } = reader;
  const packetId = reader.packetId();
  const id =
    level === 5 ? (readProperties(reader, CARRIED.subscribe).number(PROPERTY.subscriptionId) ?? 0) : 0;
  const subscriptions: Subscribe['subscriptions'][number][] = [];
  while (reader.left > 0) {
    const { filter, group } = sharedFilter(level, reader.text());
    subscriptions.push({ filter, group, ...parseWishes(reader, group !== null), id });
  }
  if (subscriptions.length === 0)
    throw (level === 5 ? unexpected : malformed)(
      level,
      CLAUSE.subscribeFilters[level],
      'a SUBSCRIBE without a topic filter',
    );
  return { type: 'subscribe', packetId, subscriptions };
}

const HANDLINGS: readonly RetainHandling[] = ['send', 'sendIfNew', 'keepBack'];

/** The byte behind a filter. Source: MQTT-3.8.3-4; MQTT 5.0 §3.8.3.1. */
function parseWishes(
  reader: PacketReader,
  isShared: boolean,
): Omit<Subscribe['subscriptions'][number], 'filter' | 'group' | 'id'> {
  const { level } = reader;
  const bits = reader.u8();
  if (level !== 5) {
    const qos = qosOf(bits);
    if (qos === null) throw malformed(level, CLAUSE.requestedQos[level], `a requested QoS of ${bits}`);
    return { qos, isNoLocal: false, isRetainAsPublished: false, retainHandling: 'send' };
  }
  if ((bits & 0xc0) !== 0)
    throw malformed(level, 'MQTT-3.8.3-5', 'reserved bits set in subscription options');
  const qos = qosOf(bits & 3);
  if (qos === null) throw unexpected(level, CLAUSE.requestedQos[level], 'a requested QoS of 3');
  const retainHandling = HANDLINGS[bits >> 4];
  if (retainHandling === undefined) throw unexpected(level, '3.8.3.1', 'a retain handling of 3');
  const isNoLocal = (bits & 4) !== 0;
  if (isNoLocal && isShared) throw unexpected(level, 'MQTT-3.8.3-4', 'no local with a shared subscription');
  return { qos, isNoLocal, isRetainAsPublished: (bits & 8) !== 0, retainHandling };
}

function parseUnsubscribe(reader: PacketReader): Packet {
  const { level } = reader;
  const packetId = reader.packetId();
  if (level === 5) readProperties(reader, CARRIED.unsubscribe);
  const filters: SharedFilter[] = [];
  while (reader.left > 0) filters.push(sharedFilter(level, reader.text()));
  if (filters.length === 0)
    throw (level === 5 ? unexpected : malformed)(
      level,
      CLAUSE.unsubscribeFilters[level],
      'an UNSUBSCRIBE without a topic filter',
    );
  return { type: 'unsubscribe', packetId, filters };
}

/** Reason and properties may be missing, the properties alone too. Source: MQTT 5.0 §3.14.2.1. */
function parseDisconnect(reader: PacketReader): Disconnect {
  const isPlain = reader.level !== 5 || reader.left === 0;
  if (isPlain) return { type: 'disconnect', reason: REASON.normalDisconnection, expirySeconds: null };
  const reason = parseReason('disconnect', reader);
  const expirySeconds =
    reader.left === 0 ? null : readProperties(reader, CARRIED.disconnect).number(PROPERTY.sessionExpiry);
  return { type: 'disconnect', reason, expirySeconds };
}

/** What may be left out of it is what a client never leaves out: no reason means success, which only a server says. Source: MQTT 5.0 §3.15.2. */
function parseAuth(reader: PacketReader): Auth {
  const reason = parseReason('auth', reader);
  const { authentication } = readProperties(reader, CARRIED.auth);
  if (authentication === null)
    throw unexpected(reader.level, '3.15.2.2.2', 'an AUTH without an authentication method');
  return { type: 'auth', reason, authentication };
}
