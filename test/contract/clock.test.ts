/** Port `Clock`, as the system and the simulator keep it. */
import { expect, test } from 'vitest';
import type { Clock } from '../../src/base/index.ts';
import { SystemClock } from '../../src/io/system/index.ts';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';

const CLOCKS: readonly (readonly [string, () => { clock: Clock; run: (ms: number) => Promise<void> }])[] = [
  [
    'the system',
    () => {
      const clock = new SystemClock();
      return { clock, run: (ms) => new Promise((resolve) => clock.after(ms, resolve)) };
    },
  ],
  [
    'the simulator',
    () => {
      const clock = new SimClock();
      return { clock, run: (ms) => clock.run(ms) };
    },
  ],
];

for (const [name, made] of CLOCKS) {
  test(`${name}: what is due after 0 ms is not done within the call, and is done in the order given`, async () => {
    const { clock, run } = made();
    const done: number[] = [];
    clock.after(0, () => done.push(1));
    clock.after(0, () => done.push(2));
    expect(done).toEqual([]);
    await run(1);
    expect(done).toEqual([1, 2]);
  });

  test.each([0, 1])(`${name}: what is taken back is not done, after %d ms`, async (ms) => {
    const { clock, run } = made();
    let done = 0;
    clock.after(ms, () => (done += 1))();
    clock.after(ms, () => (done += 10));
    await run(2);
    expect(done).toBe(10);
  });

  test(`${name}: what is to be done soon is not done within the call, and is done in the order given`, async () => {
    const { clock, run } = made();
    const done: number[] = [];
    clock.soon(() => {
      done.push(1);
      clock.soon(() => done.push(3));
    });
    clock.soon(() => done.push(2));
    expect(done).toEqual([]);
    await run(5);
    expect(done).toEqual([1, 2, 3]);
  });

  test(`${name}: nothing is done before its time`, async () => {
    const { clock, run } = made();
    const began = clock.now();
    let at = NaN;
    clock.after(3, () => (at = clock.now()));
    await run(5);
    expect(at - began).toBeGreaterThanOrEqual(3);
  });
}
