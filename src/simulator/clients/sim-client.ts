/**
 * A simulated MQTT client: connects by bytes to whichever of the two servers answers, notices silence, goes to the other one, and tells
 * what it hears. What it publishes or acknowledges is its owner's. Source: MQTT 3.1.1; MQTT 5.0.
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
  type Alias,
  type Mqtt5,
  type Publishing,
  type ServerPacket,
  type SimLevel,
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
  /** The server finds fault with what this client does. */
  blamed?: (what: string) => void;
}>;

export type SimClientParts = Readonly<{
  /** Null: it speaks MQTT 3.1.1. */
  mqtt5?: Mqtt5 | null;
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
/** Reasons from here on are failures. Source: MQTT 5.0 §2.4. */
const FAILURE = 0x80;
/** Of a packet identifier that was released before a failover, and the answer got lost. No error. Source: MQTT 5.0 §3.6.2.1, §3.7.2.1. */
const NOT_FOUND = 0x92;
/** With which a server may go without blame: it stops, heard nothing, has seen the client elsewhere, or knows a better one. */
const FAREWELLS = new Set([0x8b, 0x8d, 0x8e, 0x9c]);

export class SimClient {
  readonly clientId: string;
  readonly #parts: SimClientParts;
  readonly #handlers: ClientHandlers;
  readonly #mqtt5: Mqtt5 | null;
  readonly #level: SimLevel;
  #server: ServerName;
  #socket: ClientSocket | null = null;
  #packets: ServerPackets;
  /** MQTT 5: the numbers of topics that the server was told of, on this connection. */
  readonly #aliases = new Map<string, number>();
  #aliasMax = 0;
  /** MQTT 5: messages with QoS 1 and 2 that came on this connection and are not acknowledged to the end. */
  readonly #open = new Set<number>();
  #isConnected = false;
  #isWanted = false;
  #heardAt = 0;
  #timer: Cancel | null = null;

  constructor(parts: SimClientParts, handlers: ClientHandlers) {
    this.clientId = parts.clientId;
    this.#parts = parts;
    this.#handlers = handlers;
    this.#mqtt5 = parts.mqtt5 ?? null;
    this.#level = this.#mqtt5 === null ? 4 : 5;
    this.#packets = new ServerPackets(this.#level);
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
    this.#socket?.send(publish(publishing, this.#level, this.#aliasOf(publishing.topic)));
  }

  acknowledge(packetId: number): void {
    this.#open.delete(packetId);
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
    this.#open.delete(packetId);
    this.#socket?.send(pubcomp(packetId));
  }

  subscribe(filter: string, qos: SimQos = 1): void {
    this.#socket?.send(subscribe(1, filter, qos, this.#level));
  }

  #dial(): void {
    const { clock, ports, clientId, isClean } = this.#parts;
    this.#packets = new ServerPackets(this.#level);
    this.#aliases.clear();
    this.#open.clear();
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
    const will = this.#handlers.will?.() ?? null;
    socket.send(connect(clientId, isClean, KEEP_ALIVE_S, will, this.#mqtt5));
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
        if (packet.code !== 0) this.#handlers.blamed?.(`is refused with ${packet.code}`);
        this.#isConnected = true;
        this.#aliasMax = packet.aliasMax;
        return this.#handlers.connected?.(packet.isPresent);
      case 'publish':
        this.#count(packet);
        return this.#handlers.delivered?.(packet);
      case 'puback':
        this.#hear(packet);
        return this.#handlers.acknowledged?.(packet.packetId);
      case 'pubrec':
        this.#hear(packet);
        return this.#handlers.taken?.(packet.packetId);
      case 'pubrel':
        this.#hear(packet);
        return this.#handlers.released?.(packet.packetId);
      case 'pubcomp':
        this.#hear(packet);
        return this.#handlers.completed?.(packet.packetId);
      case 'suback':
        return this.#handlers.subscribed?.();
      case 'pingresp':
        return;
      case 'disconnect':
        if (!FAREWELLS.has(packet.reason)) this.#hear(packet);
        return;
    }
  }

  /** Source: MQTT5-3.3.4-9. */
  #count({ qos, packetId }: Delivery): void {
    if (this.#mqtt5 === null || qos === 0) return;
    this.#open.add(packetId);
    const { receiveMax } = this.#mqtt5;
    if (this.#open.size > receiveMax)
      this.#handlers.blamed?.(`is sent more than ${receiveMax} messages at once`);
  }

  #hear({ type, reason }: Readonly<{ type: string; reason: number }>): void {
    if (reason >= FAILURE && reason !== NOT_FOUND)
      this.#handlers.blamed?.(`is told ${type} 0x${reason.toString(16)}`);
  }

  /** A topic goes by name once on each connection. */
  #aliasOf(topic: string): Alias | null {
    const known = this.#aliases.get(topic);
    if (known !== undefined) return { alias: known, isAliasKnown: true };
    if (this.#mqtt5 === null || !this.#isConnected || this.#aliases.size >= this.#aliasMax) return null;
    const alias = this.#aliases.size + 1;
    this.#aliases.set(topic, alias);
    return { alias, isAliasKnown: false };
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
