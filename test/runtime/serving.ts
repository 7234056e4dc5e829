/**
 * A server's clients' side without pair, disk and network: proposals that commit when the test says so, and clients whose bytes the
 * test writes and reads.
 */
import { ByteWriter, type Log, type LogLine } from '../../src/base/index.ts';
import { Broker, encodeOp, type Op, type Outcome } from '../../src/core/broker/index.ts';
import { Decoder, type Packet } from '../../src/core/mqtt/index.ts';
import { NodeScrypt } from '../../src/io/passwords/index.ts';
import type {
  ByteStream,
  Listener,
  ListenerEvents,
  PasswordHashing,
  StreamEvents,
} from '../../src/ports/index.ts';
import {
  connectionOptions,
  Connections,
  type ConnectionOptions,
} from '../../src/runtime/connections/index.ts';
import { PIECES } from '../../src/runtime/connections/recaller.ts';
import { AccessGate, type AccessOptions } from '../../src/runtime/access/index.ts';
import type { Proposals } from '../../src/runtime/proposals.ts';
import type { PairSight } from '../../src/runtime/sys/index.ts';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';

export const defaultOptions = Object.fromEntries(
  Object.entries(connectionOptions).map(([key, option]) => [key, option.default]),
) as ConnectionOptions; // the same keys, each with its default

