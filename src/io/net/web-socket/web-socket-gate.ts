/**
 * The HTTP request by which a connection becomes a WebSocket for MQTT; everything else is answered and closed. Origins are not looked at:
 * nothing here rests on a browser's cookies. Source: RFC 6455 §4.2; MQTT-6.0.0-3, MQTT-6.0.0-4.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** The sub-protocol that clients must name. */
const PROTOCOL = 'mqtt';
/** Longer headers are refused by the HTTP parser (431). */
const HEADER_BYTES_MAX = 16 * 1024;

export type WebSocketEvents = Readonly<{
  passed: (webSocket: WebSocket) => void;
  /** It has its answer, and its connection is being closed. */
  refused: (why: string) => void;
}>;

export type WebSocketGateOptions = Readonly<{
  path: string;
  /** Longer messages end the connection. */
  messageBytesMax: number;
}>;

export class WebSocketGate {
  readonly #path: string;
  readonly #http: Server;
  readonly #upgrader: WebSocketServer;
  readonly #pending = new WeakMap<Duplex, WebSocketEvents>();

  constructor({ path, messageBytesMax }: WebSocketGateOptions) {
    this.#path = path;
    this.#upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: messageBytesMax,
      handleProtocols: () => PROTOCOL,
    });
    // Its own time limits hold only while it listens, which this one never does; whoever calls has one for everything.
    this.#http = createServer({ maxHeaderSize: HEADER_BYTES_MAX }, (_, response) => {
      const headers = { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' };
      response.writeHead(426, headers);
      response.end('This port is for MQTT over WebSocket.\n');
    });
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#noHttp(error, socket));
    this.#http.on('upgrade', (request: IncomingMessage, socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
  }

  enter(socket: Socket, events: WebSocketEvents): void {
    this.#pending.set(socket, events);
    // Source: Node's manual, http.Server, event `connection`: how a socket is given to an HTTP server that does not listen.
    this.#http.emit('connection', socket);
    // A socket that was paused on its way here may hold the first bytes.
    socket.resume();
  }

  #upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const { socket } = request;
    const events = this.#pending.get(duplex);
    const [path] = (request.url ?? '').split('?');
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
    if (path !== this.#path)
      return this.#refuse(
        socket,
        '404 Not Found',
        `there is nothing at ${this.#shown(path)}, only at ${this.#path}`,
      );
    if (!offered.includes(PROTOCOL))
      return this.#refuse(
        socket,
        '400 Bad Request',
        `it did not offer the sub-protocol ${PROTOCOL} [MQTT-6.0.0-3]`,
      );
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => events?.passed(webSocket));
  }

  /** What a stranger has written goes into a log line: short, and without control characters. */
  #shown(path = ''): string {
    return JSON.stringify(path.slice(0, 60));
  }

  #noHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE' || !socket.writable)
      return void socket.destroy();
    if (error.code === 'HPE_HEADER_OVERFLOW')
      this.#refuse(
        socket,
        '431 Request Header Fields Too Large',
        `its headers are longer than ${HEADER_BYTES_MAX} bytes`,
      );
    else this.#refuse(socket, '400 Bad Request', 'what came is not HTTP');
  }

  #refuse(socket: Duplex, status: string, why: string): void {
    this.#pending.get(socket)?.refused(why);
    const body = `${why}\n`;
    const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    socket.on('error', () => undefined);
    socket.once('finish', () => socket.destroy());
    socket.end(head + body);
  }
}
