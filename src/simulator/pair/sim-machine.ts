/**
 * One machine of the pair: its clock, its disk, its port, its way to the gateway, and the server process that runs on it or doesn't. What
 * can befall it is done to it here.
 */
import type { Clock, Log } from '../../base/index.ts';
import { stepPair, type ServerName, type Stamp } from '../../core/pair/index.ts';
import type { Arbiter, ArbiterEvents, Channel } from '../../ports/index.ts';
import { LocalClock } from '../time/local-clock.ts';
import type { Plant } from '../planted/index.ts';
import { SimDisk, type SimDiskParts } from '../disk/sim-disk.ts';
import { SimGateway } from '../share/sim-gateway.ts';
import { SimPort } from '../network/sim-listener.ts';
import type { SimNetwork } from '../network/sim-network.ts';
import { SimRandom } from '../time/sim-random.ts';
import { SimServer, type SimServerRequest } from './sim-server.ts';
import type { SimShare } from '../share/sim-share.ts';
import { SimStoreRoot } from '../disk/sim-store.ts';

/** How long one act on the disk takes: a data-centre SSD. */
const DISK_MS = 0.8;
const GATEWAY_MS = 0.5;
/** How long a turn of a server's event loop takes at most; now and then one takes longer, as when garbage is collected. */
const TURN_MS_MAX = 2;
const LONG_TURN_MS_MAX = 50;
const LONG_TURN_PART = 1 / 50;
/** As in server.ts. */
const STOP_MS_MAX = 20_000;

export type MachineParts = Readonly<{
  request: Omit<SimServerRequest, 'newPair'>;
  journal: SimDiskParts['journal'];
  /** The world's own time. */
  clock: Clock;
  share: SimShare;
  network: SimNetwork;
  log: Log;
  seed: number;
  plant: Plant;
  events: MachineEvents;
}>;

export type MachineEvents = Readonly<{
  stepped: (server: SimServer) => void;
  committed: (server: SimServer, stamp: Stamp) => void;
  /** The process has ended of itself, or couldn't start. */
  ended: (machine: SimMachine, why: string) => void;
}>;

export class SimMachine {
  readonly name: ServerName;
  readonly disk: SimDisk;
  readonly gateway: SimGateway;
  readonly port: SimPort;
  /** Where its keeper lives. */
  clock: LocalClock;
  #process: LocalClock | null = null;
  #server: SimServer | null = null;
  #channel: Channel | null = null;
  #isFrozen = false;
  #isDark = false;
  readonly #parts: MachineParts;
  readonly #random: SimRandom;

