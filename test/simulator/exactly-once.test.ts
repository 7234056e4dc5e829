/** The checker of QoS 2 sees what is planted for it, and nothing where nothing is planted. Source: MQTT-4.3.3-2. */
import { expect, test } from 'vitest';
import { PLANTED } from '../../src/simulator/planted/index.ts';
import { simulate } from '../../src/simulator/simulate.ts';

const safetyMs = 40_000;

test('a new active that forgets what came with QoS 2 lets a repeat through, which shows within few seeds (MQTT-4.3.3-2)', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const plant = PLANTED.qos2DuplicateLetThrough.plant();
    const { broken } = await simulate(seed, { safetyMs, plant });
    if (broken === null) continue;
    expect(broken.promise).toBe('a message with QoS 2 comes exactly once');
    expect((await simulate(seed, { safetyMs })).broken).toBe(null);
    return;
  }
  expect.unreachable('none of twenty seeds shows it');
}, 120_000);
