/**
 * One scenario's world: two whole simulated servers, their clients, what is kept of stores and share for later, and the checkers, which look on
 * all the time. Law: whatever breaks a promise fails the scenario, unless its text has said before that it goes beyond what is promised.
 */
import { present } from '../../../src/base/index.ts';
import { serves, type PairOptions, type ServerName } from '../../../src/core/pair/index.ts';
import { allCheckers, LATE, type Checker } from '../../../src/simulator/checkers/index.ts';
import { Traffic } from '../../../src/simulator/clients/traffic.ts';
import { nothingPlanted, type Plant } from '../../../src/simulator/planted/index.ts';
import type { StoreContent } from '../../../src/simulator/disk/sim-disk.ts';
import type { SimMachine } from '../../../src/simulator/pair/sim-machine.ts';
import { defaultTiming, SERVERS, SimPair } from '../../../src/simulator/pair/sim-pair.ts';
import type { SimServer } from '../../../src/simulator/pair/sim-server.ts';
import { clientParts, listOf, ScenarioConsumer, ScenarioPublisher } from './clients.ts';
import { Consoles, line } from './consoles.ts';
import { recordText } from './looks.ts';
import { Mounts, type ShareCopy } from './mounts.ts';

/** Longer than any timeout of the pair. */
export const LONG_MS = 60_000;

/** What a scenario may be run without, to see it fail. */
export type LeftOut = Readonly<{ plant?: Plant; timing?: Partial<PairOptions> }>;

/** A scenario does not go as its text demands. */
export class ScenarioFailure extends Error {}

export type BrokenPromise = Readonly<{ promise: string; what: string }>;

/** The promise of `checkers/named-hold-all.ts`. */
const NAMED_HOLD_ALL = 'every store that the record names holds all that were committed';

/** The ends of a process that are foreseen. Source: PROTOCOL.md §2 Ack (a failed disk is never retried). */
const FORESEEN_END = /the simulated disk failed|the disk has not answered|stopped by its operator/;

export class Scene {
  readonly pair: SimPair;
  readonly consoles = new Consoles();
  readonly traffic: Traffic;
  readonly checkers: readonly Checker[];
  readonly storeCopies = new Map<string, StoreContent>();
  readonly shareCopies = new Map<string, ShareCopy>();
  /** Lets what hangs in the share land. */
  readonly hanging: (() => void)[] = [];
  readonly mounts: Mounts;
  /** Why what follows is beyond the promises; null: it is not. */
  beyond: string | null = null;
  readonly broken: BrokenPromise[] = [];
  /** Somebody has put an old store or an old record back: what the record says of the stores is no longer the servers' doing. */
  isRestored = false;
  publisher: ScenarioPublisher;
  readonly #consumers: ScenarioConsumer[] = [];
  readonly #acknowledged: string[] = [];
  readonly #delivered: string[] = [];
  readonly #records: string[] = [];
  #lastRecord = '';
  #failure: ScenarioFailure | null = null;

  constructor(leftOut: LeftOut = {}) {
    const { plant = nothingPlanted, timing = {} } = leftOut;
    this.mounts = new Mounts();
    this.pair = new SimPair({
      seed: 1,
      timing: { ...defaultTiming, ...timing },
      plant: this.mounts.plant(plant),
      events: {
        said: (said) => {
          this.consoles.hear(said);
          this.#look((checker) => checker.said?.(said));
        },
        stepped: (server) => this.#stepped(server),
        committed: (server, stamp) => this.#look((checker) => checker.committed?.(server, stamp)),
        ended: (machine, why) => this.#ended(machine, why),
      },
    });
    this.traffic = new Traffic({
      note: (text) => this.#noted(text),
      received: (received) => this.#look((checker) => checker.received?.(received)),
      broken: (what) => this.breaks('clients see what MQTT promises', what),
    });
    this.checkers = allCheckers({ pair: this.pair, traffic: this.traffic, mortals: [] });
    this.publisher = new ScenarioPublisher(
      clientParts(this.pair, { clientId: 'publisher', isClean: true, at: null }),
      this.traffic,
    );
  }

  machine(server: ServerName): SimMachine {
    return this.pair.machines[server];
  }

  /** The server process; a failure where none runs. */
  server(name: ServerName): SimServer {
    const { server } = this.machine(name);
    if (server === null) throw new ScenarioFailure(`no process of the ${name} runs`);
    return server;
  }

