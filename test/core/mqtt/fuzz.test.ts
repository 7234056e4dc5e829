import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

test('spoilt packets: only packets and violations come out, the same however they are cut, and nothing beyond them is looked at or kept', () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { findings, accepted, violations } = fuzz(seed, 5000);
  const repeat = `npm run fuzz -- --packets 5000 --seed ${seed}`;
  console.log(`${accepted} of 5000 were in order, ${violations.size} kinds of violations; again: ${repeat}`);
  expect(findings, repeat).toEqual([]);
  // Else the mutations would have lost their edge: nothing gets through, or everything does.
  expect(accepted).toBeGreaterThan(250);
  expect(violations.size).toBeGreaterThan(40);
}, 15000);
