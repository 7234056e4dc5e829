/**
 * The keeper: holds the lock for one server, probes it, writes records by rule Write. A process of its own, because a share that
 * hangs must not hang the broker, and a broker that hangs must not keep the lock. It does one thing at a time, with asynchronous
 * calls, so that it notices a broker that is gone or frozen also while the share hangs. Its law: at the first doubt about the lock it
 * says so and ends; a keeper that has lost a lock is never used again.
 * Source: PROTOCOL.md §2 Write, Keeper; REASONS.md A4, A13.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { unreachable } from '../../base/index.ts';
import {
  type Hold,
  hold as holdNumber,
  isNewer,
  noStamp,
  readShare,
  type Stamp,
} from '../../core/pair/index.ts';
import type { LockOutcome, ReadOutcome, WriteOutcome, WriteRequest } from '../../ports/index.ts';
import { arbitrationFaults, sentenceOf, ShareFailure } from './faults.ts';
import { tryFlock, unlockNow } from './flock.ts';
import type { FromKeeper, KeeperAnswer, KeeperCall, KeeperSettings, ToKeeper } from './keeper-messages.ts';
import { ShareFiles, type LockFile } from './share-files.ts';
import { StoreLock } from './store-lock.ts';
import { runWrite } from './write-run.ts';

export type KeeperSurroundings = Readonly<{
  settings: KeeperSettings;
  tell: (message: FromKeeper) => void;
  /** Ends the process, whatever its threads wait for. What was told before still goes out. */
  end: () => void;
}>;

type Held = Readonly<{ hold: Hold; file: LockFile }>;

/**
 * The pause between two tries for a lock that somebody else has: a tenth of the time waited so far, within these bounds. A dead
 * holder's lock is free within milliseconds, and a long wait is prolonged by a tenth at most.
 */
const POLL_MIN_MS = 2;
const POLL_MAX_MS = 25;

