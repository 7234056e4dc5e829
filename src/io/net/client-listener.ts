/**
 * A port for clients, open only while this server serves. On its way to being a stream a connection passes, in this order, the load
 * balancer's header, TLS and WebSocket, as far as this port has them. Source: ports/listener.ts; PROTOCOL.md §3 (serves).
 */
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { RareWarnings, type Clock, type Log } from '../../base/index.ts';
import type { ByteStream, Listener, ListenerEvents, StreamEvents, Transport } from '../../ports/index.ts';
import type { AcceptLimits } from './accept-limits.ts';
import { Arrival, endpointText, type ArrivalFault } from './arrival.ts';
import {
  acceptFaults,
  arrivalFaults,
  listenFault,
  type AcceptFaultCode,
  type ArrivalFaultCode,
} from './faults.ts';
import type { ListenerName } from './options.ts';
import { readThroughProxy } from './proxy/proxy-gate.ts';
import { shortAddress } from './proxy/proxy-header.ts';
import { SocketStream } from './socket-stream.ts';
import type { Certificates } from './tls/certificates.ts';
import { TlsGate } from './tls/tls-gate.ts';
import { WebSocketGate } from './web-socket/web-socket-gate.ts';
import { WebSocketStream } from './web-socket/web-socket-stream.ts';

/** Many clients come back at once after a takeover; the kernel bounds this by its own limit. */
const BACKLOG = 4096;

export type ClientListenerParts = Readonly<{
  /** Its key below `listeners`, for messages. */
  name: ListenerName;
  /** Port 0 takes a free one. */
  place: Readonly<{ host: string; port: number; proxyProtocol: 'off' | 'required' }>;
  /** Null: without TLS. */
  certificates: Certificates | null;
  /** Null: without WebSocket. `messageBytesMax`: longer messages end the connection. */
  webSocket: Readonly<{ path: string; messageBytesMax: number }> | null;
  /** How long a client may take until it is a stream. */
  arrivalMs: number;
  /** The same for all ports. */
  limits: AcceptLimits;
  clock: Clock;
  log: Log;
}>;

type Stream = ByteStream & Readonly<{ tell: (events: StreamEvents) => void }>;

export class ClientListener implements Listener {
  readonly #parts: ClientListenerParts;
  readonly #transport: Transport;
  readonly #tls: TlsGate | null;
  readonly #webSockets: WebSocketGate | null;
  readonly #warnings: RareWarnings;
  #server: Server | null = null;
  /** Settles when `#server` is bound or refused. */
  #opening: Promise<void> = Promise.resolve();
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<ByteStream>();

  constructor(parts: ClientListenerParts) {
    const { certificates, webSocket, arrivalMs, clock, log } = parts;
    this.#parts = parts;
    this.#transport = transportOf(parts);
    this.#tls = certificates === null ? null : new TlsGate(certificates, arrivalMs);
    this.#webSockets = webSocket === null ? null : new WebSocketGate(webSocket);
    this.#warnings = new RareWarnings(clock, log);
  }

  /** The port that is bound; null when none is. */
  get port(): number | null {
    const address = this.#server?.address() ?? null;
    return address === null || typeof address === 'string' ? null : address.port;
  }

