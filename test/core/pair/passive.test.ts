/** When a passive whose active is gone tries the lock. Source: PROTOCOL.md §4.3. */
import { expect, test } from 'vitest';
import { stepOf, type PairFact, type StateReport } from '../../../src/core/pair/index.ts';
import { active, becomesPassive, machineAfter } from './samples.ts';

const lost: PairFact = { type: 'channelLost', why: '' };

/** The secondary, PASSIVE by the primary's claim, after `facts`, and told that the gateway answers. */
const alone = (report: StateReport, facts: readonly PairFact[]): string =>
  stepOf(
    machineAfter('secondary', [...becomesPassive(report), ...facts, { type: 'gatewayAnswered' }]).snapshot,
  );

test('a passive whose active held the lock tries it at once: it is to be had only if that one is gone (§4.3)', () => {
  expect(alone({ ...active, lockHeld: true }, [lost])).toBe('PASSIVE.resting');
});

test('a passive whose active did not hold the lock lets that one go first (§4.3)', () => {
  expect(alone(active, [lost])).toBe('PASSIVE.pausing');
});

test.each([true, false])(
  'a passive whose active says that it has stopped tries the lock at once; it held it before: %s (§4.3)',
  (lockHeld) => {
    const stopped: StateReport = { ...active, present: 'STOPPED', serving: null, lockHeld: false };
    expect(alone({ ...active, lockHeld }, [{ type: 'peerReported', report: stopped }])).toBe(
      'PASSIVE.resting',
    );
  },
);
