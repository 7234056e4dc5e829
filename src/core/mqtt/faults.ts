/** What MQTT clients do wrong, as operators read it. Each costs its own connection and nothing else. No topic, payload or password. */

export const mqttFaults = {
  LS_MQTT_MALFORMED: (clause: string, what: string) =>
    `sent a packet that is not MQTT 3.1.1: ${what} [${clause}]`,
  LS_MQTT_UNEXPECTED: (clause: string, what: string) => `broke the rules of MQTT 3.1.1: ${what} [${clause}]`,
  LS_MQTT_PACKET_SIZE: (bytes: number, max: number) =>
    `announced a packet of ${bytes} bytes, more than mqtt.packetSizeMax (${max}); raise it or send smaller messages`,
  LS_MQTT_VERSION: (version: string) => `speaks ${version}; let it connect with MQTT 3.1.1`,
  LS_MQTT_CLIENT_ID: () =>
    'wants a durable session and gave no client identifier; give it one, or let it begin with a clean session',
} as const;

export type MqttFaultCode = keyof typeof mqttFaults;

/** A client broke the protocol; its connection is closed. Source: MQTT-4.8.0-1. */
export class MqttViolation extends Error {
  override name = 'MqttViolation';
  readonly code: MqttFaultCode;

  constructor(code: MqttFaultCode, text: string) {
    super(text);
    this.code = code;
  }
}

export const malformed = (clause: string, what: string): MqttViolation =>
  new MqttViolation('LS_MQTT_MALFORMED', mqttFaults.LS_MQTT_MALFORMED(clause, what));

export const unexpected = (clause: string, what: string): MqttViolation =>
  new MqttViolation('LS_MQTT_UNEXPECTED', mqttFaults.LS_MQTT_UNEXPECTED(clause, what));
