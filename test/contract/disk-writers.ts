/** Programs that write to a disk until they are killed, or the disk refuses. Run as `disk-writers.ts <what> <directory>`. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { seq } from '../../src/core/pair/index.ts';
import { journalStart } from '../../src/core/replication/index.ts';
import { createJournal } from '../../src/io/journal/index.ts';
import { openLmdbState } from '../../src/io/store/index.ts';
import { SampleEntries } from './sample-entries.ts';

const [, , what = '', directory = ''] = process.argv;

const failure = (error: unknown): { why: string; code: unknown } => ({
  why: error instanceof Error ? error.message : String(error),
  code: error instanceof Error && 'code' in error ? error.code : null,
});

/** All thousand values say at which checkpoint they were written. */
async function writeState(): Promise<void> {
  const state = await openLmdbState(directory);
  for (let at = 1; ; at += 1) {
    const value = Buffer.from(`at ${at}`);
    const changes = Array.from({ length: 1000 }, (_, i) => ({ key: Buffer.from(`key ${i}`), value }));
    await state.checkpoint(changes, seq(at));
    writeSync(1, `${at}\n`);
  }
}

async function fillState(): Promise<void> {
  const state = await openLmdbState(directory);
  let done = 0;
  try {
    for (let at = 1; ; at += 1) {
      const value = Buffer.alloc(1000, 'v');
      await state.checkpoint(
        Array.from({ length: 100 }, (_, i) => ({ key: Buffer.from(`key ${at} ${i}`), value })),
        seq(at),
      );
      done = at;
    }
  } catch (error) {
    writeSync(1, JSON.stringify({ done, ...failure(error) }));
  }
}

const place = {
  directory: join(directory, 'journal'),
  cutDirectory: join(directory, 'cut'),
  options: { segmentSize: 256 * 1024, retain: 0 },
};

/**
 * Each line on standard output: the last entry of an append that has fulfilled, and its running checksum. `keeps`: files behind these entries are let
 * go of, and become others.
 */
async function writeJournal(keeps: number): Promise<void> {
  const journal = await createJournal(place, journalStart);
  const sample = new SampleEntries();
  await journal.append(sample.claim(1).bytes);
  while (true) {
    const count = 1 + (sample.all.length % 7);
    const entries = sample.batches(count, 100 + (sample.all.length % 50) * 200);
    await journal.append(Buffer.concat(entries.map(({ bytes }) => bytes)));
    writeSync(1, `${journal.last.seq} ${journal.lastChain}\n`);
    await journal.trim(seq(Math.max(0, journal.last.seq - keeps)));
  }
}

/** Appends until the disk refuses, and then once more. `mayBlock`: in entries that are short enough for it. */
async function fillJournal(mayBlock: boolean): Promise<void> {
  const journal = await createJournal(
    { ...place, options: { segmentSize: 8 << 20, retain: 0 } },
    journalStart,
  );
  const sample = new SampleEntries();
  let done = 0;
  const failures: unknown[] = [];
  while (failures.length < 2)
    try {
      const entry =
        done === 0 ? sample.claim(1) : sample.batch(Buffer.alloc(mayBlock ? 60_000 : 100_000, 'b'));
      await journal.append(entry.bytes, mayBlock);
      done = entry.seq;
    } catch (error) {
      failures.push({ name: error instanceof Error ? error.name : '', ...failure(error) });
    }
  writeSync(1, JSON.stringify({ done, failures }));
  await journal.close();
}

const programs: Readonly<Record<string, () => Promise<void>>> = {
  'write-state': writeState,
  'fill-state': fillState,
  'write-journal': () => writeJournal(Infinity),
  'write-journal-letting-go': () => writeJournal(30),
  'fill-journal': () => fillJournal(false),
  'fill-journal-blocking': () => fillJournal(true),
};
await programs[what]?.();
// A refused LMDB may keep its thread.
process.exit();
