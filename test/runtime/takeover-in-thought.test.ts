/** A takeover in thought. Source: src/runtime/pair/takeover-in-thought.ts; PROTOCOL.md §2 Claim, §4. */
import { expect, test } from 'vitest';
import {
  claimId,
  epoch,
  stepOf,
  stepPair,
  version,
  type PairFact,
  type PairStep,
} from '../../src/core/pair/index.ts';
import { takeoverInThought } from '../../src/runtime/pair/takeover-in-thought.ts';
import { hello, machineAfter, P, record, S, store } from '../core/pair/samples.ts';

const serving = { epoch: epoch(5), claimId: claimId('claim-5'), number: 1 };
const claimed = record({
  epoch: epoch(5),
  claimId: claimId('claim-5'),
  version: version(9),
  inSync: { primary: P, secondary: S },
});

const passive = (lockHeld: boolean): PairStep => {
  const report = { ...hello('primary').report, present: 'ACTIVE', serving, lockHeld } as const;
  const facts: PairFact[] = [
    { type: 'started' },
    { type: 'channelUp', mine: hello('secondary'), theirs: hello('primary', { report }) },
    { type: 'sessionOffered', session: serving, record: claimed },
    { type: 'named', record: claimed },
    { type: 'recordSaved' },
  ];
  return machineAfter('secondary', facts);
};

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
