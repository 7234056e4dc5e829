/** A segment's file is gone through piece by piece: whatever lies across two of them is read as what it is. Source: src/io/journal/segment-walk.ts. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { claimId, epoch, seq } from '../../src/core/pair/index.ts';
import { ENTRY_HEAD_BYTES, journalStart } from '../../src/core/replication/index.ts';
import { createJournal, segmentName } from '../../src/io/journal/index.ts';
import { TERMINATOR_BYTES } from '../../src/io/journal/segment-header.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { everything, expectBytes } from './journal-contract.ts';
import { freshPlace, opened, segmentsIn } from './journal-fixture.ts';
import { bytesOf, SampleEntries } from './sample-entries.ts';

const MIB = 1024 * 1024;

test('entries of any size are found again, those longer than a piece and those across two of them too', async () => {
  const random = new SimRandom(3);
  const place = await freshPlace(8 * MIB);
  const journal = await createJournal(place, journalStart);
  onTestFinished(() => journal.close());
  const sample = new SampleEntries();
  await journal.append(sample.claim(1).bytes);
  for (let n = 0; n < 60; n += 1) {
    const size = random.chance(0.2) ? random.below(5 * MIB) : random.below(300_000);
    await journal.append(sample.batch(Buffer.alloc(size, n)).bytes);
  }
  expect((await segmentsIn(place)).length).toBeGreaterThan(2);
  await journal.close();
  const again = await opened(place);
  expect(again.isTorn).toBe(false);
  expectBytes(await everything(again.journal), bytesOf(sample.all));
});

test('the terminator is found wherever it lies, also across two pieces', async () => {
  for (let before = -2; before <= TERMINATOR_BYTES + 2; before += 1) {
    const place = await freshPlace(3 * MIB);
    const journal = await createJournal(place, journalStart);
    const sample = new SampleEntries();
    await journal.append(sample.claim(1).bytes);
    const at = 4096 + bytesOf(sample.all).length;
    await journal.append(sample.batch(Buffer.alloc(2 * MIB - before - at - ENTRY_HEAD_BYTES, 7)).bytes);
    await journal.close();
    const path = join(place.directory, segmentName(1));
    const bytes = await readFile(path);
    expect(bytes.length).toBe(3 * MIB);
    bytes.fill(9, 2 * MIB - before + TERMINATOR_BYTES);
    await writeFile(path, bytes);
    const again = await opened(place);
    expect({ before, isTorn: again.isTorn, last: again.journal.last.seq }).toEqual({
      ...{ before, isTorn: false, last: 2 },
    });
    await again.journal.close();
  }
});

test('a journal that begins behind a very long epoch table opens', async () => {
  const epochs = Array.from({ length: 20_000 }, (_, at) => ({
    epoch: epoch(at + 1),
    claimId: claimId(`claim-${at}-`.padEnd(36, 'x')),
    firstSeq: seq(at + 1),
  }));
  const start = { last: { epoch: epoch(20_000), seq: seq(20_000) }, chain: 77, epochs };
  const place = await freshPlace();
  const journal = await createJournal(place, start);
  const sample = new SampleEntries(start);
  await journal.append(sample.batch('m').bytes);
  await journal.close();
  expect((await stat(join(place.directory, segmentName(20_001)))).size).toBeGreaterThan(MIB);
  const again = await opened(place);
  expect(again.journal.last.seq).toBe(20_001);
  expect(again.journal.epochs).toEqual(epochs);
});
