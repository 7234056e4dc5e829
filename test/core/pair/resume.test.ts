/** Rule Resume: which passive is taken back, and which active is returned to. Source: PROTOCOL.md §2 Resume; REASONS.md A12, C2, F5. */
import { expect, test } from 'vitest';
import {
  claimId,
  epoch,
  followingOf,
  hold,
  incarnation,
  lockId,
  pairId,
  stepOf,
  storeId,
  version,
  type Hello,
  type PairFact,
  type ServerName,
  type StateName,
  type StateReport,
} from '../../../src/core/pair/index.ts';
import { hello, machineAfter, P, reading, record, S, stamp, store } from './samples.ts';

const ids = { claimId: claimId('claim-5'), pairId: pairId('new'), lockId: lockId('new') };
const claim = { epoch: epoch(5), claimId: claimId('claim-5') };
const claimed = record({ ...claim, version: version(9), inSync: { primary: P, secondary: S } });

const report = (
  name: ServerName,
  present: StateName,
  serving: StateReport['serving'] = null,
): StateReport => ({
  ...hello(name).report,
  present,
  serving,
});
const lost: PairFact = { type: 'channelLost', why: '' };
const up = (mine: Hello, theirs: Hello): PairFact => ({ type: 'channelUp', mine, theirs });

// The active's side ---------------------------------------------------------------------------------------------------------------

/** The primary, ACTIVE by a claim with consent, its passive level, and the channel lost. */
const flapped: readonly PairFact[] = [
  { type: 'started' },
  up(hello('primary', { wasPassive: true }), hello('secondary')),
  { type: 'journalRested', ids },
  { type: 'lockTaken', hold: hold(1), reading: reading(record()), store: store('primary') },
  { type: 'recordWritten', record: claimed },
  { type: 'recordSaved' },
  { type: 'epochOpened', store: store('primary', { stamp: stamp(5, 105) }) },
  { type: 'peerReported', report: report('secondary', 'PASSIVE_SYNC') },
  { type: 'joinerNear' },
  { type: 'joinerLevel', stamps: { mine: stamp(5, 105), theirs: stamp(5, 105) } },
  { type: 'peerReported', report: report('secondary', 'PASSIVE') },
  lost,
  { type: 'gatewayAnswered' },
];
const passive = hello('secondary', { following: claim, report: report('secondary', 'PASSIVE') });
const shrinks: readonly PairFact[] = [
  ...flapped,
  // It has been waited for long enough: the timer's fact comes as the machine handed it out.
  { type: 'xstate.after.resumeDelay.pair.ACTIVE.shrinking.hoping' } as unknown as PairFact,
];
const locked: PairFact = {
  type: 'lockTaken',
  hold: hold(1),
  reading: reading(claimed),
  store: store('primary'),
};

test('the same run of the passive is taken back in a new session, and no record is written (Resume)', () => {
  expect(stepOf(machineAfter('primary', flapped).snapshot)).toBe('ACTIVE.shrinking.hoping');
  const back = machineAfter('primary', [...flapped, up(hello('primary'), passive)]);
  expect(stepOf(back.snapshot)).toBe('ACTIVE.resuming');
  expect(back.orders).toEqual([{ type: 'beginSession', session: { ...claim, number: 2 }, record: claimed }]);
});

test('a run whose machine says that it is gone is waited for no longer (Resume)', () => {
  const gone: PairFact = { type: 'peerRefused' };
  expect(stepOf(machineAfter('primary', [...flapped, gone]).snapshot)).toBe('ACTIVE.shrinking.locking');
  const early = machineAfter('primary', [...flapped.slice(0, -1), gone, { type: 'gatewayAnswered' }]);
  expect(stepOf(early.snapshot)).toBe('ACTIVE.shrinking.locking');
});

test('also while the share is away and the shrink has not been attempted yet (Resume; REASONS.md C2)', () => {
  const away: PairFact = { type: 'shareUnreachable', why: '' };
  const back = machineAfter('primary', [...shrinks, away, up(hello('primary'), passive)]);
  expect(stepOf(back.snapshot)).toBe('ACTIVE.resuming');
});

test('a lock that was lost while the peer was is asked for again (Resume, §3)', () => {
  const back = machineAfter('primary', [
    ...shrinks,
    { type: 'lockLost', why: '' },
    up(hello('primary'), passive),
  ]);
  expect(back.orders).toContainEqual({ type: 'takeLock', isPatient: false });
});

test.each<[string, readonly PairFact[], Hello]>([
  [
    'has started anew (REASONS.md A12)',
    flapped,
    hello('secondary', { ...passive, incarnation: incarnation('another run') }),
  ],
  [
    'has begun a claim, or is no PASSIVE any more',
    flapped,
    hello('secondary', { ...passive, following: null }),
  ],
  [
    'follows another claim',
    flapped,
    hello('secondary', { ...passive, following: { ...claim, claimId: claimId('other') } }),
  ],
  [
    'has another store',
    flapped,
    hello('secondary', { ...passive, store: store('secondary', { storeId: storeId('new') }) }),
  ],
  ['was to be struck off already: the write is under way (REASONS.md F5)', [...shrinks, locked], passive],
  [
    'was to be struck off already: the write is unresolved (REASONS.md F5)',
    [...shrinks, locked, { type: 'recordUnresolved', why: '' }],
    passive,
  ],
])('a passive that %s is not taken back (Resume)', (_, before, theirs) => {
  const step = machineAfter('primary', [...before, up(hello('primary'), theirs)]);
  expect(stepOf(step.snapshot)).toMatch(/^ACTIVE\.shrinking/);
  expect(step.orders).toEqual([]);
});

