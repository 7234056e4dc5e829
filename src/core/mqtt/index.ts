/**
 * MQTT 3.1.1 and 5: bytes to packets (`Decoder`), packets to bytes (`packetWriter`), packets to what the broker is asked (`MqttSession`), and
 * what is on its way to one client (`Window`). No sockets, no clock.
 */
export { Decoder } from './decoder.ts';
export { mqttFaults, MqttViolation, type MqttFaultCode } from './faults.ts';
export {
  type ConnackProperties,
  type DisconnectProperties,
  type Explanation,
  type PacketWriter,
  type PublishContent,
  type PublishMarks,
  type WriterParts,
} from './packet-writer.ts';
export {
  type Ack,
  type Auth,
  type Authentication,
  type Connect,
  type Disconnect,
  type ForeignConnect,
  type Level,
  type Packet,
  type Publish,
  type Subscribe,
  type Unsubscribe,
} from './packet.ts';
export { type Permissions } from './permissions.ts';
export { saysText } from './property-reader.ts';
export { PublishCopies } from './publish-copies.ts';
export { isFailure, REASON, reasonName, REASONS, type Reason } from './reasons.ts';
export {
  MqttSession,
  type Answer,
  type Ask,
  type AuthAnswer,
  type Effect,
  type Exchange,
  type Mechanisms,
  type Outgoing,
  type SessionLimits,
  type SessionParts,
  type Terms,
} from './session/index.ts';
export { Window, type Sending, type WindowTerms } from './window.ts';
export { checkTopicFilter, checkTopicName, excessOf, sharedFilter, type TopicLimits } from './topics.ts';
export { isUtf8 } from './utf8.ts';
export { packetWriter } from './writer.ts';