  async open(events: ListenerEvents): Promise<void> {
    await this.close();
    const server = createServer((socket) => {
      if (this.#server === server) this.#accept(socket, events);
      else socket.destroy();
    });
    this.#server = server;
    this.#parts.limits.opened();
    this.#opening = this.#listen(server);
    try {
      await this.#opening;
    } catch (failure) {
      if (this.#server === server) this.#server = null;
      throw failure;
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const stream of this.#streams) stream.destroy();
    for (const socket of this.#sockets) socket.destroy();
    if (server === null) return;
    // A server that is closed before its port is bound would bind it afterwards.
    const isBound = await this.#opening.then(
      () => true,
      () => false,
    );
    if (isBound) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  get #key(): string {
    return `listeners.${this.#parts.name}`;
  }

  #listen(server: Server): Promise<void> {
    const { host, port } = this.#parts.place;
    const text = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
    return new Promise((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException): void => reject(listenFault(text, this.#key, error));
      server.once('error', refused);
      server.listen({ host, port, backlog: BACKLOG, exclusive: true }, () => {
        server.off('error', refused);
        // Such as no descriptors left: those who are connected stay, and others may come later.
        server.on('error', () => undefined);
        resolve();
      });
    });
  }

  #accept(socket: Socket, events: ListenerEvents): void {
    const { limits, place } = this.#parts;
    // `close` follows and is all that anybody needs to know.
    socket.on('error', () => undefined);
    if (!limits.enter()) return this.#turnAway(socket, 'LS_CONNECTIONS_MAX', limits.connectionsMax);
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      limits.leave();
    });
    // Behind a load balancer the address that counts is the one that it tells.
    if (place.proxyProtocol === 'off' && !this.#admits(socket, socket.remoteAddress ?? '')) return;
    socket.setNoDelay(true);
    const ms = this.#parts.arrivalMs;
    const late: ArrivalFault = {
      code: 'LS_ARRIVAL_TIMEOUT',
      text: arrivalFaults.LS_ARRIVAL_TIMEOUT(this.#key, ms),
    };
    const arrival: Arrival = new Arrival(socket, { ms, fault: late }, (fault) =>
      this.#warn(arrival.remote, fault),
    );
    this.#passProxy(arrival, () =>
      this.#passTls(arrival, (carrier) => this.#passWebSocket(arrival, carrier, events)),
    );
  }

  #passProxy(arrival: Arrival, passed: () => void): void {
    if (this.#parts.place.proxyProtocol === 'off') return passed();
    readThroughProxy(arrival.socket, {
      passed: (source) => {
        if (source !== null) {
          arrival.remote = endpointText(source);
          // Where the balancer speaks for itself, nobody else can be held to it.
          if (!this.#admits(arrival.socket, source.address)) return;
        }
        passed();
      },
      refused: (why) => arrival.fail(this.#fault('LS_PROXY_HEADER', why)),
    });
  }

  /** `passed` gets what carries the bytes from here on. */
  #passTls(arrival: Arrival, passed: (carrier: Socket) => void): void {
    if (this.#tls === null) return passed(arrival.socket);
    this.#tls.enter(arrival.socket, {
      passed: (secured, certificateName) => {
        arrival.certificateName = certificateName;
        passed(secured);
      },
      // TLS closes it after its alert.
      failed: (why) => arrival.blame(this.#fault('LS_TLS_HANDSHAKE', why)),
      distrusted: (why) => arrival.fail(this.#fault('LS_TLS_CLIENT_CERTIFICATE', why)),
    });
  }

  #passWebSocket(arrival: Arrival, carrier: Socket, events: ListenerEvents): void {
    const { remote, certificateName } = arrival;
    const client = { transport: this.#transport, remote, certificateName };
    if (this.#webSockets === null) {
      // One that was paused on its way here may hold the first bytes; they come after this turn.
      carrier.resume();
      return this.#arrive(arrival, new SocketStream(carrier, client), events);
    }
    this.#webSockets.enter(carrier, {
      passed: (webSocket) => {
        const violated = (why: string): void => this.#warn(remote, this.#fault('LS_WEBSOCKET', why));
        this.#arrive(arrival, new WebSocketStream(webSocket, carrier, client, violated), events);
      },
      refused: (why) => arrival.blame(this.#fault('LS_WEBSOCKET', why)),
    });
  }

  #arrive(arrival: Arrival, stream: Stream, events: ListenerEvents): void {
    arrival.arrived();
    this.#streams.add(stream);
    const { data, drained, closed } = events.connected(stream);
    stream.tell({
      data,
      drained,
      closed: () => {
        this.#streams.delete(stream);
        closed();
      },
    });
  }

  #admits(socket: Socket, address: string): boolean {
    const { limits } = this.#parts;
    const short = shortAddress(address);
    if (limits.admits(short)) return true;
    this.#turnAway(socket, 'LS_CONNECTION_RATE', limits.ratePerAddressMax, short);
    return false;
  }

  /** A reset costs nothing more: no port stays in TIME_WAIT, and no client takes it for a farewell. */
  #turnAway(socket: Socket, code: AcceptFaultCode, max: number, remote = socket.remoteAddress ?? ''): void {
    socket.resetAndDestroy();
    this.#warn(shortAddress(remote), { code, text: acceptFaults[code](max) });
  }

  #fault(code: Exclude<ArrivalFaultCode, 'LS_ARRIVAL_TIMEOUT'>, why: string): ArrivalFault {
    return { code, text: arrivalFaults[code](this.#key, why) };
  }

  #warn(remote: string, { code, text }: Readonly<{ code: string; text: string }>): void {
    this.#warnings.warn(code, `A client at ${remote} ${text}`);
  }
}

function transportOf({
  certificates,
  webSocket,
}: Pick<ClientListenerParts, 'certificates' | 'webSocket'>): Transport {
  if (webSocket === null) return certificates === null ? 'tcp' : 'tls';
  return certificates === null ? 'ws' : 'wss';
}
