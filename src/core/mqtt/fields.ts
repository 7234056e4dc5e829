/** The tables of both versions as data. Source: MQTT 3.1.1 §2.2, §3.2.2.3; MQTT 5.0 §2.1. */
import type { Qos } from '../broker/index.ts';

/** Packet types, the high four bits of the first byte; AUTH is MQTT 5's. Source: table 2.1; MQTT 5.0 table 2-1. */
export const PACKET = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** Connect return codes. Source: table 3.1. */
export const CONNECT_CODE = {
  accepted: 0,
  versionRefused: 1,
  identifierRejected: 2,
  unavailable: 3,
  badCredentials: 4,
  notAuthorized: 5,
} as const;

/** A SUBACK's code for a filter that was not granted. Source: MQTT 3.1.1 §3.9.3. */
export const SUBSCRIPTION_REFUSED = 0x80;

/** The protocol levels that can be told apart: 3.1, 3.1.1, 5. */
export const LEVEL = { v31: 3, v311: 4, v5: 5 } as const;

/** The low four bits that a packet from a client must have, by type; types a client must not send, and PUBLISH, are not there. */
export const REQUIRED_FLAGS: Readonly<Partial<Record<number, number>>> = {
  [PACKET.connect]: 0,
  [PACKET.puback]: 0,
  [PACKET.pubrec]: 0,
  [PACKET.pubrel]: 2,
  [PACKET.pubcomp]: 0,
  [PACKET.subscribe]: 2,
  [PACKET.unsubscribe]: 2,
  [PACKET.pingreq]: 0,
  [PACKET.disconnect]: 0,
  [PACKET.auth]: 0,
};

/** Null: there is no such QoS. */
export const qosOf = (value: number): Qos | null =>
  value === 0 || value === 1 || value === 2 ? value : null;
