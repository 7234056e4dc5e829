/** What a server may send, as the specifications' tables have it. Source: MQTT 3.1.1 §2.2.2, tables 3.1, 3.9; MQTT 5.0 §2.1.3, table 2-4, §3. */
import type { PacketType, PropertyName } from './fields.ts';
import type { Level } from './packets.ts';

/** The flags of what a server sends, but for PUBLISH. */
export const FLAGS: Readonly<Partial<Record<PacketType, number>>> = {
  connack: 0,
  puback: 0,
  pubrec: 0,
  pubrel: 2,
  pubcomp: 0,
  suback: 0,
  unsuback: 0,
  pingresp: 0,
  disconnect: 0,
  auth: 0,
};

/** The codes that a server may send. Source: MQTT 3.1.1 tables 3.1, 3.9; MQTT 5.0 §3.2.2.2, §3.4.2.1, …, §3.15.2.1. */
export const CODES: Readonly<Record<Level, Readonly<Partial<Record<PacketType, readonly number[]>>>>> = {
  4: { connack: [0, 1, 2, 3, 4, 5], suback: [0, 1, 2, 0x80] },
  5: {
    connack: [
      0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
      0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
    ],
    puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    pubrec: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    pubrel: [0x00, 0x92],
    pubcomp: [0x00, 0x92],
    suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
    unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
    disconnect: [
      0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97,
      0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ],
    auth: [0x00, 0x18],
  },
};

/** The properties that a server may send. Source: MQTT 5.0 table 2-4. */
export const MAY: Readonly<Partial<Record<PacketType, readonly PropertyName[]>>> = {
  connack: [
    'sessionExpiry',
    'assignedClientId',
    'serverKeepAlive',
    'authenticationMethod',
    'authenticationData',
    'responseInformation',
    'serverReference',
    'reasonString',
    'receiveMaximum',
    'topicAliasMaximum',
    'maximumQos',
    'retainAvailable',
    'userProperty',
    'maximumPacketSize',
    'wildcardAvailable',
    'subscriptionIdentifierAvailable',
    'sharedAvailable',
  ],
  publish: [
    'payloadFormat',
    'messageExpiry',
    'contentType',
    'responseTopic',
    'correlationData',
    'subscriptionIdentifier',
    'topicAlias',
    'userProperty',
  ],
  puback: ['reasonString', 'userProperty'],
  pubrec: ['reasonString', 'userProperty'],
  pubrel: ['reasonString', 'userProperty'],
  pubcomp: ['reasonString', 'userProperty'],
  suback: ['reasonString', 'userProperty'],
  unsuback: ['reasonString', 'userProperty'],
  // Without the session expiry, which is for clients (MQTT5-3.14.2-2).
  disconnect: ['serverReference', 'reasonString', 'userProperty'],
  auth: ['authenticationMethod', 'authenticationData', 'reasonString', 'userProperty'],
};

export const MANY: readonly PropertyName[] = ['userProperty', 'subscriptionIdentifier'];

/** By which statement a code must be one of those. */
export const CODE_STATEMENTS: Readonly<Partial<Record<PacketType, string>>> = {
  connack: 'MQTT 3.1.1 §3.2.2.3, MQTT5-3.2.2-8',
  puback: 'MQTT5-3.4.2-1',
  pubrec: 'MQTT5-3.5.2-1',
  pubrel: 'MQTT5-3.6.2-1',
  pubcomp: 'MQTT5-3.7.2-1',
  suback: 'MQTT-3.9.3-2, MQTT5-3.9.3-2',
  unsuback: 'MQTT5-3.11.3-2',
  disconnect: 'MQTT5-3.14.2-1',
  auth: 'MQTT5-3.15.2-1',
};
