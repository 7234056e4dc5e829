/**
 * One run of the whole pair under faults drawn from a seed: a safety phase, in which anything may break at any time; then a liveness phase, in
 * which the faults stop and the pair must be whole and drained within a bound. The same seed gives the same run, event by event.
 */
import type { LogLine } from '../../base/index.ts';
import { allCheckers, LATE, LATECOMER, type Checker } from '../checkers/index.ts';
import type { Fault } from '../checkers/checker.ts';
import { Consumer } from '../clients/consumer.ts';
import { Mortal } from '../clients/mortal.ts';
import { Publisher, PUBLISHER_5, PUBLISHERS } from '../clients/publisher.ts';
import type { SimClientParts } from '../clients/sim-client.ts';
import { Traffic } from '../clients/traffic.ts';
import { Misfortune, type FaultName } from '../faults/index.ts';
import { nothingPlanted, plainSetting, type Plant, type Setting } from '../planted/index.ts';
import { DISK_FAILURES } from '../disk/sim-disk.ts';
import { SERVERS, SimPair } from '../pair/sim-pair.ts';
import { SimRandom } from '../time/sim-random.ts';
import { drawSettings, type SimSettings } from '../pair/sim-settings.ts';
import { Trace } from './trace.ts';

/**
 * Within this, from the end of the last fault on, the pair is ACTIVE/PASSIVE and drained. The longest chain of waits that the settings allow: an
 * operator starts an ended process (5 s), a dead machine's lease runs out (10 s), a shrink is given up (20 s), a start looks for its peer (5 s), a
 * claim's turn passes on (6 s), a switchover is given up (10 s); and some to drain. Measured are less than 10 s.
 */
export const LIVENESS_MS = 60_000;
/** From one message of a publisher to its next, on an average: drawn between this and fifty times as much. */
const FASTEST_MS = 120;
/** How many of all runs have groups of consumers, clients of MQTT 5, and durable ones that subscribe in the midst of it. */
const GROUPS_PART = 0.05;
const MQTT5_PART = 0.15;
const LATECOMERS_PART = 0.2;
/** After the clients have gone everything has been applied on both sides. */
const REST_MS = 5_000;

/** For what a process may end: a disk that fails, or an operator. */
const FORESEEN = [...Object.values(DISK_FAILURES), 'the disk has not answered', 'stopped by its operator'];

export type SimulateOptions = Readonly<{
  /** Virtual time of the safety phase. */
  safetyMs: number;
  plant: Plant;
  /** These and no others; null: as the seed has it. */
  faults: readonly FaultName[] | null;
  setting: Setting;
  /** Groups consume everything as well; null: as the seed has it. */
  hasGroups: boolean | null;
  /** Clients of MQTT 5 publish and consume as well; null: as the seed has it. */
  hasMqtt5: boolean | null;
  /** Also the lines of level debug: for reading one run. */
  isVerbose: boolean;
}>;

export type Verdict = Readonly<{
  seed: number;
  /** Null: all promises were kept. */
  broken: Readonly<{ promise: string; what: string; atMs: number }> | null;
  hash: string;
  /** Every line. */
  trace: readonly string[];
  /** The lines that tell how it came: faults, changes of state, warnings. */
  story: readonly string[];
  virtualMs: number;
  /** From the end of the last fault until the pair was whole and drained. */
  healedMs: number;
  acknowledged: number;
  delivered: number;
  faults: Readonly<Partial<Record<FaultName, number>>>;
  /** How often which state was entered, by either server. */
  states: Readonly<Record<string, number>>;
}>;

export function simulate(seed: number, options: Partial<SimulateOptions> = {}): Promise<Verdict> {
  return new Simulation(seed, {
    safetyMs: 120_000,
    plant: nothingPlanted,
    faults: null,
    setting: plainSetting,
    hasGroups: null,
    hasMqtt5: null,
    isVerbose: false,
    ...options,
  }).run();
}

class Simulation {
  readonly #seed: number;
  readonly #options: SimulateOptions;
  readonly #pair: SimPair;
  readonly #traffic: Traffic;
  readonly #trace: Trace;
  readonly #random: SimRandom;
  readonly #settings: SimSettings;
  readonly #checkers: readonly Checker[];
  readonly #publishers: Publisher[] = [];
  readonly #consumers: Consumer[] = [];
  readonly #mortals: Mortal[] = [];
  /** They subscribe in the midst of it. */
  readonly #latecomers: { consumer: Consumer; afterMs: number }[] = [];
  readonly #misfortune: Misfortune;
  readonly #states: Record<string, number> = {};
  #broken: Verdict['broken'] = null;
  #lastSteps = '';

