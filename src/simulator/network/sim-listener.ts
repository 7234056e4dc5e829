/**
 * One server's client port and the network before it. A connection is two wires of bytes, as TCP gives them: in order, late by chance,
 * silent while the way is barred. A process that dies takes its connections along and the clients are told; a machine that goes dark
 * tells nobody.
 */
import type { Clock } from '../../base/index.ts';
import type { ByteStream, Listener, ListenerEvents, StreamEvents } from '../../ports/index.ts';
import type { LocalClock } from '../time/local-clock.ts';
import type { SimRandom } from '../time/sim-random.ts';
import { SimWire } from './sim-wire.ts';

type Parcel = Readonly<{ kind: 'syn' } | { kind: 'bytes'; bytes: Buffer } | { kind: 'end' }>;

/** What a client hears of its connection. `closed` comes once, last; not for its own `close`. */
export type ClientEvents = Readonly<{ data: (bytes: Buffer) => void; closed: () => void }>;

/** A client's side of a connection. What is sent before the server has accepted waits on the way. */
export interface ClientSocket {
  send(bytes: Buffer): void;
  close(): void;
}

const LATENCY_MS = { min: 0.1, max: 1 };

/** One connection, seen from the server's side once it is accepted. */
type Connection = {
  toServer: SimWire<Parcel>;
  toClient: SimWire<Parcel>;
  /** Null: not accepted yet, or over. */
  server: StreamEvents | null;
  isPaused: boolean;
  /** What the server sends stays on the way. */
  isStalled: boolean;
  isServerOver: boolean;
  isClientOver: boolean;
};

type Open = Readonly<{ process: LocalClock; events: ListenerEvents }>;

export class SimPort {
  readonly #clock: Clock;
  readonly #random: SimRandom;
  readonly #connections = new Set<Connection>();
  /** The process that listens, and what it is told. */
  #open: Open | null = null;
  /** The ways on which nothing gets through. */
  readonly #barred = { toServer: false, toClient: false };
  #isDark = false;
  #clients = 0;

  constructor(clock: Clock, random: SimRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** For one run of the server's process. */
  listener(process: LocalClock): Listener {
    return {
      open: async (events) => {
        this.#open = { process, events };
      },
      close: async () => {
        if (this.#open?.process === process) this.#open = null;
        for (const connection of this.#connections) this.#endOfServer(connection, true);
      },
    };
  }

  connect(events: ClientEvents): ClientSocket {
    const connection: Connection = {
      toServer: this.#wire(
        (parcel) => this.#atServer(connection, parcel),
        () => this.#barred.toServer || connection.isPaused,
      ),
      toClient: this.#wire(
        (parcel) => this.#atClient(connection, parcel, events),
        () => this.#barred.toClient || connection.isStalled,
      ),
      server: null,
      isPaused: false,
      isStalled: false,
      isServerOver: false,
      isClientOver: false,
    };
    this.#connections.add(connection);
    connection.toServer.put({ kind: 'syn' });
    return {
      send: (bytes) => {
        if (!connection.isClientOver) connection.toServer.put({ kind: 'bytes', bytes: Buffer.from(bytes) });
      },
      close: () => {
        if (connection.isClientOver) return;
        connection.isClientOver = true;
        connection.toServer.put({ kind: 'end' });
        if (connection.isServerOver) this.#connections.delete(connection);
      },
    };
  }

  /** Nothing gets through between this server and any client, or on one of both ways only, and nobody is told. */
  bar(ways: readonly ('toServer' | 'toClient')[] = ['toServer', 'toClient']): void {
    for (const way of ways) this.#barred[way] = true;
  }

  /** One of the connections: its client gets nothing more of what the server sends, until `unbar`. */
  stallOne(): void {
    const standing = [...this.#connections].filter(({ server }) => server !== null);
    const connection = standing[this.#random.below(Math.max(1, standing.length))];
    if (connection !== undefined) connection.isStalled = true;
  }

  /** Everything gets through again, and what waited comes. */
  unbar(): void {
    this.#barred.toServer = false;
    this.#barred.toClient = false;
    for (const connection of this.#connections) {
      connection.isStalled = false;
      connection.toServer.resume();
      connection.toClient.resume();
    }
  }

  /** The process is gone; the machine tells the clients. */
  crash(): void {
    this.#open = null;
    for (const connection of this.#connections) this.#endOfServer(connection, false);
  }

  /** The machine is gone: what was on its way is lost, and what comes is not answered. */
  powerLoss(): void {
    this.#open = null;
    this.#isDark = true;
    for (const connection of this.#connections) {
      connection.toClient.cutTo(0);
      connection.server = null;
      connection.isServerOver = true;
    }
  }

  powerOn(): void {
    this.#isDark = false;
  }

  #wire(arrived: (parcel: Parcel) => void, isBarred: () => boolean): SimWire<Parcel> {
    return new SimWire({
      clock: this.#clock,
      latencyMs: () => LATENCY_MS.min + this.#random.unit() * (LATENCY_MS.max - LATENCY_MS.min),
      isBarred,
      arrived,
      bytesOf: (parcel) => (parcel.kind === 'bytes' ? parcel.bytes.length : 0),
    });
  }

  #atServer(connection: Connection, parcel: Parcel): void {
    if (this.#isDark) return;
    if (connection.isServerOver) {
      // A machine that runs answers what belongs to no connection.
      if (parcel.kind !== 'end') connection.toClient.put({ kind: 'end' });
      return;
    }
    const open = this.#open;
    if (open === null) return this.#endOfServer(connection, false);
    open.process.whenAwake(() => {
      if (connection.isServerOver) return;
      if (parcel.kind === 'syn') this.#accept(connection, open);
      else if (parcel.kind === 'bytes') connection.server?.data(Buffer.from(parcel.bytes));
      else this.#endOfServer(connection, true);
    });
  }

  #accept(connection: Connection, { process, events }: Open): void {
    this.#clients += 1;
    const stream: ByteStream = {
      transport: 'tcp',
      remote: `client:${this.#clients}`,
      certificateName: null,
      write: (bytes) => {
        if (!connection.isServerOver) connection.toClient.put({ kind: 'bytes', bytes: Buffer.from(bytes) });
      },
      backlog: () => connection.toClient.bytes,
      pause: () => {
        connection.isPaused = true;
      },
      resume: () => {
        connection.isPaused = false;
        connection.toServer.resume();
      },
      end: () => process.after(0, () => this.#endOfServer(connection, true)),
      destroy: () => process.after(0, () => this.#endOfServer(connection, true)),
    };
    connection.server = events.connected(stream);
  }

  /** `isTold`: the process lives and hears of it. */
  #endOfServer(connection: Connection, isTold: boolean): void {
    if (connection.isServerOver) return;
    connection.isServerOver = true;
    const { server } = connection;
    connection.server = null;
    if (!this.#isDark) connection.toClient.put({ kind: 'end' });
    if (connection.isClientOver) this.#connections.delete(connection);
    if (isTold) server?.closed();
  }

  #atClient(connection: Connection, parcel: Parcel, events: ClientEvents): void {
    if (connection.isClientOver) return;
    if (parcel.kind === 'bytes') {
      const { server, toClient } = connection;
      if (toClient.parcels === 0 && server !== null) this.#open?.process.whenAwake(() => server.drained());
      return events.data(parcel.bytes);
    }
    connection.isClientOver = true;
    if (connection.isServerOver) this.#connections.delete(connection);
    events.closed();
  }
}
