/**
 * MQTT 3.1.1 with QoS 0 and 1: bytes to packets (`Decoder`), packets to what the broker is asked (`MqttSession`), messages to bytes
 * (`publish`), and what is on its way to one client (`Window`). No sockets, no clock. QoS 2 and MQTT 5 are refused with their codes.
 */
export { Decoder } from './decoder.ts';
export { publish } from './encode.ts';
export { mqttFaults, MqttViolation, type MqttFaultCode } from './faults.ts';
export { type Packet } from './packet.ts';
export { MqttSession, type Effect, type SessionParts } from './session.ts';
export { Window } from './window.ts';
