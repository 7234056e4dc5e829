/**
 * Two whole servers and all that is between and around them, on one virtual clock: the shipped core and runtime behind simulated ports.
 * Everything that happens follows from the seed and from what is done to it here. Source: PROTOCOL.md §1 to §5.
 */
import type { LogLine } from '../../base/index.ts';
import { pairOptions, type PairOptions, type ServerName, type Stamp } from '../../core/pair/index.ts';
import { connectionOptions, type ConnectionOptions } from '../../runtime/connections/index.ts';
import { nothingPlanted, type Plant } from '../planted/index.ts';
import { SimClock } from '../time/sim-clock.ts';
import { SimMachine } from './sim-machine.ts';
import { SimNetwork } from '../network/sim-network.ts';
import { SimRandom } from '../time/sim-random.ts';
import type { SimServer } from './sim-server.ts';
import { SimShare } from '../share/sim-share.ts';

export const SERVERS: readonly ServerName[] = ['primary', 'secondary'];

const SHARE_MS = 1;
/** Small, so that trimming and full synchronisation are met within minutes. */
const JOURNAL = { segmentSize: 8 * 1024, retain: 32 * 1024 };

export type SimPairOptions = Readonly<{
  seed: number;
  timing: PairOptions;
  mqtt: ConnectionOptions;
  /** As of the journal's options of the same names, in bytes. */
  journal: Readonly<{ segmentSize: number; retain: number }>;
  plant: Plant;
  events: Readonly<{
    said: (line: LogLine) => void;
    stepped: (server: SimServer) => void;
    committed: (server: SimServer, stamp: Stamp) => void;
    ended: (machine: SimMachine, why: string) => void;
  }>;
}>;

const defaultsOf = (set: Readonly<Record<string, Readonly<{ default: unknown }>>>): unknown =>
  Object.fromEntries(Object.entries(set).map(([key, option]) => [key, option.default]));

// The same keys, each with its default.
export const defaultTiming = defaultsOf(pairOptions) as PairOptions;
export const defaultMqtt = defaultsOf(connectionOptions) as ConnectionOptions;

export class SimPair {
  readonly clock: SimClock;
  readonly share: SimShare;
  readonly network: SimNetwork;
  readonly machines: Readonly<Record<ServerName, SimMachine>>;

  constructor(options: Partial<SimPairOptions> & Pick<SimPairOptions, 'seed'>) {
    const { seed, timing = defaultTiming, mqtt = defaultMqtt, journal = JOURNAL } = options;
    const { plant = nothingPlanted, events } = options;
    const random = new SimRandom(seed);
    const subSeed = (): number => random.below(2 ** 32);
    this.clock = new SimClock();
    this.share = new SimShare({
      clock: this.clock,
      clockOf: (server) => this.machines[server].clock,
      keeperTimeoutMs: timing.keeperTimeout,
      latencyMs: SHARE_MS,
      probeIntervalMs: timing.activeLockReacquisitionInterval,
      ...(plant.share === undefined ? {} : { acts: plant.share }),
    });
    this.network = new SimNetwork(this.clock, new SimRandom(subSeed()));
    const machine = (me: ServerName): SimMachine =>
      new SimMachine({
        request: { me, timing, mqtt },
        journal,
        clock: this.clock,
        share: this.share,
        network: this.network,
        log: { say: (line) => events?.said(line) },
        seed: subSeed(),
        plant,
        events: {
          stepped: (server) => events?.stepped(server),
          committed: (server, stamp) => events?.committed(server, stamp),
          ended: (ended, why) => events?.ended(ended, why),
        },
      });
    this.machines = { primary: machine('primary'), secondary: machine('secondary') };
  }

  get primary(): SimMachine {
    return this.machines.primary;
  }

  get secondary(): SimMachine {
    return this.machines.secondary;
  }

  /** `ACTIVE/PASSIVE`: what each server says of itself; `-` where no process runs. */
  get states(): string {
    return SERVERS.map((name) => this.machines[name].server?.pair.state ?? '-').join('/');
  }

  /** Lets time pass until it is so, not more than `ms`. Whether it is. */
  until(isSo: () => boolean, ms: number): Promise<boolean> {
    return this.clock.runUntil(isSo, ms);
  }

  run(ms: number): Promise<void> {
    return this.clock.run(ms);
  }
}
