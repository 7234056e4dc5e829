/**
 * The shipped machine, stepped once for each state and fact and then remembered: a step of xstate takes as long as a hundred look-ups.
 * A machine here is a number that names its whole state, with the timers that run.
 */
import { present } from '../../base/index.ts';
import {
  firstStep,
  memoryOf,
  pairOptions,
  serves,
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
} from '../../core/pair/index.ts';
import { Pool } from '../states/pool.ts';

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

/**
 * Sessions of one claim are numbered round: no world holds as many at once, which is looked at with every offer (states/worlds.ts).
 */
export const SESSIONS = 4;

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
    const make = (): Stepped => this.#keep(firstStep({ me, timing, mayFoundAlone: false }), {});
    return this.#remembered(me, make).machine;
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

  /** The same machine with other numbers for its versions. */
  renamed(machine: MachineNumber, rename: <T>(value: T) => T): MachineNumber {
    const { snapshot, timers } = this.#at(machine);
    return this.#number({ ...snapshot, context: rename(snapshot.context) }, timers);
  }

  #keep({ snapshot, orders, timers: changes }: PairStep, before: Timers): Stepped {
    const running = new Map(Object.entries(before));
    for (const change of changes)
      if (change.type === 'startTimer') running.set(change.id, change.fact);
      else running.delete(change.id);
    const context = whatDecides(memoryOf(snapshot), stateOf(snapshot), stepOf(snapshot));
    return { machine: this.#number({ ...snapshot, context }, Object.fromEntries(running)), orders };
  }

  #number(snapshot: PairSnapshot, timers: Timers): MachineNumber {
    // Reasons are for people and decide nothing; times are the same for all.
    const { why: _why, timing: _timing, ...memory } = memoryOf(snapshot);
    const text = JSON.stringify([snapshot.value, memory, Object.keys(timers).sort()]);
    let machine = this.#byText.get(text);
    if (machine === undefined) {
      machine = this.#machines.length;
      this.#machines.push({ snapshot, timers, state: stateOf(snapshot), step: stepOf(snapshot) });
      this.#byText.set(text, machine);
    }
    return machine;
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

/**
 * What of a machine's memory can still decide anything; the rest is as at the start, so that worlds that differ in it only are one.
 * - the numbers drawn for a claim: until the lock is taken
 * - the record being saved: ordered to be saved in the step that remembers it
 * - the number of the session: while serving; what is offered next is counted on from it, and only ever compared for being the same
 * - the last report: only whether the peer held the lock, and only until the channel is up again, unless PASSIVE
 * - the joiner: in ACTIVE_SYNC; whether PASSIVE is fresh: in PASSIVE (elsewhere it picks a time only)
 * - the round of turns: while the channel is up; of two servers, every second one is the same one's turn
 */
function whatDecides(memory: PairMemory, state: StateName, step: string): PairMemory {
  const isMet = memory.met !== null;
  const { lastReport } = memory;
  return {
    ...memory,
    ids: step.endsWith('.locking') ? memory.ids : null,
    saving: null,
    sessionNumber: serves(state) ? memory.sessionNumber % SESSIONS : 0,
    lastReport:
      lastReport !== null && (isMet || state === 'PASSIVE')
        ? { ...lastReport, previous: 'STOPPED', present: 'STOPPED', serving: null }
        : null,
    joiner: state === 'ACTIVE_SYNC' ? memory.joiner : null,
    isFresh: state === 'PASSIVE' && memory.isFresh,
    round: isMet ? memory.round % 2 : 0,
    hasTried: isMet && memory.hasTried,
  };
}
