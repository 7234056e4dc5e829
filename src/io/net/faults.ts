/** What can go wrong with a port for clients, as operators read it. */

export const netFaults = {
  LS_PORT_BUSY: (place: string) =>
    `the port for clients ${place} is in use by another program, or by another server of this machine; end that program, or give another listeners.mqtt.port`,
  LS_PORT_DENIED: (place: string) =>
    `this user may not open the port for clients ${place}; give a listeners.mqtt.port above 1023, or the right to open this one`,
  LS_PORT_ADDRESS: (place: string) => `this machine has no address for ${place}; correct listeners.mqtt.host`,
  LS_PORT_FAILED: (place: string, why: string) => `the port for clients ${place} can't be opened: ${why}`,
} as const;

export type NetFaultCode = keyof typeof netFaults;

/** A listener could not be opened. */
export class NetFault extends Error {
  override name = 'NetFault';
  readonly code: NetFaultCode;

  constructor(code: NetFaultCode, text: string) {
    super(text);
    this.code = code;
  }
}

/** From what the operating system says on listening. */
export function listenFault(place: string, error: NodeJS.ErrnoException): NetFault {
  switch (error.code) {
    case 'EADDRINUSE':
      return new NetFault('LS_PORT_BUSY', netFaults.LS_PORT_BUSY(place));
    case 'EACCES':
    case 'EPERM':
      return new NetFault('LS_PORT_DENIED', netFaults.LS_PORT_DENIED(place));
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new NetFault('LS_PORT_ADDRESS', netFaults.LS_PORT_ADDRESS(place));
    default:
      return new NetFault('LS_PORT_FAILED', netFaults.LS_PORT_FAILED(place, error.message));
  }
}
