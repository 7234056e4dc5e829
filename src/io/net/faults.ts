/** What can go wrong with ports for clients, on their way to being streams, and with certificates, as operators read it. */

export const netFaults = {
  LS_PORT_BUSY: (place: string, key: string) =>
    `the port for clients ${place} is in use by another program, or by another server of this machine; end that program, or give another ${key}.port`,
  LS_PORT_DENIED: (place: string, key: string) =>
    `this user may not open the port for clients ${place}; give a ${key}.port above 1023, or the right to open this one`,
  LS_PORT_ADDRESS: (place: string, key: string) =>
    `this machine has no address for ${place}; correct ${key}.host`,
  LS_PORT_FAILED: (place: string, key: string, why: string) =>
    `the port for clients ${place} (${key}) can't be opened: ${why}`,
  LS_TLS_FILE: (key: string, file: string, why: string) =>
    `${key}: ${file} can't be used: ${why}; correct the file or the profile`,
  LS_TLS_TIME: (key: string, file: string, why: string) =>
    `${key}: the certificate in ${file} ${why}; clients will refuse it. Put a new one there and run lockstep reload`,
  LS_TLS_NOT_USED: () =>
    'neither listeners.mqtts nor listeners.wss is enabled, so there are no certificates to read',
} as const;

/** What a client, or a load balancer before it, did wrong before MQTT could begin. Each costs that connection only. */
export const arrivalFaults = {
  LS_PROXY_HEADER: (key: string, why: string) =>
    `sent no PROXY header that can be read (${why}), and was cut off; ${key}.proxyProtocol is required, so let only the load balancer connect there, with PROXY protocol switched on`,
  LS_TLS_HANDSHAKE: (key: string, why: string) => `could not agree on TLS at ${key}: ${why}`,
  LS_TLS_CLIENT_CERTIFICATE: (key: string, why: string) =>
    `${why} at ${key}, and was cut off; see tls.clientCertificates and tls.clientCaFile`,
  LS_WEBSOCKET: (key: string, why: string) => `broke the rules of MQTT over WebSocket at ${key}: ${why}`,
  LS_ARRIVAL_TIMEOUT: (key: string, ms: number) =>
    `had not got past PROXY header, TLS and WebSocket at ${key} after mqtt.connectTimeout (${ms} ms), and was cut off`,
} as const;

/** Why a connection was reset as soon as it was accepted. */
export const acceptFaults = {
  LS_CONNECTIONS_MAX: (max: number) =>
    `was turned away: ${max} connections are open (mqtt.connectionsMax); look for clients that open more than they need, or raise it`,
  LS_CONNECTION_RATE: (max: number) =>
    `was turned away: its address has opened more than ${max} connections within a second (mqtt.connectionRateMax); look for one that connects over and over, or raise it`,
} as const;

export type NetFaultCode = keyof typeof netFaults;
export type ArrivalFaultCode = keyof typeof arrivalFaults;
export type AcceptFaultCode = keyof typeof acceptFaults;

/** A listener could not be opened, or a certificate could not be used. */
export class NetFault extends Error {
  override name = 'NetFault';
  readonly code: NetFaultCode;

  constructor(code: NetFaultCode, text: string) {
    super(text);
    this.code = code;
  }
}

/** From what the operating system says on listening. `key`: of the listener in the profile. */
export function listenFault(place: string, key: string, error: NodeJS.ErrnoException): NetFault {
  switch (error.code) {
    case 'EADDRINUSE':
      return new NetFault('LS_PORT_BUSY', netFaults.LS_PORT_BUSY(place, key));
    case 'EACCES':
    case 'EPERM':
      return new NetFault('LS_PORT_DENIED', netFaults.LS_PORT_DENIED(place, key));
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new NetFault('LS_PORT_ADDRESS', netFaults.LS_PORT_ADDRESS(place, key));
    default:
      return new NetFault('LS_PORT_FAILED', netFaults.LS_PORT_FAILED(place, key, error.message));
  }
}
