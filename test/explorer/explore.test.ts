/**
 * Every run of the pair within small bounds holds what must hold, and finds together again; and the walk can see: with any clause left out it
 * finds a run that breaks. Source: PROTOCOL.md §2, §3; REASONS.md.
 */
import { expect, test, vi } from 'vitest';
import {
  Explorer,
  noBounds,
  rounds,
  transcript,
  wayBack,
  type Bounds,
  type Clause,
  type Setting,
  type Violation,
} from '../../src/explorer/index.ts';

const STATES_MAX = 300_000;

// Each takes seconds of work, and machines that run tests are busy ones.
vi.setConfig({ testTimeout: 120_000 });

const setting = (
  where: `${Setting['start']}, ${Setting['lock']}`,
  bounds: Partial<Bounds>,
  without: readonly Clause[] = [],
): Setting => {
  const [start, lock] = where.split(', ') as [Setting['start'], Setting['lock']];
  return {
    start,
    lock,
    copies: 'whole',
    bounds: { ...noBounds, rewrites: Infinity, ...bounds },
    without: new Set(without),
  };
};

const violationIn = (of: Setting): Violation | null =>
  new Explorer(of).explore({ statesMax: STATES_MAX }).violation;

const quick = rounds.filter(({ size }) => size === 'quick');

test.each(quick)('$title: in every run all that must hold holds (§2)', ({ setting: of, wantsWayBack }) => {
  const explorer = new Explorer(of, wantsWayBack);
  const { violation, isExhausted } = explorer.explore({ statesMax: STATES_MAX });

  expect(violation === null ? [] : transcript(violation)).toEqual([]);
  expect(isExhausted).toBe(true);
  if (!wantsWayBack) return;
  const back = wayBack(explorer);
  expect(back.violation === null ? [] : transcript(back.violation)).toEqual([]);
  expect(back.asked > 0).toBe(of.bounds.claims > 0);
});

const ALONE = 'a server that is not in the record never serves and commits alone';
const HOLDS = 'whoever may serve next holds everything acknowledged';
const APPLIED = 'nothing is applied that was not committed';
const CUT = 'nothing applied is ever cut';

test.each<[string, Setting, string]>([
  [
    'the second look (rule Write 3)',
    setting('protected, lying', { claims: 1, cuts: 1 }, ['secondLook']),
    ALONE,
  ],
  ['the last look (rule Write 5)', setting('protected, lying', { claims: 2, cuts: 1 }, ['lastLook']), ALONE],
  [
    'what was attempted in the required set (rule Ack)',
    setting('new, exclusive', { claims: 2, keeperFaults: 1, operations: 1 }, ['union']),
    HOLDS,
  ],
  [
    'the look whether the record names the store (rule Claim)',
    setting('protected, lying', { claims: 2, cuts: 1 }, ['inSyncCheck']),
    ALONE,
  ],
  [
    'the record read under the lock, and the looks that make up for it (rule Claim)',
    setting('protected, exclusive', { claims: 2, cuts: 1, keeperFaults: 1 }, [
      'readUnderLock',
      'secondLook',
      'lastLook',
    ]),
    ALONE,
  ],
  [
    'the word of the peer that it holds the journal (rule Consent)',
    setting('protected, exclusive', { claims: 2, switchovers: 1 }, ['untilPeerHolds']),
    HOLDS,
  ],
  [
    'the look whether the record names the peer that is kept (rule Consent)',
    setting('new, exclusive', { claims: 2, crashes: 1, operations: 1 }, ['namedPeer']),
    HOLDS,
  ],
  [
    'the word of the passive what it holds (rule Resume)',
    setting('protected, exclusive', { claims: 2, cuts: 1, operations: 1 }, ['saysAnew']),
    HOLDS,
  ],
  [
    'the session looked at, and frames that end with their connection (rule Fence)',
    setting('new, exclusive', { claims: 2, crashes: 1, operations: 1 }, ['sessionCheck', 'connectionEnds']),
    CUT,
  ],
  [
    'the tail cut before the commit index is obeyed (rule Tail)',
    setting('protected, exclusive', { claims: 2, crashes: 1, operations: 2 }, ['alignment']),
    APPLIED,
  ],
])('without %s a run breaks, and it is told move by move', (_, of, sentence) => {
  const violation = violationIn(of);

  expect(violation?.sentence).toBe(sentence);
  const lines = violation === null ? [] : transcript(violation);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.join('\n')).toMatch(/(channelUp|channelLost|handedOver): .* → /);
});

test('the record read before the lock is caught by the looks of rule Write alone (Claim, Write)', () => {
  const bounds = { claims: 2, cuts: 1 };
  expect(violationIn(setting('protected, exclusive', bounds, ['readUnderLock']))).toBeNull();
});

test('a state that changed between hello and meeting, told to nobody, leaves both waiting for ever (§3)', () => {
  const explorer = new Explorer(
    setting('protected, exclusive', { claims: 3, cuts: 1 }, ['lateReport']),
    true,
  );
  expect(explorer.explore({ statesMax: STATES_MAX }).violation).toBeNull();

  expect(wayBack(explorer).violation?.sentence).toBe(
    'from every world ACTIVE with PASSIVE can be reached once faults stop',
  );
});