/** Keeps what is proposed until `commit`. */
export class HeldProposals implements Proposals {
  readonly #broker: Broker;
  #seq: number;
  /** What was committed, in order. */
  readonly bodies: Buffer[] = [];
  #pending: { op: Op; done: ((outcome: Outcome) => void) | null }[] = [];
  applied: () => void = () => undefined;
  /** Commit of itself, once the turn is over. */
  isImmediate = false;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#seq = broker.appliedSeq;
  }

  get ops(): readonly string[] {
    return this.#pending.map(({ op }) => op.type);
  }

  propose(op: Op, done: ((outcome: Outcome) => void) | null): void {
    this.#pending.push({ op, done });
    if (this.isImmediate && this.#pending.length === 1) queueMicrotask(() => this.commitOnce());
  }

  proposeLater(op: Op, done: (outcome: Outcome) => void): void {
    this.propose(op, done);
  }

  hurry(): void {
    return;
  }

  pendingBytes(): number {
    return this.#pending.reduce((sum, { op }) => sum + (op.type === 'publish' ? op.payload.length : 1), 0);
  }

  /** As a test sets it. */
  isDiskBehind = false;

  isBehind(): boolean {
    return this.isDiskBehind;
  }

  /** What is pending, as the body of an entry. */
  pendingBody(): Buffer {
    const writer = new ByteWriter();
    for (const { op } of this.#pending) encodeOp(writer, op);
    return writer.taken();
  }

  /** One entry of all that is pending, or of the first so many: committed, applied, told. */
  commitOnce(count = this.#pending.length): void {
    const batch = this.#pending.slice(0, count);
    const later = this.#pending.slice(count);
    this.#pending = batch;
    const body = this.pendingBody();
    this.#pending = later;
    this.#seq += 1;
    this.bodies.push(body);
    const outcomes = this.#broker.apply(body, this.#seq);
    batch.forEach(({ done }, n) => {
      const outcome = outcomes[n];
      if (outcome !== undefined) done?.(outcome);
    });
    this.applied();
  }

  /** Until nothing is pending. */
  commit(): void {
    while (this.#pending.length > 0) this.commitOnce();
  }

  /** Serving has ended: nobody is told. */
  forget(): void {
    this.#pending = [];
  }
}

/** A client at the other end of a stream in memory. */
export class MemoryClient implements ByteStream {
  readonly transport = 'tcp';
  readonly remote = '192.0.2.1:4711';
  readonly certificateName: string | null;
  #events: StreamEvents | null = null;
  #received: Uint8Array[] = [];
  #unsent: Uint8Array[] = [];
  #backlog = 0;
  isReading = true;
  isPaused = false;
  isOpen = true;

  constructor(events: ListenerEvents, certificateName: string | null = null) {
    this.certificateName = certificateName;
    this.#events = events.connected(this);
  }

  /** The client sends; what comes while the server has paused waits, as in a real network. */
  send(...packets: readonly (string | Buffer)[]): void {
    for (const packet of packets)
      this.#unsent.push(typeof packet === 'string' ? Buffer.from(packet.replaceAll(' ', ''), 'hex') : packet);
    this.#flush();
  }

  /** All that has arrived since the last look, in hexadecimal digits. */
  received(): string {
    const bytes = Buffer.concat(this.#received);
    this.#received = [];
    return bytes.toString('hex');
  }

  /** The same as packets, and the publishes among them as texts: `topic=payload`, with q1 or q2, r and d as they are marked. */
  packets(): string[] {
    const bytes = Buffer.from(this.received(), 'hex');
    const found: string[] = [];
    for (let at = 0; at < bytes.length;) {
      let size = 0;
      let head = at + 1;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes.readUInt8(head);
        head += 1;
        size += (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      found.push(textOf(bytes.subarray(at, head + size)));
      at = head + size;
    }
    return found;
  }

  /** The network takes so many bytes of what waits. */
  takes(bytes: number): void {
    this.#backlog -= bytes;
  }

  startReading(): void {
    this.isReading = true;
    this.#backlog = 0;
    this.#events?.drained();
  }

  /** The network is gone. */
  lose(): void {
    this.#closed();
  }

  write(bytes: Uint8Array): void {
    if (!this.isOpen) throw new Error('written to a stream that is closed');
    this.#received.push(Uint8Array.from(bytes));
    if (!this.isReading) this.#backlog += bytes.length;
  }
  backlog(): number {
    return this.#backlog;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    queueMicrotask(() => this.#flush());
  }

  end(): void {
    this.#closed();
  }

  destroy(): void {
    this.#closed();
  }

  #flush(): void {
    while (this.isOpen && !this.isPaused) {
      const next = this.#unsent.shift();
      if (next === undefined) return;
      this.#events?.data(Buffer.from(next));
    }
  }

  #closed(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const events = this.#events;
    queueMicrotask(() => events?.closed());
  }
}

function textOf(packet: Buffer): string {
  const first = packet.readUInt8(0);
  if (first >> 4 !== 3) return packet.toString('hex');
  const decoder = new Decoder(1 << 20);
  decoder.push(packet);
  const parsed: Packet | null = decoder.next();
  if (parsed?.type !== 'publish') return packet.toString('hex');
  const marks = [
    parsed.qos === 0 ? '' : ` q${parsed.qos} #${parsed.packetId}`,
    parsed.isRetained ? ' r' : '',
    (first & 8) !== 0 ? ' d' : '',
  ];
  return `${parsed.topic}=${parsed.payload.toString()}${marks.join('')}`;
}

/** Who may connect to a test's broker: everybody, unless `options` or its users and rules say otherwise. */
export const accessTo = (
  broker: Broker,
  options: Partial<AccessOptions> = {},
  hashing: PasswordHashing = new NodeScrypt(),
): AccessGate =>
  new AccessGate({
    state: () => broker.access,
    options: { anonymous: 'allow', certificateNames: 'ignore', ...options },
    hashing,
    key: Buffer.alloc(32, 1),
    decoyKey: Buffer.alloc(32, 2),
    nonce: () => 'nonce',
  });

/** Everything together. `open` and clients follow. */
export class Serving {
  readonly broker: Broker;
  readonly clock = new SimClock();
  readonly lines: LogLine[] = [];
  readonly proposals: HeldProposals;
  readonly connections: Connections;
  /** What it tells of itself. */
  heapBytes = 1000;
  pair: PairSight | null = null;
  events: ListenerEvents | null = null;
  /** Fulfils when the port is about to be bound. */
  readonly isOpening: Promise<void>;

  constructor(
    options: Partial<ConnectionOptions> = {},
    broker = new Broker(),
    access: Partial<AccessOptions> = {},
    hashing: PasswordHashing = new NodeScrypt(),
    pieces = PIECES,
  ) {
    this.broker = broker;
    this.proposals = new HeldProposals(broker);
    let opening: () => void = () => undefined;
    this.isOpening = new Promise((resolve) => (opening = resolve));
    const listener: Listener = {
      open: async (events) => {
        opening();
        await new Promise((resolve) => setImmediate(resolve));
        this.events = events;
      },
      close: async () => {
        this.events = null;
      },
    };
    const log: Log = { say: (line) => void this.lines.push(line) };
    this.connections = new Connections({
      broker,
      proposals: this.proposals,
      access: accessTo(broker, access, hashing),
      listeners: [listener],
      clock: this.clock,
      random: new SimRandom(1),
      log,
      // Simulated years would pass in looks at what changes below $SYS/.
      options: { ...defaultOptions, sysInterval: 0, ...options },
      peerReference: (transport) => `peer.example:${transport}`,
      pieces,
      self: { version: '1.2.3', heapBytes: () => this.heapBytes, pair: () => this.pair },
    });
    this.proposals.applied = () => this.connections.applied();
  }

  /** `certificateName`: of the certificate that it shows. */
  client(certificateName: string | null = null): MemoryClient {
    if (this.events === null) throw new Error('no port is open');
    return new MemoryClient(this.events, certificateName);
  }

  /** A client whose CONNECT is committed and whose CONNACK has been read. */
  connected(clientId: string, more: Parameters<typeof connectPacket>[1] = {}): MemoryClient {
    const client = this.client();
    client.send(connectPacket(clientId, more));
    this.proposals.commit();
    client.received();
    return client;
  }
}

const field = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

const packetOf = (first: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const size = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([first, ...size]), body]);
};

