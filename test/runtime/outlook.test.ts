/**
 * What comes of an older order is not taken for what comes of the last one. Found by the explorer: a shrink that was given up was written late,
 * its answer was taken for that of the claim begun since, and an epoch was opened a second time. Source: PROTOCOL.md §2 Claim, Shrink.
 */
import { expect, test } from 'vitest';
import { hold, version, type PairFact } from '../../src/core/pair/index.ts';
import type { LockOutcome, WriteOutcome } from '../../src/ports/index.ts';
import { Outlook } from '../../src/runtime/pair/outlook.ts';
import { reading, record, store } from '../core/pair/samples.ts';

/** An outlook whose arbiter answers when the test says so. */
function outlook(): {
  outlook: Outlook;
  told: PairFact[];
  locks: ((outcome: LockOutcome) => void)[];
  writes: ((outcome: WriteOutcome) => void)[];
} {
  const told: PairFact[] = [];
  const locks: ((outcome: LockOutcome) => void)[] = [];
  const writes: ((outcome: WriteOutcome) => void)[] = [];
  const view = new Outlook({
    arbiter: {
      read: async () => ({ kind: 'unreachable', why: 'not asked here' }),
      lock: () => new Promise((settle) => locks.push(settle)),
      write: () => new Promise((settle) => writes.push(settle)),
      release: async () => undefined,
      committed: () => undefined,
      close: async () => undefined,
    },
    gateway: { answers: async () => true },
    replica: { sawRecord: async () => undefined, view: () => store('primary') },
    log: { say: () => undefined },
    tell: (fact) => told.push(fact),
  });
  return { outlook: view, told, locks, writes };
}

const held: LockOutcome = { kind: 'held', hold: hold(1), reading: reading(record()) };

test('of two tries for the lock only what comes of the last one is told (Claim)', async () => {
  const { outlook: view, told, locks } = outlook();
  const first = view.takeLock(0);
  const last = view.takeLock(0);
  locks[0]?.(held);
  await first;
  expect(told).toEqual([]);

  locks[1]?.({ kind: 'refused', holder: 'secondary' });
  await last;
  expect(told.map(({ type }) => type)).toEqual(['lockRefused']);
});

test('of two record writes only what comes of the last one is told (Shrink, Claim)', async () => {
  const { outlook: view, told, writes } = outlook();
  const { version: _version, ...draft } = record();
  const order = {
    type: 'writeRecord',
    hold: hold(1),
    replaces: version(8),
    draft,
    above: version(8),
    repairs: false,
  } as const;
  const first = view.writeRecord({ ...order, purpose: 'shrink' });
  const last = view.writeRecord({ ...order, purpose: 'claim' });
  writes[0]?.({ kind: 'written', record: record() });
  await first;
  expect(told).toEqual([]);

  writes[1]?.({ kind: 'unresolved', why: 'test' });
  await last;
  expect(told.map(({ type }) => type)).toEqual(['recordUnresolved']);
});
