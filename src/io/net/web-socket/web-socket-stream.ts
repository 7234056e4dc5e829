/**
 * One client's WebSocket as a byte stream: binary messages in order, wherever packets begin and end in them. Source: ports/listener.ts;
 * MQTT-6.0.0-1, 6.0.0-2.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { ByteStream, StreamEvents, Transport } from '../../../ports/index.ts';
import { awaitEnd } from '../farewell.ts';
import { Outgoing } from '../outgoing.ts';
import type { Client } from '../socket-stream.ts';

/** Source: RFC 6455 §7.4.1. */
const CLOSE = { normal: 1000, unsupportedData: 1003 } as const;

export class WebSocketStream implements ByteStream {
  readonly transport: Transport;
  readonly remote: string;
  readonly certificateName: string | null;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #outgoing: Outgoing;
  readonly #violated: (why: string) => void;

  /** `socket` carries `webSocket`. `violated` is told what rule the client broke; the connection is being closed then. */
  constructor(webSocket: WebSocket, socket: Socket, client: Client, violated: (why: string) => void) {
    this.transport = client.transport;
    this.remote = client.remote;
    this.certificateName = client.certificateName;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#violated = violated;
    this.#outgoing = new Outgoing((pieces) => {
      if (webSocket.readyState !== webSocket.OPEN) return;
      socket.cork();
      for (const piece of pieces) webSocket.send(piece);
      socket.uncork();
    });
  }

  /** `closed` comes once, last. */
  tell(events: StreamEvents): void {
    const webSocket = this.#webSocket;
    webSocket.on('message', (data, isBinary) => {
      if (!isBinary) this.#refuseText();
      // `ws` gives one Buffer unless it is told otherwise.
      else if (Buffer.isBuffer(data) && data.length > 0) events.data(data);
    });
    this.#socket.on('drain', () => events.drained());
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      // The others are of the network, and `close` follows. Of these `ws` tells the client, whose answer is not waited for long.
      if (error.code?.startsWith('WS_ERR_') !== true) return;
      this.#violated(error.message);
      this.#closeSoon();
    });
    webSocket.on('close', () => events.closed());
  }

  write(bytes: Uint8Array): void {
    this.#outgoing.put(bytes);
  }

  backlog(): number {
    return this.#outgoing.bytes + this.#webSocket.bufferedAmount;
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  end(): void {
    this.#outgoing.flush();
    // Read to the client's answer: closing on unread bytes makes the kernel reset the connection, and the last word is lost.
    this.#webSocket.resume();
    this.#webSocket.close(CLOSE.normal);
    this.#closeSoon();
  }

  destroy(): void {
    this.#outgoing.clear();
    this.#webSocket.terminate();
  }

  /** Source: MQTT-6.0.0-1. */
  #refuseText(): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#violated('a text message came, and MQTT travels in binary ones');
    this.#webSocket.close(CLOSE.unsupportedData);
    this.#closeSoon();
  }

  #closeSoon(): void {
    awaitEnd(this.#socket, () => this.#webSocket.bufferedAmount);
  }
}
