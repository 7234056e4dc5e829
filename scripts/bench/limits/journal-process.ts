/** Appends entries to a journal, one after the other, and says how long each append took. What is old is let go of meanwhile, as a server does at checkpoints. */
import { join } from 'node:path';
import { ByteWriter } from '../../../src/base/index.ts';
import { claimId, epoch, seq } from '../../../src/core/pair/index.ts';
import {
  ENTRY_HEAD_BYTES,
  journalStart,
  openEntry,
  sealEntry,
  type Entry,
} from '../../../src/core/replication/index.ts';
import { createJournal, journalOptions } from '../../../src/io/journal/index.ts';
import type { Cost } from '../report.ts';
import { quantile } from '../statistics.ts';
import { answering, ownCost } from './worker.ts';

export type JournalTask = Readonly<{ directory: string; bytes: number; count: number; mayBlock: boolean }>;
/** `seconds`: of all appends together, without the making of entries. */
export type WritingSpeed = Readonly<{ seconds: number; p50Ms: number; p99Ms: number }> & Cost;

/** Appends between two checkpoints, in a way of speaking. */
const TRIM_EVERY = 10;
const EARLY_BYTES = 1024 * 1024;

answering(async (task): Promise<WritingSpeed> => {
  const { directory, bytes, count, mayBlock } = task as JournalTask; // of benches/journal.ts
  const options = { segmentSize: journalOptions.segmentSize.default, retain: 0 };
  const place = { directory: join(directory, 'journal'), cutDirectory: join(directory, 'cut'), options };
  const journal = await createJournal(place, journalStart);
  let last = seal('claim', Buffer.from(claimId('benchmark')), { seq: 0, chain: 0 });
  await journal.append(last.bytes);
  const append = async (body: Buffer): Promise<number> => {
    last = seal('batch', body, last);
    const began = performance.now();
    await journal.append(last.bytes, mayBlock);
    const ms = performance.now() - began;
    if (last.seq % TRIM_EVERY === 0) await journal.trim(last.seq);
    return ms;
  };
  // Then each file has been another before.
  const early = Buffer.alloc(EARLY_BYTES, 'x');
  for (let done = 0; done < 5 * options.segmentSize; done += EARLY_BYTES) await append(early);
  await journal.trim(last.seq);
  const body = Buffer.alloc(bytes - ENTRY_HEAD_BYTES, 'x');
  const before = ownCost().cpuSeconds;
  const took: number[] = [];
  for (let n = 0; n < count; n += 1) took.push(await append(body));
  const cost = ownCost(before);
  await journal.close();
  return {
    seconds: took.reduce((a, b) => a + b, 0) / 1000,
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
    ...cost,
  };
});

function seal(
  kind: 'claim' | 'batch',
  body: Buffer,
  before: Readonly<{ seq: number; chain: number }>,
): Entry {
  const writer = new ByteWriter(body.length + ENTRY_HEAD_BYTES);
  openEntry(writer);
  writer.raw(body);
  return sealEntry(writer, {
    kind,
    epoch: epoch(1),
    seq: seq(before.seq + 1),
    committed: seq(before.seq),
    before: before.chain,
  });
}
