/** Rule Tail, the part that thinks. Source: PROTOCOL.md §2 Tail, §5; REASONS.md A7, A11, C7. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimId, epoch, seq, type EpochStart } from '../../../src/core/pair/index.ts';
import {
  commonPoint,
  epochAt,
  epochsThrough,
  type JoinerJournal,
  type ServingJournal,
} from '../../../src/core/replication/index.ts';

/** An epoch's number, claim and how many entries it has. */
type Part = readonly [number, string, number];

function tableOf(parts: readonly Part[]): { epochs: EpochStart[]; last: number } {
  let last = 0;
  const epochs = parts.map(([number, id, length]) => {
    const start = { epoch: epoch(number), claimId: claimId(id), firstSeq: seq(last + 1) };
    last += length;
    return start;
  });
  return { epochs, last };
}

const serving = (parts: readonly Part[], firstSeq = 1): ServingJournal => {
  const { epochs, last } = tableOf(parts);
  return { epochs, last: seq(last), firstSeq: seq(firstSeq) };
};
const joiner = (
  parts: readonly Part[],
  more: { firstSeq?: number; appliedSeq?: number } = {},
): JoinerJournal => {
  const { epochs, last } = tableOf(parts);
  return {
    epochs,
    stamp: { epoch: epochs.at(-1)?.epoch ?? epoch(0), seq: seq(last) },
    firstSeq: seq(more.firstSeq ?? 1),
    appliedSeq: seq(more.appliedSeq ?? 0),
  };
};

test('a joiner that merely lags has its last entry in common (Tail)', () => {
  const found = commonPoint(
    serving([
      [4, 'a', 10],
      [5, 'b', 3],
    ]),
    joiner([[4, 'a', 7]], { appliedSeq: 7 }),
  );
  expect(found).toEqual({ kind: 'common', seq: 7 });
});

test('a joiner that lags within the last epoch has its last entry in common (Tail)', () => {
  expect(commonPoint(serving([[4, 'a', 10]]), joiner([[4, 'a', 7]]))).toEqual({ kind: 'common', seq: 7 });
});

test('what the joiner wrote alone after the serving epoch began is beyond the common point (Tail)', () => {
  const found = commonPoint(
    serving([
      [4, 'a', 10],
      [5, 'b', 3],
    ]),
    joiner([[4, 'a', 14]], { appliedSeq: 10 }),
  );
  expect(found).toEqual({ kind: 'common', seq: 10 });
});

test('an epoch that only the joiner has is beyond the common point (Tail)', () => {
  const found = commonPoint(
    serving([
      [4, 'a', 10],
      [6, 'c', 3],
    ]),
    joiner(
      [
        [4, 'a', 8],
        [5, 'b', 5],
      ],
      { appliedSeq: 8 },
    ),
  );
  expect(found).toEqual({ kind: 'common', seq: 8 });
});

test('a virgin joiner gets everything from the first entry on, where it is still held (§5)', () => {
  expect(commonPoint(serving([[1, 'a', 5]]), joiner([]))).toEqual({ kind: 'common', seq: 0 });
  expect(commonPoint(serving([[1, 'a', 5]], 3), joiner([]))).toMatchObject({ kind: 'full' });
  expect(commonPoint(serving([]), joiner([]))).toEqual({ kind: 'common', seq: 0 });
});

test('the same epoch of another claim is two histories (REASONS A7)', () => {
  const found = commonPoint(
    serving([
      [4, 'a', 10],
      [5, 'b', 3],
    ]),
    joiner([
      [4, 'a', 10],
      [5, 'c', 3],
    ]),
  );
  expect(found).toEqual({ kind: 'conflict', why: 'epoch 5 has two histories' });
});

test('the same epoch and claim with another first entry is two histories (REASONS A7)', () => {
  const found = commonPoint(
    serving([
      [4, 'a', 10],
      [5, 'b', 3],
    ]),
    joiner([
      [4, 'a', 9],
      [5, 'b', 3],
    ]),
  );
  expect(found).toMatchObject({ kind: 'conflict' });
});

test('an epoch used twice is found wherever it stands in the tables (REASONS A7)', () => {
  const found = commonPoint(
    serving([
      [4, 'a', 9],
      [6, 'c', 3],
    ]),
    joiner([
      [4, 'a', 9],
      [5, 'b', 3],
      [6, 'd', 1],
    ]),
  );
  expect(found).toMatchObject({ kind: 'conflict' });
});

test("a common point below the joiner's appliedSeq is a conflict: state can't be un-applied (REASONS A11)", () => {
  const parts: Part[] = [[4, 'a', 14]];
  expect(
    commonPoint(
      serving([
        [4, 'a', 10],
        [5, 'b', 3],
      ]),
      joiner(parts, { appliedSeq: 11 }),
    ),
  ).toMatchObject({ kind: 'conflict' });
  expect(
    commonPoint(
      serving([
        [4, 'a', 10],
        [5, 'b', 3],
      ]),
      joiner(parts, { appliedSeq: 10 }),
    ),
  ).toMatchObject({ kind: 'common' });
});

