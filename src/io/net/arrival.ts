/**
 * A connection on its way from the port to being a stream: what PROXY header, TLS and WebSocket each find out about the client. Until it
 * has arrived it has a time limit, and whatever it does wrong costs it alone.
 */
import { isIPv6, type Socket } from 'node:net';
import type { ArrivalFaultCode } from './faults.ts';
import { shortAddress, type Endpoint } from './proxy/proxy-header.ts';

export type ArrivalFault = Readonly<{ code: ArrivalFaultCode; text: string }>;

export class Arrival {
  /** The connection at the port itself; what lies above it goes with it. */
  readonly socket: Socket;
  /** The client, as far as it is known: the other end, or whom the load balancer speaks for. */
  remote: string;
  certificateName: string | null = null;
  readonly #blamed: (fault: ArrivalFault) => void;
  #isUnderWay = true;
  #isBlamed = false;
  readonly #limit: NodeJS.Timeout;

  /** `blamed` is told once at most what the client did wrong; nothing of one that goes by itself. */
  constructor(
    socket: Socket,
    limit: Readonly<{ ms: number; fault: ArrivalFault }>,
    blamed: (fault: ArrivalFault) => void,
  ) {
    this.socket = socket;
    const { remoteAddress = 'an unknown address', remotePort = 0 } = socket;
    this.remote = endpointText({ address: remoteAddress, port: remotePort });
    this.#blamed = blamed;
    this.#limit = setTimeout(() => this.fail(limit.fault), limit.ms);
    socket.once('close', () => this.arrived());
  }

  /** It is a stream now, or over: the limit does not hold any more. */
  arrived(): void {
    this.#isUnderWay = false;
    clearTimeout(this.#limit);
  }

  /** Cuts it off. */
  fail(fault: ArrivalFault): void {
    this.blame(fault);
    this.socket.destroy();
  }

  /** It gets a last word from somebody else, and is cut off by its limit if it does not go then. */
  blame(fault: ArrivalFault): void {
    if (!this.#isUnderWay || this.#isBlamed) return;
    this.#isBlamed = true;
    this.#blamed(fault);
  }
}

/** As in a URL. */
export const endpointText = ({ address, port }: Endpoint): string => {
  const short = shortAddress(address);
  return `${isIPv6(short) ? `[${short}]` : short}:${port}`;
};
