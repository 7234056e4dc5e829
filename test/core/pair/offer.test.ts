/**
 * A session that was offered to a peer which still believed that it served is lost on it. Found by the explorer: the channel is cut, the passive
 * claims, the channel is back before the former active has shrunk; the offer reaches it first, and the news that it serves no more second.
 * Source: PROTOCOL.md §2 Fence, §3 (WAITING: channel up, peer serves and has decided).
 */
import { expect, test } from 'vitest';
import {
  claimId,
  epoch,
  hold,
  lockId,
  pairId,
  stateOf,
  version,
  type PairFact,
  type PairOrder,
  type PairStep,
  type StateReport,
} from '../../../src/core/pair/index.ts';
import { hello, machineAfter, reading, record, stamp, store } from './samples.ts';

/** What the secondary is told, and what the last fact makes it do. */
const after = (facts: readonly PairFact[]): PairStep => machineAfter('secondary', facts);

const report = (change: Partial<StateReport>): PairFact => ({
  type: 'peerReported',
  report: {
    previous: 'ACTIVE',
    present: 'WAITING',
    serving: null,
    stamp: stamp(4, 104),
    lockHeld: false,
    why: '',
    ...change,
  },
});

const shrinking = hello('primary', {
  report: {
    ...hello('primary').report,
    present: 'ACTIVE',
    serving: { epoch: epoch(4), claimId: claimId('claim-4'), number: 1 },
  },
});
const claimed = record({
  version: version(10),
  epoch: epoch(5),
  claimId: claimId('claim-5'),
  holder: 'secondary',
  inSync: { secondary: store('secondary').storeId },
});
const secondary = hello('secondary');

/** The secondary claims while the channel is down, and meets the primary, still ACTIVE, before its epoch is open. */
const claims: readonly PairFact[] = [
  { type: 'started' },
  { type: 'forceAsked', word: { by: 'test', why: 'the claim is what the test is not about', at: '' } },
  {
    type: 'journalRested',
    ids: { claimId: claimId('claim-5'), pairId: pairId('pair'), lockId: lockId('lock') },
  },
  { type: 'lockTaken', hold: hold(1), reading: reading(record()), store: store('secondary') },
  { type: 'channelUp', mine: secondary, theirs: shrinking },
  { type: 'recordWritten', record: claimed },
  { type: 'recordSaved' },
  { type: 'epochOpened', store: store('secondary') },
];

const offers = (orders: readonly PairOrder[]): number[] =>
  orders.flatMap((order) => (order.type === 'beginSession' ? [order.session.number] : []));

test('an ACTIVE_SYNC server offers its session again to a peer that comes to WAITING after the offer (Fence, §3)', () => {
  const first = after(claims);
  expect(stateOf(first.snapshot)).toBe('ACTIVE_SYNC');
  expect(offers(first.orders)).toEqual([1]);

  const second = after([...claims, report({ present: 'WAITING' })]);
  expect(stateOf(second.snapshot)).toBe('ACTIVE_SYNC');
  expect(offers(second.orders)).toEqual([2]);
});

test('a peer that has taken the offer is not offered another: when it comes to WAITING it has left its role (§3)', () => {
  const left = after([...claims, report({ present: 'PASSIVE_SYNC' }), report({ present: 'WAITING' })]);
  expect(offers(left.orders)).toEqual([2]);
  expect(left.orders.map(({ type }) => type)).toContain('endSession');
});
