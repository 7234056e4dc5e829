/**
 * Obeys the machine: turns its orders into calls on the ports and what comes of them into facts, one fact at a time. Decides nothing.
 * Source: PROTOCOL.md §2, §3; house, patterns 3 and 4.
 */
import { unreachable, type Cancel, type Clock, type Log, type Random } from '../../base/index.ts';
import {
  claimId,
  firstStep,
  followingOf,
  lockId,
  memoryOf,
  pairId,
  peerStateOf,
  serves,
  servingOf,
  stateOf,
  stepOf,
  type stepPair,
  type ArbitrationRecord,
  type ClaimId,
  type Epoch,
  type Frame,
  type Hello,
  type Incarnation,
  type PairFact,
  type PairMemory,
  type PairOptions,
  type PairOrder,
  type PairSnapshot,
  type PairStep,
  type ServerName,
  type SessionId,
  type StateName,
  type StateReport,
  type TimerFact,
} from '../../core/pair/index.ts';
import type { Arbiter, Channel, Gateway } from '../../ports/index.ts';
import type { Replication } from '../replication/replication.ts';
import { Bulletin } from './bulletin.ts';
import { takeoverInThought } from './takeover-in-thought.ts';
import { Link } from './link.ts';
import { Outlook } from './outlook.ts';

/** Who serves from now on, as far as this server can tell: what clients are told that ask. */
export type Successor = 'peer' | 'nobody';

/** What the pair switches on and off: the clients' side of the server. */
export interface Service {
  /** Clients may come. Rejects when a port can't be had. */
  open(): Promise<void>;
  /** At once: every client is disconnected, and nothing that was held back ever leaves. */
  close(why: string, successor: Successor): Promise<void>;
  /** Takes nothing new from clients; fulfils when all that was taken is committed and answered. */
  drain(): Promise<void>;
  /** After a drain that led nowhere: clients are served again. */
  undrain(): void;
}

export type DriverParts = Readonly<{
  me: ServerName;
  incarnation: Incarnation;
  timing: PairOptions;
  mayFoundAlone: boolean;
  /** The machine's step: `stepPair`. A part like the ports, so that the simulator can show what becomes of a pair whose machine is wrong. */
  step: typeof stepPair;
  arbiter: Arbiter;
  gateway: Gateway;
  channel: Channel;
  clock: Clock;
  random: Random;
  log: Log;
  replication: Replication;
  service: Service;
  events: Readonly<{
    /** After every fact that was taken. */
    stepped: () => void;
    /** Nothing can go on in this process. */
    fatal: (why: string) => void;
  }>;
}>;

export class PairDriver {
  readonly #parts: DriverParts;
  readonly #link: Link;
  #snapshot: PairSnapshot;
  #previous: StateName = 'STOPPED';
  #since: number;
  readonly #facts: (PairFact | TimerFact)[] = [];
  #isStepping = false;
  readonly #timers = new Map<string, Cancel>();
  /** The number of the last order of each kind; what comes of an older one is not told, or it would be taken for that of the last. */
  readonly #asked = { rest: 0, save: 0 };
  readonly #outlook: Outlook;
  readonly #bulletin: Bulletin;
  #serving: Readonly<{ epoch: Epoch; claimId: ClaimId }> | null = null;
  /** Whoever serves next, if this server stops serving: the peer, wherever it may be, but for an operator who stops a server that is alone. */
  #successor: Successor = 'peer';

