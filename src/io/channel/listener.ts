/**
 * The listening half: an HTTP port that does nothing but upgrade to WebSocket, and lets in who answers its challenge. Whether a
 * proven peer is taken is the channel's to say. Source: proof.ts for what is said.
 */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock, Random } from '../../base/index.ts';
import { ChannelFault, channelFaults } from './faults.ts';
import { challengeText, judge, REFUSALS, type Credentials, type Refusal } from './proof.ts';
import { Unproven } from './unproven.ts';
import { placeText, textOf, webSocketOptions, type Place } from './web-socket.ts';

export type ListenerEvents = Readonly<{
  /** A peer has proved itself; false: its connection is refused, another one is about to stand. */
  isWelcome: () => boolean;
  /** The welcome is on its way; frames may follow it. */
  entered: (socket: WebSocket, remote: string) => void;
  refused: (refusal: Refusal, remote: string) => void;
  strange: (remote: string, did: string) => void;
  /** The port itself fails, as when the process has no descriptors left. It goes on listening. */
  failed: (why: string) => void;
}>;

/** Longer upgrade requests are refused by the HTTP parser. */
const HTTP_HEADER_BYTES_MAX = 4 * 1024;

export class PairListener {
  readonly #self: Credentials;
  readonly #place: Place;
  readonly #random: Random;
  readonly #events: ListenerEvents;
  readonly #unproven: Unproven;
  readonly #server: Server;
  readonly #upgrader = new WebSocketServer({ noServer: true, clientTracking: false, ...webSocketOptions });

  constructor(self: Credentials, place: Place, clock: Clock, random: Random, events: ListenerEvents) {
    this.#self = self;
    this.#place = place;
    this.#random = random;
    this.#events = events;
    this.#unproven = new Unproven(clock, (socket, did) => events.strange(remoteOf(socket), did));
    // Node's own time-outs are off; `Unproven` has one for everything.
    const limits = { maxHeaderSize: HTTP_HEADER_BYTES_MAX, requestTimeout: 0, headersTimeout: 0 };
    this.#server = createServer(limits, (request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' });
      response.end('This is the backchannel of a Lockstep pair. Only the other server has business here.\n');
      events.strange(remoteOf(request.socket), 'sent a plain HTTP request');
    });
    this.#server.on('connection', (socket) => this.#unproven.enter(socket));
    this.#server.on('clientError', (_, stream) => this.#unproven.cutOff(stream, 'sent no HTTP'));
    this.#server.on('upgrade', (request, _, head) => {
      this.#upgrader.handleUpgrade(request, request.socket, head, (socket) =>
        this.#challenge(socket, request.socket),
      );
    });
  }

  /** Fulfils when the port is bound; rejects with LS_CHANNEL_PORT. */
  open(): Promise<void> {
    const { host, port } = this.#place;
    return new Promise((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException) => {
        const text = channelFaults.LS_CHANNEL_PORT(placeText(this.#place), listenFault(error));
        reject(new ChannelFault('LS_CHANNEL_PORT', text));
      };
      this.#server.once('error', refused);
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.off('error', refused);
        this.#server.on('error', (error) => this.#events.failed(error.message));
        resolve();
      });
    });
  }

  /** Cuts off whoever has not proved itself yet. */
  dropUnproven(): void {
    this.#unproven.clear();
  }

  /** Fulfils when the port is free and no connection is left; those that entered must have been ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#unproven.clear();
      this.#server.closeAllConnections();
    });
  }

  #challenge(socket: WebSocket, tcp: Socket): void {
    this.#unproven.count(tcp);
    const nonce = this.#random.id();
    const remote = remoteOf(tcp);
    // A violation of WebSocket's rules; `ws` closes the connection itself.
    socket.on('error', () => this.#unproven.cutOff(tcp, 'broke the rules of WebSocket'));
    socket.once('message', (data, isBinary) => {
      if (tcp.destroyed) return;
      const judgement = judge(isBinary ? '' : textOf(data), this.#self, nonce);
      if (judgement.kind === 'refused') {
        const { refusal } = judgement;
        socket.close(REFUSALS[refusal]);
        if (refusal === 'nonsense') this.#events.strange(remote, 'said what no Lockstep server says');
        else this.#events.refused(refusal, remote);
      } else if (this.#events.isWelcome()) {
        this.#unproven.proven(tcp);
        socket.send(judgement.welcome);
        this.#events.entered(socket, remote);
      } else socket.close(REFUSALS.crossed);
    });
    socket.send(challengeText(nonce));
  }
}

const remoteOf = (socket: Socket): string =>
  socket.remoteAddress === undefined
    ? 'someone'
    : placeText({ host: socket.remoteAddress, port: socket.remotePort ?? 0 });

function listenFault(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the port is in use';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine has no such address';
    case 'EACCES':
      return 'this user may not open the port';
    default:
      return error.message;
  }
}