  get isAnyoneServing(): boolean {
    return SERVERS.some((name) => serves(this.machine(name).server?.pair.state ?? 'STOPPED'));
  }

  get isWhole(): boolean {
    return this.pair.states === 'ACTIVE/PASSIVE' || this.pair.states === 'PASSIVE/ACTIVE';
  }

  /** The durable consumer of everything, and the publisher; both find the server that serves. */
  async startClients(): Promise<void> {
    const consumer = this.subscribe('consumer', { isClean: false, at: null });
    this.publisher.start();
    const isReady = (): boolean => consumer.log.subscribedAt !== null && this.publisher.isConnected;
    await this.until(isReady, LONG_MS, 'both clients are served');
  }

  subscribe(clientId: string, how: Readonly<{ isClean: boolean; at: ServerName | null }>): ScenarioConsumer {
    const consumer = new ScenarioConsumer(clientParts(this.pair, { clientId, ...how }), this.traffic);
    this.#consumers.push(consumer);
    consumer.start();
    return consumer;
  }

  /** Somebody who comes late, for what is retained. */
  subscribeLate(): void {
    this.subscribe(LATE, { isClean: true, at: null });
  }

  stopClients(): void {
    this.publisher.stop();
    for (const consumer of this.#consumers) consumer.stop();
  }

  /** Lets time pass until it is so; a failure when it isn't within `ms`. */
  async until(isSo: () => boolean, ms: number, what: string): Promise<void> {
    const hasEnded = (): boolean => this.#failure !== null || isSo();
    const isReached = await this.pair.until(hasEnded, ms);
    if (this.#failure !== null) throw this.#failure;
    if (!isReached) throw new ScenarioFailure(`not within ${ms} ms: ${what}; ${this.#whereabouts()}`);
  }

  async run(ms: number): Promise<void> {
    await this.pair.until(() => this.#failure !== null, ms);
    if (this.#failure !== null) throw this.#failure;
  }

  breaks(promise: string, what: string): void {
    if (this.beyond === null) this.#failure ??= new ScenarioFailure(`BROKEN: ${promise}: ${what}`);
    else if (!this.broken.some((one) => one.promise === promise)) this.broken.push({ promise, what });
  }

  /** Everything that was said and seen since the last time. */
  takeOutput(): string[] {
    this.#noteRecord();
    const clients = [
      { what: 'acknowledged', ids: this.#acknowledged.splice(0) },
      { what: 'delivered', ids: this.#delivered.splice(0) },
    ].flatMap(({ what, ids }) => (ids.length === 0 ? [] : [`${what} ${listOf(new Set(ids))}`]));
    return [
      ...this.consoles.take(),
      ...this.#records.splice(0).map((text) => line('record', text)),
      ...(clients.length === 0 ? [] : [line('clients', clients.join('; '))]),
    ];
  }

  /** Each record that stands on the share, once. */
  #noteRecord(): void {
    const text = recordText(this);
    if (text === this.#lastRecord) return;
    if (this.#lastRecord !== '' || !text.startsWith('none')) this.#records.push(text);
    this.#lastRecord = text;
  }

  #stepped(server: SimServer): void {
    this.#noteRecord();
    this.#look((checker) => checker.stepped?.(server));
  }

  #noted(text: string): void {
    const [what, id] = text.startsWith('acknowledged ')
      ? [this.#acknowledged, text.slice('acknowledged '.length)]
      : [this.#delivered, present(text.split(' received ')[1], 'what was received')];
    if (what === this.#acknowledged || text.startsWith('consumer ')) what.push(id);
  }

  #ended({ name }: SimMachine, why: string): void {
    const [first = ''] = why.split('\n');
    this.consoles.add(name, `the process has ended: ${first}`);
    if (!FORESEEN_END.test(why)) this.breaks('no part fails', `the ${name} has ended: ${why}`);
  }

  #look(question: (checker: Checker) => string | null | undefined): void {
    for (const checker of this.checkers) {
      if (this.isRestored && checker.promise === NAMED_HOLD_ALL) continue;
      const what = question(checker) ?? null;
      if (what !== null) this.breaks(checker.promise, what);
    }
  }

  #whereabouts(): string {
    const steps = SERVERS.map((name) => this.machine(name).server?.pair.step ?? '-').join(' and ');
    return `they are ${steps}`;
  }
}
