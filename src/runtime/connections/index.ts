/**
 * The clients' side of a serving server: streams from the listeners, MQTT sessions, proposals, deliveries. Owns no socket and no timer
 * but those of its ports. `Connections` is opened, drained and closed by the pair.
 */
export {
  Connections,
  type ConnectionsParts,
  type ConnectionsStats,
  type SelfKnowledge,
} from './connections.ts';
export { connectionFaults, type ConnectionFaultCode } from './faults.ts';
export { connectionOptions, type ConnectionOptions } from './options.ts';
