/** From the bytes of one whole packet to its value, with every check that needs no more than the packet. Source: MQTT 3.1.1 §3. */
import { NEVER_EXPIRES, NO_PROPERTIES, plainSubscription, type Qos } from '../broker/index.ts';
import { malformed, unexpected } from './faults.ts';
import { LEVEL, PACKET, REQUIRED_FLAGS } from './fields.ts';
import type { Connect, Packet, SharedFilter, Subscribe } from './packet.ts';
import { PacketReader } from './reader.ts';
import { REASON } from './reasons.ts';
import { checkTopicFilter, checkTopicName } from './topics.ts';

/** `head` is the first byte; the rest of the packet, without the remaining length, lies in `bytes` from `start` to `end`. */
export function parsePacket(head: number, bytes: Buffer, start: number, end: number): Packet {
  const reader = new PacketReader(bytes, start, end);
  const type = head >> 4;
  if (type === PACKET.publish) return parsePublish(head & 0x0f, reader);
  const packet = parseOther(type, head & 0x0f, reader);
  if (packet.type !== 'foreignConnect') reader.close();
  return packet;
}

function parseOther(type: number, flags: number, reader: PacketReader): Packet {
  const required = REQUIRED_FLAGS[type];
  if (required === undefined)
    throw unexpected(4, 'MQTT-4.8.0-1', `packet type ${type}, which no client has reason to send`);
  if (flags !== required) throw malformed(4, 'MQTT-2.2.2-2', `flags ${flags} in a packet of type ${type}`);
  switch (type) {
    case PACKET.connect:
      return parseConnect(reader);
    case PACKET.puback:
      return { type: 'puback', packetId: reader.packetId(), reason: REASON.success };
    case PACKET.pubrec:
      return { type: 'pubrec', packetId: reader.packetId(), reason: REASON.success };
    case PACKET.pubrel:
      return { type: 'pubrel', packetId: reader.packetId(), reason: REASON.success };
    case PACKET.pubcomp:
      return { type: 'pubcomp', packetId: reader.packetId(), reason: REASON.success };
    case PACKET.subscribe:
      return parseSubscribe(reader);
    case PACKET.unsubscribe:
      return parseUnsubscribe(reader);
    case PACKET.pingreq:
      return { type: 'pingreq' };
    default:
      return { type: 'disconnect', reason: REASON.normalDisconnection, expirySeconds: null };
  }
}

/** Null: there is no such QoS. */
const qosOf = (value: number): Qos | null => (value === 0 || value === 1 || value === 2 ? value : null);

function parsePublish(flags: number, reader: PacketReader): Packet {
  const qos = qosOf((flags >> 1) & 3);
  if (qos === null) throw malformed(4, 'MQTT-3.3.1-4', 'both QoS bits set');
  if (qos === 0 && (flags & 8) !== 0) throw malformed(4, 'MQTT-3.3.1-2', 'DUP set with QoS 0');
  const topic = reader.text();
  checkTopicName(topic);
  const packetId = qos === 0 ? 0 : reader.packetId();
  return {
    type: 'publish',
    topic,
    alias: 0,
    payload: reader.rest(),
    qos,
    isRetained: (flags & 1) === 1,
    isDup: (flags & 8) !== 0,
    packetId,
    properties: NO_PROPERTIES,
    expirySeconds: null,
    isText: false,
  };
}

function parseConnect(reader: PacketReader): Packet {
  const name = reader.text();
  if (name === 'MQIsdp') return { type: 'foreignConnect', level: LEVEL.v31, isMqisdp: true };
  if (name !== 'MQTT') throw malformed(4, 'MQTT-3.1.2-1', 'a protocol name that is not MQTT');
  const level = reader.u8();
  if (level !== LEVEL.v311) return { type: 'foreignConnect', level, isMqisdp: false };
  const flags = reader.u8();
  if ((flags & 0x01) !== 0) throw malformed(4, 'MQTT-3.1.2-3', 'the reserved flag of CONNECT set');
  const hasWill = (flags & 0x04) !== 0;
  const hasName = (flags & 0x80) !== 0;
  const hasPassword = (flags & 0x40) !== 0;
  if (hasPassword && !hasName) throw malformed(4, 'MQTT-3.1.2-22', 'a password without a user name');
  const keepAliveSeconds = reader.u16();
  const clientId = reader.text();
  const will = parseWill(hasWill, flags, reader);
  const userName = hasName ? reader.text() : null;
  const password = hasPassword ? reader.bytes() : null;
  const isClean = (flags & 0x02) !== 0;
  return {
    type: 'connect',
    level: LEVEL.v311,
    clientId,
    isClean,
    keepAliveSeconds,
    will,
    userName,
    password,
    expirySeconds: isClean ? 0 : NEVER_EXPIRES,
    receiveMax: 0xffff,
    packetSizeMax: null,
    aliasMax: 0,
    wantsResponseInformation: false,
    wantsProblemInformation: true,
    authentication: null,
  };
}

function parseWill(hasWill: boolean, flags: number, reader: PacketReader): Connect['will'] {
  const qos = qosOf((flags >> 3) & 3);
  const isRetained = (flags & 0x20) !== 0;
  if (!hasWill) {
    if (qos !== 0) throw malformed(4, 'MQTT-3.1.2-13', 'a will QoS without a will');
    if (isRetained) throw malformed(4, 'MQTT-3.1.2-15', 'a will to retain without a will');
    return null;
  }
  if (qos === null) throw malformed(4, 'MQTT-3.1.2-14', 'a will QoS of 3');
  const address = reader.text();
  checkTopicName(address);
  return {
    address,
    payload: reader.bytes(),
    qos,
    isRetained,
    properties: NO_PROPERTIES,
    expirySeconds: null,
    delaySeconds: 0,
  };
}

function parseSubscribe(reader: PacketReader): Packet {
  const packetId = reader.packetId();
  const subscriptions: Subscribe['subscriptions'][number][] = [];
  while (reader.left > 0) {
    const filter = reader.text();
    checkTopicFilter(filter);
    const options = reader.u8();
    const qos = qosOf(options);
    if (qos === null) throw malformed(4, 'MQTT-3.8.3-4', `a requested QoS of ${options}`);
    subscriptions.push({ ...plainSubscription(filter, qos), group: null });
  }
  if (subscriptions.length === 0) throw malformed(4, 'MQTT-3.8.3-3', 'a SUBSCRIBE without a topic filter');
  return { type: 'subscribe', packetId, subscriptions };
}

function parseUnsubscribe(reader: PacketReader): Packet {
  const packetId = reader.packetId();
  const filters: SharedFilter[] = [];
  while (reader.left > 0) {
    const filter = reader.text();
    checkTopicFilter(filter);
    filters.push({ filter, group: null });
  }
  if (filters.length === 0) throw malformed(4, 'MQTT-3.10.3-2', 'an UNSUBSCRIBE without a topic filter');
  return { type: 'unsubscribe', packetId, filters };
}
