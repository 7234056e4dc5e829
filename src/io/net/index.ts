/** Ports for clients: TCP sockets, with TLS, WebSocket and a load balancer before them where the profile says so, as byte streams. */
export { AcceptLimits, type AcceptLimitsParts } from './accept-limits.ts';
export { Certificates, type CertificatesParts } from './tls/certificates.ts';
export { ClientListener, type ClientListenerParts } from './client-listener.ts';
export {
  acceptFaults,
  arrivalFaults,
  NetFault,
  netFaults,
  type AcceptFaultCode,
  type ArrivalFaultCode,
  type NetFaultCode,
} from './faults.ts';
export { listenerOptions, tlsOptions, type ListenerName, type TlsOptions } from './options.ts';
export {
  PROXY_HEADER_BYTES_MAX,
  readProxyHeader,
  type Endpoint,
  type ProxyHeader,
} from './proxy/proxy-header.ts';
