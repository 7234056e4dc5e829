/**
 * Breadth first through every world that can be reached within the bounds: the first violation met is one of the shortest. What is walked
 * is the shipped core; the world around it is this folder's. Source: PROTOCOL.md; house, "Core, simulation, reality".
 */
import { assert, present } from '../base/index.ts';
import type { Model } from './moves/index.ts';
import { Judge } from './judge.ts';
import { noBounds, type Setting } from './setting.ts';
import { Pool } from './states/pool.ts';
import { NumberList } from './states/tuples.ts';
import { Worlds, type Named, type Origin } from './states/worlds.ts';
import { Machines } from './world/machines.ts';
import { newWorld, type Frame, type World } from './world/world.ts';

export type Violation = Readonly<{
  sentence: string;
  what: string;
  /** From the first world to the one that breaks it. */
  trace: readonly Named[];
}>;

export type Exploration = Readonly<{
  states: number;
  /** Moves from the first world to the farthest one met. */
  depth: number;
  moves: number;
  /** Moves not made because a queue would have grown longer than is walked. */
  heldBack: number;
  /** False: the limit of states was reached first, and what lies beyond is not known. */
  isExhausted: boolean;
  violation: Violation | null;
}>;

export type Progress = Readonly<{
  depth: number;
  states: number;
  expanded: number;
  servers: number;
  lists: number;
}>;

export type Limits = Readonly<{
  statesMax: number;
  /** Called now and then, for whoever waits. */
  onProgress?: (progress: Progress) => void;
}>;

/** Worlds between two words of progress. */
const PROGRESS_EVERY = 1 << 16;

export class Explorer {
  readonly model: Model;
  readonly worlds: Worlds;
  readonly #judge: Judge;
  /** For each world the one from which it was first met. */
  readonly #parents = new NumberList();
  /** Moves that are no faults, as pairs of worlds; kept only for who asks for the way back. */
  readonly #ways: { from: NumberList; to: NumberList } | null;
  #expanded = 0;

  constructor(setting: Setting, keepsWays = false) {
    this.model = { setting, machines: new Machines(), frames: new Pool<Frame>() };
    this.#ways = keepsWays ? { from: new NumberList(), to: new NumberList() } : null;
    this.worlds = new Worlds(this.model);
    this.#judge = new Judge(this.worlds, this.model.machines);
    const first = newWorld((server) => this.model.machines.first(server), noBounds);
    this.worlds.put(setting.start === 'new' ? first : protectedWorld(first, this.model));
    this.#parents.push(0);
  }

  get states(): number {
    return this.worlds.count;
  }

  /** Worlds whose moves have all been made; the rest are known, and not what follows from them. */
  get expanded(): number {
    return this.#expanded;
  }

  get ways(): Readonly<{ from: NumberList; to: NumberList }> {
    return present(this.#ways, 'the ways between worlds');
  }

  explore({ statesMax, onProgress }: Limits): Exploration {
    const { worlds } = this;
    let depth = 0;
    let levelEnd = 1;
    let moves = 0;
    const broken: number[] = [];
    const visit = (isFault: boolean): void => {
      moves += 1;
      const before = worlds.count;
      const number = worlds.add();
      if (!isFault && this.#ways !== null) {
        this.#ways.from.push(this.#expanded);
        this.#ways.to.push(number);
      }
      if (number !== before) return;
      this.#parents.push(this.#expanded);
      if (!this.#judge.holds(number)) broken.push(number);
    };
    while (this.#expanded < worlds.count && worlds.count < statesMax && broken.length === 0) {
      if (this.#expanded === levelEnd) {
        depth += 1;
        levelEnd = worlds.count;
      }
      this.#expand(visit);
      if (this.#expanded % PROGRESS_EVERY === 0)
        onProgress?.({ depth, states: worlds.count, expanded: this.#expanded, ...worlds.sizes });
    }
    const [first] = broken;
    const violation = first === undefined ? null : this.#violationIn(first);
    const isExhausted = violation === null && this.#expanded === worlds.count;
    return { states: worlds.count, depth, moves, heldBack: worlds.heldBack, isExhausted, violation };
  }

  #expand(visit: (isFault: boolean) => void): void {
    try {
      this.worlds.expand(this.#expanded, visit);
    } catch (failure) {
      const steps = this.trace(this.#expanded).map(({ server, what }) => `${server ?? ''} ${what}`);
      throw new Error(`the model, or the core's own assertion, fails after:\n${steps.join('\n')}`, {
        cause: failure,
      });
    }
    this.#expanded += 1;
  }

  #violationIn(number: number): Violation {
    const { sentence, what } = present(this.#judge.brokenIn(number), 'what the world breaks');
    return { sentence, what, trace: this.trace(number) };
  }

  /** The moves by which a world was first met. */
  trace(number: number): Named[] {
    const path = [number];
    for (let at = number; at !== 0; path.unshift(at)) at = this.#parents.at(at);
    return path.slice(1).map((to, n) => {
      const from = present(path[n], 'the world before');
      const found: Origin[] = [];
      this.worlds.expand(from, (_, origin) => {
        if (this.worlds.add() === to) found.push(origin);
      });
      return this.worlds.explain(from, present(found[0], 'the move between two worlds'));
    });
  }
}

/** A state nobody disturbs: each server does what it can, timers run out only when nothing else is left to do. */
function protectedWorld(first: World, model: Model): World {
  const bounds = { ...noBounds, claims: 100, rewrites: Infinity };
  const worlds = new Worlds({ ...model, setting: { ...model.setting, bounds, without: new Set() } });
  let at = worlds.put(first);
  for (let n = 0; n < 1000; n += 1) {
    const followers: number[] = [];
    worlds.expand(at, (isFault) => {
      if (!isFault) followers.push(worlds.add());
    });
    const [next] = followers;
    if (next === undefined || isProtected(worlds, at, model)) {
      const world = worlds.world(at);
      return { ...world, ledger: { ...world.ledger, happened: noBounds } };
    }
    at = next;
  }
  assert(false, 'two servers that nobody disturbs come to protect each other');
  return first;
}

/** One is ACTIVE, the other PASSIVE. */
export function isProtected(worlds: Worlds, number: number, { machines }: Model): boolean {
  const { primary, secondary } = worlds.world(number);
  const states = [machines.state(primary.machine), machines.state(secondary.machine)];
  return states.includes('ACTIVE') && states.includes('PASSIVE');
}