  constructor(seed: number, options: SimulateOptions) {
    this.#seed = seed;
    this.#options = options;
    this.#random = new SimRandom(seed);
    this.#settings = drawSettings(this.#random);
    this.#trace = new Trace(() => this.#pair.clock.now());
    this.#pair = new SimPair({
      seed: this.#random.below(2 ** 32),
      ...this.#settings,
      plant: options.plant,
      events: {
        said: (line) => this.#said(line),
        stepped: (server) => {
          this.#look((checker) => checker.stepped?.(server));
          this.#noticeStep();
        },
        committed: (server, stamp) => {
          this.#trace.note(`committed ${server.me} ${stamp.epoch}/${stamp.seq}`);
          this.#look((checker) => checker.committed?.(server, stamp));
        },
        ended: (machine, why) => this.#ended(machine.name, why),
      },
    });
    this.#traffic = new Traffic({
      note: (text) => this.#trace.note(text),
      received: (received) => this.#look((checker) => checker.received?.(received)),
      broken: (what) => this.#breaks('clients see what MQTT promises', what),
    });
    this.#addClients();
    this.#checkers = allCheckers({ pair: this.#pair, traffic: this.#traffic, mortals: this.#mortals });
    this.#misfortune = new Misfortune(
      {
        pair: this.#pair,
        clients: this.#clients,
        consumers: [...this.#consumers],
        mortals: this.#mortals,
        away: new Set(),
      },
      { random: new SimRandom(this.#random.below(2 ** 32)), only: options.faults },
      (text) => this.#trace.tell(text),
    );
  }

  async run(): Promise<Verdict> {
    const failed = (failure: unknown): void => this.#failed(failure);
    // A promise that nobody looks after ends a real process.
    process.on('unhandledRejection', failed);
    try {
      return await this.#live();
    } finally {
      process.off('unhandledRejection', failed);
    }
  }

  async #live(): Promise<Verdict> {
    const pair = this.#pair;
    const endOfSetting = this.#options.setting(pair, new SimRandom(this.#seed));
    for (const name of SERVERS) pair.machines[name].start();
    for (const client of this.#clients) client.start();
    for (const { consumer, afterMs } of this.#latecomers) pair.clock.after(afterMs, () => consumer.start());
    this.#trace.tell(`settings: ${JSON.stringify(this.#settings)}`);
    this.#misfortune.start();
    await this.#pass(() => false, this.#options.safetyMs);

    this.#trace.tell('the faults end');
    this.#misfortune.stop();
    endOfSetting();
    for (const publisher of this.#publishers) publisher.finish();
    const since = pair.clock.now();
    const isHealed = await this.#pass(() => this.#isWhole(), LIVENESS_MS);
    const healedMs = pair.clock.now() - since;
    if (!isHealed)
      this.#breaks('the pair heals', `${LIVENESS_MS} ms after the last fault: ${this.#unhealed()}`);
    await this.#finish();
    return {
      seed: this.#seed,
      broken: this.#broken,
      hash: this.#trace.hash,
      trace: this.#trace.lines,
      story: this.#trace.story,
      virtualMs: pair.clock.now(),
      healedMs,
      acknowledged: this.#traffic.acknowledged,
      delivered: this.#traffic.delivered,
      faults: Object.fromEntries(this.#misfortune.counts),
      states: this.#states,
    };
  }

  /** Somebody who comes late gets what is retained; then all go, and the checkers look at what is left. */
  async #finish(): Promise<void> {
    const late = new Consumer(this.#client(LATE, true), this.#traffic);
    late.start();
    await this.#pass(() => false, REST_MS);
    for (const mortal of this.#mortals) mortal.sayFarewell();
    await this.#pass(() => false, REST_MS);
    const latecomers = this.#latecomers.map(({ consumer }) => consumer);
    for (const client of [...this.#publishers, ...this.#consumers, ...latecomers, late]) client.stop();
    await this.#pass(() => false, REST_MS);
    this.#look((checker) => checker.ended?.());
  }

  #addClients(): void {
    for (const name of PUBLISHERS.slice(0, 1 + this.#random.below(PUBLISHERS.length))) {
      const intervalMs = FASTEST_MS * 50 ** this.#random.unit();
      const isClean = this.#random.chance(0.5);
      this.#publishers.push(new Publisher(this.#client(name, isClean), this.#traffic, intervalMs));
    }
    for (const qos of [1, 2] as const)
      this.#consumers.push(new Consumer(this.#client(`durable${qos}`, false), this.#traffic, { qos }));
    const qos = this.#random.chance(0.5) ? 2 : 1;
    this.#consumers.push(new Consumer(this.#client('clean', true), this.#traffic, { qos }));
    this.#mortals.push(new Mortal(this.#client('mortal', true), this.#traffic));
    const drawn = { groups: this.#random.chance(GROUPS_PART), mqtt5: this.#random.chance(MQTT5_PART) };
    if (this.#options.hasGroups ?? drawn.groups) this.#addGroups();
    if (this.#options.hasMqtt5 ?? drawn.mqtt5) this.#addMqtt5();
    if (this.#random.chance(LATECOMERS_PART)) this.#addLatecomers();
  }

  /** With durable sessions, and taking few messages at a time. */
  #addMqtt5(): void {
    const client = (clientId: string): SimClientParts => ({
      ...this.#client(clientId, false),
      mqtt5: { receiveMax: 1 + this.#random.below(6) },
    });
    this.#publishers.push(
      new Publisher(client(PUBLISHER_5), this.#traffic, FASTEST_MS * 20 ** this.#random.unit()),
    );
    for (const qos of [1, 2] as const)
      this.#consumers.push(new Consumer(client(`durable5-${qos}`), this.#traffic, { qos }));
  }

  /** To durable sessions what is retained comes in pieces, and they go on after a failover. */
  #addLatecomers(): void {
    for (const qos of [1, 2] as const) {
      const consumer = new Consumer(this.#client(`${LATECOMER}${qos}`, false), this.#traffic, { qos });
      this.#latecomers.push({ consumer, afterMs: this.#random.below(this.#options.safetyMs) });
    }
  }

  /** Of durable members, for each QoS that is kept. */
  #addGroups(): void {
    for (const qos of [1, 2] as const) {
      const group = this.#traffic.group(`group${qos}`, qos);
      for (const member of ['a', 'b', 'c'])
        this.#consumers.push(
          new Consumer(this.#client(`${group.name}${member}`, false), this.#traffic, { qos, group }),
        );
    }
  }

  get #clients(): readonly (Publisher | Consumer | Mortal)[] {
    return [...this.#publishers, ...this.#consumers, ...this.#mortals];
  }

  #client(clientId: string, isClean: boolean): SimClientParts {
    const { clock, primary, secondary } = this.#pair;
    return {
      clientId,
      isClean,
      clock,
      random: new SimRandom(this.#random.below(2 ** 32)),
      ports: { primary: primary.port, secondary: secondary.port },
    };
  }

  /** Lets time pass until it is so, or a promise is broken. What a server's code throws breaks one too. */
  async #pass(isSo: () => boolean, ms: number): Promise<boolean> {
    if (this.#broken !== null) return false;
    try {
      return await this.#pair.until(() => this.#broken !== null || isSo(), ms);
    } catch (failure) {
      this.#failed(failure);
      return false;
    }
  }

  #failed(failure: unknown): void {
    this.#breaks('no part fails', failure instanceof Error ? (failure.stack ?? '') : String(failure));
  }

  #isWhole(): boolean {
    const { states } = this.#pair;
    if (states !== 'ACTIVE/PASSIVE' && states !== 'PASSIVE/ACTIVE') return false;
    return this.#publishers.every(({ isDrained }) => isDrained) && this.#queued() === 0;
  }

  /** Messages that wait for durable consumers at the server that serves. */
  #queued(): number {
    const { primary, secondary, states } = this.#pair;
    const server = (states.startsWith('ACTIVE') ? primary : secondary).server;
    return server?.broker.stats().queuedMessages ?? 0;
  }

  #unhealed(): string {
    const waiting = this.#publishers.filter(({ isDrained }) => !isDrained).length;
    const steps = SERVERS.map((name) => this.#pair.machines[name].server?.pair.step ?? '-').join(' and ');
    return `${steps}; ${waiting} publishers wait, ${this.#queued()} messages are queued`;
  }

  #said(line: LogLine): void {
    const { level, text, fields } = line;
    if (level === 'debug') {
      if (this.#options.isVerbose) this.#trace.keep(text);
      return;
    }
    const state = fields?.['state'];
    if (level === 'info' && state === undefined) this.#trace.say(text);
    else this.#trace.tell(text);
    this.#look((checker) => checker.said?.(line));
    if (typeof state === 'string' && text.startsWith(String(fields?.['server'])))
      this.#states[state] = (this.#states[state] ?? 0) + 1;
  }

  #noticeStep(): void {
    const steps = SERVERS.map((name) => this.#pair.machines[name].server?.pair.step ?? '-').join(' ');
    if (steps === this.#lastSteps) return;
    this.#lastSteps = steps;
    this.#misfortune.stepped();
  }

  /** A process ends where it is told to or its disk has failed; an operator's script starts it again. */
  #ended(name: string, why: string): void {
    this.#trace.tell(`${name}: the process has ended: ${why.split('\n')[0] ?? ''}`);
    if (!FORESEEN.some((words) => why.includes(words)))
      return this.#breaks('no part fails', `the ${name} has ended: ${why}`);
    this.#pair.clock.after(this.#random.unit() * 5_000, () => {
      for (const server of SERVERS) if (server === name) this.#pair.machines[server].start();
    });
  }

  #look(question: (checker: Checker) => Fault | undefined): void {
    for (const checker of this.#checkers) {
      const what = question(checker) ?? null;
      if (what !== null) this.#breaks(checker.promise, what);
    }
  }

  #breaks(promise: string, what: string): void {
    if (this.#broken !== null) return;
    this.#broken = { promise, what, atMs: this.#pair.clock.now() };
    this.#trace.tell(`BROKEN: ${promise}: ${what}`);
  }
}
