/** What the share's files say, and what is never guessed from damaged ones. Source: PROTOCOL.md §1. */
import { expect, test } from 'vitest';
import { epoch, seq, version, type Mark } from '../../../src/core/pair/index.ts';
import {
  COPY_BYTES,
  decodeBlock,
  decodeCopy,
  decodeMark,
  encodeCopy,
  encodeMark,
  MARK_BYTES,
  readRecord,
  readShare,
  recordFits,
  type BlockContent,
} from '../../../src/core/pair/record.ts';
import { recordOf } from './records.ts';

const content = (announced: number, recordVersion: number | null, claim?: string): BlockContent => ({
  announced: version(announced),
  record: recordVersion === null ? null : recordOf(recordVersion, claim),
});
const block = (first: Buffer, second: Buffer): Buffer => Buffer.concat([first, second]);
const blank = Buffer.alloc(COPY_BYTES);
const bad = Buffer.from('?'.repeat(COPY_BYTES));
const good = (announced: number, recordVersion: number | null, claim?: string): Buffer =>
  encodeCopy(content(announced, recordVersion, claim));

test('a copy is text of a fixed size that ends with a newline, and reads back as it was (§1)', () => {
  const copy = good(9, 7);

  expect(copy.length).toBe(COPY_BYTES);
  expect(copy.toString('utf8')).toMatch(
    /^lockstep block 1, checksum [0-9a-f]{8}\n\{\n {2}"announced": 9,[^]*\n\} +\n$/,
  );
  expect(decodeCopy(copy)).toEqual({ kind: 'good', content: content(9, 7) });
});

test('a copy in which any one bit is turned is bad, whichever it is (§1)', () => {
  const copy = good(9, 7);
  const text = copy.toString('utf8').trimEnd().length;
  // Every bit of the text, and some of the padding.
  for (let bit = 0; bit < COPY_BYTES * 8; bit += bit < text * 8 ? 1 : 101) {
    const turned = Buffer.from(copy);
    turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeCopy(turned).kind, `bit ${bit}`).toBe('bad');
  }
});

test('a copy that is cut short anywhere is bad (§1)', () => {
  const copy = good(9, 7);
  for (const size of [1, 27, 400, COPY_BYTES - 1])
    expect(decodeCopy(copy.subarray(0, size))).toEqual({ kind: 'bad' });
});

test('a block without a file, without bytes, of nothing but NULs, or cut short at its first write is empty (§1)', () => {
  expect(decodeBlock(null)).toEqual({ kind: 'empty' });
  expect(decodeBlock(Buffer.alloc(0))).toEqual({ kind: 'empty' });
  expect(decodeBlock(block(blank, blank))).toEqual({ kind: 'empty' });
  expect(decodeBlock(good(1, null).subarray(0, 100))).toEqual({ kind: 'empty' });
  expect(decodeBlock(block(bad, blank))).toEqual({ kind: 'empty' });
});

test('a block with bytes but no good copy is damaged (§1, REASONS A3)', () => {
  expect(decodeBlock(block(bad, bad))).toEqual({ kind: 'damaged' });
  expect(decodeBlock(block(blank, bad))).toEqual({ kind: 'damaged' });
  expect(decodeBlock(block(bad, good(7, 7)).subarray(0, COPY_BYTES + 5))).toEqual({ kind: 'damaged' });
});

test('one bad copy is outvoted by the good one, but what it carried is not settled (REASONS A3, W4)', () => {
  const expected = { kind: 'good', announced: 9, record: recordOf(7), isSettled: false };

  expect(decodeBlock(block(bad, good(9, 7)))).toEqual(expected);
  expect(decodeBlock(block(good(9, 7), bad))).toEqual(expected);
  expect(decodeBlock(block(good(9, 7), blank))).toEqual(expected);
});

test('of two good copies the highest announcement and the highest record count (REASONS A2, W1)', () => {
  expect(decodeBlock(block(good(9, 9), good(9, 7)))).toEqual({
    kind: 'good',
    announced: 9,
    record: recordOf(9),
    isSettled: false,
  });
  expect(decodeBlock(block(good(7, 7), good(11, 7)))).toEqual({
    kind: 'good',
    announced: 11,
    record: recordOf(7),
    isSettled: true,
  });
});

