/** What MQTT clients do wrong, as operators read it. Each costs its own connection and nothing else. No topic, payload or password. */
import type { Level } from './packet.ts';
import { REASON, type Reason } from './reasons.ts';

export const mqttFaults = {
  LS_MQTT_MALFORMED: (level: Level, clause: string, what: string) =>
    `sent a packet that is not ${versionOf(level)}: ${what} [${clause}]`,
  LS_MQTT_UNEXPECTED: (level: Level, clause: string, what: string) =>
    `broke the rules of ${versionOf(level)}: ${what} [${clause}]`,
  LS_MQTT_PACKET_SIZE: (bytes: number, max: number) =>
    `announced a packet of ${bytes} bytes, more than mqtt.packetSizeMax (${max}); raise it or send smaller messages`,
  LS_MQTT_TOPIC: (size: string, limit: string) =>
    `names a topic of ${size}, and ${limit}; let it use a shorter one, or raise that`,
  LS_MQTT_SUBSCRIPTIONS: (max: number) =>
    `has ${max} subscriptions (mqtt.subscriptionsMax) and is not given another; let it use wildcards, or raise that`,
  LS_MQTT_RETAINED: (limit: string) =>
    `wants a message to be retained, and ${limit}; the message is refused, with QoS 0 only not kept. Let somebody clear what is not needed, or raise that`,
  LS_MQTT_VERSION: (version: string) => `speaks ${version}; let it connect with MQTT 5 or 3.1.1`,
  LS_MQTT_CLIENT_ID: () =>
    'wants a durable session and gave no client identifier; give it one, or let it begin with a clean session',
  LS_MQTT_AUTH_METHOD: () =>
    'wants to authenticate by a method that this server does not have; let it give its user name and password, or SCRAM-SHA-256',
  LS_MQTT_ANSWER_SIZE: (bytes: number, max: number) =>
    `takes no packet longer than ${max} bytes, and the answer to it has ${bytes}; raise its maximum packet size`,
  LS_MQTT_REFUSED: () =>
    'published a message for which the queue of a subscriber has no room, and was disconnected without an acknowledgement, so that it keeps the message (mqtt.queueWhenFull is refuse); let the subscriber read, or raise mqtt.queueMessagesMax and mqtt.queueSizeMax',
} as const;

export type MqttFaultCode = keyof typeof mqttFaults;

const versionOf = (level: Level): string => (level === 5 ? 'MQTT 5' : 'MQTT 3.1.1');

/** A client broke the protocol; its connection is closed. Source: MQTT 3.1.1 MQTT-4.8.0-1; MQTT 5.0 §4.13. */
export class MqttViolation extends Error {
  override name = 'MqttViolation';
  readonly code: MqttFaultCode;
  /** What a client of MQTT 5 is told with the CONNACK or DISCONNECT. */
  readonly reason: Reason;
  /** The version whose rules it broke: a CONNECT that is refused with this is answered as that version has it. Null: of no one version. */
  readonly level: Level | null;

  constructor(code: MqttFaultCode, reason: Reason, text: string, level: Level | null = null) {
    super(text);
    this.code = code;
    this.reason = reason;
    this.level = level;
  }
}

/** The packet can't be read as the specification has it. `clause`: of the client's version. */
export const malformed = (level: Level, clause: string, what: string): MqttViolation =>
  new MqttViolation(
    'LS_MQTT_MALFORMED',
    REASON.malformedPacket,
    mqttFaults.LS_MQTT_MALFORMED(level, clause, what),
    level,
  );

/** The packet can be read, and the client may not send it, or not now. */
export const unexpected = (
  level: Level,
  clause: string,
  what: string,
  reason: Reason = REASON.protocolError,
): MqttViolation =>
  new MqttViolation('LS_MQTT_UNEXPECTED', reason, mqttFaults.LS_MQTT_UNEXPECTED(level, clause, what), level);
