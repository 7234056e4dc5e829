/**
 * Rule Write, step by step and explored: two writers, no lock at all, every interleaving of their touches, torn copies, writers that
 * give up anywhere. Each part of the rule that is left out must make the exploration find a violation.
 * Source: PROTOCOL.md §2 Write; REASONS.md A5, W1, W3.
 */
import { expect, test } from 'vitest';
import { hold, version, type ServerName } from '../../../src/core/pair/index.ts';
import { emptyContent, type BlockReading } from '../../../src/core/pair/record.ts';
import {
  beginWrite,
  nextWrite,
  numberAbove,
  type WriteInput,
  type WriteOrder,
  type WriteStart,
} from '../../../src/core/pair/write.ts';
import { explore, soundRules } from './write-explorer.ts';
import { draftNamed, recordOf } from './records.ts';

const empty: BlockReading = { kind: 'empty' };
const good = (announced: number, recordVersion: number | null, isSettled = true): BlockReading => ({
  kind: 'good',
  announced: version(announced),
  record: recordVersion === null ? null : recordOf(recordVersion),
  isSettled,
});
const start = (change: Partial<WriteStart> = {}): WriteStart => ({
  server: 'primary',
  hold: hold(1),
  replaces: version(7),
  draft: draftNamed('claim-2'),
  above: version(0),
  repairs: false,
  ...change,
});
const both = (primary: BlockReading, secondary: BlockReading, held = 1): WriteInput => ({
  type: 'both',
  hold: hold(held),
  blocks: { primary, secondary },
  mark: null,
});
const done: WriteInput = { type: 'done' };
const peer = (block: BlockReading): WriteInput => ({ type: 'peer', peer: block });

/** The orders that a write gives when these are the answers. */
function orders(begun: WriteStart, answers: readonly WriteInput[]): WriteOrder[] {
  let step = beginWrite(begun);
  const given = [step.do];
  for (const answer of answers) {
    step = nextWrite(step.state, answer);
    given.push(step.do);
  }
  return given;
}

test('a write announces in both copies, looks, writes both copies, looks again: then it is written (§2 Write 1-5)', () => {
  const given = orders(start(), [
    both(good(7, 7), good(8, 6)),
    done,
    done,
    peer(good(8, 6)),
    done,
    done,
    peer(good(8, 6)),
  ]);

  const announced = { announced: version(9), record: recordOf(7) };
  const finished = { announced: version(9), record: { ...draftNamed('claim-2'), version: version(9) } };
  expect(given).toEqual([
    { type: 'readBoth' },
    { type: 'put', copy: 1, content: announced },
    { type: 'put', copy: 2, content: announced },
    { type: 'readPeer' },
    { type: 'put', copy: 1, content: finished },
    { type: 'put', copy: 2, content: finished },
    { type: 'readPeer' },
    { type: 'end', outcome: { kind: 'written', record: finished.record } },
  ]);
});

test('a write of another hold, of another version, or on a damaged block has moved on and touches nothing (§2 Write 1)', () => {
  for (const answer of [
    both(good(7, 7), empty, 2),
    both(good(9, 9), empty),
    both(good(7, 7), { kind: 'damaged' }),
  ])
    expect(orders(start(), [answer])[1]).toMatchObject({ type: 'end', outcome: { kind: 'movedOn' } });
});

test('the number is above every version, announcement and wish, odd for the primary, even for the secondary (§2 Write 2)', () => {
  const numbers = [version(7), version(12), version(4)];
  expect(numberAbove('primary', numbers)).toBe(13);
  expect(numberAbove('secondary', numbers)).toBe(14);

  const given = orders(start({ above: version(1007) }), [both(good(7, 7), good(20, null))]);
  expect(given[1]).toMatchObject({ content: { announced: 1009 } });
});

test('a higher announcement or another version at the second look: moved on, and only the announcement was written (§2 Write 3)', () => {
  for (const seen of [good(10, 6), good(10, 10), { kind: 'damaged' } as const]) {
    const given = orders(start(), [both(good(7, 7), good(8, 6)), done, done, peer(seen)]);
    expect(given.at(-1)).toMatchObject({ type: 'end', outcome: { kind: 'movedOn' } });
  }
});

test("one's own record is replaced though the peer's block carries another version (REASONS W3)", () => {
  const given = orders(start(), [both(good(7, 7), good(6, 6)), done, done, peer(good(6, 6))]);
  expect(given.at(-1)).toMatchObject({ type: 'put' });
});

test('a higher announcement at the last look: unresolved (§2 Write 5)', () => {
  const answers = [both(good(7, 7), empty), done, done, peer(empty), done, done];
  expect(orders(start(), [...answers, peer(good(10, null))]).at(-1)).toMatchObject({
    outcome: { kind: 'unresolved' },
  });
  expect(orders(start(), [...answers, peer(good(8, null))]).at(-1)).toMatchObject({
    outcome: { kind: 'written' },
  });
});

test('an error at any step is unresolved (§2 Write)', () => {
  const answers = [both(good(7, 7), empty), done, done, peer(empty), done, done];
  for (let step = 0; step <= answers.length; step += 1) {
    const given = orders(start(), [...answers.slice(0, step), { type: 'failed', why: 'EIO' }]);
    expect(given.at(-1), `step ${step}`).toEqual({
      type: 'end',
      outcome: { kind: 'unresolved', why: 'EIO' },
    });
  }
});

test('only who repairs moves damaged blocks aside, once, and replaces what is left (§2 Force)', () => {
  const repairing = start({ repairs: true, replaces: version(0), above: version(1000) });
  const given = orders(repairing, [both({ kind: 'damaged' }, good(8, 8)), done, both(empty, good(8, 8))]);
  expect(given.slice(1)).toEqual([
    { type: 'moveAside', blocks: ['primary'] },
    { type: 'readBoth' },
    { type: 'put', copy: 1, content: { ...emptyContent, announced: version(1001) } },
  ]);

  const again = orders(repairing, [both({ kind: 'damaged' }, empty), done, both({ kind: 'damaged' }, empty)]);
  expect(again.at(-1)).toMatchObject({ outcome: { kind: 'movedOn' } });
});

test('the state of a write is plain JSON (§2 Write)', () => {
  const { state } = nextWrite(beginWrite(start()).state, both(good(7, 7), empty));
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
});

const writers: readonly ServerName[] = ['primary', 'secondary'];

test('explored without any lock: no record that is written is overtaken by another that is written (§2 Write)', () => {
  const found = explore({ writers, attempts: 2, rules: soundRules });

  expect(found.violation).toBeNull();
  // Both ends of every write are reached, or the exploration would prove nothing.
  expect(found.ends).toEqual(new Set(['written', 'movedOn', 'unresolved', 'givenUp']));
});

test.each([
  ['the last look (step 5)', { ...soundRules, looksLast: false }],
  ['the second look (step 3)', { ...soundRules, looksAgain: false }],
  ['the announcement in copy 2 (REASONS W1)', { ...soundRules, announcesInBoth: false }],
])('explored without %s: two are written over one version', (_, rules) => {
  expect(explore({ writers, attempts: 2, rules }).violation).not.toBeNull();
});
