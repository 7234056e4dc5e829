import { expect, test } from 'vitest';
import { PairClock } from '../../src/runtime/connections/pair-clock.ts';

test('a server whose wall clock is behind counts on from what the state names as past, and never stands still', () => {
  let [now, wall] = [100, 1_000];
  const clock = { now: () => now, wall: () => wall, after: () => () => undefined, soon: () => undefined };
  const pairClock = new PairClock(clock);
  pairClock.begin(5_000);
  expect(pairClock.now()).toBe(5_000);
  now += 250.5;
  // A wall clock that is set while the server serves changes nothing.
  wall = 9_000_000;
  expect(pairClock.now()).toBe(5_250);
});

test('time goes on while nobody serves: a server begins with its wall clock where that is ahead', () => {
  const pairClock = new PairClock({
    now: () => 7,
    wall: () => 60_000,
    after: () => () => undefined,
    soon: () => undefined,
  });
  pairClock.begin(5_000);
  expect(pairClock.now()).toBe(60_000);
});
