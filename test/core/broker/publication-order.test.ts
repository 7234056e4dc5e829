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

/** Messages, messages of one entry, entries from one to the next that has some. */
const SPREADS: readonly (readonly [count: number, perEntry: number, gap: number])[] = [
  [9_999, 3, 1],
  [10_000, 1, 1],
  [12_345, 3, 70_000],
  [12_345, 1000, 50],
  [12_345, 100_000, 1],
  [12_345, 1, 2 ** 31],
  // Too far for one number to hold an entry's place and a message's place in it.
  [12_345, 1000, 2 ** 40],
];

test('few or many, near to each other or far apart, messages come in the order of their places, and all of them', () => {
  const few = fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 60 }), fc.constantFrom(1, 1000));
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...SPREADS), few), fc.integer(), ([count, perEntry, gap], seed) => {
      const messages = shuffled(count, perEntry, gap, seed);
      const sorted = inOrderOfPublication(messages);
      expect(areInOrder(sorted)).toBe(true);
      expect(new Set(sorted).size).toBe(count);
    }),
    { numRuns: 40, examples: SPREADS.map((spread) => [spread, 1]) },
  );
});
