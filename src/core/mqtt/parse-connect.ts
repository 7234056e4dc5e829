/** A CONNECT: it says which version the client speaks, and is read by that version's rules. Source: MQTT 3.1.1 §3.1; MQTT 5.0 §3.1. */
import { NEVER_EXPIRES, NO_PROPERTIES } from '../broker/index.ts';
import { CLAUSE } from './clauses.ts';
import { malformed, unexpected } from './faults.ts';
import { LEVEL, qosOf } from './fields.ts';
import type { Connect, ForeignConnect, Level } from './packet.ts';
import { PropertySet, readMessageProperties, readProperties } from './property-reader.ts';
import { CARRIED, PROPERTY } from './property-table.ts';
import type { PacketReader } from './reader.ts';
import { checkTopicName } from './topics.ts';

const [CLEAN, WILL, WILL_RETAIN, PASSWORD, USER_NAME] = [0x02, 0x04, 0x20, 0x40, 0x80] as const;

export function parseConnect(reader: PacketReader): Connect | ForeignConnect {
  const name = reader.text();
  const isMqisdp = name === 'MQIsdp';
  if (name !== 'MQTT' && !isMqisdp)
    throw malformed(reader.level, CLAUSE.protocolName[reader.level], 'a protocol name that is not MQTT');
  const level = reader.u8();
  if (isMqisdp || !isLevel(level)) return { type: 'foreignConnect', level, isMqisdp };
  reader.level = level;
  const flags = reader.u8();
  if ((flags & 0x01) !== 0)
    throw malformed(level, CLAUSE.connectFlag[level], 'the reserved flag of CONNECT set');
  const hasName = (flags & USER_NAME) !== 0;
  const hasPassword = (flags & PASSWORD) !== 0;
  if (level === LEVEL.v311 && hasPassword && !hasName)
    throw malformed(level, 'MQTT-3.1.2-22', 'a password without a user name');
  const keepAliveSeconds = reader.u16();
  const said = level === LEVEL.v5 ? readProperties(reader, CARRIED.connect) : new PropertySet();
  const { authentication } = said;
  if (authentication === null && said.has(PROPERTY.authenticationData))
    throw unexpected(level, '3.1.2.11.10', 'authentication data without an authentication method');
  const isClean = (flags & CLEAN) !== 0;
  // MQTT 3.1.1 MQTT-3.1.2-4, MQTT-3.1.2-6; MQTT 5.0 §3.1.2.11.2
  const expiryDefault = level === LEVEL.v5 || isClean ? 0 : NEVER_EXPIRES;
  return {
    type: 'connect',
    level,
    isClean,
    keepAliveSeconds,
    clientId: reader.text(),
    will: parseWill(flags, reader),
    userName: hasName ? reader.text() : null,
    password: hasPassword ? reader.bytes() : null,
    expirySeconds: said.number(PROPERTY.sessionExpiry) ?? expiryDefault,
    receiveMax: said.number(PROPERTY.receiveMax) ?? 0xffff,
    packetSizeMax: said.number(PROPERTY.packetSizeMax),
    aliasMax: said.number(PROPERTY.aliasMax) ?? 0,
    wantsResponseInformation: said.number(PROPERTY.requestResponseInformation) === 1,
    wantsProblemInformation: said.number(PROPERTY.requestProblemInformation) !== 0,
    authentication,
  };
}

const isLevel = (byte: number): byte is Level => byte === LEVEL.v311 || byte === LEVEL.v5;

function parseWill(flags: number, reader: PacketReader): Connect['will'] {
  const { level } = reader;
  const qos = qosOf((flags >> 3) & 3);
  const isRetained = (flags & WILL_RETAIN) !== 0;
  if ((flags & WILL) === 0) {
    if (qos !== 0) throw malformed(level, CLAUSE.noWillQos[level], 'a will QoS without a will');
    if (isRetained) throw malformed(level, CLAUSE.noWillRetain[level], 'a will to retain without a will');
    return null;
  }
  if (qos === null) throw malformed(level, CLAUSE.willQos[level], 'a will QoS of 3');
  const said = level === LEVEL.v5 ? readMessageProperties(reader, 'will') : null;
  const address = reader.text();
  checkTopicName(level, address);
  return {
    address,
    payload: reader.bytes(),
    qos,
    isRetained,
    properties: said?.forwarded ?? NO_PROPERTIES,
    expirySeconds: said?.expirySeconds ?? null,
    delaySeconds: said?.delaySeconds ?? 0,
  };
}
