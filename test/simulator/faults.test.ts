/** The faults themselves: each strikes and is survived alone, and a seed decides which of them a run has. Source: PROTOCOL.md §2, §4. */
import { expect, test } from 'vitest';
import { FAULT_NAMES, type FaultName } from '../../src/simulator/faults/index.ts';
import { simulate } from '../../src/simulator/runs/simulate.ts';

const safetyMs = 15_000;

/** How often it struck, and what broke, in two runs with this fault only. */
async function alone(fault: FaultName): Promise<{ strikes: number; broken: string | null }> {
  let strikes = 0;
  for (const seed of [1, 2]) {
    const { faults, broken, story } = await simulate(seed, { safetyMs, faults: [fault] });
    strikes += faults[fault] ?? 0;
    if (broken !== null)
      return { strikes, broken: `${seed}: ${broken.what}\n${story.slice(-20).join('\n')}` };
  }
  return { strikes, broken: null };
}

for (const fault of FAULT_NAMES)
  test(`${fault}: it strikes, the promises hold, and the pair heals (Ack, Claim, Shrink, Grow)`, async () => {
    const { strikes, broken } = await alone(fault);
    expect(broken).toBe(null);
    expect(strikes).toBeGreaterThan(0);
  }, 60_000);

test('a seed decides which faults a run has: the same ones again, and others than another seed', async () => {
  const namesOf = async (seed: number): Promise<string | undefined> =>
    (await simulate(seed, { safetyMs: 10 })).story.find((line) => line.includes('faults, one in'));
  const names = new Set<string | undefined>();
  for (let seed = 1; seed <= 5; seed += 1) names.add(await namesOf(seed));
  expect(names.size).toBe(5);
  expect(names).toContain(await namesOf(3));
});

test('who looks closer gets the same run: verbose lines are not in the hash', async () => {
  const [plain, verbose] = [
    await simulate(7, { safetyMs }),
    await simulate(7, { safetyMs, isVerbose: true }),
  ];
  expect(verbose.hash).toBe(plain.hash);
  expect(verbose.story).toEqual(plain.story);
  expect(verbose.trace.length).toBeGreaterThan(plain.trace.length);
});
