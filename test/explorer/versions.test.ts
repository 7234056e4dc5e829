/** Versions without end, as few numbers: what may be renamed, and what a renaming keeps. Source: PROTOCOL.md §2 Write. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tuples } from '../../src/explorer/states/tuples.ts';
import { Renamer, renamingOf, versionsIn } from '../../src/explorer/world/versions.ts';

const setOf = (versions: readonly number[]): number =>
  versions.reduce((set, version) => set | (1 << version), 0);

/** Versions in order, and the highest of them on the share; above that one nothing is farther than two. */
const versions = fc
  .tuple(fc.uniqueArray(fc.integer({ min: 1, max: 26 }), { minLength: 1 }), fc.subarray([1, 2]))
  .map(([below, above]) => {
    const highest = Math.max(...below);
    const all = [...below, ...above.map((distance) => highest + distance)].sort((a, b) => a - b);
    return { highest, all };
  });

test('renamed versions keep their order, their kind, and their distance above the highest on the share (Write)', () => {
  fc.assert(
    fc.property(versions, ({ highest, all }) => {
      const names =
        renamingOf(setOf(all), highest) ?? all.reduce<number[]>((same, v) => ((same[v] = v), same), []);
      const renamed = all.map((version) => names[version] ?? -1);
      expect(renamed).toEqual([...renamed].sort((a, b) => a - b));
      expect(new Set(renamed).size).toBe(all.length);
      expect(renamed.map((name) => name % 2)).toEqual(all.map((version) => version % 2));
      const highestNow = names[highest] ?? -1;
      expect(renamed.filter((name) => name > highestNow).map((name) => name - highestNow)).toEqual(
        all.filter((version) => version > highest).map((version) => version - highest),
      );
      // Twice is once: the lowest numbers have no lower ones.
      expect(renamingOf(setOf(renamed), highestNow)).toBeNull();
    }),
  );
});

test('a version out of reach of the share is a fault of the model, not renamed (Write 2)', () => {
  expect(() => renamingOf(setOf([3, 6]), 3)).toThrow('out of the reach');
});

test('only versions are renamed: not epochs, not the numbers of sessions (Write, Fence)', () => {
  const value = {
    session: { epoch: 7, claimId: 'p1', number: 9 },
    record: { version: 9, epoch: 9 },
    write: { place: 'look', number: 9, replaces: 4 },
  };
  const names = renamingOf(versionsIn(value), 9);

  expect(new Renamer(names ?? []).of(value)).toEqual({
    session: { epoch: 7, claimId: 'p1', number: 9 },
    record: { version: 3, epoch: 9 },
    write: { place: 'look', number: 3, replaces: 2 },
  });
});

test('equal tuples have one number, and others another, however many there are', () => {
  const tuples = new Tuples(3);
  const add = (n: number): number => {
    tuples.next.set([n % 7, n, n ^ 5]);
    return tuples.add();
  };
  const all = Array.from({ length: 50_000 }, (_, n) => n);
  const numbers = all.map(add);
  const again = all.map(add);

  expect(numbers).toEqual(all);
  expect(again).toEqual(all);
  expect(tuples.count).toBe(50_000);
  expect([0, 1, 2].map((part) => tuples.part(123, part))).toEqual([123 % 7, 123, 123 ^ 5]);
});
