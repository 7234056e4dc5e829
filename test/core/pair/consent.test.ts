/** Rule Consent: which claim keeps the peer, and what the machine makes of one that does. Source: PROTOCOL.md §2 Consent; REASONS.md F1 to F3. */
import { expect, test } from 'vitest';
import { claimDraft } from '../../../src/core/pair/claim.ts';
import { mayKeep, withPeer } from '../../../src/core/pair/consent.ts';
import {
  claimId,
  epoch,
  hold,
  lockId,
  pairId,
  stateOf,
  stepOf,
  storeId,
  version,
  type Hello,
  type PairFact,
  type PairOrder,
  type PairStep,
  type RecordDraft,
} from '../../../src/core/pair/index.ts';
import { hello, machineAfter, P, reading, record, S, stamp, store } from './samples.ts';

const ids = { claimId: claimId('fresh'), pairId: pairId('fresh-pair'), lockId: lockId('fresh-lock') };
const peer = (change: Partial<Hello> = {}): Hello => hello('secondary', change);
const keeps = (theirs: Hello | null, r = record(), mark = stamp(4, 104)): boolean =>
  mayKeep('primary', r, { holder: 'primary', stamp: mark, at: '' }, theirs);

test('a claim keeps a peer that waits and could claim itself (Consent)', () => {
  expect(keeps(peer())).toBe(true);
});

test.each([
  ['there is no channel', keeps(null)],
  ['it does not wait', keeps(peer({ report: { ...peer().report, present: 'PASSIVE' } }))],
  ['the record does not name it (REASONS.md F3)', keeps(peer(), record({ inSync: { primary: P } }))],
  [
    'its store is another than the one named (REASONS.md A1)',
    keeps(peer({ store: store('secondary', { storeId: storeId('new') }) })),
  ],
  ['its store is not complete', keeps(peer({ store: store('secondary', { isComplete: false }) }))],
  [
    'it has seen a newer record than the one that is replaced (REASONS.md A8)',
    keeps(peer({ store: store('secondary', { recordSeen: record({ version: version(9) }) }) })),
  ],
  [
    'it lies below its floor, as an older copy of its disk would (REASONS.md A9)',
    keeps(peer(), record({ floor: { [S]: stamp(4, 105) } })),
  ],
  ['it lies below the mark (REASONS.md A9)', keeps(peer(), record(), stamp(4, 105))],
])('a claim does not keep the peer when %s (Consent)', (_, isKept) => expect(isKept).toBe(false));

test('of a peer that has handed over the stamp of its last report counts, not that of its hello (Consent)', () => {
  const atMeeting = store('secondary', { stamp: stamp(4, 90) });
  expect(keeps(peer({ store: atMeeting }))).toBe(true);
});

test('the record names both; the own floor is the own stamp, that of the peer stays (Consent)', () => {
  const base = record({ floor: { [P]: stamp(3, 80), [S]: stamp(4, 95) } });
  const alone = claimDraft('primary', store('primary'), {
    record: base,
    keepsLockId: true,
    seen: epoch(4),
    ids,
  });
  expect(withPeer(alone, 'primary', base)).toMatchObject({
    epoch: 5,
    inSync: { primary: P, secondary: S },
    floor: { [P]: stamp(4, 104), [S]: stamp(4, 95) },
  });
});

// The machine ---------------------------------------------------------------------------------------------------------------------

/** The primary, whose turn it is, with these facts told. */
const primaryAfter = (facts: readonly PairFact[]): PairStep => machineAfter('primary', facts);

const mine = store('primary', { stamp: stamp(4, 105) });
const meets: readonly PairFact[] = [
  { type: 'started' },
  { type: 'channelUp', mine: hello('primary', { store: mine }), theirs: peer() },
  { type: 'journalRested', ids },
];
const locks = (inSync = record().inSync): PairFact => ({
  type: 'lockTaken',
  hold: hold(1),
  reading: reading(record({ inSync })),
  store: mine,
});

const draftIn = ({ orders }: PairStep): RecordDraft | undefined =>
  orders.find((order): order is Extract<PairOrder, { type: 'writeRecord' }> => order.type === 'writeRecord')
    ?.draft;

const opened = (draft: RecordDraft): readonly PairFact[] => [
  { type: 'recordWritten', record: { ...draft, version: version(9) } },
  { type: 'recordSaved' },
  { type: 'epochOpened', store: { ...mine, stamp: stamp(5, 106) } },
];

test('nothing goes to the peer before the claim is written; then both are required from the first entry on (Consent)', () => {
  const claiming = primaryAfter([...meets, locks()]);
  expect(claiming.orders.map(({ type }) => type)).toEqual(['writeRecord']);
  const draft = draftIn(claiming);
  expect(draft?.inSync).toEqual({ primary: P, secondary: S });
  if (draft === undefined) return;

  const written = opened(draft);
  const saved = primaryAfter([...meets, locks(), ...written.slice(0, 2)]);
  expect(saved.orders).toEqual([
    { type: 'openEpoch', epoch: 5, claimId: 'fresh', inSync: { primary: P, secondary: S } },
  ]);
  const serving = primaryAfter([...meets, locks(), ...written]);
  expect(stepOf(serving.snapshot)).toBe('ACTIVE.catchingUp');
  expect(serving.orders).toContainEqual({
    type: 'require',
    confirmed: { primary: P, secondary: S },
    attempted: [],
  });
  expect(serving.orders.map(({ type }) => type)).toEqual(['require', 'serve', 'beginSession']);
});

test('a record read under the lock that names this server alone is claimed alone, whatever the hellos said (Consent; REASONS.md F3)', () => {
  expect(draftIn(primaryAfter([...meets, locks({ primary: P })]))?.inSync).toEqual({ primary: P });
});

test('the channel goes while a claim that keeps the peer is written: it is struck off before anything is committed (Consent, Shrink)', () => {
  const draft = draftIn(primaryAfter([...meets, locks()]));
  if (draft === undefined) throw new Error('no claim');
  const lost: PairFact = { type: 'channelLost', why: '' };
  const after = primaryAfter([...meets, locks(), lost, ...opened(draft)]);
  expect(stepOf(after.snapshot)).toBe('ACTIVE.shrinking.asking');
});

test('an offer that came while this server tried to claim is taken when its claim comes to nothing (Consent, Fence)', () => {
  const session = { epoch: epoch(6), claimId: claimId('theirs'), number: 1 };
  const offered: PairFact = { type: 'sessionOffered', session, record: record({ epoch: epoch(6) }) };
  const movedOn: PairFact = { type: 'recordMovedOn', reading: reading(record({ version: version(10) })) };
  const step = primaryAfter([...meets, locks(), offered, movedOn]);
  expect(stateOf(step.snapshot)).toBe('PASSIVE_SYNC');
  expect(step.orders).toContainEqual({ type: 'join', session, record: record({ epoch: epoch(6) }) });
});
