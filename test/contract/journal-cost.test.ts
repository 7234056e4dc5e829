/** What an append costs the disk: counted at the file handles, which no slow machine changes. Source: docs/PERFORMANCE.md; PROTOCOL.md §2 Ack. */
import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { seq } from '../../src/core/pair/index.ts';
import { journalStart } from '../../src/core/replication/index.ts';
import { createJournal } from '../../src/io/journal/index.ts';
import { BLOCK_BYTES, TERMINATOR_BYTES } from '../../src/io/journal/segment-header.ts';
import type { Journal } from '../../src/ports/index.ts';
import { freshDirectory } from './disk-fixture.ts';
import { bytesOf, SampleEntries } from './sample-entries.ts';

/** Large enough that no second file is needed. */
const SEGMENT = 16 * 1024 * 1024;
const APPENDS = 50;
const HEADER_BYTES = 4096;

async function freshJournal(segmentSize = SEGMENT): Promise<{ root: string; journal: Journal }> {
  const root = await freshDirectory();
  const place = {
    directory: join(root, 'journal'),
    cutDirectory: join(root, 'cut'),
    options: { segmentSize, retain: 0 },
  };
  const journal = await createJournal(place, journalStart);
  onTestFinished(() => journal.close());
  return { root, journal };
}

/** Of every file of this process: Node has one class for all. */
async function handles(directory: string): Promise<FileHandle> {
  const handle = await open(directory);
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle; // its methods are there
}

/** With which the kernel has the file open. */
async function flagsOf({ fd }: FileHandle): Promise<number> {
  const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
  return Number.parseInt(/^flags:\s+(\d+)/m.exec(info)?.[1] ?? '0', 8);
}

test.each([1, 20, 1_000])(
  'an append of %i entries is one write of their bytes, up to the end of a block, as durable as with an fdatasync behind it, and no other sync (Ack)',
  async (entries) => {
    const { root, journal } = await freshJournal();
    const sample = new SampleEntries();
    await journal.append(sample.claim(1).bytes);
    let end = HEADER_BYTES + bytesOf(sample.all).length;
    const appended = Array.from({ length: APPENDS }, () => bytesOf(sample.batches(entries)));
    const prototype = await handles(root);
    const write = vi.spyOn(prototype, 'writev');
    const datasync = vi.spyOn(prototype, 'datasync');
    const sync = vi.spyOn(prototype, 'sync');
    onTestFinished(() => void vi.restoreAllMocks());
    for (const bytes of appended) await journal.append(bytes);
    const written = write.mock.settledResults.map(
      ({ value }) => (value as { bytesWritten: number }).bytesWritten,
    );
    const ends = appended.map(({ length }) => (end += length));
    const blocks = ends.map((at) => Math.ceil((at + TERMINATOR_BYTES) / BLOCK_BYTES) * BLOCK_BYTES);
    expect(written).toEqual(appended.map(({ length }, at) => length + (blocks[at] ?? 0) - (ends[at] ?? 0)));
    expect(write).toHaveBeenCalledTimes(APPENDS);
    for (const handle of new Set(write.mock.contexts as FileHandle[]))
      expect((await flagsOf(handle)) & constants.O_DSYNC).not.toBe(0);
    expect(datasync).not.toHaveBeenCalled();
    expect(sync).not.toHaveBeenCalled();
  },
);

test('an append that may hold up its caller is durable on return where it is short, and waits for the others before it', async () => {
  const { root, journal } = await freshJournal();
  const sample = new SampleEntries();
  const prototype = await handles(root);
  const write = vi.spyOn(prototype, 'writev');
  onTestFinished(() => void vi.restoreAllMocks());
  const first = sample.claim(1).bytes;
  const short = sample.batch().bytes;
  const long = bytesOf(sample.batches(2_000));
  const last = sample.batch().bytes;
  const appends = [journal.append(first), ...[short, long, last].map((bytes) => journal.append(bytes, true))];
  await Promise.all(appends);
  // The first, and the one that is too long; the two short ones woke no thread.
  expect(write).toHaveBeenCalledTimes(2);
  expect(long.length).toBeGreaterThan(64 * 1024);
  const [handle] = write.mock.contexts as FileHandle[];
  expect(handle && (await flagsOf(handle)) & constants.O_DSYNC).not.toBe(0);
  expect(await journal.read(seq(1), Infinity)).toEqual(bytesOf(sample.all));
});

test('a journal that is let go of as it grows writes what is appended and a header for each file, to the ends of their blocks, and no more zeros', async () => {
  const { root, journal } = await freshJournal(64 * 1024);
  const sample = new SampleEntries();
  await journal.append(sample.claim(1).bytes);
  const append = async (): Promise<number> => {
    const { bytes } = sample.batch(Buffer.alloc(5_000));
    await journal.append(bytes);
    await journal.trim(journal.last.seq);
    return bytes.length;
  };
  // Two files are under way from now on: one is written to, and the other comes after it.
  while (journal.firstSeq < 40) await append();
  const writev = vi.spyOn(await handles(root), 'writev');
  onTestFinished(() => void vi.restoreAllMocks());
  let appended = 0;
  for (let n = 0; n < 100; n += 1) appended += await append();
  const results = writev.mock.settledResults.map(({ value }) => value as { bytesWritten: number });
  const written = results.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
  const files = results.length - 100;
  expect(files).toBe(8);
  expect(written).toBeGreaterThan(appended);
  // Each append ends within a block, and a header in the one behind it.
  expect(written).toBeLessThan(appended + 100 * BLOCK_BYTES + files * (HEADER_BYTES + BLOCK_BYTES) + 1);
});
