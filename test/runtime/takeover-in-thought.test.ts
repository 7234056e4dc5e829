/** A takeover in thought. Source: src/runtime/pair/takeover-in-thought.ts; PROTOCOL.md §2 Claim, §4. */
import { expect, test } from 'vitest';
import { stepOf, stepPair, type PairStep } from '../../src/core/pair/index.ts';
import { takeoverInThought } from '../../src/runtime/pair/takeover-in-thought.ts';
import { active, becomesPassive, claimed, machineAfter, P, record, store } from '../core/pair/samples.ts';

const passive = (lockHeld: boolean): PairStep =>
  machineAfter('secondary', becomesPassive({ ...active, lockHeld }));

test.each([true, false])(
  'a passive that its record names would serve alone, whether its active holds the lock (%s) or not, and stays what it is',
  (lockHeld) => {
    const { snapshot } = passive(lockHeld);
    const before = JSON.stringify(snapshot);
    const view = store('secondary', { recordSeen: claimed });
    expect(takeoverInThought({ snapshot, store: view, step: stepPair })).toBe('STANDALONE');
    expect(JSON.stringify(snapshot)).toBe(before);
    expect(stepOf(snapshot)).toBe('PASSIVE.following');
  },
);

test('a passive that its record does not name would not', () => {
  const { snapshot } = passive(true);
  const alone = record({ ...claimed, inSync: { primary: P } });
  const view = store('secondary', { recordSeen: alone });
  expect(takeoverInThought({ snapshot, store: view, step: stepPair })).toBe('WAITING');
});
