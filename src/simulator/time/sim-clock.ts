/**
 * Virtual time: stands still until it is run, then jumps from timer to timer. Timers run in the order of their time, then of their
 * setting; between two of them everything is done that asynchronous code can do without time passing. So a run depends on its
 * seed alone, and an hour takes as long as what happens in it.
 */
import { assert, type Cancel, type Clock } from '../../base/index.ts';

/** `act` is null once it has been taken back. */
type Timer = { readonly at: number; readonly order: number; act: (() => void) | null };

export class SimClock implements Clock {
  #now = 0;
  #order = 0;
  #isRunning = false;
  /** Timers that have run since time last moved. */
  #turns = 0;
  readonly #wallAtStart: number;
  readonly #timers = new TimerHeap();

  constructor(wallAtStart = Date.UTC(2030, 0, 1)) {
    this.#wallAtStart = wallAtStart;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wallAtStart + this.#now;
  }

  after(ms: number, act: () => void): Cancel {
    assert(Number.isFinite(ms), `a timer of ${ms} ms`);
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, act };
    this.#timers.add(timer);
    return () => {
      timer.act = null;
    };
  }

  soon(act: () => void): void {
    this.after(0, act);
  }

  /** Lets `ms` milliseconds pass. Rejects with what a timer throws; the timers behind it are still there. */
  async run(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  /**
   * Lets time pass until `isSo` holds, looked at before the first and after each timer, but not more than `msMax`. Whether it
   * holds.
   */
  async runUntil(isSo: () => boolean, msMax: number): Promise<boolean> {
    assert(!this.#isRunning, 'the clock is running');
    this.#isRunning = true;
    const end = this.#now + msMax;
    try {
      await inTurns(() => {
        if (isSo()) return false;
        const timer = this.#timers.takeUpTo(end);
        if (timer === null) {
          this.#now = end;
          return false;
        }
        this.#turns = timer.at === this.#now ? this.#turns + 1 : 0;
        assert(this.#turns < STANDSTILL, 'time stands still: each timer sets another for the same moment');
        this.#now = timer.at;
        timer.act?.();
        return true;
      });
      return isSo();
    } finally {
      this.#isRunning = false;
    }
  }
}

const STANDSTILL = 100_000;

/** How many turns Node is asked for at once: going round its event loop costs more than most timers do. */
const TURNS = 64;

/**
 * Takes one turn after the other until one says that it was the last, or throws. Before each, no promise has anything left to do: Node
 * empties its queue of microtasks before every immediate, those asked for together too.
 */
function inTurns(turn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    let left = 0;
    const take = (): void => {
      left -= 1;
      if (!isOver) {
        try {
          isOver = !turn();
          if (isOver) resolve();
        } catch (failure) {
          isOver = true;
          reject(failure instanceof Error ? failure : new Error(String(failure)));
        }
      }
      if (left === 0 && !isOver) ask();
    };
    const ask = (): void => {
      left = TURNS;
      for (let n = 0; n < TURNS; n += 1) setImmediate(take);
    };
    ask();
  });
}

/** The earliest timer first: a binary heap. */
class TimerHeap {
  readonly #heap: Timer[] = [];

  add(timer: Timer): void {
    let at = this.#heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || isBefore(parent, timer)) break;
      this.#heap[at] = parent;
      at = above;
    }
    this.#heap[at] = timer;
  }

  /** Takes out the earliest; null when there is none, or none up to `end`. */
  takeUpTo(end: number): Timer | null {
    const first = this.#heap[0];
    if (first === undefined || first.at > end) return null;
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(timer: Timer): void {
    let at = 0;
    while (true) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(timer, child)) break;
      this.#heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    this.#heap[at] = timer;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