export class Keeper {
  readonly #settings: KeeperSettings;
  readonly #tell: KeeperSurroundings['tell'];
  readonly #end: KeeperSurroundings['end'];
  readonly #store: StoreLock;
  readonly #files: ShareFiles;
  /** Bounds within `keeperTimeout`, so that the keeper still can say what is wrong before the broker gives it up. */
  readonly #shareMs: number;
  readonly #storeMs: number;
  #held: Held | null = null;
  #nextHold: Hold;
  #committed: Stamp = noStamp;
  #lastBeat = performance.now();
  readonly #watch: NodeJS.Timeout;
  #work: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(surroundings: KeeperSurroundings) {
    const { settings } = surroundings;
    this.#settings = settings;
    this.#tell = surroundings.tell;
    this.#end = surroundings.end;
    this.#store = new StoreLock(settings.storeDirectory);
    this.#files = new ShareFiles(settings.server, settings.lockFile);
    this.#shareMs = settings.keeperTimeout * 0.5;
    this.#storeMs = settings.keeperTimeout * 0.3;
    this.#nextHold = settings.firstHold;
    this.#watch = setInterval(() => this.#checkBeats(), Math.max(1, settings.keeperTimeout / 8));
    this.#enqueue(() => this.#prepare());
    this.#tell({ type: 'beat' });
  }

  heard(message: ToKeeper): void {
    this.#lastBeat = performance.now();
    switch (message.type) {
      case 'open':
        return;
      case 'beat':
        if (message.committed !== null && isNewer(message.committed, this.#committed))
          this.#committed = message.committed;
        this.#tell({ type: 'beat' });
        return;
      case 'call':
        this.#enqueue(async () => {
          this.#answer(message.id, await this.#perform(message.call));
          if (message.call.type === 'close') this.#finish();
        });
        return;
      default:
        return unreachable(message);
    }
  }

  /** The broker is gone: the lock is free at once, before this process's memory is taken down. Nothing may be called after. */
  abandon(): void {
    this.#hasEnded = true;
    if (this.#held !== null) unlockNow(this.#held.file.fd);
  }

  /** For one whose process lives on: gives back what the end of a process gives back. Fulfils when what was under way is done. */
  async leave(): Promise<void> {
    this.#hasEnded = true;
    clearInterval(this.#watch);
    await this.#work;
    await this.#letGo();
    await this.#store.release();
  }

  /** One thing at a time. A failure that nobody foresaw ends the process, and with it the lock. */
  #enqueue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#lose(this.#sentence(error)));
  }

  /** Where the store and the share allow it, all that can be done before the first call has been done by then. */
  async #prepare(): Promise<void> {
    try {
      await this.#store.take(0);
      await this.#bounded(this.#files.renewOwnBlock());
    } catch (error) {
      if (error instanceof ShareSilence) this.#lose(error.message);
      // Anything else is tried again, and told, with the first call that needs it.
    }
  }

  async #perform(call: KeeperCall): Promise<KeeperAnswer> {
    switch (call.type) {
      case 'read':
        return this.#read();
      case 'lock':
        return this.#lock(call.patienceMs);
      case 'write':
        return this.#write(call.request);
      case 'release':
      case 'close':
        await this.#letGo();
        return { kind: 'done' };
      default:
        return unreachable(call);
    }
  }

  #answer(id: number, answer: KeeperAnswer): void {
    this.#tell({ type: 'answer', id, answer });
    // Rule Write: an unresolved write means that the lock is lost.
    if (answer.kind === 'unresolved') this.#lose(answer.why);
  }

  async #read(): Promise<ReadOutcome> {
    try {
      await this.#store.take(this.#storeMs);
      return { kind: 'read', reading: await this.#bounded(this.#reading()) };
    } catch (error) {
      return { kind: 'unreachable', why: this.#doubt(error) };
    }
  }

  async #reading(): Promise<ReturnType<typeof readShare>> {
    const [blocks, mark] = await Promise.all([this.#files.blocks(), this.#files.mark()]);
    return readShare(blocks.primary, blocks.secondary, mark);
  }

  async #lock(patienceMs: number): Promise<LockOutcome> {
    const asked = performance.now();
    try {
      await this.#store.take(this.#storeMs);
      if (this.#held !== null) {
        const { hold } = this.#held;
        return { kind: 'held', hold, reading: await this.#bounded(this.#reading()) };
      }
      await this.#bounded(this.#files.renewOwnBlock());
      while (true) {
        const outcome = await this.#bounded(this.#tryLock());
        const waited = performance.now() - asked;
        if (outcome.kind !== 'refused' || waited >= patienceMs) return outcome;
        const wait = Math.min(Math.max(POLL_MIN_MS, waited / 10), POLL_MAX_MS);
        await pause(Math.min(wait, patienceMs - waited));
      }
    } catch (error) {
      return { kind: 'unreachable', why: this.#doubt(error) };
    }
  }

  async #tryLock(): Promise<LockOutcome> {
    const file = await this.#files.openLock();
    try {
      if (!(await tryFlock(file.fd))) {
        await file.close();
        return { kind: 'refused', holder: (await this.#files.mark())?.holder ?? 'unknown' };
      }
      const [isInPlace, reading] = await Promise.all([file.isInPlace(), this.#reading()]);
      // Between opening and locking, the file may have been replaced: then this lock is on a file that nobody finds.
      if (!isInPlace)
        throw new ShareFailure(
          'LS_LOCK_REPLACED',
          arbitrationFaults.LS_LOCK_REPLACED(this.#settings.lockFile),
        );
      // The mark never falls back: a store that lacks what was committed must not claim by an old one.
      if (reading.mark !== null && isNewer(reading.mark.stamp, this.#committed))
        this.#committed = reading.mark.stamp;
      const hold = this.#nextHold;
      this.#nextHold = holdNumber(hold + 1);
      this.#held = { hold, file };
      this.#probeLater(hold);
      return { kind: 'held', hold, reading };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #write(request: WriteRequest): Promise<WriteOutcome> {
    try {
      await this.#store.take(this.#storeMs);
      return await this.#bounded(
        runWrite({
          start: { ...request, server: this.#settings.server },
          files: this.#files,
          hold: () => this.#held?.hold ?? null,
          isOver: () => this.#hasEnded,
        }),
      );
    } catch (error) {
      return { kind: 'unresolved', why: this.#sentence(error) };
    }
  }

  async #letGo(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    await held?.file.close();
  }

  #probeLater(hold: Hold): void {
    setTimeout(() => {
      if (this.#held?.hold !== hold) return;
      this.#enqueue(async () => {
        if (this.#held?.hold !== hold) return;
        await this.#bounded(this.#probe(this.#held.file), this.#settings.keeperTimeout);
        this.#probeLater(hold);
      });
    }, this.#settings.probeInterval);
  }

  async #probe(file: LockFile): Promise<void> {
    await file.writeMark({
      holder: this.#settings.server,
      stamp: this.#committed,
      at: new Date().toISOString(),
    });
    if (!(await file.isInPlace()))
      throw new ShareFailure('LS_LOCK_REPLACED', arbitrationFaults.LS_LOCK_REPLACED(this.#settings.lockFile));
  }

  #checkBeats(): void {
    const silentMs = (): number => performance.now() - this.#lastBeat;
    if (silentMs() <= this.#settings.keeperTimeout) return;
    // Beats that came while this process itself was not running still lie in the pipe: one turn of the loop reads them.
    setImmediate(() => {
      if (silentMs() > this.#settings.keeperTimeout)
        this.#lose(arbitrationFaults.LS_LOCK_BROKER_SILENT(silentMs()));
    });
  }

  /** Rejects with `ShareSilence` when the share takes longer. What was begun goes on in a thread: this process must end. */
  async #bounded<T>(work: Promise<T>, ms: number = this.#shareMs): Promise<T> {
    const silence = new AbortController();
    const bound = pause(ms, null, { signal: silence.signal }).then(() => {
      throw new ShareSilence(arbitrationFaults.LS_LOCK_SHARE_HANGS(this.#settings.lockFile, ms));
    });
    try {
      return await Promise.race([work, bound]);
    } finally {
      silence.abort();
      bound.catch(() => undefined);
      work.catch(() => undefined);
    }
  }

  /** The sentence of a failed call. After silence a thread is stuck, so this process ends once it has answered. */
  #doubt(error: unknown): string {
    if (error instanceof ShareSilence) setImmediate(() => this.#lose(error.message));
    return this.#sentence(error);
  }

  #sentence(error: unknown): string {
    return error instanceof ShareSilence ? error.message : sentenceOf(error, this.#settings.lockFile);
  }

  #lose(why: string): void {
    if (this.#hasEnded) return;
    this.#tell({ type: 'lost', why });
    this.#finish();
  }

  #finish(): void {
    this.#hasEnded = true;
    this.#end();
  }
}

/** The share did not answer in time. */
class ShareSilence extends Error {
  override name = 'ShareSilence';
}
