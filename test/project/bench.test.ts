/** What benchmarks say of their runs is what the runs were. Source: scripts/bench/. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { partOf, stacksIn } from '../../scripts/bench/profiling/cpu-profile.ts';
import { flameGraph } from '../../scripts/bench/profiling/flame-graph.ts';
import { Report } from '../../scripts/bench/report.ts';
import { Session } from '../../scripts/bench/session.ts';
import { digits, median, quantile, shown, spreadOf } from '../../scripts/bench/statistics.ts';

test('the median is the middle run, or the mean of the two in the middle, in whatever order they came', () => {
  expect(median([5, 1, 9])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('the spread is the least and the most, and how many there were', () => {
  expect(spreadOf([3, -1, 10, 2])).toEqual({ median: 2.5, min: -1, max: 10, runs: 4 });
});

test('a quantile is a value that was seen: the first that this share does not exceed', () => {
  const values = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([0, 0.5, 0.99, 0.999, 1].map((share) => quantile(values, share))).toEqual([1, 50, 99, 100, 100]);
  expect(quantile([], 0.5)).toBeNaN();
});

test('a figure is shown with three digits that mean something, and its spread where there is one', () => {
  expect([0.012345, 12.345, 999.4, 14_472.3].map(digits)).toEqual(['0.0123', '12.3', '999', '14,472']);
  expect(digits(NaN)).toBe('–');
  expect(shown(spreadOf([2, 1, 3]))).toBe('2 (1–3)');
  expect(shown(spreadOf([2]))).toBe('2');
});

test('processor time is told for 100,000 messages, of each process, and columns that nobody filled are left out', () => {
  const report = new Report({ rate: '1/s', unused: 'ms' });
  const run = (rate: number, cpuSeconds: number): void =>
    report.add('pair', {
      figures: { rate },
      processes: { active: { cpuSeconds, peakMiB: 100 }, load: { cpuSeconds: 1, peakMiB: 5 } },
      messages: 200_000,
    });
  run(10, 4);
  run(30, 8);
  run(20, 6);
  report.note('absent', 'not installed');
  const [head, , pair, absent, , note] = report.markdown().split('\n');
  expect(head).toBe('| point | rate, 1/s | CPU s per 100,000 messages | peak resident MiB |');
  expect(pair).toBe('| pair | 20 (10–30) | active 3 (2–4)<br>load 0.5 | active 100<br>load 5 |');
  expect(absent).toBe('| absent | not measured |  |  |');
  expect(note).toBe('absent: not installed');
  expect(report.rows[0]?.figures).toEqual({ rate: { median: 20, min: 10, max: 30, runs: 3 } });
});

test('a figure without a column is refused', () => {
  expect(() => new Report({}).add('point', { figures: { rate: 1 } })).toThrow('no column rate');
});

test('compared variants go in turn, one that fails is noted and left out, and the others go on', async () => {
  const TMPDIR = process.env.TMPDIR;
  const report = new Report({ n: '' });
  const asked = { runs: 3, isQuick: false, isAll: false, only: [], against: [], sets: [], options: {} };
  const session = new Session(asked, report);
  const said = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => said.mockRestore());
  const order: string[] = [];
  const point = (name: string) => ({
    name,
    measure: async () => {
      order.push(name);
      if (name === 'B') throw new Error('no B here\nand more');
      return { figures: { n: order.length } };
    },
  });
  await session.alternate(['A', 'B', 'C'].map(point));
  const closed: string[] = [];
  session.closeLater(() => void closed.push('first'));
  session.closeLater(() => void closed.push('last'));
  await session.close();
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  expect(order.join('')).toBe('ABCACAC');
  expect(report.rows.map(({ point: name, runs, note }) => [name, runs, note])).toEqual([
    ['A', 3, null],
    ['B', 0, 'no B here'],
    ['C', 3, null],
  ]);
  expect(closed).toEqual(['last', 'first']);
});

const PROFILE = JSON.stringify({
  startTime: 1_000,
  nodes: [
    { id: 1, callFrame: { functionName: '(root)', url: '' }, children: [2, 3] },
    { id: 2, callFrame: { functionName: '(idle)', url: '' } },
    { id: 3, callFrame: { functionName: 'emit', url: 'node:events' }, children: [4] },
    { id: 4, callFrame: { functionName: '', url: 'file:///x/dist/io/journal/durable.js' }, children: [5] },
    { id: 5, callFrame: { functionName: 'write<T>', url: '' } },
  ],
  samples: [2, 5, 4, 5, 2],
  timeDeltas: [0, 100, 100, 50, 250],
});

test('a profile is cut to a span, each sample standing for the time until the next one', () => {
  const all = stacksIn(PROFILE, { from: 0, to: Infinity });
  expect(all.map(({ us, calls }) => [us, calls.at(-1)?.name])).toEqual([
    [100, '(idle)'],
    [350, 'write<T>'],
    [50, '(anonymous)'],
  ]);
  expect(all[1]?.calls.map(({ name }) => name)).toEqual(['emit', '(anonymous)', 'write<T>']);
  const some = stacksIn(PROFILE, { from: 1_150, to: 1_250 });
  expect(some.map(({ us }) => us)).toEqual([50]);
});

test('the time of a stack belongs to the innermost part of the product in it', () => {
  const [idle, write] = stacksIn(PROFILE, { from: 0, to: Infinity });
  expect([idle, write].map((stack) => stack && partOf(stack))).toEqual(['idle', 'journal']);
  for (const name of ['emit', 'toString'])
    expect(partOf({ us: 1, calls: [{ name, url: 'node:events' }] })).toBe('node');
});

test('a flame graph is as wide as the work, without what was idle, and names may hold anything', () => {
  const graph = flameGraph('a & b', stacksIn(PROFILE, { from: 0, to: Infinity }));
  expect(graph).toContain('a &amp; b: 0.00 s of work');
  expect(graph).toContain('<title>write&lt;T&gt;  87.5 %</title>');
  expect(graph).toContain('<title>(anonymous) io/journal/durable.js 100.0 %</title>');
  expect(graph).not.toContain('idle');
});
