/** Takes the load balancer's header off the front of a connection, before TLS or HTTP see it. Source: proxy-header.ts. */
import type { Socket } from 'node:net';
import { readProxyHeader, type Endpoint } from './proxy-header.ts';

export type ProxyEvents = Readonly<{
  /** The header is read; what follows it has been put back. The socket is paused. `source`: null where the balancer names nobody. */
  passed: (source: Endpoint | null) => void;
  refused: (why: string) => void;
}>;

/** Bounded in bytes by the header's own limit; in time by whoever calls. */
export function readThroughProxy(socket: Socket, events: ProxyEvents): void {
  let had: Buffer = Buffer.alloc(0);
  const take = (bytes: Buffer): void => {
    had = had.length === 0 ? bytes : Buffer.concat([had, bytes]);
    const header = readProxyHeader(had);
    if (header.kind === 'more') return;
    socket.off('data', take);
    if (header.kind === 'refused') return events.refused(header.why);
    socket.pause();
    const rest = had.subarray(header.bytes);
    if (rest.length > 0) socket.unshift(rest);
    events.passed(header.source);
  };
  socket.on('data', take);
}
