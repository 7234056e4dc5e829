/** What every journal promises, on whatever disk. Source: ports/journal.ts, PROTOCOL.md §1, §2 Ack, Tail, §5. */
import { expect, test } from 'vitest';
import { seq } from '../../src/core/pair/index.ts';
import { readEntries, type Position } from '../../src/core/replication/index.ts';
import { JournalFailure, type Journal } from '../../src/ports/index.ts';
import { bytesOf, SampleEntries } from './sample-entries.ts';

export type JournalBench = Readonly<{
  journal: Journal;
  /** The process dies, and another opens what it finds. */
  restart: () => Promise<Journal>;
}>;

export type JournalSizes = Readonly<{ segmentSize: number; retain: number }>;
export type BenchMaker = (sizes: JournalSizes, start?: Position) => Promise<JournalBench>;

const sizes: JournalSizes = { segmentSize: 64 * 1024, retain: 0 };
/** Entries of this body fill a segment of `sizes` by eights. */
const EIGHTH = 7 * 1024;

export async function everything(journal: Journal): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let next = journal.firstSeq; next <= journal.last.seq;) {
    const bytes = await journal.read(next, 10_000);
    if (bytes === null) throw new Error(`entry ${next} is gone`);
    parts.push(bytes);
    next = seq(next + (readEntries(bytes)?.length ?? 0));
  }
  return Buffer.concat(parts);
}

/** Quicker than a comparison byte by byte, and says as much. */
export function expectBytes(actual: Buffer, expected: Buffer): void {
  expect({ size: actual.length, isSame: actual.equals(expected) }).toEqual({
    size: expected.length,
    isSame: true,
  });
}