  constructor(parts: MachineParts) {
    const { request, clock, seed, journal } = parts;
    this.#parts = parts;
    this.name = request.me;
    this.#random = new SimRandom(seed);
    this.clock = new LocalClock(clock);
    const live = (): LocalClock => this.#process ?? this.clock;
    // An act on the disk is seen by the process that asked for it, so it takes its time by that one's clock.
    const diskClock: Clock = {
      now: () => live().now(),
      wall: () => live().wall(),
      after: (ms, act) => live().after(ms, act),
      soon: (act) => live().soon(act),
    };
    this.disk = new SimDisk({ clock: diskClock, random: this.#random, latencyMs: DISK_MS, journal });
    const { gatewayTimeout } = request.timing;
    this.gateway = new SimGateway({ latencyMs: GATEWAY_MS, timeoutMs: gatewayTimeout });
    this.port = new SimPort(clock, this.#random);
  }

  /** Null while no process runs, and while one is still opening its store. */
  get server(): SimServer | null {
    return this.#server;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  #turnMs(): number {
    return this.#random.unit() * (this.#random.chance(LONG_TURN_PART) ? LONG_TURN_MS_MAX : TURN_MS_MAX);
  }

  start(how: Readonly<{ newPair: boolean }> = { newPair: false }): void {
    const { request, network, log, plant, events, clock } = this.#parts;
    if (this.#process !== null) return;
    if (this.#isDark) {
      this.#isDark = false;
      this.clock = new LocalClock(clock);
      this.port.powerOn();
    }
    const process = new LocalClock(this.clock, () => this.#turnMs());
    this.#process = process;
    const ends = (why: string): void => {
      if (this.#process !== process) return;
      this.crash();
      events.ended(this, why);
    };
    const root = plant.root?.(new SimStoreRoot(this.disk), this) ?? new SimStoreRoot(this.disk);
    const channel = network.channel(this.name);
    this.#channel = channel;
    const started = SimServer.start(
      { ...request, newPair: how.newPair },
      {
        clock: process,
        random: this.#random,
        log: { say: (line) => log.say({ ...line, text: `${this.name}: ${line.text}` }) },
        root,
        arbiter: (told) => {
          const arbiter = this.#arbiter(process, told);
          return plant.arbiter?.(arbiter, this, this.#parts.share) ?? arbiter;
        },
        gateway: this.gateway.port(process),
        channel: heardBy(process, plant.channel?.(channel, this) ?? channel),
        step: plant.step?.(stepPair, this) ?? stepPair,
        listener: this.port.listener(process),
      },
      { stepped: events.stepped, committed: events.committed, ended: ends },
      (server) => {
        if (this.#process === process) this.#server = server;
      },
    );
    started.catch((failure: unknown) =>
      ends(failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)),
    );
  }

  /** The operator's clean stop, which a server that can't finish it cuts short. */
  stop(why: string): void {
    const process = this.#process;
    if (process === null || this.#server === null) return this.crash();
    const stopped = this.#server.stop(why);
    const tooLong = new Promise<void>((resolve) => process.after(STOP_MS_MAX, resolve));
    const end = (): void => {
      if (this.#process !== process) return;
      this.crash();
      this.#parts.events.ended(this, 'stopped by its operator');
    };
    Promise.race([stopped, tooLong]).then(end, end);
  }

  /** The process dies, at whatever it was; the machine's kernel closes its files and connections. */
  crash(): void {
    if (this.#process === null) return;
    this.#processIsGone();
    this.disk.crash();
    this.#parts.share.crash(this.name);
    this.port.crash();
    void this.#channel?.close();
  }

  /** The power goes: nobody is told, what was not synced may be lost, and the file server keeps the lock until the lease has run out. */
  powerLoss(leaseMs: number): void {
    if (this.#isDark) return;
    this.#isDark = true;
    this.#processIsGone();
    this.clock.end();
    this.disk.powerLoss();
    this.#parts.share.powerLoss(this.name, leaseMs);
    this.port.powerLoss();
    this.#parts.network.vanish(this.name);
  }

  /**
   * `process`: the broker stands still, and its keeper lets the lock go when it has missed its beats. `machine`: all of it stands still,
   * its clock too, and the lock stays where it is.
   */
  freeze(what: 'process' | 'machine'): void {
    const process = this.#process;
    if (process === null || this.#isFrozen) return;
    this.#isFrozen = true;
    this.#parts.network.freeze(this.name);
    process.freeze(false);
    if (what === 'machine') return this.clock.freeze(true);
    this.clock.after(this.#parts.request.timing.keeperTimeout, () => {
      if (this.#process === process && process.isFrozen) this.#parts.share.revoke(this.name);
    });
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    this.clock.thaw();
    this.#process?.thaw();
    this.#parts.network.thaw(this.name);
  }

  /** A disk that hung answers again, to a process that may be frozen. */
  releaseSyncs(): void {
    if (this.#process === null) this.disk.releaseSyncs();
    else this.#process.whenAwake(() => this.disk.releaseSyncs());
  }

  /** Whatever befell it is over, and it runs. */
  heal(): void {
    this.thaw();
    this.gateway.isSilent = false;
    this.port.unbar();
    this.disk.slow(1);
    this.releaseSyncs();
    this.disk.failsNoMore();
    this.start();
  }

  /** The disk is replaced by an empty one. The process must be gone. */
  wipe(): void {
    this.disk.wipe();
  }

  #processIsGone(): void {
    this.#process?.end();
    this.#process = null;
    this.#server = null;
    this.thaw();
  }

  /** The keeper's answers, as a process sees them that may be frozen when they come. */
  #arbiter(process: LocalClock, events: ArbiterEvents): Arbiter {
    const inner = this.#parts.share.arbiter(this.name, {
      lockLost: (why) => process.whenAwake(() => events.lockLost(why)),
    });
    return {
      read: () => process.seen(inner.read()),
      lock: (patienceMs) => process.seen(inner.lock(patienceMs)),
      write: (request) => process.seen(inner.write(request)),
      release: () => process.seen(inner.release()),
      committed: (stamp) => inner.committed(stamp),
      close: () => process.seen(inner.close()),
    };
  }
}

/** What comes on the channel while the process stands still waits for it. */
function heardBy(process: LocalClock, channel: Channel): Channel {
  return {
    open: (events) =>
      channel.open({
        up: () => process.whenAwake(events.up),
        frame: (frame) => process.whenAwake(() => events.frame(frame)),
        lost: (why) => process.whenAwake(() => events.lost(why)),
        refused: () => process.whenAwake(events.refused),
      }),
    send: (frame) => channel.send(frame),
    backlog: () => channel.backlog(),
    drop: (why) => channel.drop(why),
    close: () => channel.close(),
  };
}
