/** How long a server waits for its own disk. Source: PROTOCOL.md §2 Ack. */
import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/index.ts';
import { unlessAnswered } from '../../src/runtime/replication/patience.ts';

/** Time that passes when told to: `lived` in small steps, `paused` at one stroke, as for a process that was stopped. */
class HandClock implements Clock {
  #now = 0;
  #timers: { due: number; act: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): () => void {
    const timer = { due: this.#now + ms, act };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  soon(act: () => void): void {
    this.after(0, act);
  }

  lived(ms: number): void {
    for (let n = 0; n < ms; n += 1) this.paused(1);
  }

  paused(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter((timer) => timer.due <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.due > this.#now);
    for (const { act } of due) act();
  }
}

test('a disk that does not answer is told once, after the bound and not long after (Ack)', () => {
  const clock = new HandClock();
  const told: number[] = [];
  unlessAnswered(clock, 1_000, () => told.push(clock.now()));
  clock.lived(999);
  expect(told).toEqual([]);
  clock.lived(2_000);
  expect(told).toEqual([1_000]);
});

test('a disk that has answered is never told of (Ack)', () => {
  const clock = new HandClock();
  const told: number[] = [];
  const answered = unlessAnswered(clock, 1_000, () => told.push(clock.now()));
  clock.lived(900);
  answered();
  clock.lived(2_000);
  expect(told).toEqual([]);
});

test.each([0, 10, 990])(
  'a process that was paused after %i ms of waiting, for far longer than the bound, takes what came meanwhile first (Ack)',
  (livedMs) => {
    const clock = new HandClock();
    const told: number[] = [];
    const answered = unlessAnswered(clock, 1_000, () => told.push(clock.now()));
    clock.lived(livedMs);
    clock.paused(45_000);
    expect(told).toEqual([]);
    answered();
    clock.lived(2_000);
    expect(told).toEqual([]);
  },
);

test('a disk that still does not answer after a pause is told of, too (Ack)', () => {
  const clock = new HandClock();
  const told: number[] = [];
  unlessAnswered(clock, 1_000, () => told.push(clock.now()));
  clock.paused(45_000);
  clock.lived(1_000);
  expect(told).toEqual([46_000]);
});
