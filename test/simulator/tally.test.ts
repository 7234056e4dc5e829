/** Runs added up, and shared among processes. */
import { expect, test } from 'vitest';
import { slicesOf } from '../../src/cli/simulate-runs.ts';
import { totalsOf, type Run } from '../../src/simulator/runs/tally.ts';

const run = (seed: number, more: Partial<Run> = {}): Run => ({
  seed,
  broken: null,
  hash: `hash of ${seed}`,
  story: null,
  virtualMs: 3_600_000,
  healedMs: seed,
  acknowledged: 10,
  delivered: 20,
  faults: { crash: seed },
  states: { WAITING: 2 },
  cpuMs: 500,
  ...more,
});

test('the sum is the same in whatever order the runs end', () => {
  const broken = run(2, { broken: { promise: 'p', what: 'w', atMs: 1 }, faults: { cut: 3 } });
  const totals = totalsOf([run(3), run(1), broken]);
  expect(totals).toEqual(totalsOf([run(1), broken, run(3)]));
  expect(totals).toMatchObject({
    runs: 3,
    virtualHours: 3,
    cpuSeconds: 1.5,
    acknowledged: 30,
    delivered: 60,
  });
  expect(totals).toMatchObject({ healedMsMax: 3, faults: { crash: 4, cut: 3 }, states: { WAITING: 6 } });
  expect(totals.broken.map(({ seed }) => seed)).toEqual([2]);
});

test('another trace of one run is another hash of all', () => {
  expect(totalsOf([run(1), run(2)]).hash).not.toBe(totalsOf([run(1), run(2, { hash: 'other' })]).hash);
});

test('slices hold every seed of the range once', () => {
  for (const [from, seeds, jobs] of [
    [1, 30_000, 2],
    [7, 1, 4],
    [100, 53, 3],
  ] as const) {
    const all = slicesOf({ from, seeds, seconds: 120 }, jobs).flatMap((slice) =>
      Array.from({ length: slice.seeds }, (_, at) => slice.from + at),
    );
    expect(all).toEqual(Array.from({ length: seeds }, (_, at) => from + at));
  }
});