test('a passive that resumes and then leaves its role is lost (Resume, Shrink)', () => {
  const leaves: PairFact = { type: 'peerReported', report: report('secondary', 'WAITING') };
  const step = machineAfter('primary', [...flapped, up(hello('primary'), passive), leaves]);
  expect(stepOf(step.snapshot)).toBe('ACTIVE.shrinking.asking');
});

// The passive's side --------------------------------------------------------------------------------------------------------------

const serving = { ...claim, number: 1 };
const active = hello('primary', { report: report('primary', 'ACTIVE', serving) });

/** The secondary, PASSIVE by the primary's claim, and the channel lost. */
const passiveAlone: readonly PairFact[] = [
  { type: 'started' },
  up(hello('secondary'), active),
  { type: 'sessionOffered', session: serving, record: claimed },
  { type: 'named', record: claimed },
  { type: 'recordSaved' },
  lost,
];
const triesLock: readonly PairFact[] = [
  { type: 'started' },
  up(hello('secondary'), { ...active, report: { ...active.report, lockHeld: true } }),
  { type: 'sessionOffered', session: serving, record: claimed },
  { type: 'named', record: claimed },
  { type: 'recordSaved' },
  lost,
  { type: 'gatewayAnswered' },
  { type: 'journalRested', ids },
];
const claims: readonly PairFact[] = [
  ...triesLock,
  {
    type: 'lockTaken',
    hold: hold(3),
    reading: reading(claimed),
    store: store('secondary', { stamp: stamp(5, 105), recordSeen: claimed }),
  },
];
const back = up(hello('secondary'), active);

test('a passive says in its hello which claim it follows until it begins one of its own (Resume)', () => {
  expect(followingOf(machineAfter('secondary', passiveAlone).snapshot)).toEqual(claim);
  expect(followingOf(machineAfter('secondary', triesLock).snapshot)).toEqual(claim);
  expect(stepOf(machineAfter('secondary', claims).snapshot)).toBe('PASSIVE.writing');
  expect(followingOf(machineAfter('secondary', claims).snapshot)).toBeNull();
});

test.each([
  ['asks the gateway', passiveAlone],
  ['tries the lock', triesLock],
])(
  'a passive that %s when the active is back waits for its word and joins its session (Resume)',
  (_, before) => {
    const returning = machineAfter('secondary', [...before, back]);
    expect(stepOf(returning.snapshot)).toBe('PASSIVE.returning');
    const session = { ...claim, number: 2 };
    const joins = machineAfter('secondary', [
      ...before,
      back,
      { type: 'sessionOffered', session, record: claimed },
    ]);
    expect(stepOf(joins.snapshot)).toBe('PASSIVE.following');
    expect(joins.orders).toEqual([{ type: 'join', session, record: claimed }]);
  },
);

test('a lock that comes after the active is back is given back at once (Resume, Claim)', () => {
  const late = machineAfter('secondary', [
    ...triesLock,
    back,
    { type: 'lockTaken', hold: hold(3), reading: reading(claimed), store: store('secondary') },
  ]);
  expect(stepOf(late.snapshot)).toBe('PASSIVE.returning');
  expect(late.orders).toEqual([{ type: 'releaseLock' }]);
});

test('a passive whose own claim is under way finishes that, whatever is offered (Resume)', () => {
  const session = { ...claim, number: 2 };
  const step = machineAfter('secondary', [
    ...claims,
    back,
    { type: 'sessionOffered', session, record: claimed },
  ]);
  expect(stepOf(step.snapshot)).toBe('PASSIVE.writing');
  expect(step.orders).toEqual([]);
});

test.each<[string, PairFact]>([
  [
    'is offered a session by a record that no longer names it',
    {
      type: 'sessionOffered',
      session: { ...claim, number: 2 },
      record: { ...claimed, inSync: { primary: P } },
    },
  ],
  [
    'is offered a session of another claim',
    { type: 'sessionOffered', session: { ...claim, epoch: epoch(6), number: 1 }, record: claimed },
  ],
  [
    'hears that the active has gone on alone',
    { type: 'peerReported', report: report('primary', 'STANDALONE', serving) },
  ],
  ['hears that the active serves no more', { type: 'peerReported', report: report('primary', 'WAITING') }],
])('a passive that waits for the active and %s goes WAITING (Resume, §3)', (_, fact) => {
  expect(stepOf(machineAfter('secondary', [...passiveAlone, back, fact]).snapshot)).toMatch(/^WAITING/);
});
