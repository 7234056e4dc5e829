/** The journal's entries and what may follow what. Source: entry.ts, PROTOCOL.md §1 (journal), §2 Tail. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../../src/base/index.ts';
import {
  ENTRY_HEAD_BYTES,
  follow,
  journalStart,
  lastSeqOf,
  pairsIn,
  putPair,
  readEntries,
  readEntry,
} from '../../../src/core/replication/index.ts';
import { bytesOf, SampleEntries } from '../../contract/sample-entries.ts';

test('entries read back as they were sealed, one behind the other', () => {
  const sample = new SampleEntries();
  sample.claim(7, 'the claim');
  sample.committed(1).batches(3, 50);
  const read = readEntries(bytesOf(sample.all)) ?? [];
  expect(read.map(({ kind, epoch, seq, committed }) => [kind, epoch, seq, committed])).toEqual([
    ['claim', 7, 1, 0],
    ['batch', 7, 2, 1],
    ['batch', 7, 3, 1],
    ['batch', 7, 4, 1],
  ]);
  expect(read.map(({ chain }) => chain)).toEqual(sample.all.map(({ chain }) => chain));
  expect(lastSeqOf(bytesOf(sample.all))).toBe(4);
});

test('an entry that is cut short anywhere is short, and one with any bit flipped is not an entry', () => {
  const { bytes } = new SampleEntries().claim(7);
  for (let size = 0; size < bytes.length; size += 1)
    expect(readEntry(bytes.subarray(0, size), 0).kind).toBe('short');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(readEntry(flipped, 0).kind).not.toBe('entry');
  }
});

test('the running checksum tells two histories apart, also where their last entries are alike (Tail)', () => {
  const [one, other] = [new SampleEntries(), new SampleEntries()];
  one.claim(1, 'one claim');
  other.claim(1, 'another');
  for (let i = 0; i < 5; i += 1) {
    const [a, b] = [one.batch('alike'), other.batch('alike')];
    expect(a.bytes.subarray(8)).toEqual(b.bytes.subarray(8));
    expect(a.chain).not.toBe(b.chain);
  }
});

test('random bytes are no entry (property)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: ENTRY_HEAD_BYTES, maxLength: 200 }), (bytes) => {
      expect(readEntry(Buffer.from(bytes), 0).kind).not.toBe('entry');
    }),
  );
});

test('an entry follows only densely, on its own predecessor, and its epoch rises only with a claim (§1)', () => {
  const sample = new SampleEntries();
  const claim = sample.claim(4);
  const batch = sample.batch();
  const after = sample.position;
  expect(after).toEqual({
    last: { epoch: 4, seq: 2 },
    chain: batch.chain,
    epochs: [{ epoch: 4, claimId: 'claim-4', firstSeq: 1 }],
  });
  expect(follow(journalStart, batch)).toBe('entry 2 after entry 0');
  expect(follow(after, claim)).toBe('entry 1 after entry 2');
  const other = new SampleEntries();
  other.claim(5);
  other.batch();
  expect(follow(after, other.batch())).toBe('entry 3 follows another entry 2');
  // The same chain, but the place says another epoch.
  const risen = { ...after, last: { ...after.last, epoch: other.position.last.epoch } };
  expect(follow(risen, sample.batch())).toBe('entry 3 of epoch 4 in epoch 5, without a claim');
  expect(follow(risen, new SampleEntries(after).claim(5))).toBe('a claim of epoch 5 after epoch 5');
});

test('the pairs of a chunk read back as they were put (property)', () => {
  const pair = fc.tuple(fc.uint8Array(), fc.uint8Array());
  fc.assert(
    fc.property(fc.array(pair), (pairs) => {
      const chunk = new ByteWriter();
      for (const [key, value] of pairs) putPair(chunk, key, value);
      expect([...pairsIn(chunk.view())].map(({ key, value }) => [[...key], [...value]])).toEqual(
        pairs.map(([key, value]) => [[...key], [...value]]),
      );
    }),
  );
});
