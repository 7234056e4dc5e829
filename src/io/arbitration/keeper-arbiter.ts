/**
 * The port `Arbiter` in the broker's process. It never touches the share: it starts the keeper, beats to it from the broker's own
 * event loop, and gives it up when it is silent. A keeper that is given up is killed and another begins; that one waits for the
 * store's local lock until the former is gone from the kernel.
 * Source: PROTOCOL.md §2 Keeper; REASONS.md A4, A13, B11.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { assert, unreachable, type Log } from '../../base/index.ts';
import {
  hold as holdNumber,
  isNewer,
  type Hold,
  type ServerName,
  type Stamp,
} from '../../core/pair/index.ts';
import type {
  Arbiter,
  ArbiterEvents,
  LockOutcome,
  ReadOutcome,
  WriteOutcome,
  WriteRequest,
} from '../../ports/index.ts';
import { arbitrationFaults } from './faults.ts';
import {
  readFromKeeper,
  type FromKeeper,
  type KeeperAnswer,
  type KeeperCall,
  type ToKeeper,
} from './keeper-messages.ts';

export type KeeperArbiterSettings = Readonly<{
  server: ServerName;
  lockFile: string;
  /** Local; it must exist. */
  storeDirectory: string;
  timing: Readonly<{ keeperTimeout: number; activeLockReacquisitionInterval: number }>;
  /** The command line of the keeper's process, a Node program. */
  program: readonly string[];
  events: ArbiterEvents;
  log: Log;
}>;

/** The keeper of an installed Lockstep. */
export const keeperProgram = (): string[] => [
  process.execPath,
  fileURLToPath(new URL('./keeper-main.js', import.meta.url)),
];

/** Not an answer of the keeper, but the want of one. */
type Silence = Readonly<{ kind: 'silent'; why: string }>;
type Question = Readonly<{ settle: (answer: KeeperAnswer | Silence) => void; bound: NodeJS.Timeout }>;

/**
 * One keeper process. `lastHeard` is null until its first word: a process takes its time to start. What it is asked before that is
 * kept here, so that a caller who is told of no answer in time can rely on it that nothing will be done.
 */
type KeeperProcess = {
  readonly child: ChildProcess;
  readonly startedAt: number;
  readonly beats: NodeJS.Timeout;
  readonly gone: Promise<void>;
  readonly unsent: { id: number; call: KeeperCall }[];
  lastHeard: number | null;
};

/** Node's own start, on a machine that is busy starting everything else too. */
const START_ALLOWANCE_MS = 10_000;
/** Holds that one keeper may take before the next one's numbers begin; at one a millisecond they last for eleven days. */
const HOLDS_PER_KEEPER = 1_000_000_000;

export class KeeperArbiter implements Arbiter {
  readonly #settings: KeeperArbiterSettings;
  readonly #timeoutMs: number;
  readonly #questions = new Map<number, Question>();
  /** Started and not yet seen to be gone, the present one included. */
  readonly #processes = new Set<KeeperProcess>();
  #keeper: KeeperProcess | null = null;
  #hold: Hold | null = null;
  #committed: Stamp | null = null;
  #startedKeepers = 0;
  #askedQuestions = 0;
  #isClosed = false;

  constructor(settings: KeeperArbiterSettings) {
    this.#settings = settings;
    this.#timeoutMs = settings.timing.keeperTimeout;
  }

  async read(): Promise<ReadOutcome> {
    const answer = await this.#ask({ type: 'read' });
    if (answer.kind === 'silent') return { kind: 'unreachable', why: answer.why };
    assert(answer.kind === 'read' || answer.kind === 'unreachable', `an answer to read: ${answer.kind}`);
    return answer;
  }

