/**
 * One server's disk, in memory: what is written, what of it is durable, and what becomes of the rest when the process dies or the power
 * goes. Everything takes its time on the given clock. An act that was under way at a crash may have happened or not, as chance has it;
 * its promise never settles, because whoever waited is gone.
 * Source: PROTOCOL.md §1, §2 Ack, Tail; REASONS.md A6.
 */
import { assert, type Clock, type Random } from '../../base/index.ts';
import type { StoreId } from '../../core/pair/index.ts';
import type { CutTail, Identity } from '../../ports/index.ts';
import { JournalFailure } from '../../ports/index.ts';
import type { JournalContent } from './sim-journal.ts';
import type { StateContent } from './sim-state.ts';

/** What a store directory holds. */
export type StoreContent = {
  identity: Identity;
  /** Replaced when it is found damaged. */
  journal: JournalContent;
  readonly state: StateContent;
};

export type SimDiskParts = Readonly<{
  clock: Clock;
  random: Random;
  /** How long an act on the disk takes. */
  latencyMs: number;
  /** Sizes as of the journal's options of the same names, in bytes. */
  journal: Readonly<{ segmentSize: number; retain: number }>;
}>;

type Act = {
  readonly effect: () => void;
  /** Where it needs none, a full disk does it all the same. */
  readonly needsRoom: boolean;
  readonly done: () => void;
  readonly failed: (why: Error) => void;
};

/** What a failing disk says; the words by which it is known for no fault of the servers. */
export const DISK_FAILURES = {
  sync: 'the simulated disk failed a sync',
  write: 'the simulated disk failed a write',
  full: 'the simulated disk is full',
  damage: 'the simulated journal is damaged',
} as const;

export class SimDisk {
  readonly parts: SimDiskParts;
  readonly stores = new Map<StoreId, StoreContent>();
  /** The store that `current` names. */
  current: StoreId | null = null;
  readonly keptAside: { storeId: StoreId; why: string }[] = [];
  readonly cutTails: CutTail[] = [];
  /** The number of the process that runs on this disk; ports of former ones are dead. */
  #run = 1;
  #slowness = 1;
  #isHeld = false;
  #isFull = false;
  #failsNext = false;
  #failsNextWrite = false;
  /** Not yet done, in the order of their asking. */
  #pending: Act[] = [];
  #ready: Act[] = [];

  constructor(parts: SimDiskParts) {
    this.parts = parts;
  }

  get run(): number {
    return this.#run;
  }

  /** The process dies. What it had written, synced or not, is still there: the page cache is the system's. */
  crash(): void {
    this.#run += 1;
    const happened = this.below(this.#pending.length + 1);
    for (const act of this.#pending.slice(0, happened)) act.effect();
    this.#pending = [];
    this.#ready = [];
    this.#isHeld = false;
    this.#failsNext = false;
    this.#failsNextWrite = false;
  }

  /** The machine goes dark. Appends that were not synced are lost from some entry on. */
  powerLoss(): void {
    this.crash();
    for (const { journal } of this.stores.values()) journal.loseUnsynced((n) => this.below(n));
  }

  /** The disk is replaced by an empty one. */
  wipe(): void {
    this.crash();
    this.stores.clear();
    this.current = null;
  }

  /** The next act that was to be made durable fails. What an append had written stays readable, and is on no platter. */
  failNextSync(): void {
    this.#failsNext = true;
  }

  /** The next append fails before its sync; a part of it may have been written. */
  failNextWrite(): void {
    this.#failsNextWrite = true;
  }

  /** There is no room for anything more. */
  fill(): void {
    this.#isFull = true;
  }

  makeRoom(): void {
    this.#isFull = false;
  }

  /** From now on every act takes `times` as long as at first. */
  slow(times: number): void {
    this.#slowness = times;
  }

  /** Takes `failNextSync`, `failNextWrite` and `fill` back. */
  failsNoMore(): void {
    this.#failsNext = false;
    this.#failsNextWrite = false;
    this.#isFull = false;
  }

  /** The disk hangs: nothing becomes durable until `releaseSyncs`. */
  holdSyncs(): void {
    this.#isHeld = true;
  }

  releaseSyncs(): void {
    this.#isHeld = false;
    const ready = this.#ready;
    this.#ready = [];
    for (const act of ready) this.#finish(act);
  }

  /** Does `effect` and makes it durable. Never settles for a process that is gone. */
  commit(run: number, effect: () => void, { needsRoom } = { needsRoom: true }): Promise<void> {
    return new Promise((resolve, reject) => {
      if (run !== this.#run) return;
      const act: Act = { effect, needsRoom, done: resolve, failed: reject };
      this.#pending.push(act);
      this.#after(run, () => (this.#isHeld ? void this.#ready.push(act) : this.#finish(act)));
    });
  }

  /** Fulfils when the disk has had time to write, not to sync. Rejects where it can't write. */
  async write(run: number): Promise<void> {
    await this.pass(run);
    if (this.#isFull) throw new JournalFailure(DISK_FAILURES.full);
    if (!this.#failsNextWrite) return;
    this.#failsNextWrite = false;
    throw new JournalFailure(DISK_FAILURES.write);
  }

  /** Fulfils when the disk has had time for something that need not become durable. */
  pass(run: number): Promise<void> {
    return new Promise((resolve) => this.#after(run, resolve));
  }

  /** A bit flips in an old segment of the present journal. Whether there was one. */
  rot(): boolean {
    return this.current !== null && this.contentOf(this.current).journal.rot((n) => this.below(n)) !== null;
  }

  contentOf(id: StoreId): StoreContent {
    const content = this.stores.get(id);
    assert(content !== undefined, `the store ${id} is gone`);
    return content;
  }

  #finish(act: Act): void {
    this.#pending = this.#pending.filter((other) => other !== act);
    if (this.#isFull && act.needsRoom) return act.failed(new JournalFailure(DISK_FAILURES.full));
    if (this.#failsNext) {
      this.#failsNext = false;
      // The system counts its pages as clean now: it will never write them, and no later sync says so.
      for (const { journal } of this.stores.values()) journal.losePages();
      return act.failed(new JournalFailure(DISK_FAILURES.sync));
    }
    act.effect();
    act.done();
  }

  #after(run: number, act: () => void): void {
    this.parts.clock.after(this.parts.latencyMs * this.#slowness, () => {
      if (run === this.#run) act();
    });
  }

  /** A whole number from 0 up to, not including, `n`. */
  below(n: number): number {
    return Math.floor(this.parts.random.unit() * n);
  }
}
