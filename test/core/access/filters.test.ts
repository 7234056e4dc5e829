import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCovered, isMatched, isOverlap, levelsOf } from '../../../src/core/access/filters.ts';
import { matches } from '../../../src/core/broker/index.ts';

/** One name more than filters use, one level more than they have, and names beginning with $: all that can make a difference. */
const NAMES = ['a', 'b', '', '$s', 'other'];
const TOPICS = NAMES.flatMap((a) => [
  a,
  ...NAMES.flatMap((b) => [
    `${a}/${b}`,
    ...NAMES.flatMap((c) => [`${a}/${b}/${c}`, ...NAMES.map((d) => `${a}/${b}/${c}/${d}`)]),
  ]),
]);

const level = fc.constantFrom('a', 'b', '', '$s', '+', '+', '+');
const filter = fc
  .tuple(fc.array(level, { minLength: 0, maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) =>
    (isOpen || levels.length === 0 ? [...levels.slice(0, 2), '#'] : levels).join('/'),
  );
const matched = (by: string): string[] => TOPICS.filter((topic) => matches(by, topic));

test('a topic is matched by a filter as the broker matches it', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TOPICS), filter, (topic, by) => {
      expect(isMatched(levelsOf(topic), levelsOf(by))).toBe(matches(by, topic));
    }),
    { numRuns: 2000 },
  );
});

test('a filter is covered by others when, and only when, each topic that it matches is matched by one of them', () => {
  fc.assert(
    fc.property(filter, fc.array(filter, { maxLength: 5 }), (one, others) => {
      const isAll = matched(one).every((topic) => others.some((other) => matches(other, topic)));
      expect(isCovered(levelsOf(one), others.map(levelsOf))).toBe(isAll);
    }),
    { numRuns: 5000 },
  );
});

test('two filters overlap when, and only when, there is a topic that both match', () => {
  fc.assert(
    fc.property(filter, filter, (one, other) => {
      const isCommon = matched(one).some((topic) => matches(other, topic));
      expect(isOverlap(levelsOf(one), levelsOf(other))).toBe(isCommon);
      expect(isOverlap(levelsOf(other), levelsOf(one))).toBe(isCommon);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ['a/#', ['a', 'a/+/#'], true],
  ['a/#', ['a/+/#'], false],
  ['a/#', ['a', 'a/+', 'a/+/+'], false],
  ['#', ['+/#'], true],
  ['#', ['+', '+/+/#'], true],
  ['+', ['#'], true],
  ['$s/#', ['#'], false],
  ['$s/#', ['$s/#'], true],
  ['a/+', ['a/b', 'a/c'], false],
  ['a/b/c', ['a/+/c'], true],
  ['a', [], false],
])('%s covered by %j: %j', (one, others, isSo) => {
  expect(isCovered(levelsOf(one), others.map(levelsOf))).toBe(isSo);
});
