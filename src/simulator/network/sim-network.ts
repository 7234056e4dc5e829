/**
 * The line between the two servers, simulated: behind port `Channel` like the real one, and told by the simulator what breaks. It
 * behaves as TCP and `WsChannel` together do: whole frames in order or the end of the connection; silence, not loss, while the
 * way is cut; the listening server sees a connection stand before the dialling one does; a server that dials anew replaces a
 * connection that its peer still believes in.
 */
import { assert, type Clock } from '../../base/index.ts';
import { otherServer, type Frame, type ServerName } from '../../core/pair/index.ts';
import type { Channel, ChannelEvents } from '../../ports/index.ts';
import type { SimRandom } from '../time/sim-random.ts';
import { SimWire } from './sim-wire.ts';

export type SimNetworkOptions = Readonly<{
  /** Each way, drawn for each parcel. */
  latencyMs: Readonly<{ min: number; max: number }>;
  /** From when two servers could be connected until one of them dials. */
  dialMs: Readonly<{ min: number; max: number }>;
}>;

const DEFAULTS: SimNetworkOptions = { latencyMs: { min: 0.1, max: 2 }, dialMs: { min: 1, max: 250 } };
/** After this a dialling server that was not welcomed gives up, as the real one does. */
const WELCOME_TIMEOUT_MS = 3_000;

const SERVERS: readonly ServerName[] = ['primary', 'secondary'];

export type Parcel = Readonly<
  | { kind: 'welcome' }
  | { kind: 'frame'; frame: Frame }
  /** The sender's side of the connection is over. */
  | { kind: 'end'; why: string }
>;

/** One server's side of one connection. `wire` leads to the peer. */
type End = {
  readonly channel: SimChannel;
  readonly wire: SimWire<Parcel>;
  stage: 'dialling' | 'up' | 'over';
};

export class SimNetwork {
  readonly #clock: Clock;
  readonly #random: SimRandom;
  readonly #options: SimNetworkOptions;
  readonly #channels = new Map<ServerName, SimChannel>();
  /** From which servers nothing gets through. */
  readonly #cutFrom = new Set<ServerName>();
  readonly #frozen = new Set<ServerName>();
  /** Those that stand, and those whose last parcels are still on their way. */
  #ends: End[] = [];
  #isDialPending = false;
  #slowness = 1;

