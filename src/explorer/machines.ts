/**
 * The shipped machine, stepped once for each state and fact and then remembered: a step of xstate takes as long as a hundred look-ups.
 * A machine here is a number that names its whole state, with the timers that run.
 */
import { present } from '../base/index.ts';
import {
  firstStep,
  memoryOf,
  pairOptions,
  stateOf,
  stepOf,
  stepPair,
  type PairFact,
  type PairMemory,
  type PairOptions,
  type PairOrder,
  type PairSnapshot,
  type PairStep,
  type ServerName,
  type StateName,
  type TimerFact,
} from '../core/pair/index.ts';
import { Pool } from './pool.ts';

/** Times only name the timers: each may run out whenever it runs. */
const timing: PairOptions = {
  pingInterval: pairOptions.pingInterval.default,
  peerTimeout: pairOptions.peerTimeout.default,
  ackTimeout: pairOptions.ackTimeout.default,
  diskTimeout: pairOptions.diskTimeout.default,
  activeLockReacquisitionInterval: pairOptions.activeLockReacquisitionInterval.default,
  passiveLockAcquisitionInterval: pairOptions.passiveLockAcquisitionInterval.default,
  startupWait: pairOptions.startupWait.default,
  claimTimeout: pairOptions.claimTimeout.default,
  shrinkTimeout: pairOptions.shrinkTimeout.default,
  handoverTimeout: pairOptions.handoverTimeout.default,
  keeperTimeout: pairOptions.keeperTimeout.default,
  gatewayTimeout: pairOptions.gatewayTimeout.default,
  gatewayProbes: pairOptions.gatewayProbes.default,
};

export type MachineNumber = number;
export type Timers = Readonly<Record<string, TimerFact>>;
export type Stepped = Readonly<{ machine: MachineNumber; orders: readonly PairOrder[] }>;

type Machine = Readonly<{
  snapshot: PairSnapshot;
  timers: Timers;
  state: StateName;
  step: string;
}>;

export class Machines {
  readonly #machines: Machine[] = [];
  readonly #byText = new Map<string, MachineNumber>();
  readonly #steps = new Map<string, Stepped>();
  readonly #values = new Pool<object>();

  get size(): number {
    return this.#machines.length;
  }

  /** A process that has just begun, in STOPPED. */
  first(me: ServerName): MachineNumber {
    return this.#keep(firstStep({ me, timing, mayFoundAlone: false }), {}).machine;
  }

  step(machine: MachineNumber, fact: PairFact): Stepped {
    return this.#remembered(`${machine} ${this.#textOf(fact)}`, () => {
      const { snapshot, timers } = this.#at(machine);
      return this.#keep(stepPair(snapshot, fact), timers);
    });
  }

  /** A timer of this machine runs out. */
  fire(machine: MachineNumber, timer: string): Stepped {
    return this.#remembered(`${machine} timer ${timer}`, () => {
      const { snapshot, timers } = this.#at(machine);
      const { [timer]: fact, ...left } = timers;
      return this.#keep(stepPair(snapshot, present(fact, `timer ${timer}`)), left);
    });
  }

  timers(machine: MachineNumber): readonly string[] {
    return Object.keys(this.#at(machine).timers);
  }

  state(machine: MachineNumber): StateName {
    return this.#at(machine).state;
  }

  /** `WAITING.yielding`. */
  stepName(machine: MachineNumber): string {
    return this.#at(machine).step;
  }

  memory(machine: MachineNumber): PairMemory {
    return memoryOf(this.#at(machine).snapshot);
  }

  snapshot(machine: MachineNumber): PairSnapshot {
    return this.#at(machine).snapshot;
  }

  #at(machine: MachineNumber): Machine {
    return present(this.#machines[machine], `machine ${machine}`);
  }

  #remembered(key: string, make: () => Stepped): Stepped {
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#steps.set(key, made);
    return made;
  }

  #keep({ snapshot, orders, timers: changes }: PairStep, before: Timers): Stepped {
    const running = new Map(Object.entries(before));
    for (const change of changes)
      if (change.type === 'startTimer') running.set(change.id, change.fact);
      else running.delete(change.id);
    const timers = Object.fromEntries(running);
    // Reasons are for people and decide nothing; times are the same for all; of two servers, every second round is the same one's turn.
    const { why: _why, timing: _timing, round, ...memory } = memoryOf(snapshot);
    const text = JSON.stringify([snapshot.value, memory, round % 2, Object.keys(timers).sort()]);
    let machine = this.#byText.get(text);
    if (machine === undefined) {
      machine = this.#machines.length;
      this.#machines.push({ snapshot, timers, state: stateOf(snapshot), step: stepOf(snapshot) });
      this.#byText.set(text, machine);
    }
    return { machine, orders };
  }

  #textOf(fact: PairFact): string {
    const parts: (string | number)[] = [];
    for (const value of Object.values(fact) as unknown[])
      parts.push(
        typeof value === 'object' && value !== null ? `#${this.#values.numberOf(value)}` : String(value),
      );
    return parts.join(' ');
  }
}
