/** Appends entries to a journal, one after the other, and says how long each append took. */
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

export type JournalTask = Readonly<{ directory: string; bytes: number; count: number }>;
/** `seconds`: of all appends together, without the making of entries. */
export type WritingSpeed = Readonly<{ seconds: number; p50Ms: number; p99Ms: number }> & Cost;

answering(async (task): Promise<WritingSpeed> => {
  const { directory, bytes, count } = task as JournalTask; // of benches/journal.ts
  const options = { segmentSize: journalOptions.segmentSize.default, retain: journalOptions.retain.default };
  const place = { directory: join(directory, 'journal'), cutDirectory: join(directory, 'cut'), options };
  const journal = await createJournal(place, journalStart);
  let last = seal('claim', Buffer.from(claimId('benchmark')), { seq: 0, chain: 0 });
  await journal.append(last.bytes);
  const body = Buffer.alloc(bytes - ENTRY_HEAD_BYTES, 'x');
  const before = ownCost().cpuSeconds;
  const took: number[] = [];
  for (let n = 0; n < count; n += 1) {
    last = seal('batch', body, last);
    const began = performance.now();
    await journal.append(last.bytes);
    took.push(performance.now() - began);
  }
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
