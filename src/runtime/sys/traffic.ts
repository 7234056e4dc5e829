/** What has gone through this process since it began. */
export class Traffic {
  /** Connections that were opened, with CONNECT or without. */
  sockets = 0;
  /** CONNECTs that were let in. */
  connects = 0;
  /** MQTT packets and their bytes. */
  packetsIn = 0;
  packetsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Messages taken from clients, and sent to them, and their payloads. */
  messagesIn = 0;
  messagesOut = 0;
  payloadIn = 0;
  payloadOut = 0;
}