const number = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

export function connectPacket(
  clientId: string,
  more: Readonly<{
    isDurable?: boolean;
    keepAlive?: number;
    will?: string;
    isWillRetained?: boolean;
    /** User name and password. */
    login?: readonly [string, string];
  }> = {},
): Buffer {
  const willFlags = more.will === undefined ? 0 : 0x0c + (more.isWillRetained === true ? 0x20 : 0);
  const flags = (more.isDurable === true ? 0 : 2) + willFlags + (more.login === undefined ? 0 : 0xc0);
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, flags]);
  const will = more.will === undefined ? [] : [field('wills'), field(more.will)];
  const login = (more.login ?? []).map(field);
  return packetOf(0x10, head, number(more.keepAlive ?? 0), field(clientId), ...will, ...login);
}

export const publishPacket = (
  topic: string,
  text: string,
  packetId = 0,
  isRetained = false,
  qos = packetId === 0 ? 0 : 1,
): Buffer =>
  packetOf(
    0x30 + qos * 2 + (isRetained ? 1 : 0),
    field(topic),
    ...(packetId === 0 ? [] : [number(packetId)]),
    Buffer.from(text),
  );

export const subscribePacket = (packetId: number, filter: string, qos = 1): Buffer =>
  packetOf(0x82, number(packetId), field(filter), Buffer.from([qos]));

export const unsubscribePacket = (packetId: number, filter: string): Buffer =>
  packetOf(0xa2, number(packetId), field(filter));

export const pubackPacket = (packetId: number): Buffer => packetOf(0x40, number(packetId));
export const exactPacket = (topic: string, text: string, packetId: number, isRetained = false): Buffer =>
  publishPacket(topic, text, packetId, isRetained, 2);
export const pubrecPacket = (packetId: number): Buffer => packetOf(0x50, number(packetId));
export const pubrelPacket = (packetId: number): Buffer => packetOf(0x62, number(packetId));
export const pubcompPacket = (packetId: number): Buffer => packetOf(0x70, number(packetId));
export const disconnectPacket = (): Buffer => Buffer.from([0xe0, 0]);