  constructor(clock: Clock, random: SimRandom, options: Partial<SimNetworkOptions> = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** The server's channel; a new one for each run of its process, when the former is closed or has vanished. */
  channel(server: ServerName): Channel {
    assert(!this.#isOpen(server), `the ${server} has a channel`);
    const channel = new SimChannel(server, {
      opened: () => this.#consider(),
      hangUp: (end) => this.#hangUp(end),
    });
    this.#channels.set(server, channel);
    return channel;
  }

  /** From now on everything takes `times` as long as at first. */
  slow(times: number): void {
    this.#slowness = times;
  }

  /** Nothing gets through either way, and nobody is told. */
  cut(): void {
    for (const server of SERVERS) this.#cutFrom.add(server);
  }

  /** Nothing that `from` sends gets through, and nobody is told. */
  cutOneWay(from: ServerName): void {
    this.#cutFrom.add(from);
  }

  /** What waited arrives, on connections that nobody gave up meanwhile; who has none dials again. */
  heal(): void {
    this.#cutFrom.clear();
    this.#resume();
  }

  /** The connection is over for both, at once, with all that was on its way. */
  reset(why: string): void {
    const ends = SERVERS.map((server) => this.#endOf(server)).filter((end) => end !== null);
    for (const end of ends) this.#over(end, why);
  }

  /** Only `server` learns that the connection is over. Its peer learns when it sends something, or when it is dialled. */
  loseFor(server: ServerName): void {
    const end = this.#endOf(server);
    if (end === null) return;
    end.wire.cutTo(0);
    this.#over(end, 'the connection broke');
  }

  /** The server's machine is gone without a word, as when power fails. Its channel reports nothing any more. */
  vanish(server: ServerName): void {
    const channel = this.#channels.get(server);
    if (channel === undefined) return;
    channel.events = null;
    this.loseFor(server);
    this.#channels.delete(server);
  }

  /** The server's process stands still: what comes for it waits, and no connection with it comes about. */
  freeze(server: ServerName): void {
    this.#frozen.add(server);
  }

  thaw(server: ServerName): void {
    this.#frozen.delete(server);
    this.#resume();
  }

  #resume(): void {
    for (const end of this.#ends) end.wire.resume();
    this.#consider();
  }

  /** Lets somebody dial, after a while, if somebody should. */
  #consider(): void {
    if (this.#isDialPending || (this.#diallers().length === 0 && this.#refused() === null)) return;
    this.#isDialPending = true;
    this.#clock.after(this.#between(this.#options.dialMs), () => {
      this.#isDialPending = false;
      this.#refused()?.events?.refused();
      const diallers = this.#diallers();
      const server = diallers[this.#random.below(Math.max(1, diallers.length))];
      if (server !== undefined) this.#connect(server);
    });
  }

  /** Those that have no connection and could have one: both servers run, and the way is open both ways. */
  #diallers(): readonly ServerName[] {
    if (this.#cutFrom.size > 0 || this.#frozen.size > 0 || !SERVERS.every((server) => this.#isOpen(server)))
      return [];
    return SERVERS.filter((server) => this.#endOf(server) === null);
  }

  /** The only one whose process runs, while the other's machine is up to say that there is none. Told once. */
  #refused(): SimChannel | null {
    if (this.#cutFrom.size > 0 || this.#frozen.size > 0) return null;
    const open = SERVERS.filter((server) => this.#isOpen(server));
    const [alone] = open;
    if (open.length !== 1 || alone === undefined || !this.#channels.has(otherServer(alone))) return null;
    return this.#endOf(alone) === null ? (this.#channels.get(alone) ?? null) : null;
  }

  #connect(dialler: ServerName): void {
    const former = this.#endOf(otherServer(dialler));
    if (former !== null) this.#over(former, 'the peer has dialled anew');
    const [from, to] = [this.#channels.get(dialler), this.#channels.get(otherServer(dialler))];
    // Whoever was told of the loss may have closed its channel.
    if (from === undefined || to === undefined || !this.#diallers().includes(dialler)) return;

    const dialling: End = {
      channel: from,
      wire: this.#wire(dialler, (parcel) => this.#arrive(listening, dialling, parcel)),
      stage: 'dialling',
    };
    const listening: End = {
      channel: to,
      wire: this.#wire(to.server, (parcel) => this.#arrive(dialling, listening, parcel)),
      stage: 'up',
    };
    this.#ends = [
      ...this.#ends.filter((end) => end.stage !== 'over' || end.wire.parcels > 0),
      dialling,
      listening,
    ];
    from.end = dialling;
    to.end = listening;
    this.#awaitWelcome(dialling);
    listening.wire.put({ kind: 'welcome' });
    to.events?.up();
  }

  #wire(from: ServerName, arrived: (parcel: Parcel) => void): SimWire<Parcel> {
    return new SimWire({
      clock: this.#clock,
      latencyMs: () => this.#between(this.#options.latencyMs) * this.#slowness,
      isBarred: () => this.#cutFrom.has(from) || this.#frozen.has(otherServer(from)),
      arrived,
      bytesOf,
    });
  }

  #awaitWelcome(end: End): void {
    this.#clock.after(WELCOME_TIMEOUT_MS, () => {
      if (end.stage !== 'dialling') return;
      if (this.#frozen.has(end.channel.server)) this.#awaitWelcome(end);
      else this.#hangUp(end);
    });
  }

  #arrive(end: End, sender: End, parcel: Parcel): void {
    if (end.stage === 'over') {
      // A running machine answers what belongs to no connection; one that is off does not.
      const answers = parcel.kind !== 'end' && sender.stage !== 'over' && this.#isOpen(end.channel.server);
      if (answers && end.wire.parcels === 0) end.wire.put({ kind: 'end', why: 'the connection was reset' });
    } else if (parcel.kind === 'end') this.#over(end, parcel.why);
    else if (parcel.kind === 'frame') end.channel.events?.frame(parcel.frame);
    else {
      end.stage = 'up';
      end.channel.events?.up();
    }
  }

  /** This side ends the connection. What it sent last may arrive or not; then its peer learns. */
  #hangUp(end: End): void {
    end.wire.cutTo(this.#random.below(end.wire.parcels + 1));
    end.wire.put({ kind: 'end', why: 'the peer has closed the connection' });
    this.#leave(end);
  }

  #over(end: End, why: string): void {
    const wasUp = end.stage === 'up';
    this.#leave(end);
    if (wasUp) end.channel.events?.lost(why);
  }

  #leave(end: End): void {
    end.stage = 'over';
    end.channel.end = null;
    this.#consider();
  }

  #endOf(server: ServerName): End | null {
    return this.#channels.get(server)?.end ?? null;
  }

  #isOpen(server: ServerName): boolean {
    return (this.#channels.get(server)?.events ?? null) !== null;
  }

  #between({ min, max }: Readonly<{ min: number; max: number }>): number {
    return min + this.#random.unit() * (max - min);
  }
}

class SimChannel implements Channel {
  readonly server: ServerName;
  readonly #network: Readonly<{ opened: () => void; hangUp: (end: End) => void }>;
  /** Null before `open` and from `close` on. */
  events: ChannelEvents | null = null;
  /** The present connection, which may not stand yet. */
  end: End | null = null;

  constructor(server: ServerName, network: Readonly<{ opened: () => void; hangUp: (end: End) => void }>) {
    this.server = server;
    this.#network = network;
  }

  async open(events: ChannelEvents): Promise<void> {
    this.events = events;
    this.#network.opened();
  }

  send(frame: Frame): void {
    if (this.end?.stage === 'up') this.end.wire.put({ kind: 'frame', frame: copyOf(frame) });
  }

  backlog(): number {
    return this.end?.stage === 'up' ? this.end.wire.bytes : 0;
  }

  drop(why: string): void {
    if (this.end?.stage !== 'up') return;
    this.#network.hangUp(this.end);
    queueMicrotask(() => this.events?.lost(why));
  }

  async close(): Promise<void> {
    this.events = null;
    if (this.end !== null) this.#network.hangUp(this.end);
  }
}

/** Nothing of the sender's reaches the receiver: a frame is plain values, and bytes in some. */
function copyOf<T>(value: T): T {
  // What is copied has the shape of what it is copied from.
  if (typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return Buffer.from(value) as T;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copyOf(value[key]);
  return copy as T;
}

/** What surrounds a body, about. */
const ENVELOPE_BYTES = 64;

const bytesOf = (parcel: Parcel): number =>
  ENVELOPE_BYTES + (parcel.kind === 'frame' && 'body' in parcel.frame ? parcel.frame.body.length : 0);
