/** Ports for clients: TCP sockets as byte streams. */
export { NetFault, netFaults, type NetFaultCode } from './faults.ts';
export { mqttListenerOptions, type MqttListenerOptions } from './options.ts';
export { TcpListener } from './tcp-listener.ts';
