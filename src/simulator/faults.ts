/**
 * What befalls a simulated pair: each fault has a weight by which it is drawn, and most end of themselves after a while that is short, about
 * a timeout, or past every timeout. Law: only what a pair must survive without an operator; what blocks it on purpose is left out.
 * Source: PROTOCOL.md §2, §4, §6.
 */
import { otherServer, type ServerName } from '../core/pair/index.ts';
import type { Consumer } from './clients/consumer.ts';
import type { Publisher } from './clients/publisher.ts';
import type { SimMachine } from './sim-machine.ts';
import { SERVERS, type SimPair } from './sim-pair.ts';
import type { SimRandom } from './sim-random.ts';

export type World = Readonly<{
  pair: SimPair;
  clients: readonly (Publisher | Consumer)[];
}>;

/** What a fault is done with. `later`: after a while of a length drawn as below. */
type Hand = Readonly<{
  world: World;
  pair: SimPair;
  random: SimRandom;
  /** One of both servers. */
  server: ServerName;
  machine: SimMachine;
  later: (end: () => void) => void;
}>;

type Fault = Readonly<{ weight: number; strike: (hand: Hand) => void }>;

const LEASE_MS_MAX = 10_000;

export const FAULTS = {
  crash: {
    weight: 10,
    strike: ({ machine, later }) => {
      machine.crash();
      later(() => machine.start());
    },
  },
  powerLoss: {
    weight: 6,
    strike: ({ machine, random, later }) => {
      machine.powerLoss(random.unit() * LEASE_MS_MAX);
      later(() => machine.start());
    },
  },
  powerLossOfBoth: {
    weight: 3,
    strike: ({ pair, random, later }) => {
      for (const name of SERVERS) pair.machines[name].powerLoss(random.unit() * LEASE_MS_MAX);
      for (const name of SERVERS) later(() => pair.machines[name].start());
    },
  },
  restart: { weight: 3, strike: ({ machine }) => machine.stop('an operator') },
  freezeProcess: {
    weight: 8,
    strike: ({ machine, later }) => {
      machine.freeze('process');
      later(() => machine.thaw());
    },
  },
  freezeMachine: {
    weight: 8,
    strike: ({ pair, machine, server, random, later }) => {
      machine.freeze('machine');
      if (random.chance(0.5)) later(() => pair.share.expire(server));
      later(() => machine.thaw());
    },
  },
  cut: {
    weight: 8,
    strike: ({ pair, later }) => {
      pair.network.cut();
      later(() => pair.network.heal());
    },
  },
  cutOneWay: {
    weight: 6,
    strike: ({ pair, server, later }) => {
      pair.network.cutOneWay(server);
      later(() => pair.network.heal());
    },
  },
  resetChannel: { weight: 5, strike: ({ pair }) => pair.network.reset('the connection was reset') },
  channelLostForOne: { weight: 5, strike: ({ pair, server }) => pair.network.loseFor(server) },
  slowChannel: {
    weight: 6,
    strike: ({ pair, random, later }) => {
      pair.network.slow(10 ** (1 + random.unit() * 2));
      later(() => pair.network.slow(1));
    },
  },
  isolate: {
    weight: 6,
    strike: ({ pair, machine, server, random, later }) => {
      pair.network.cut();
      machine.gateway.isSilent = true;
      if (random.chance(0.7)) pair.share.hang([server]);
      if (random.chance(0.7)) machine.port.bar();
      later(() => {
        pair.network.heal();
        machine.gateway.isSilent = false;
        pair.share.heal([server]);
        machine.port.unbar();
      });
    },
  },
  gatewaySilent: {
    weight: 4,
    strike: ({ pair, random, machine, later }) => {
      const silent = random.chance(0.5) ? [machine] : SERVERS.map((name) => pair.machines[name]);
      for (const one of silent) one.gateway.isSilent = true;
      later(() => {
        for (const one of silent) one.gateway.isSilent = false;
      });
    },
  },
  shareHung: {
    weight: 6,
    strike: ({ pair, random, server, later }) => {
      const hung = random.chance(0.5) ? [server] : SERVERS;
      pair.share.hang(hung);
      later(() => pair.share.heal(hung));
    },
  },
  leaseLost: { weight: 5, strike: ({ pair, server }) => pair.share.revoke(server) },
  leaseLostUnseen: {
    weight: 5,
    strike: ({ pair, server, later }) => {
      pair.share.expire(server);
      later(() => pair.share.revoke(server));
    },
  },
  recordWriteFails: {
    weight: 5,
    strike: ({ pair, random, server }) =>
      pair.share.failNextWrite(server, random.chance(0.5) ? 'before' : 'after'),
  },
  clientsCutOff: {
    weight: 3,
    strike: ({ machine, later }) => {
      machine.port.bar();
      later(() => machine.port.unbar());
    },
  },
  clientLost: {
    weight: 4,
    strike: ({ world, random }) => world.clients[random.below(world.clients.length)]?.drop(),
  },
  slowDisk: {
    weight: 4,
    strike: ({ machine, random, later }) => {
      machine.disk.slow(10 ** (1 + random.unit() * 2));
      later(() => machine.disk.slow(1));
    },
  },
  diskHangs: {
    weight: 3,
    strike: ({ machine, later }) => {
      machine.disk.holdSyncs();
      later(() => machine.releaseSyncs());
    },
  },
  diskFails: { weight: 3, strike: ({ machine }) => machine.disk.failNextSync() },
  switchover: { weight: 5, strike: ({ machine }) => machine.server?.pair.askSwitchover('an operator') },
  storeLost: {
    weight: 2,
    strike: ({ pair, machine, server, random, later }) => {
      if (!isSpare(pair, server)) return;
      machine.powerLoss(random.unit() * LEASE_MS_MAX);
      machine.wipe();
      later(() => machine.start());
    },
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** The peer holds everything, and nothing of this server's can be on its way to the record. */
function isSpare(pair: SimPair, server: ServerName): boolean {
  const peer = pair.machines[otherServer(server)];
  const own = pair.machines[server].server;
  const reading = pair.share.reading();
  if (peer.server === null || own?.pair.step !== 'PASSIVE.following' || reading.kind !== 'record')
    return false;
  return reading.record.inSync[peer.name] === peer.disk.current;
}

const NAMES = Object.keys(FAULTS) as FaultName[]; // the keys of a constant object

export class Misfortune {
  readonly counts = new Map<FaultName, number>();
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #meanMs: number;
  readonly #say: (text: string) => void;
  #isOver = false;
  /** Set: the next fault strikes this soon after the next change of state, where the pair is at its most delicate. */
  #ambushMs: number | null = null;

  constructor(world: World, random: SimRandom, meanMs: number, say: (text: string) => void) {
    this.#world = world;
    this.#random = random;
    this.#meanMs = meanMs;
    this.#say = say;
  }

  start(): void {
    const { clock } = this.#world.pair;
    const wait = -Math.log(1 - this.#random.unit()) * this.#meanMs;
    clock.after(wait, () => {
      if (this.#isOver) return;
      if (this.#random.chance(0.5)) this.#ambushMs = this.#random.unit() * 20;
      else this.#strike();
      this.start();
    });
  }

  /** A server has changed its step. */
  stepped(): void {
    if (this.#isOver || this.#ambushMs === null) return;
    const wait = this.#ambushMs;
    this.#ambushMs = null;
    this.#world.pair.clock.after(wait, () => {
      if (!this.#isOver) this.#strike();
    });
  }

  /** All faults end, and everything runs. */
  stop(): void {
    this.#isOver = true;
    const { pair } = this.#world;
    pair.network.heal();
    pair.network.slow(1);
    pair.share.heal();
    for (const name of SERVERS) {
      const machine = pair.machines[name];
      machine.thaw();
      machine.gateway.isSilent = false;
      machine.port.unbar();
      machine.disk.slow(1);
      machine.releaseSyncs();
      machine.disk.failsNoMore();
      machine.start();
    }
  }

  #strike(): void {
    const random = this.#random;
    const total = NAMES.reduce((sum, name) => sum + FAULTS[name].weight, 0);
    let drawn = random.below(total);
    const name = NAMES.find((one) => (drawn -= FAULTS[one].weight) < 0) ?? 'crash';
    const server = random.chance(0.5) ? 'primary' : 'secondary';
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#say(`fault: ${name} (${server})`);
    const { pair } = this.#world;
    const fault: Fault = FAULTS[name];
    fault.strike({
      world: this.#world,
      pair,
      random,
      server,
      machine: pair.machines[server],
      later: (end) => {
        pair.clock.after(this.#whileMs(), () => {
          if (!this.#isOver) end();
        });
      },
    });
  }

  /** Short, about a timeout, or past every timeout. */
  #whileMs(): number {
    const length = this.#random.unit();
    const most = length < 0.4 ? 300 : length < 0.8 ? 5_000 : 25_000;
    return this.#random.unit() * most;
  }
}
