/** When a passive whose active is gone tries the lock. Source: PROTOCOL.md §4.3. */
import { expect, test } from 'vitest';
import {
  claimId,
  epoch,
  stepOf,
  version,
  type PairFact,
  type StateReport,
} from '../../../src/core/pair/index.ts';
import { hello, machineAfter, P, record, S } from './samples.ts';

const serving = { epoch: epoch(5), claimId: claimId('claim-5'), number: 1 };
const claimed = record({
  epoch: epoch(5),
  claimId: claimId('claim-5'),
  version: version(9),
  inSync: { primary: P, secondary: S },
});
const active: StateReport = { ...hello('primary').report, present: 'ACTIVE', serving };
const lost: PairFact = { type: 'channelLost', why: '' };

/** The secondary, PASSIVE by the primary's claim, after `facts`, and told that the gateway answers. */
const alone = (report: StateReport, facts: readonly PairFact[]): string =>
  stepOf(
    machineAfter('secondary', [
      { type: 'started' },
      { type: 'channelUp', mine: hello('secondary'), theirs: hello('primary', { report }) },
      { type: 'sessionOffered', session: serving, record: claimed },
      { type: 'named', record: claimed },
      { type: 'recordSaved' },
      ...facts,
      { type: 'gatewayAnswered' },
    ]).snapshot,
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
