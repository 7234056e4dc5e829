/** The simulation of the whole: fixed seeds keep every promise, one seed is one run, and what is planted is found. Source: PROTOCOL.md §2 to §5. */
import { expect, test } from 'vitest';
import { simulate, type Verdict } from '../../src/simulator/runs/simulate.ts';

const SEEDS = Array.from({ length: 50 }, (_, n) => n + 1);

/** Faults in a run of a test; `lockstep simulate` has longer ones. */
const safetyMs = 40_000;

const failureOf = ({ seed, broken, trace }: Verdict): string | null =>
  broken === null
    ? null
    : `lockstep simulate --seconds 40 --seed ${seed}\n${broken.promise}: ${broken.what}\n${trace.slice(-30).join('\n')}`;

for (let first = 0; first < SEEDS.length; first += 10) {
  const seeds = SEEDS.slice(first, first + 10);
  test(`seeds ${seeds[0] ?? 0} to ${seeds.at(-1) ?? 0}: whatever breaks, nothing acknowledged is lost, and the pair heals (Ack, Claim, Shrink, Grow)`, async () => {
    for (const seed of seeds) expect(failureOf(await simulate(seed, { safetyMs }))).toBe(null);
  }, 120_000);
}

test('with groups of consumers each message reaches one member, and with QoS 2 no other, whatever breaks, in ten seeds (MQTT 5.0 §4.8.2) (Ack, Claim)', async () => {
  for (const seed of SEEDS.slice(0, 10))
    expect(failureOf(await simulate(seed, { safetyMs, hasGroups: true }))).toBe(null);
}, 120_000);

test('with clients of MQTT 5, few messages at a time and topics by alias, nothing that was acknowledged is lost, whatever breaks, in ten seeds (Ack, Claim)', async () => {
  for (const seed of SEEDS.slice(0, 10))
    expect(failureOf(await simulate(seed, { safetyMs, hasMqtt5: true }))).toBe(null);
}, 120_000);

test('the same seed gives the same run, another one another', async () => {
  const [once, twice, other] = [
    await simulate(4, { safetyMs }),
    await simulate(4, { safetyMs }),
    await simulate(5, { safetyMs }),
  ];
  expect(twice.hash).toBe(once.hash);
  expect(twice.trace).toEqual(once.trace);
  expect(other.hash).not.toBe(once.hash);
});
