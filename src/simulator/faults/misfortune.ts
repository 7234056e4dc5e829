/**
 * The hand that deals faults: each run has some of them, drawn from its seed, and a rate. Half of them come when they come; the others lie in
 * wait for the next change of state, where a pair is at its most delicate.
 */
import { SERVERS } from '../pair/sim-pair.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { World } from './fault.ts';
import { FAULT_NAMES, FAULTS, type FaultName } from './table.ts';

/** How long, on an average, from one fault to the next: a run is hectic, busy, or calm enough to heal in between. */
const MEANS_MS = [400, 1_500, 5_000, 15_000];
/** How many of all faults a run has, about. A few alone go deeper than all at once, where each ends what another began. */
const SHARES = [0.15, 0.4, 0.7, 1];
const AMBUSH_MS_MAX = 20;

export class Misfortune {
  readonly counts = new Map<FaultName, number>();
  readonly meanMs: number;
  /** Those that this run has. */
  readonly names: readonly FaultName[];
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #say: (text: string) => void;
  #isOver = false;
  /** Set: the next fault strikes this soon after the next change of state. */
  #ambushMs: number | null = null;

  /** `only`: the faults that the run has, where they are not to be drawn. */
  constructor(
    world: World,
    { random, only }: Readonly<{ random: SimRandom; only: readonly FaultName[] | null }>,
    say: (text: string) => void,
  ) {
    this.#world = world;
    this.#random = random;
    this.#say = say;
    this.meanMs = random.oneOf(MEANS_MS);
    const share = random.oneOf(SHARES);
    const drawn = FAULT_NAMES.filter(() => random.chance(share));
    this.names = only ?? (drawn.length === 0 ? FAULT_NAMES : drawn);
  }

  start(): void {
    this.#say(`faults, one in ${this.meanMs} ms: ${this.names.join(', ')}`);
    this.#next();
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
    const { pair, away } = this.#world;
    for (const consumer of away) consumer.start();
    away.clear();
    pair.network.heal();
    pair.network.slow(1);
    pair.share.recover();
    for (const name of SERVERS) pair.machines[name].heal();
  }

  #next(): void {
    const wait = -Math.log(1 - this.#random.unit()) * this.meanMs;
    this.#world.pair.clock.after(wait, () => {
      if (this.#isOver) return;
      if (this.#random.chance(0.5)) this.#ambushMs = this.#random.unit() * AMBUSH_MS_MAX;
      else this.#strike();
      this.#next();
    });
  }

  #strike(): void {
    const random = this.#random;
    const name = this.#draw();
    const server = random.chance(0.5) ? 'primary' : 'secondary';
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#say(`fault: ${name} (${server})`);
    const { pair } = this.#world;
    FAULTS[name].strike({
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

  #draw(): FaultName {
    let drawn = this.#random.below(this.names.reduce((sum, name) => sum + FAULTS[name].weight, 0));
    return this.names.find((name) => (drawn -= FAULTS[name].weight) < 0) ?? 'crash';
  }

  /** Short, about a timeout, or past every timeout. */
  #whileMs(): number {
    const length = this.#random.unit();
    const most = length < 0.4 ? 300 : length < 0.8 ? 5_000 : 25_000;
    return this.#random.unit() * most;
  }
}