test('two copies with one version and two contents are damage: a version is given once (§2 Write)', () => {
  expect(decodeBlock(block(good(7, 7, 'claim-1'), good(7, 7, 'claim-2')))).toEqual({ kind: 'damaged' });
});

test('R is the record of the highest version in both blocks (§1)', () => {
  const primary = decodeBlock(block(good(7, 7), good(7, 7)));
  const secondary = decodeBlock(block(good(8, 8), good(8, 6)));

  expect(readShare(primary, secondary, null)).toEqual({
    kind: 'record',
    record: recordOf(8),
    isSettled: false,
    mark: null,
  });
  expect(readShare(primary, { kind: 'empty' }, null)).toMatchObject({ record: recordOf(7), isSettled: true });
  expect(readShare({ kind: 'empty' }, decodeBlock(block(good(2, null), good(2, null))), null)).toEqual({
    kind: 'none',
    mark: null,
  });
});

test('a damaged block hides the record even where the other block is good (§1)', () => {
  const primary = decodeBlock(block(good(7, 7), good(7, 7)));

  expect(readShare(primary, { kind: 'damaged' }, null)).toEqual({
    kind: 'damaged',
    blocks: ['secondary'],
    mark: null,
  });
});

test("a block that carries the other server's kind of number is damaged: it was copied by somebody (§2 Write)", () => {
  const ofPrimary = decodeBlock(block(good(7, 7), good(7, 7)));

  expect(readShare({ kind: 'empty' }, ofPrimary, null)).toMatchObject({
    kind: 'damaged',
    blocks: ['secondary'],
  });
});

test('a record of a wrong shape is none (§1)', () => {
  const whole: Record<string, unknown> = { ...recordOf(7) };
  expect(readRecord(whole)).toEqual(recordOf(7));

  for (const key of Object.keys(whole)) {
    const { [key]: _, ...rest } = whole;
    expect(readRecord(rest), `without ${key}`).toBeNull();
  }
  const wrong: Record<string, unknown>[] = [
    { more: 1 },
    { version: 0 },
    { version: 1.5 },
    { epoch: -1 },
    { holder: 'both' },
    { inSync: {} },
    { inSync: { primary: '' } },
    { inSync: { third: 'store' } },
    { floor: { store: { epoch: 1 } } },
    { forced: [{ by: 'operator' }] },
    { pairId: '' },
  ];
  for (const change of wrong) expect(readRecord({ ...whole, ...change }), JSON.stringify(change)).toBeNull();
});

test('a content whose record is above its announcement is never written (§2 Write)', () => {
  expect(() => encodeCopy(content(5, 7))).toThrow('no content');
});

test('a record has room for a long history of force, and says when it has no more (§2 Force)', () => {
  const forced = {
    by: 'operator@console',
    why: 'the other one burnt down'.repeat(3),
    at: '2026-01-01',
    epoch: epoch(9),
  };
  const times = (count: number): (typeof forced)[] => Array.from({ length: count }, () => forced);

  expect(recordFits({ ...recordOf(7), forced: times(20) })).toBe(true);
  expect(recordFits({ ...recordOf(7), forced: times(60) })).toBe(false);
});

test('the mark reads back, and a torn or empty one is none (§1)', () => {
  const mark: Mark = {
    holder: 'secondary',
    stamp: { epoch: epoch(7), seq: seq(1234) },
    at: '2026-01-01T00:00:00.000Z',
  };
  const bytes = encodeMark(mark);

  expect(bytes.length).toBe(MARK_BYTES);
  expect(decodeMark(bytes)).toEqual(mark);
  expect(decodeMark(Buffer.alloc(0))).toBeNull();
  expect(decodeMark(bytes.subarray(0, 90))).toBeNull();
  expect(decodeMark(Buffer.from(bytes.toString().replace('7/1234', '7/1235')))).toBeNull();
});