export function journalContract(name: string, bench: BenchMaker): void {
  test(`${name}: a new journal holds nothing, and its first entry is 1 (§1)`, async () => {
    const { journal } = await bench(sizes);
    expect(journal.firstSeq).toBe(1);
    expect(journal.last).toEqual({ epoch: 0, seq: 0 });
    expect(journal.lastChain).toBe(0);
    expect(journal.epochs).toEqual([]);
    expect(await journal.read(seq(1), 100)).toBeNull();
    expect(await journal.chainAt(seq(0))).toBe(0);
  });

  test(`${name}: what was appended is there after a restart, byte for byte (Ack)`, async () => {
    const { journal, restart } = await bench(sizes);
    const sample = new SampleEntries();
    await journal.append(sample.claim(4).bytes);
    await journal.append(bytesOf(sample.batches(3)));
    const opened = await restart();
    for (const each of [journal, opened]) {
      expect(each.last).toEqual({ epoch: 4, seq: 4 });
      expect(each.lastChain).toBe(sample.position.chain);
      expect(each.epochs).toEqual([{ epoch: 4, claimId: 'claim-4', firstSeq: 1 }]);
    }
    expectBytes(await everything(opened), bytesOf(sample.all));
  });

  test(`${name}: a read gives whole entries, at least one and about as many as asked for`, async () => {
    const { journal } = await bench(sizes);
    const sample = new SampleEntries();
    sample.claim(1);
    sample.batches(20, 100);
    await journal.append(bytesOf(sample.all));
    expect(await journal.read(seq(7), 0)).toEqual(sample.all[6]?.bytes);
    expect(await journal.read(seq(7), 141)).toEqual(bytesOf(sample.all.slice(6, 8)));
    expect(await journal.read(seq(20), 1_000_000)).toEqual(bytesOf(sample.all.slice(19)));
    expect(await journal.read(seq(22), 100)).toBeNull();
  });

  test(`${name}: the running checksum is known after every entry held, and before the first (Tail)`, async () => {
    const { journal } = await bench(sizes);
    const sample = new SampleEntries();
    sample.claim(1);
    sample.batches(30, EIGHTH);
    await journal.append(bytesOf(sample.all));
    expect(await journal.chainAt(seq(0))).toBe(0);
    for (const entry of sample.all) expect(await journal.chainAt(entry.seq)).toBe(entry.chain);
    expect(await journal.chainAt(seq(32))).toBeNull();
  });

  test(`${name}: one append may span segments, and one entry may be larger than a segment`, async () => {
    const { journal, restart } = await bench(sizes);
    const sample = new SampleEntries();
    sample.claim(1);
    sample.batches(20, EIGHTH);
    sample.batches(1, 3 * sizes.segmentSize);
    sample.batches(2, EIGHTH);
    sample.batches(2, sizes.segmentSize);
    await journal.append(bytesOf(sample.all));
    expectBytes(await everything(journal), bytesOf(sample.all));
    expectBytes(await everything(await restart()), bytesOf(sample.all));
  });

  test(`${name}: reading goes on while entries are appended`, async () => {
    const { journal } = await bench(sizes);
    const sample = new SampleEntries();
    await journal.append(sample.claim(1).bytes);
    const writing = (async () => {
      for (let i = 0; i < 40; i += 1)
        await journal.append(sample.batches(1, EIGHTH)[0]?.bytes ?? Buffer.alloc(0));
    })();
    const read: Buffer[] = [];
    for (let next = seq(1); next <= 41;) {
      const bytes = await journal.read(next, 20_000);
      if (bytes === null) {
        await new Promise(setImmediate);
        continue;
      }
      read.push(bytes);
      next = seq(next + (readEntries(bytes)?.length ?? 0));
    }
    await writing;
    expectBytes(Buffer.concat(read), bytesOf(sample.all));
  });

  test(`${name}: an entry that doesn't follow is refused, and nothing has changed (§1: seq dense, epoch never falls)`, async () => {
    const { journal } = await bench(sizes);
    const sample = new SampleEntries();
    await journal.append(sample.claim(3).bytes);
    const second = sample.batch();
    const third = sample.batch();
    const lower = new SampleEntries({ ...sample.position, last: { ...second, epoch: second.epoch } });
    await expect(journal.append(third.bytes)).rejects.toThrow('entry 3 after entry 1');
    await expect(journal.append(new SampleEntries().claim(4).bytes)).rejects.toThrow('entry 1 after entry 1');
    await expect(journal.append(lower.batch().bytes)).rejects.toThrow('entry 3 after entry 1');
    await expect(journal.append(second.bytes.subarray(1))).rejects.toThrow('no whole entries');
    await journal.append(second.bytes);
    expectBytes(await everything(journal), bytesOf(sample.all.slice(0, 2)));
  });

  test(`${name}: a cut takes all after the common point, keeps it in a file, and other entries may follow (Tail)`, async () => {
    const { journal, restart } = await bench(sizes);
    const sample = new SampleEntries();
    sample.claim(1);
    sample.batches(9);
    sample.claim(2);
    sample.batches(2);
    await journal.append(bytesOf(sample.all));
    const tail = await journal.cut(seq(8));
    expect(tail).toMatchObject({ entries: 5, firstSeq: 9, lastSeq: 13 });
    expect(tail?.file).toMatch(/1-9-13\.seg$/);
    expect(journal.last).toEqual({ epoch: 1, seq: 8 });
    expect(journal.epochs).toEqual([{ epoch: 1, claimId: 'claim-1', firstSeq: 1 }]);
    expect(journal.lastChain).toBe(sample.all[7]?.chain);
    expect(await journal.read(seq(9), 100)).toBeNull();
    expect(await journal.chainAt(seq(9))).toBeNull();

    const other = new SampleEntries({ last: journal.last, chain: journal.lastChain, epochs: journal.epochs });
    await journal.append(other.claim(5).bytes);
    const opened = await restart();
    expectBytes(await everything(opened), bytesOf([...sample.all.slice(0, 8), ...other.all]));
    expect(opened.last).toEqual({ epoch: 5, seq: 9 });
    expect(opened.epochs.map(({ epoch }) => epoch)).toEqual([1, 5]);
  });

  test(`${name}: nothing behind the common point: nothing is cut (Tail)`, async () => {
    const { journal } = await bench(sizes);
    const sample = new SampleEntries();
    await journal.append(sample.claim(1).bytes);
    expect(await journal.cut(seq(1))).toBeNull();
    expect(journal.last.seq).toBe(1);
  });

  test.each([0, 1, 8, 9, 10, 17, 24, 29])(
    `${name}: a cut after entry %i of thirty in four segments leaves just those (Tail)`,
    async (after) => {
      const { journal, restart } = await bench(sizes);
      const sample = new SampleEntries();
      sample.claim(1);
      sample.batches(29, EIGHTH);
      await journal.append(bytesOf(sample.all));
      expect((await journal.cut(seq(after)))?.entries).toBe(30 - after);
      const opened = await restart();
      expect(opened.last.seq).toBe(after);
      expectBytes(await everything(opened), bytesOf(sample.all.slice(0, after)));
      await opened.append(bytesOf(sample.all.slice(after)));
      expectBytes(await everything(opened), bytesOf(sample.all));
    },
  );

  test(`${name}: what is appended after a cut is found wherever it stands (Tail)`, async () => {
    const { journal, restart } = await bench({ segmentSize: 1024 * 1024, retain: 0 });
    const sample = new SampleEntries();
    sample.claim(1);
    sample.batches(50, 10_000);
    await journal.append(bytesOf(sample.all));
    await journal.cut(seq(12));
    const { last, lastChain: chain, epochs } = journal;
    const other = new SampleEntries({ last, chain, epochs });
    other.claim(2);
    other.batches(60, 9000);
    await journal.append(bytesOf(other.all));
    const expectAll = async (found: Journal): Promise<void> => {
      for (const entry of [...sample.all.slice(0, 12), ...other.all].toReversed())
        expectBytes((await found.read(entry.seq, 0)) ?? Buffer.alloc(0), entry.bytes);
    };
    await expectAll(journal);
    await expectAll(await restart());
  });

  test(`${name}: trimming lets go of whole segments, and never of an entry above the one named (§5)`, async () => {
    const { journal, restart } = await bench(sizes);
    const sample = new SampleEntries();
    sample.claim(1);
    sample.batches(39, EIGHTH);
    await journal.append(bytesOf(sample.all));
    await journal.trim(seq(5));
    expect(journal.firstSeq).toBe(1);
    await journal.trim(seq(20));
    expect(journal.firstSeq).toBeGreaterThan(1);
    expect(journal.firstSeq).toBeLessThanOrEqual(21);
    const { firstSeq } = journal;
    expect(await journal.read(seq(firstSeq - 1), 100)).toBeNull();
    expect(await journal.chainAt(seq(firstSeq - 1))).toBe(sample.all[firstSeq - 2]?.chain);
    expect(await journal.chainAt(seq(firstSeq - 2))).toBeNull();
    const opened = await restart();
    expect(opened.firstSeq).toBe(firstSeq);
    expect(await opened.chainAt(seq(firstSeq - 1))).toBe(sample.all[firstSeq - 2]?.chain);
    expectBytes(await everything(opened), bytesOf(sample.all.slice(firstSeq - 1)));
  });

  test(`${name}: trimming keeps journal.retain bytes for deltas (§5)`, async () => {
    const retain = 150 * 1024;
    const { journal } = await bench({ ...sizes, retain });
    const sample = new SampleEntries();
    sample.claim(1);
    sample.batches(79, EIGHTH);
    await journal.append(bytesOf(sample.all));
    await journal.trim(seq(80));
    const kept = (await everything(journal)).length;
    expect(journal.firstSeq).toBeGreaterThan(1);
    // What is counted are files: their headers belong to them.
    expect(kept).toBeGreaterThanOrEqual(retain - 4 * 4096);
    expect(kept).toBeLessThan(retain + 2 * sizes.segmentSize);
  });

  test(`${name}: the epoch table outlives trimming (§1, REASONS C7)`, async () => {
    const { journal, restart } = await bench(sizes);
    const sample = new SampleEntries();
    for (let number = 1; number <= 5; number += 1) {
      sample.claim(number);
      sample.batches(10, EIGHTH);
    }
    await journal.append(bytesOf(sample.all));
    await journal.trim(seq(50));
    const opened = await restart();
    expect(opened.firstSeq).toBeGreaterThan(40);
    expect(opened.epochs).toEqual(sample.position.epochs);
    expect(opened.epochs).toHaveLength(5);
  });

  test(`${name}: a journal may begin behind a snapshot (§5)`, async () => {
    const before = new SampleEntries();
    before.claim(1);
    before.batches(6);
    const { journal, restart } = await bench(sizes, before.position);
    expect(journal.firstSeq).toBe(8);
    expect(journal.last).toEqual({ epoch: 1, seq: 7 });
    expect(await journal.chainAt(seq(7))).toBe(before.position.chain);
    const sample = new SampleEntries(before.position);
    await journal.append(sample.batch().bytes);
    const opened = await restart();
    expect(opened.firstSeq).toBe(8);
    expect(opened.epochs).toEqual(before.position.epochs);
    expectBytes(await everything(opened), bytesOf(sample.all));
  });

  test(`${name}: rest fulfils on a journal at rest (Claim)`, async () => {
    const { journal } = await bench(sizes);
    await journal.append(new SampleEntries().claim(1).bytes);
    await journal.rest();
    expect(journal.last.seq).toBe(1);
  });

  test(`${name}: a closed journal takes nothing more`, async () => {
    const { journal } = await bench(sizes);
    const sample = new SampleEntries();
    await journal.append(sample.claim(1).bytes);
    await journal.close();
    await expect(journal.append(sample.batch().bytes)).rejects.toBeInstanceOf(JournalFailure);
    await expect(journal.rest()).rejects.toBeInstanceOf(JournalFailure);
    await expect(journal.read(seq(1), 10)).rejects.toBeInstanceOf(JournalFailure);
  });
}
