/**
 * Breadth first through every world that can be reached within the bounds: the first violation met is one of the shortest. What is walked
 * is the shipped core; the world around it is this folder's. Source: PROTOCOL.md; house, "Core, simulation, reality".
 */
import { assert, present } from '../base/index.ts';
import type { Model } from './draft.ts';
import { invariants } from './invariants/index.ts';
import { Machines } from './machines.ts';
import { movesOf, type Move } from './moves.ts';
import { Pool } from './pool.ts';
import { NumberList, Rows } from './rows.ts';
import { noBounds, type Setting } from './setting.ts';
import { newWorld, type Frame, type World } from './world.ts';

export type Violation = Readonly<{
  sentence: string;
  what: string;
  /** From the first world to the one that breaks it. */
  trace: readonly Move[];
}>;

export type Exploration = Readonly<{
  states: number;
  /** Moves from the first world to the farthest one met. */
  depth: number;
  moves: number;
  /** False: the limit of states was reached first, and what lies beyond is not known. */
  isExhausted: boolean;
  violation: Violation | null;
}>;

export type Limits = Readonly<{
  statesMax: number;
  /** Called after every level, for whoever waits. */
  onLevel?: (depth: number, states: number) => void;
}>;

export class Explorer {
  readonly model: Model;
  readonly #rows = new Rows();
  /** For each world the one from which it was first met. */
  readonly #parents = new NumberList();
  /** Moves that are no faults, as pairs of worlds; kept only for who asks for the way back. */
  readonly #ways: { from: NumberList; to: NumberList } | null;
  #expanded = 0;

  constructor(setting: Setting, keepsWays = false) {
    this.model = { setting, machines: new Machines(), frames: new Pool<Frame>() };
    this.#ways = keepsWays ? { from: new NumberList(), to: new NumberList() } : null;
    const first = newWorld((server) => this.model.machines.first(server), noBounds);
    this.#rows.add(setting.start === 'new' ? first : protectedWorld(first, this.model));
    this.#parents.push(0);
  }

  get states(): number {
    return this.#rows.count;
  }

  /** Worlds whose moves have all been made; the rest are known, and not what follows from them. */
  get expanded(): number {
    return this.#expanded;
  }

  get ways(): Readonly<{ from: NumberList; to: NumberList }> {
    return present(this.#ways, 'the ways between worlds');
  }

  world(number: number): World {
    return this.#rows.at(number);
  }

  explore({ statesMax, onLevel }: Limits): Exploration {
    let depth = 0;
    let levelEnd = 1;
    let moves = 0;
    const result = (violation: Violation | null): Exploration => {
      const isExhausted = violation === null && this.#expanded === this.#rows.count;
      return { states: this.#rows.count, depth, moves, isExhausted, violation };
    };
    while (this.#expanded < this.#rows.count && this.#rows.count < statesMax) {
      if (this.#expanded === levelEnd) {
        depth += 1;
        levelEnd = this.#rows.count;
        onLevel?.(depth, levelEnd);
      }
      const from = this.#expanded;
      for (const move of this.#movesFrom(from)) {
        moves += 1;
        const { number, isNew } = this.#rows.add(move.world);
        if (!move.isFault && this.#ways !== null) {
          this.#ways.from.push(from);
          this.#ways.to.push(number);
        }
        if (!isNew) continue;
        this.#parents.push(from);
        const violation = this.#violationIn(move.world, number);
        if (violation !== null) return result(violation);
      }
      this.#expanded += 1;
    }
    return result(null);
  }

  #movesFrom(number: number): readonly Move[] {
    try {
      return movesOf(this.#rows.at(number), this.model);
    } catch (failure) {
      const steps = this.trace(number).map(({ server, what }) => `${server ?? ''} ${what}`);
      throw new Error(`the model, or the core's own assertion, fails after:\n${steps.join('\n')}`, {
        cause: failure,
      });
    }
  }

  #violationIn(world: World, number: number): Violation | null {
    for (const { sentence, broken } of invariants) {
      const what = broken(world, this.model);
      if (what !== null) return { sentence, what, trace: this.trace(number) };
    }
    return null;
  }

  /** The moves by which a world was first met. */
  trace(number: number): Move[] {
    const path = [number];
    for (let at = number; at !== 0; path.unshift(at)) at = this.#parents.at(at);
    return path.slice(1).map((to, n) => {
      const from = present(path[n], 'the world before');
      const found = movesOf(this.#rows.at(from), this.model).find(
        ({ world }) => this.#rows.add(world).number === to,
      );
      return present(found, 'the move between two worlds');
    });
  }
}

/** A state nobody disturbs: each server does what it can, timers run out only when nothing else is left to do. */
function protectedWorld(first: World, model: Model): World {
  const generous: Model = {
    ...model,
    setting: { ...model.setting, bounds: { ...noBounds, writes: 100 }, without: new Set() },
  };
  let world = first;
  for (let n = 0; n < 1000; n += 1) {
    const moves = movesOf(world, generous).filter(({ isFault }) => !isFault);
    const next = moves.find(({ what }) => !what.startsWith('timer'));
    if (next === undefined && isProtected(world, model))
      return { ...world, ledger: { ...world.ledger, happened: noBounds } };
    world = present(next ?? moves[0], 'a move').world;
  }
  assert(false, 'two servers that nobody disturbs come to protect each other');
  return world;
}

/** One is ACTIVE, the other PASSIVE. */
export function isProtected({ primary, secondary }: World, { machines }: Model): boolean {
  const states = [machines.state(primary.machine), machines.state(secondary.machine)];
  return states.includes('ACTIVE') && states.includes('PASSIVE');
}
