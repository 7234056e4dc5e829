/** Ports for clients of every kind, and clients for them: what a test needs to say the same of all. */
import { once } from 'node:events';
import { connect as dial, isIPv6, type Socket } from 'node:net';
import { connect as dialTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { LogLine } from '../../src/base/index.ts';
import {
  AcceptLimits,
  Certificates,
  ClientListener,
  type ListenerName,
  type TlsOptions,
} from '../../src/io/net/index.ts';
import { SystemClock } from '../../src/io/system/index.ts';
import type { ByteStream, StreamEvents, Transport } from '../../src/ports/index.ts';
import { TestAuthority, type Issued } from './test-authority.ts';

export type Kind = Readonly<{ name: ListenerName; transport: Transport; isProxied: boolean }>;

const TRANSPORTS = { mqtt: 'tcp', mqtts: 'tls', ws: 'ws', wss: 'wss' } as const;

export const KINDS: readonly Kind[] = [false, true].flatMap((isProxied) =>
  (['mqtt', 'mqtts', 'ws', 'wss'] as const).map((name) => ({ name, transport: TRANSPORTS[name], isProxied })),
);

export const kindText = ({ transport, isProxied }: Kind): string =>
  `${transport}${isProxied ? ' behind a load balancer' : ''}`;

export const usesTls = ({ transport }: Pick<Kind, 'transport'>): boolean =>
  transport === 'tls' || transport === 'wss';

/** What one accepted stream told, in order, and the stream itself. */
export type Heard = { stream: ByteStream; data: Buffer[]; drained: number; closed: number };

export const MESSAGE_BYTES_MAX = 1024 * 1024;
export const NO_TLS: TlsOptions = {
  certificateFile: '',
  keyFile: '',
  keyPassphrase: '',
  sniDirectory: '',
  clientCertificates: 'none',
  clientCaFile: '',
  minVersion: 'TLSv1.2',
};

export class PortUnderTest {
  readonly kind: Kind;
  readonly listener: ClientListener;
  readonly certificates: Certificates | null;
  readonly heard: Heard[] = [];
  readonly lines: LogLine[];
  /** Whom clients trust. */
  readonly authority: TestAuthority | null;
  readonly #waiting: ((one: Heard) => void)[] = [];

  constructor(kind: Kind, parts: Pick<PortUnderTest, 'listener' | 'certificates' | 'lines' | 'authority'>) {
    this.kind = kind;
    this.listener = parts.listener;
    this.certificates = parts.certificates;
    this.lines = parts.lines;
    this.authority = parts.authority;
  }

  get port(): number {
    return this.listener.port ?? 0;
  }

  open(): Promise<void> {
    return this.listener.open({
      connected: (stream): StreamEvents => {
        const one: Heard = { stream, data: [], drained: 0, closed: 0 };
        this.heard.push(one);
        this.#waiting.shift()?.(one);
        return {
          data: (bytes) => void one.data.push(bytes),
          drained: () => void (one.drained += 1),
          closed: () => void (one.closed += 1),
        };
      },
    });
  }

  /** The next stream that is accepted. */
  next(): Promise<Heard> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A client of the right kind, and the stream that the server has of it. */
  async met(): Promise<{ client: TestClient; one: Heard }> {
    const accepted = this.next();
    const client = await this.client();
    return { client, one: await accepted };
  }

  client(tls: ConnectionOptions = {}): Promise<TestClient> {
    return this.kind.transport === 'tcp' || this.kind.transport === 'tls'
      ? this.carrier(tls).then((socket) => new SocketClient(socket))
      : this.webSocket({ tls });
  }

  /** A connection that has got past the header and TLS, as far as this port has them. */
  async carrier(tls: ConnectionOptions = {}, header = this.#header): Promise<Socket> {
    return usesTls(this.kind) ? this.secured(tls, header) : this.#headed(header);
  }

  /** Of a port with TLS. */
  async secured(tls: ConnectionOptions = {}, header = this.#header): Promise<TLSSocket> {
    const socket = await this.#headed(header);
    const secured = dialTls({ socket, servername: 'localhost', ca: this.authority?.certificate, ...tls });
    onTestFinished(() => void secured.destroy());
    await Promise.race([once(secured, 'secureConnect'), failed(secured)]);
    return secured;
  }

  get #header(): string {
    return this.kind.isProxied ? PROXIED : '';
  }

  async #headed(header: string): Promise<Socket> {
    const socket = await this.raw();
    if (header !== '') socket.write(header, 'latin1');
    return socket;
  }

  async raw(host = '127.0.0.1'): Promise<Socket> {
    const socket = dial({ host, port: this.port });
    onTestFinished(() => void socket.destroy());
    await Promise.race([once(socket, 'connect'), failed(socket)]);
    return socket;
  }

  async webSocket({
    tls = {},
    path = '/mqtt',
    protocols = ['mqtt'],
  }: Readonly<{
    tls?: ConnectionOptions;
    path?: string;
    protocols?: string[];
  }> = {}): Promise<WebSocketClient> {
    const carrier = await this.carrier(tls);
    const url = `ws://localhost:${this.port}${path}`;
    const webSocket = new WebSocket(url, protocols, {
      createConnection: () => carrier,
      perMessageDeflate: true,
    });
    onTestFinished(() => webSocket.terminate());
    await Promise.race([once(webSocket, 'open'), failed(webSocket)]);
    return new WebSocketClient(webSocket, carrier);
  }
}

