/** Virtual time and chance: one seed, one run. */
import { expect, test } from 'vitest';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';

test('timers run in the order of their time, then of their setting', async () => {
  const clock = new SimClock();
  const random = new SimRandom(1);
  const ran: { at: number; order: number }[] = [];
  const times = Array.from({ length: 1_000 }, () => random.below(50));
  for (const [order, at] of times.entries()) clock.after(at, () => ran.push({ at: clock.now(), order }));
  await clock.run(50);
  const wanted = times.map((at, order) => ({ at, order })).sort((a, b) => a.at - b.at || a.order - b.order);
  expect(ran).toEqual(wanted);
});

test('time passes only when it is run, and stops where it was told to', async () => {
  const clock = new SimClock(1_000_000);
  let ran = 0;
  clock.after(10, () => (ran += 1));
  await clock.run(9.5);
  expect([clock.now(), clock.wall(), ran]).toEqual([9.5, 1_000_009.5, 0]);
  await clock.run(0.5);
  expect([clock.now(), ran]).toEqual([10, 1]);
});

test('what a timer sets for now runs in the same run, behind what was set before', async () => {
  const clock = new SimClock();
  const ran: string[] = [];
  clock.after(1, () => {
    ran.push('first');
    clock.after(0, () => ran.push('third'));
    clock.after(-5, () => ran.push('fourth'));
  });
  clock.after(1, () => ran.push('second'));
  await clock.run(1);
  expect(ran).toEqual(['first', 'second', 'third', 'fourth']);
});

test('asynchronous work between two timers is done to its end, however deep', async () => {
  const clock = new SimClock();
  const ran: string[] = [];
  clock.after(1, () => {
    void (async () => {
      for (let step = 0; step < 5_000; step += 1) await Promise.resolve();
      ran.push(`worked at ${clock.now()}`);
      clock.after(1, () => ran.push(`timer at ${clock.now()}`));
    })();
  });
  clock.after(1.5, () => ran.push(`next at ${clock.now()}`));
  await clock.run(3);
  expect(ran).toEqual(['worked at 1', 'next at 1.5', 'timer at 2']);
});

test('a timer taken back does not run, not even by one of the same time', async () => {
  const clock = new SimClock();
  const ran: string[] = [];
  clock.after(1, () => cancel());
  const cancel = clock.after(1, () => ran.push('cancelled'));
  const late = clock.after(2, () => ran.push('kept'));
  await clock.run(2);
  late();
  expect(ran).toEqual(['kept']);
});

test('`runUntil` stops at the timer that makes it so, or at the end of its patience', async () => {
  const clock = new SimClock();
  let count = 0;
  const tick = (): void => {
    count += 1;
    clock.after(10, tick);
  };
  clock.after(10, tick);
  expect(await clock.runUntil(() => count === 3, 1_000)).toBe(true);
  expect([clock.now(), count]).toEqual([30, 3]);
  expect(await clock.runUntil(() => count === 3, 1_000)).toBe(true);
  expect(clock.now()).toBe(30);
  expect(await clock.runUntil(() => count === 1_000, 15)).toBe(false);
  expect([clock.now(), count]).toEqual([45, 4]);
});

test('what a timer throws ends the run, and the clock can be run on', async () => {
  const clock = new SimClock();
  let ran = false;
  clock.after(1, () => {
    throw new Error('a broken assertion');
  });
  clock.after(2, () => (ran = true));
  await expect(clock.run(5)).rejects.toThrow('a broken assertion');
  expect([clock.now(), ran]).toEqual([1, false]);
  await clock.run(5);
  expect(ran).toBe(true);
});

test('one seed, one row of numbers; another seed, another; all within their bounds', () => {
  const row = (seed: number): unknown[] => {
    const random = new SimRandom(seed);
    return Array.from({ length: 50 }, () => [
      random.id(),
      random.unit(),
      random.below(10),
      random.chance(0.5),
    ]);
  };
  expect(row(7)).toEqual(row(7));
  expect(row(7)).not.toEqual(row(8));
  const random = new SimRandom(3);
  expect(random.id()).toMatch(/^[0-9a-f]{32}$/);
  const counts = new Map<number, number>();
  for (let draw = 0; draw < 10_000; draw += 1) {
    const drawn = random.below(10);
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
  }
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  const heads = Array.from({ length: 10_000 }, () => random.chance(0.25)).filter(Boolean).length;
  expect(Math.abs(heads - 2_500)).toBeLessThan(250);
});

test('a timer that sets itself for the same moment again and again is a fault, not a run without end', async () => {
  const clock = new SimClock();
  const again = (): void => void clock.after(0, again);
  again();
  await expect(clock.run(1)).rejects.toThrow('time stands still');
});
