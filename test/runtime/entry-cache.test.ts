/** What of the journal is found in memory. Source: src/runtime/replication/entry-cache.ts. */
import { expect, test } from 'vitest';
import type { Entry } from '../../src/core/replication/index.ts';
import { EntryCache } from '../../src/runtime/replication/entry-cache.ts';
import { SampleEntries } from '../contract/sample-entries.ts';

const entriesOf = (count: number): Entry[] => {
  const samples = new SampleEntries();
  return [
    samples.claim(1),
    ...Array.from({ length: count - 1 }, (_, n) => samples.batch(Buffer.alloc(100, n))),
  ];
};

const held = (cache: EntryCache, entries: readonly Entry[]): number[] =>
  entries.filter((entry) => cache.at(entry.seq) === entry).map(({ seq }) => seq);

test('what is applied is let go, but for the newest entry', () => {
  const cache = new EntryCache(1e9);
  const entries = entriesOf(6);
  for (const entry of entries) cache.push(entry);
  expect(held(cache, entries)).toEqual([1, 2, 3, 4, 5, 6]);
  cache.applied(4);
  expect(held(cache, entries)).toEqual([5, 6]);
  cache.applied(4);
  expect(held(cache, entries)).toEqual([5, 6]);
  cache.applied(6);
  expect(held(cache, entries)).toEqual([6]);
  expect([cache.at(7), cache.at(0)]).toEqual([null, null]);
});

test('what is not applied is let go from the oldest on where there is too much of it', () => {
  const entries = entriesOf(10);
  const cache = new EntryCache(3.5 * (entries[1]?.bytes.length ?? 0));
  for (const entry of entries) cache.push(entry);
  expect(held(cache, entries)).toEqual([8, 9, 10]);
});

test('thousands come and go, each found until it is applied; after a cut others take the places', () => {
  const cache = new EntryCache(1e9);
  const entries = entriesOf(5_000);
  entries.forEach((entry, n) => {
    cache.push(entry);
    cache.applied(n - 10);
    const oldest = entries[Math.max(0, n - 10)];
    expect(cache.at(oldest?.seq ?? 0)).toBe(oldest);
  });
  expect(held(cache, entries)).toEqual(entries.slice(-11).map(({ seq }) => seq));
  cache.clear();
  expect(held(cache, entries)).toEqual([]);
  cache.push(entries[70] as Entry);
  expect(held(cache, entries)).toEqual([71]);
  expect(() => cache.push(entries[72] as Entry)).toThrow('entry 73 does not follow 71');
});
