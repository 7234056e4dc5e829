import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrderOfPublication } from '../../../src/core/broker/publication-order.ts';

type Placed = Readonly<{ place: Readonly<{ seq: number; index: number }> }>;

const areInOrder = (messages: readonly Placed[]): boolean =>
  messages.every(({ place }, at) => {
    const before = messages[at - 1]?.place;
    return (
      before === undefined ||
      before.seq < place.seq ||
      (before.seq === place.seq && before.index < place.index)
    );
  });

/** As many as are asked for, each with another place, in an order drawn from `seed`. */
function shuffled(count: number, perEntry: number, gap: number, seed: number): Placed[] {
  const messages = Array.from({ length: count }, (_, n) => ({
    place: { seq: 7 + Math.floor(n / perEntry) * gap, index: n % perEntry },
    key: Math.imul(n + seed, 0x9e3779b1) ^ seed,
  }));
  return messages.sort((a, b) => a.key - b.key);
}

test('few or many, near to each other or far apart, messages come in the order of their places, and all of them', () => {
  const sizes = fc.constantFrom(0, 1, 2, 500, 9_999, 10_000, 12_345);
  const perEntries = fc.constantFrom(1, 3, 1000, 100_000);
  // The last gap is too wide for one number to hold an entry's place and a message's place in it.
  const gaps = fc.constantFrom(1, 50, 70_000, 2 ** 31, 2 ** 40);
  fc.assert(
    fc.property(sizes, perEntries, gaps, fc.integer(), (count, perEntry, gap, seed) => {
      const messages = shuffled(count, perEntry, gap, seed);
      const sorted = inOrderOfPublication(messages);
      expect(areInOrder(sorted)).toBe(true);
      expect(new Set(sorted)).toEqual(new Set(messages));
    }),
    { numRuns: 25 },
  );
});