/** What the balancer of these tests says of every client. */
export const PROXIED_REMOTE = '192.0.2.77:40123';
const PROXIED = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'),
  Buffer.from([192, 0, 2, 77, 127, 0, 0, 1, ...[40123 >> 8, 40123 & 255], 7, 91]),
]).toString('latin1');

const failed = (emitter: Socket | WebSocket): Promise<never> =>
  new Promise((_, reject) => emitter.on('error', (error: Error) => reject(error)));

type PortWish = Readonly<{
  host?: string;
  port?: number;
  tls?: Partial<TlsOptions>;
  /** Who has signed the certificate in `tls`. */
  authority?: TestAuthority;
  arrivalMs?: number;
  limits?: AcceptLimits;
}>;

let made: Readonly<{ authority: TestAuthority; own: Issued }> | null = null;
afterAll(() => made?.authority.remove());

/** For ports whose certificate does not matter: one for all tests of a file. */
function usual(): NonNullable<typeof made> {
  if (made === null) {
    const authority = TestAuthority.keep();
    made = { authority, own: authority.issueLocal() };
  }
  return made;
}

/** A port of a kind, not open yet; closed when the test is over. */
export async function portOf(kind: Kind, wish: PortWish = {}): Promise<PortUnderTest> {
  const lines: LogLine[] = [];
  const log = { say: (line: LogLine) => void lines.push(line) };
  const clock = new SystemClock();
  const authority = usesTls(kind) ? (wish.authority ?? usual().authority) : null;
  const own = authority === null || wish.tls?.certificateFile !== undefined ? null : usual().own;
  const options = { ...NO_TLS, ...own, ...wish.tls };
  const certificates = authority === null ? null : await Certificates.read({ options, clock, log });
  const isWebSocket = kind.transport === 'ws' || kind.transport === 'wss';
  const listener = new ClientListener({
    name: kind.name,
    place: {
      host: wish.host ?? '127.0.0.1',
      port: wish.port ?? 0,
      proxyProtocol: kind.isProxied ? 'required' : 'off',
    },
    certificates,
    webSocket: isWebSocket ? { path: '/mqtt', messageBytesMax: MESSAGE_BYTES_MAX } : null,
    arrivalMs: wish.arrivalMs ?? 10_000,
    limits:
      wish.limits ?? new AcceptLimits({ connectionsMax: 1_000, ratePerAddressMax: 0, rushMs: 0, clock }),
    clock,
    log,
  });
  onTestFinished(() => listener.close());
  return new PortUnderTest(kind, { listener, certificates, lines, authority });
}

export async function openPort(kind: Kind, wish: PortWish = {}): Promise<PortUnderTest> {
  const port = await portOf(kind, wish);
  await port.open();
  return port;
}

/** The same words for a socket and a WebSocket. */
export interface TestClient {
  /** True: the network has taken it. */
  send(bytes: Buffer): Promise<boolean>;
  /** Each piece as it came. */
  readonly pieces: Buffer[];
  /** Fulfils with the close code of a WebSocket, null for a socket. */
  readonly closed: Promise<number | null>;
  readonly errors: Error[];
  readonly address: string;
  pause(): void;
  resume(): void;
  reset(): void;
}

export const bytesOf = (client: Pick<TestClient, 'pieces'>): Buffer => Buffer.concat(client.pieces);

class SocketClient implements TestClient {
  readonly pieces: Buffer[] = [];
  readonly errors: Error[] = [];
  readonly closed: Promise<null>;
  readonly address: string;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.address = addressOf(socket);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(null)));
    socket.on('data', (bytes) => this.pieces.push(bytes));
    socket.on('error', (error) => this.errors.push(error));
  }

  send(bytes: Buffer): Promise<boolean> {
    return new Promise((resolve) => this.#socket.write(bytes, (error) => resolve(!error)));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  reset(): void {
    this.#socket.destroy();
  }
}

export class WebSocketClient implements TestClient {
  readonly pieces: Buffer[] = [];
  readonly errors: Error[] = [];
  readonly closed: Promise<number>;
  readonly address: string;
  readonly webSocket: WebSocket;
  readonly carrier: Socket;

  constructor(webSocket: WebSocket, carrier: Socket) {
    this.webSocket = webSocket;
    this.carrier = carrier;
    this.address = addressOf(carrier);
    this.closed = new Promise((resolve) => webSocket.once('close', resolve));
    webSocket.on('message', (data, isBinary) => {
      if (!isBinary || !Buffer.isBuffer(data)) throw new Error('only binary messages are expected');
      this.pieces.push(data);
    });
    webSocket.on('error', (error) => this.errors.push(error));
  }

  send(bytes: Buffer): Promise<boolean> {
    return new Promise((resolve) => this.webSocket.send(bytes, (error) => resolve(!error)));
  }

  pause(): void {
    this.webSocket.pause();
  }

  resume(): void {
    this.webSocket.resume();
  }

  reset(): void {
    this.webSocket.terminate();
  }
}

const addressOf = ({ localAddress = '', localPort }: Socket): string =>
  `${isIPv6(localAddress) ? `[${localAddress}]` : localAddress}:${localPort ?? 0}`;

/** Looks again at every turn of the loop; the test's own time-out bounds it. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

/** Fulfils when the socket is closed, however it came about. */
export const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined);
    if (socket.closed) resolve();
    else socket.resume().once('close', () => resolve());
  });

export const sizeOf = (pieces: readonly Buffer[]): number =>
  pieces.reduce((sum, bytes) => sum + bytes.length, 0);