test('what follows the common point must still be held, by the one who sends it and the one who cuts (§5, REASONS C7)', () => {
  const parts: Part[] = [[4, 'a', 10]];
  expect(commonPoint(serving(parts, 9), joiner([[4, 'a', 7]]))).toMatchObject({ kind: 'full' });
  expect(commonPoint(serving(parts, 8), joiner([[4, 'a', 7]]))).toEqual({ kind: 'common', seq: 7 });
  expect(
    commonPoint(
      serving([
        [4, 'a', 10],
        [6, 'b', 1],
      ]),
      joiner([[4, 'a', 20]], { firstSeq: 11 }),
    ),
  ).toEqual({ kind: 'common', seq: 10 });
  expect(
    commonPoint(
      serving([
        [4, 'a', 10],
        [6, 'b', 1],
      ]),
      joiner([[4, 'a', 20]], { firstSeq: 12 }),
    ),
  ).toMatchObject({ kind: 'full' });
});

// Two servers' journals with a history in common, then each its own epochs; both may hold more of the last shared epoch than the other.

type Entry = readonly [epoch: number, claim: string];
const lengths = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 });
const runs = fc.record({
  shared: lengths,
  /** What the one or the other wrote on in the last shared epoch. */
  more: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 })),
  own: fc.tuple(lengths, lengths),
  jumps: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 20, maxLength: 20 }),
});

/** Epochs of the two never coincide: odd ones are the first's, even ones the second's. */
function partsOf({
  shared,
  more,
  own,
  jumps,
}: {
  shared: number[];
  more: [number, number];
  own: [number[], number[]];
  jumps: number[];
}): [Part[], Part[]] {
  let number = 0;
  const common = shared.map((length, i): Part => [(number += jumps[i] ?? 1), `shared ${i}`, length]);
  const last = common.at(-1);
  // Whoever goes on in the shared epoch has no other after it in common with the other, so only one does, unless neither claims.
  const grown = (by: number): Part[] =>
    last === undefined ? [] : [...common.slice(0, -1), [last[0], last[1], last[2] + by]];
  const ownParts = (which: 0 | 1): Part[] => {
    let mine = number * 2 + 2 + which;
    return own[which].map((length, i): Part => [(mine += 2 * (jumps[10 + i] ?? 1)), `${which} ${i}`, length]);
  };
  return [
    [...grown(more[0]), ...ownParts(0)],
    [...grown(more[1]), ...ownParts(1)],
  ];
}
const entriesOf = (parts: readonly Part[]): Entry[] =>
  parts.flatMap(([number, id, length]) => Array.from({ length }, (): Entry => [number, id]));

test('the common point is the last entry up to which both journals are the same (Tail, property)', () => {
  fc.assert(
    fc.property(runs, (run) => {
      const [mine, theirs] = partsOf(run);
      const [a, b] = [entriesOf(mine), entriesOf(theirs)];
      let same = 0;
      while (same < a.length && same < b.length && a[same]?.join() === b[same]?.join()) same += 1;
      expect(commonPoint(serving(mine), joiner(theirs))).toEqual({ kind: 'common', seq: same });
      expect(commonPoint(serving(theirs), joiner(mine))).toEqual({ kind: 'common', seq: same });
    }),
    { numRuns: 500 },
  );
});

test('whatever the bounds, a common point is held by both and nothing applied lies beyond it (Tail, property)', () => {
  const bound = fc.integer({ min: 0, max: 30 });
  fc.assert(
    fc.property(runs, bound, bound, bound, (run, servingFirst, joinerFirst, applied) => {
      const [mine, theirs] = partsOf(run);
      const [a, b] = [
        serving(mine, Math.min(servingFirst, entriesOf(mine).length) + 1),
        joiner(theirs, {
          firstSeq: Math.min(joinerFirst, entriesOf(theirs).length) + 1,
          appliedSeq: applied,
        }),
      ];
      const free = commonPoint(serving(mine), joiner(theirs));
      const found = commonPoint(a, b);
      const at = free.kind === 'common' ? free.seq : -1;
      const isHeld = at + 1 >= a.firstSeq && at + 1 >= b.firstSeq;
      expect(found.kind).toBe(at < applied ? 'conflict' : isHeld ? 'common' : 'full');
    }),
    { numRuns: 500 },
  );
});

test('the epoch table names the epoch of every entry, and is cut with the journal (§1)', () => {
  const { epochs } = tableOf([
    [4, 'a', 3],
    [6, 'b', 2],
  ]);
  expect([0, 1, 3, 4, 9].map((at) => epochAt(epochs, seq(at)))).toEqual([0, 4, 4, 6, 6]);
  expect(epochsThrough(epochs, seq(3))).toEqual(epochs.slice(0, 1));
  expect(epochsThrough(epochs, seq(4))).toEqual(epochs);
  expect(epochsThrough(epochs, seq(0))).toEqual([]);
});
