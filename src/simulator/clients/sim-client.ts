/**
 * A simulated MQTT client: connects by bytes to whichever of the two servers answers, notices silence, goes to the other one, and tells
 * what it hears. What it publishes or acknowledges is its owner's. Source: MQTT 3.1.1.
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { ServerName } from '../../core/pair/index.ts';
import type { ClientSocket, SimPort } from '../network/sim-listener.ts';
import type { SimRandom } from '../time/sim-random.ts';
import {
  connect,
  disconnect,
  pingreq,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  ServerPackets,
  subscribe,
  type Publishing,
  type ServerPacket,
  type SimQos,
  type Will,
} from './mqtt-bytes.ts';

export type Delivery = Extract<ServerPacket, { type: 'publish' }>;

export type ClientHandlers = Readonly<{
  /** Asked for each connection: the will that it has. */
  will?: () => Will;
  connected?: (isPresent: boolean) => void;
  delivered?: (delivery: Delivery) => void;
  acknowledged?: (packetId: number) => void;
  /** PUBREC, PUBREL and PUBCOMP. */
  taken?: (packetId: number) => void;
  released?: (packetId: number) => void;
  completed?: (packetId: number) => void;
  subscribed?: () => void;
  /** The connection is over; a new one is tried. */
  lost?: () => void;
}>;

export type SimClientParts = Readonly<{
  clientId: string;
  isClean: boolean;
  clock: Clock;
  random: SimRandom;
  ports: Readonly<Record<ServerName, SimPort>>;
}>;

/** How long it waits for an answer before it tries the other server. */
const PATIENCE_MS = 2_500;
const PING_MS = 1_000;
const KEEP_ALIVE_S = 4;
/** From the loss of a connection to the next attempt. */
const AGAIN_MS = { min: 20, max: 300 };

export class SimClient {
  readonly clientId: string;
  readonly #parts: SimClientParts;
  readonly #handlers: ClientHandlers;
  #server: ServerName;
  #socket: ClientSocket | null = null;
  #packets = new ServerPackets();
  #isConnected = false;
  #isWanted = false;
  #heardAt = 0;
  #timer: Cancel | null = null;

  constructor(parts: SimClientParts, handlers: ClientHandlers) {
    this.clientId = parts.clientId;
    this.#parts = parts;
    this.#handlers = handlers;
    this.#server = parts.random.chance(0.5) ? 'primary' : 'secondary';
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Keeps a connection from now on. */
  start(): void {
    this.#isWanted = true;
    this.#dial();
  }

  /** Says farewell. */
  stop(): void {
    this.#isWanted = false;
    if (this.#isConnected) this.#socket?.send(disconnect());
    this.#over();
  }

  /** Goes without a farewell, and comes back. */
  drop(): void {
    if (this.#socket !== null) this.#lose();
  }

  /** Goes without a farewell, for good. */
  die(): void {
    this.#isWanted = false;
    this.#over();
  }

  publish(publishing: Publishing): void {
    this.#socket?.send(publish(publishing));
  }

  acknowledge(packetId: number): void {
    this.#socket?.send(puback(packetId));
  }

  /** PUBREC. */
  take(packetId: number): void {
    this.#socket?.send(pubrec(packetId));
  }

  /** PUBREL. */
  release(packetId: number): void {
    this.#socket?.send(pubrel(packetId));
  }

  /** PUBCOMP. */
  complete(packetId: number): void {
    this.#socket?.send(pubcomp(packetId));
  }

  subscribe(filter: string, qos: SimQos = 1): void {
    this.#socket?.send(subscribe(1, filter, qos));
  }

  #dial(): void {
    const { clock, ports, clientId, isClean } = this.#parts;
    this.#packets = new ServerPackets();
    this.#heardAt = clock.now();
    const socket = ports[this.#server].connect({
      data: (bytes) => {
        if (this.#socket === socket) this.#data(bytes);
      },
      closed: () => {
        if (this.#socket === socket) this.#lose();
      },
    });
    this.#socket = socket;
    socket.send(connect(clientId, isClean, KEEP_ALIVE_S, this.#handlers.will?.() ?? null));
    this.#watch();
  }

  #data(bytes: Buffer): void {
    this.#heardAt = this.#parts.clock.now();
    const socket = this.#socket;
    for (const packet of this.#packets.push(bytes)) if (this.#socket === socket) this.#take(packet);
  }

  #take(packet: ServerPacket): void {
    switch (packet.type) {
      case 'connack':
        this.#isConnected = true;
        return this.#handlers.connected?.(packet.isPresent);
      case 'publish':
        return this.#handlers.delivered?.(packet);
      case 'puback':
        return this.#handlers.acknowledged?.(packet.packetId);
      case 'pubrec':
        return this.#handlers.taken?.(packet.packetId);
      case 'pubrel':
        return this.#handlers.released?.(packet.packetId);
      case 'pubcomp':
        return this.#handlers.completed?.(packet.packetId);
      case 'suback':
        return this.#handlers.subscribed?.();
      case 'pingresp':
        return;
    }
  }

  #watch(): void {
    const { clock } = this.#parts;
    this.#timer = clock.after(PING_MS, () => {
      if (clock.now() - this.#heardAt > PATIENCE_MS) return this.#lose();
      if (this.#isConnected) this.#socket?.send(pingreq());
      this.#watch();
    });
  }

  #lose(): void {
    const { clock, random } = this.#parts;
    this.#over();
    this.#server = this.#server === 'primary' ? 'secondary' : 'primary';
    this.#handlers.lost?.();
    clock.after(AGAIN_MS.min + random.unit() * (AGAIN_MS.max - AGAIN_MS.min), () => {
      if (this.#isWanted && this.#socket === null) this.#dial();
    });
  }

  #over(): void {
    this.#timer?.();
    this.#socket?.close();
    this.#socket = null;
    this.#isConnected = false;
  }
}