  constructor(parts: DriverParts) {
    this.#parts = parts;
    const { me, timing, mayFoundAlone, channel, clock, log } = parts;
    this.#snapshot = firstStep({ me, timing, mayFoundAlone }).snapshot;
    this.#since = clock.wall();
    this.#bulletin = new Bulletin(me, log);
    this.#outlook = new Outlook({
      arbiter: parts.arbiter,
      gateway: parts.gateway,
      replica: parts.replication.replica,
      log,
      tell: (fact) => this.tell(fact),
    });
    this.#link = new Link(
      {
        me,
        channel,
        clock,
        log,
        times: { pingIntervalMs: timing.pingInterval, peerTimeoutMs: timing.peerTimeout },
        hello: () => this.#hello(),
      },
      {
        met: (hellos, isNew) => {
          // A change of state between this server's hello and the peer's was told to nobody.
          if (hellos.mine.report.present !== this.state)
            this.#link.send({ type: 'state', report: this.#report() });
          this.tell({ type: isNew ? 'channelUp' : 'hellosRenewed', ...hellos });
        },
        lost: (why) => this.tell({ type: 'channelLost', why }),
        refused: () => this.tell({ type: 'peerRefused' }),
        frame: (frame) => this.#heard(frame),
      },
    );
  }

  get state(): StateName {
    return stateOf(this.#snapshot);
  }

  get memory(): PairMemory {
    return memoryOf(this.#snapshot);
  }

  /** Wall-clock time of the last change of state, for people. */
  get since(): number {
    return this.#since;
  }

  get peerState(): StateName | 'DEAD' {
    return peerStateOf(this.#snapshot);
  }

  /** `WAITING.yielding`: the state with its step, for status and debugging. */
  get step(): string {
    return stepOf(this.#snapshot);
  }

  /** What is seen of the gateway and the share. */
  get outlook(): Outlook {
    return this.#outlook;
  }

  /** Listens, dials, and enters WAITING. Rejects when the backchannel's port can't be had. */
  async start(): Promise<void> {
    await this.#outlook.checkGateway();
    await this.#link.open();
    this.tell({ type: 'started' });
  }

  /** To STOPPED: what was taken from clients is answered, serving ends, the peer is told, the lock is let go. */
  async stop(why: string): Promise<void> {
    const { arbiter, service, replication, clock, timing } = this.#parts;
    const tooLong = new Promise<void>((resolve) => clock.after(timing.handoverTimeout, resolve));
    if (serves(this.state)) await Promise.race([service.drain(), tooLong]);
    if (this.peerState === 'DEAD') this.#successor = 'nobody';
    this.tell({ type: 'stopAsked', why });
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#link.leave();
    await service.close(why, this.#successor);
    await arbiter.close();
    await this.#link.close();
    await replication.rest();
  }

  /** Asks the other server for its place, or gives this one's up; see `switchover.ts` for the whole of it. */
  askSwitchover(why: string): void {
    if (this.state === 'PASSIVE') this.#link.send({ type: 'switchoverWanted', why });
    else this.tell({ type: 'switchoverAsked', why });
  }

  /** For the replication: a frame to the peer that was met. */
  send(frame: Frame): void {
    this.#link.send(frame);
  }

  /** The peer is connected and serves. */
  get peerServes(): boolean {
    return (this.memory.met?.theirs.report.serving ?? null) !== null;
  }

  /** A claim of this server's own is under way. */
  get isClaiming(): boolean {
    return /resting|locking|writing|saving|opening/.test(this.step);
  }

  /** The state that this server would come to if its peer were lost now and all went well. Nothing comes of it: the steps are pure. */
  takeoverInThought(): StateName {
    const { step, replication } = this.#parts;
    return takeoverInThought({ snapshot: this.#snapshot, store: replication.replica.view(), step });
  }

  /** Nothing can go on: clients off, lock free, and no word of the store, which is not to be trusted. */
  async abandon(why: string): Promise<void> {
    const { arbiter, service, replication } = this.#parts;
    replication.closeEpoch();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#link.leave();
    await service.close(why, this.#successor);
    await arbiter.close();
    await this.#link.close();
  }

  /** Takes a fact; steps at once, or after the step that is under way. */
  tell(fact: PairFact | TimerFact): void {
    this.#facts.push(fact);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#facts.shift(); next !== undefined; next = this.#facts.shift()) this.#take(next);
    } finally {
      this.#isStepping = false;
    }
  }

  #take(fact: PairFact | TimerFact): void {
    const before = stateOf(this.#snapshot);
    const step = this.#parts.step(this.#snapshot, fact);
    const from = stepOf(this.#snapshot);
    this.#snapshot = step.snapshot;
    this.#debug(fact, from);
    this.#setTimers(step);
    // Orders first, so that what ends ends before anyone hears of the new state; the report then tells the truth.
    for (const order of step.orders) this.#obey(order);
    if (this.state !== before) this.#changed(before);
    else if (this.state === 'WAITING') this.#bulletin.waits(this.memory.why);
    this.#bulletin.noticePeer(this.peerState, this.memory.lastReport);
    this.#bulletin.noticeForcing(this.#parts.replication.replica.store.identity.recordSeen);
    this.#parts.events.stepped();
    // Never retried: what the disk holds is unknown until the store is opened and read again (rule Ack).
    if (fact.type === 'diskFailed') this.#parts.events.fatal(fact.why);
  }

  #setTimers({ timers }: PairStep): void {
    for (const timer of timers) {
      this.#timers.get(timer.id)?.();
      this.#timers.delete(timer.id);
      if (timer.type === 'stopTimer') continue;
      const cancel = this.#parts.clock.after(timer.ms, () => {
        this.#timers.delete(timer.id);
        this.tell(timer.fact);
      });
      this.#timers.set(timer.id, cancel);
    }
  }

  // Orders ------------------------------------------------------------------------------------------------------------------------

  #obey(order: PairOrder): void {
    const { arbiter, replication, service, timing } = this.#parts;
    switch (order.type) {
      case 'askGateway':
        return this.#run(this.#outlook.askGateway());
      case 'readShare':
        return this.#run(this.#outlook.readShare());
      case 'restJournal':
        return this.#run(this.#restJournal());
      case 'takeLock':
        return this.#run(
          this.#outlook.takeLock(order.isPatient ? timing.activeLockReacquisitionInterval / 2 : 0),
        );
      case 'releaseLock':
        return this.#run(arbiter.release());
      case 'writeRecord':
        return this.#run(this.#outlook.writeRecord(order));
      case 'saveRecordSeen':
        return this.#run(this.#saveRecordSeen(order.record));
      case 'openEpoch':
        return this.#run(
          replication
            .openEpoch(order)
            .then(() => this.tell({ type: 'epochOpened', store: replication.replica.view() })),
        );
      case 'serve':
        return this.#serve(order);
      case 'stopServing':
        return this.#stopServing(order.why);
      case 'require':
        return replication.require(order.confirmed, order.attempted);
      case 'beginSession':
        return replication.beginSession(order.session, order.record);
      case 'endSession':
        return replication.endSession();
      case 'proveJoiner':
        return replication.proveJoiner();
      case 'awaitLevel':
        return replication.awaitLevel();
      case 'tellNamed': {
        const session = this.#session();
        if (session !== null) this.#link.send({ type: 'named', session, record: order.record });
        return;
      }
      case 'join':
        return replication.join(order.session, order.record);
      case 'leaveSession':
        return this.#run(replication.leaveSession());
      case 'sayHello':
        return this.#link.sayHello();
      case 'tellCannotClaim':
        return this.#link.send({ type: 'cannotClaim', why: order.why });
      case 'tellHandover':
        return this.#link.send({ type: 'handover', report: this.#report() });
      case 'drain':
        return this.#run(service.drain().then(() => this.tell({ type: 'drained' })));
      case 'undrain':
        return service.undrain();
      case 'dropChannel':
        return this.#link.drop(order.why);
      case 'warn':
        return this.#parts.log.say({ level: 'warn', code: order.code, text: order.text });
      default:
        return unreachable(order);
    }
  }

  /** Orders that wait. What fails here is not foreseen by any port, so the process can't be trusted to go on. */
  #run(work: Promise<void>): void {
    work.catch((failure: unknown) =>
      this.#parts.events.fatal(
        failure instanceof Error ? (failure.stack ?? failure.message) : String(failure),
      ),
    );
  }

  async #saveRecordSeen(record: ArbitrationRecord): Promise<void> {
    const question = ++this.#asked.save;
    await this.#parts.replication.replica.sawRecord(record);
    if (question === this.#asked.save) this.tell({ type: 'recordSaved' });
  }

  async #restJournal(): Promise<void> {
    const { replication, random } = this.#parts;
    const question = ++this.#asked.rest;
    await replication.rest();
    if (question !== this.#asked.rest) return;
    const ids = { claimId: claimId(random.id()), pairId: pairId(random.id()), lockId: lockId(random.id()) };
    this.tell({ type: 'journalRested', ids });
  }

  #serve(claim: Readonly<{ epoch: Epoch; claimId: ClaimId }>): void {
    const { service, events, replication } = this.#parts;
    this.#serving = claim;
    replication
      .allOpened()
      .then(() => (this.#serving === claim ? service.open() : undefined))
      .catch((failure: unknown) =>
        events.fatal(failure instanceof Error ? failure.message : String(failure)),
      );
  }

  #stopServing(why: string): void {
    const { service, replication } = this.#parts;
    // The pipeline first: from here on nothing that was held back can be told to anyone.
    replication.closeEpoch();
    if (this.#serving === null) return;
    this.#serving = null;
    this.#run(service.close(why, this.#successor));
  }

  // What is heard -----------------------------------------------------------------------------------------------------------------

  #heard(frame: Frame): void {
    switch (frame.type) {
      case 'state':
        return this.tell({ type: 'peerReported', report: frame.report });
      case 'cannotClaim':
        return this.tell({ type: 'peerCannotClaim', why: frame.why });
      case 'switchoverWanted':
        return this.tell({ type: 'switchoverAsked', why: frame.why });
      case 'handover':
        return this.tell({ type: 'handedOver', report: frame.report });
      case 'session':
        return this.tell({ type: 'sessionOffered', session: frame.session, record: frame.record });
      default:
        return this.#parts.replication.heard(frame);
    }
  }

  async #hello(): Promise<Hello> {
    const { me, incarnation, replication } = this.#parts;
    const share = await this.#outlook.see();
    const store = replication.replica.view();
    return {
      protocol: 1,
      server: me,
      incarnation,
      store,
      share,
      wasPassive: this.memory.wasPassive,
      following: followingOf(this.#snapshot),
      report: this.#report(),
    };
  }

  #session(): SessionId | null {
    return servingOf(this.#snapshot);
  }

  #report(): StateReport {
    const memory = this.memory;
    return {
      previous: this.#previous,
      present: this.state,
      serving: this.#session(),
      stamp: this.#parts.replication.replica.view().stamp,
      lockHeld: memory.hold !== null,
      why: memory.why,
    };
  }

  // What is told ------------------------------------------------------------------------------------------------------------------

  #changed(before: StateName): void {
    this.#previous = before;
    this.#since = this.#parts.clock.wall();
    this.#bulletin.changed(this.state, before, this.memory.why);
    this.#link.send({ type: 'state', report: this.#report() });
  }

  #debug(fact: PairFact | TimerFact, from: string): void {
    this.#parts.log.say({ level: 'debug', text: `${fact.type}: ${from} → ${this.step}` });
  }
}