  /** Settles within `patienceMs` and `keeperTimeout` together. */
  async lock(patienceMs: number): Promise<LockOutcome> {
    const answer = await this.#ask({ type: 'lock', patienceMs }, patienceMs);
    if (answer.kind === 'silent') return { kind: 'unreachable', why: answer.why };
    assert(
      answer.kind === 'held' || answer.kind === 'refused' || answer.kind === 'unreachable',
      `an answer to lock: ${answer.kind}`,
    );
    if (answer.kind === 'refused')
      this.#settings.log.say({
        level: 'debug',
        text: `The lock on ${this.#settings.lockFile} is refused; it was last marked by: ${answer.holder}`,
      });
    return answer;
  }

  async write(request: WriteRequest): Promise<WriteOutcome> {
    const answer = await this.#ask({ type: 'write', request });
    if (answer.kind === 'silent') return { kind: 'unresolved', why: answer.why };
    assert(
      answer.kind === 'written' || answer.kind === 'movedOn' || answer.kind === 'unresolved',
      `an answer to write: ${answer.kind}`,
    );
    return answer;
  }

  async release(): Promise<void> {
    this.#hold = null;
    if (this.#keeper !== null) await this.#ask({ type: 'release' });
  }

  committed(stamp: Stamp): void {
    if (this.#committed === null || isNewer(stamp, this.#committed)) this.#committed = stamp;
  }

  async close(): Promise<void> {
    this.#hold = null;
    const closing = this.#keeper === null ? null : this.#ask({ type: 'close' });
    this.#isClosed = true;
    await closing;
    // A keeper that waits in the kernel is left to it; its locks are free once the share answers.
    const bound = new Promise((resolve) => setTimeout(resolve, this.#timeoutMs).unref());
    await Promise.race([Promise.all([...this.#processes].map((keeper) => keeper.gone)), bound]);
    this.#leave('closed');
    for (const keeper of this.#processes) keeper.child.unref();
  }

  #ask(call: KeeperCall, patienceMs = 0): Promise<KeeperAnswer | Silence> {
    assert(!this.#isClosed, 'nothing is asked of an arbiter that is closed');
    const keeper = this.#running();
    this.#askedQuestions += 1;
    const id = this.#askedQuestions;
    return new Promise((settle) => {
      // The answer may lie in the pipe where this process itself was held up: one turn of the loop reads it.
      const overdue = (): void => void setImmediate(() => this.#unanswered(id, keeper));
      this.#questions.set(id, { settle, bound: setTimeout(overdue, this.#timeoutMs + patienceMs) });
      if (keeper.lastHeard === null) keeper.unsent.push({ id, call });
      else send(keeper, { type: 'call', id, call });
    });
  }

  #running(): KeeperProcess {
    return this.#keeper ?? this.#start();
  }

  #start(): KeeperProcess {
    const { program, server, lockFile, storeDirectory, timing } = this.#settings;
    const [command = '', ...args] = program;
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const keeper: KeeperProcess = {
      child,
      startedAt: performance.now(),
      beats: setInterval(() => this.#beat(keeper), this.#timeoutMs / 4),
      gone: new Promise((resolve) => child.once('exit', () => resolve()).once('error', () => resolve())),
      unsent: [],
      lastHeard: null,
    };
    const { LS_LOCK_KEEPER_ENDED, LS_LOCK_KEEPER_START } = arbitrationFaults;
    child.on('message', (value) => this.#heard(keeper, readFromKeeper(value)));
    child.on('exit', (code, signal) =>
      this.#ended(keeper, LS_LOCK_KEEPER_ENDED(signal ?? `exit status ${code ?? '?'}`)),
    );
    child.on('error', (error) => this.#ended(keeper, LS_LOCK_KEEPER_START(program.join(' '), error.message)));
    this.#keeper = keeper;
    this.#processes.add(keeper);
    const { keeperTimeout, activeLockReacquisitionInterval: probeInterval } = timing;
    const firstHold = holdNumber(this.#startedKeepers * HOLDS_PER_KEEPER + 1);
    const rehearses = this.#startedKeepers === 0;
    this.#startedKeepers += 1;
    send(keeper, {
      type: 'open',
      settings: { server, lockFile, storeDirectory, keeperTimeout, probeInterval, firstHold, rehearses },
    });
    return keeper;
  }

  #heard(keeper: KeeperProcess, message: FromKeeper | null): void {
    if (keeper !== this.#keeper || message === null) return;
    keeper.lastHeard = performance.now();
    for (const { id, call } of keeper.unsent.splice(0))
      if (this.#questions.has(id)) send(keeper, { type: 'call', id, call });
    switch (message.type) {
      case 'beat':
        return;
      case 'lost':
        this.#leave(message.why);
        return;
      case 'answer':
        this.#answered(message.id, message.answer);
        return;
      default:
        return unreachable(message);
    }
  }

  #answered(id: number, answer: KeeperAnswer): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    this.#questions.delete(id);
    clearTimeout(question.bound);
    if (answer.kind === 'held' && answer.hold !== this.#hold) {
      this.#hold = answer.hold;
      this.#settings.log.say({
        level: 'info',
        text: `Successfully acquired lock on: ${this.#settings.lockFile}`,
      });
    }
    if (answer.kind === 'unresolved') this.#lost(answer.why);
    question.settle(answer);
  }

  #beat(keeper: KeeperProcess): void {
    send(keeper, { type: 'beat', committed: this.#committed });
    if (this.#silentMs(keeper) === null) return;
    setImmediate(() => {
      const silentMs = this.#silentMs(keeper);
      if (keeper === this.#keeper && silentMs !== null)
        this.#leave(arbitrationFaults.LS_LOCK_KEEPER_SILENT(keeper.child.pid ?? 0, silentMs));
    });
  }

  /** For how long the keeper has been silent, where that is too long. */
  #silentMs(keeper: KeeperProcess): number | null {
    const isStarting = keeper.lastHeard === null;
    const silentMs = performance.now() - (keeper.lastHeard ?? keeper.startedAt);
    return silentMs > this.#timeoutMs + (isStarting ? START_ALLOWANCE_MS : 0) ? silentMs : null;
  }

  #unanswered(id: number, keeper: KeeperProcess): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    const pid = keeper.child.pid ?? 0;
    if (keeper.lastHeard !== null && keeper === this.#keeper) {
      this.#leave(arbitrationFaults.LS_LOCK_KEEPER_SILENT(pid, this.#timeoutMs));
      return;
    }
    // It starts, and is given time for that; but the caller is not kept waiting, and the call is never sent.
    this.#questions.delete(id);
    question.settle({
      kind: 'silent',
      why: arbitrationFaults.LS_LOCK_KEEPER_STARTING(pid, performance.now() - keeper.startedAt),
    });
  }

  #ended(keeper: KeeperProcess, why: string): void {
    this.#processes.delete(keeper);
    clearInterval(keeper.beats);
    if (keeper === this.#keeper) this.#leave(why);
  }

  /** The present keeper is used no more: it is killed, what it held is lost, what it was asked stays unanswered. */
  #leave(why: string): void {
    const keeper = this.#keeper;
    if (keeper === null) return;
    this.#keeper = null;
    clearInterval(keeper.beats);
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    for (const question of questions) clearTimeout(question.bound);
    keeper.child.kill('SIGKILL');
    if (keeper.child.connected) keeper.child.disconnect();
    this.#watchEnd(keeper);
    this.#lost(why);
    for (const question of questions) question.settle({ kind: 'silent', why });
    // One that has lived is replaced at once, so that the next call need not wait; one that can't start is tried again when asked.
    if (keeper.lastHeard !== null && !this.#isClosed) this.#running();
  }

  #watchEnd(keeper: KeeperProcess): void {
    const { lockFile, log } = this.#settings;
    const code = 'LS_LOCK_KEEPER_STUCK';
    const tell = (): void =>
      log.say({ level: 'warn', code, text: arbitrationFaults[code](lockFile, keeper.child.pid ?? 0) });
    const watch = setTimeout(tell, this.#timeoutMs).unref();
    void keeper.gone.then(() => clearTimeout(watch));
  }

  #lost(why: string): void {
    if (this.#hold === null) return;
    this.#hold = null;
    const code = 'LS_LOCK_LOST';
    this.#settings.log.say({
      level: 'warn',
      code,
      text: arbitrationFaults[code](this.#settings.lockFile, why),
    });
    this.#settings.events.lockLost(why);
  }
}

/** Nothing is awaited: a keeper that can't be told shows by its silence. */
function send(keeper: KeeperProcess, message: ToKeeper): void {
  if (keeper.child.connected) keeper.child.send(message, () => undefined);
}
