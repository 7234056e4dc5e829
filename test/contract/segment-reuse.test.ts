/**
 * A segment that is over becomes one to come, with all that stood in it. Source: segment-header.ts (terminator), scan.ts; PROTOCOL.md §2 Ack, Tail.
 */
import { cp, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { seq } from '../../src/core/pair/index.ts';
import { journalStart, type Entry } from '../../src/core/replication/index.ts';
import { createJournal, segmentName, type JournalPlace } from '../../src/io/journal/index.ts';
import { proofOfCommit } from '../../src/io/journal/scan.ts';
import { TERMINATOR_BYTES } from '../../src/io/journal/segment-header.ts';
import { Segment } from '../../src/io/journal/segment.ts';
import type { Journal } from '../../src/ports/index.ts';
import { freshDirectory } from './disk-fixture.ts';
import { everything, expectBytes } from './journal-contract.ts';
import { freshPlace, opened, SEGMENT, segmentsIn } from './journal-fixture.ts';
import { bytesOf, SampleEntries } from './sample-entries.ts';

const inode = async (place: JournalPlace, name: string): Promise<number> =>
  (await stat(join(place.directory, name))).ino;

/** A journal whose last segment has the file of its first one. */
class Reusing {
  readonly place: JournalPlace;
  readonly journal: Journal;
  readonly sample = new SampleEntries();
  readonly #body: () => Buffer;

  private constructor(place: JournalPlace, journal: Journal, body: () => Buffer) {
    this.place = place;
    this.journal = journal;
    this.#body = body;
  }

  /** `body`: of each message. */
  static async begin(body: () => Buffer): Promise<Reusing> {
    const place = await freshPlace();
    const journal = await createJournal(place, journalStart);
    onTestFinished(() => journal.close());
    const it = new Reusing(place, journal, body);
    await journal.append(it.sample.claim(1).bytes);
    while ((await segmentsIn(place)).length < 3) await it.append();
    const first = await inode(place, (await segmentsIn(place))[0] ?? '');
    await journal.trim(journal.last.seq);
    while ((await inode(place, (await it.file()).name)) !== first) await it.append();
    return it;
  }

  async append(): Promise<Entry> {
    const entry = this.sample.committed(this.sample.position.last.seq).batch(this.#body());
    await this.journal.append(entry.bytes);
    return entry;
  }

  /** The last one. */
  async file(): Promise<Readonly<{ name: string; path: string; bytes: Buffer }>> {
    const name = (await segmentsIn(this.place)).at(-1) ?? '';
    const path = join(this.place.directory, name);
    return { name, path, bytes: await readFile(path) };
  }

  /** What another process would find, with its last file so. */
  async found(
    last: Buffer | null = null,
  ): Promise<{ place: JournalPlace; journal: Journal; isTorn: boolean }> {
    const place = await freshPlace();
    await cp(this.place.directory, place.directory, { recursive: true });
    if (last !== null) await writeFile(join(place.directory, (await this.file()).name), last);
    return { place, ...(await opened(place)) };
  }

  /** All that the journal still holds. */
  held(): Entry[] {
    return this.sample.all.filter((entry) => entry.seq >= this.journal.firstSeq);
  }
}

const pattern = (): Buffer => Buffer.from(Array.from({ length: 700 }, (_, at) => (at * 37) % 251));

test('a full file that is let go of becomes a segment to come, as it is', async () => {
  const it = await Reusing.begin(pattern);
  const { bytes } = await it.file();
  expect(bytes.length).toBe(SEGMENT);
  // What stood there is still there: it was not filled with zeros first.
  expect(bytes.includes(pattern(), SEGMENT / 2)).toBe(true);
  expectBytes(await everything(it.journal), bytesOf(it.held()));
});

/** Entries as they may come in its place, and later, and all of them committed; none of them ever was. */
function forged(): Buffer {
  const sample = new SampleEntries();
  sample.claim(1);
  sample.committed(1000).batches(200, 0);
  return bytesOf(sample.all.filter(({ seq: number }) => number > 40 && number % 10 === 0));
}

test('nothing of what stood in the file is read, nor taken for a proof that more was committed, wherever the segment ends (Tail)', async () => {
  const payload = forged();
  const it = await Reusing.begin(() => payload);
  const { name } = await it.file();
  let ends = 0;
  for (; (await it.file()).name === name; ends += 1) {
    const { journal, isTorn } = await it.found();
    expect({ isTorn, last: journal.last.seq }).toEqual({ isTorn: false, last: it.sample.position.last.seq });
    expectBytes(await everything(journal), bytesOf(it.held()));
    await journal.close();
    await it.append();
  }
  expect(ends).toBeGreaterThan(10);
});

test('a write torn at any byte is cut or whole, whether its beginning or its end is missing, and the journal goes on (Tail)', async () => {
  const it = await Reusing.begin(pattern);
  await it.append();
  const before = await it.file();
  const entry = await it.append();
  const after = await it.file();
  expect(after.name).toBe(before.name);
  const at = after.bytes.indexOf(entry.bytes);
  const size = entry.bytes.length;
  for (let kept = 1; kept < size + TERMINATOR_BYTES; kept += kept < 50 || kept > size - 40 ? 1 : 31) {
    const endless = Buffer.concat([after.bytes.subarray(0, at + kept), before.bytes.subarray(at + kept)]);
    const headless = Buffer.concat([before.bytes.subarray(0, at + kept), after.bytes.subarray(at + kept)]);
    // Without any of its own bytes but the terminator's end, it was never written.
    for (const [bytes, isWhole, wasTorn] of [
      [endless, kept >= size, true],
      [headless, false, kept <= size],
    ] as const) {
      const { place, journal, isTorn } = await it.found(bytes);
      expect({ isTorn, last: journal.last.seq }).toEqual({
        isTorn: wasTorn,
        last: entry.seq - (isWhole ? 0 : 1),
      });
      if (!isWhole) await journal.append(entry.bytes);
      await journal.close();
      const again = await opened(place);
      expect(again.isTorn).toBe(false);
      expectBytes(await everything(again.journal), bytesOf(it.held()));
      await again.journal.close();
      await rm(place.directory, { recursive: true });
    }
  }
});

test('a write that the disk lost, while it has the next one, is damage: the next one says that it was committed (Tail)', async () => {
  const it = await Reusing.begin(pattern);
  const before = await it.file();
  const lost = await it.append();
  await it.append();
  const after = await it.file();
  expect(after.name).toBe(before.name);
  const at = after.bytes.indexOf(lost.bytes);
  for (const size of [lost.bytes.length, TERMINATOR_BYTES, 512]) {
    const bytes = Buffer.from(after.bytes);
    before.bytes.copy(bytes, at, at, at + size);
    await expect(it.found(bytes)).rejects.toThrow(`says that entry ${lost.seq} was committed`);
  }
});

test('a read that is under way when the file becomes another segment gives nothing', async () => {
  const directory = await freshDirectory();
  const segment = await Segment.create(directory, journalStart, null);
  const entry = new SampleEntries().claim(1);
  await segment.write(entry.bytes, false);
  segment.note(entry);
  expect((await segment.read(seq(1), 100))?.bytes.equals(entry.bytes)).toBe(true);
  const reading = segment.read(seq(1), 100);
  const file = await segment.giveUp();
  expect(await reading).toBeNull();
  expect(await segment.read(seq(1), 100)).toBeNull();
  await file.handle.close();
  await (await open(file.path)).close();
});

test('a segment that was begun and not written to is empty, whatever stood in its file', async () => {
  const place = await freshPlace();
  await mkdir(place.directory);
  const sample = new SampleEntries();
  const entries = [sample.claim(1), ...sample.batches(5)];
  const former = await Segment.create(place.directory, journalStart, null);
  await former.write(bytesOf(entries), false);
  const next = await Segment.create(place.directory, sample.position, await former.giveUp());
  await next.close();
  const { journal, isTorn } = await opened(place);
  expect({ isTorn, first: journal.firstSeq, last: journal.last.seq }).toEqual({
    isTorn: false,
    first: 7,
    last: 6,
  });
});

test.each(['a cut', 'a torn tail'])(
  'behind %s the end is marked at once: zeros of a write that was torn next are no clean end, and its terminator is gone (Tail)',
  async (why) => {
    const place = await freshPlace();
    const journal = await createJournal(place, journalStart);
    const sample = new SampleEntries();
    await journal.append(sample.claim(1).bytes);
    const { position } = sample;
    const [claim] = sample.all;
    const path = join(place.directory, segmentName(1));
    await journal.append(sample.batch(pattern()).bytes);
    if (why === 'a cut') await journal.cut(seq(1));
    else {
      await journal.close();
      const bytes = await readFile(path);
      bytes.writeUInt8(bytes.readUInt8(4500) ^ 1, 4500);
      await writeFile(path, bytes);
    }
    // Opening would mark the end as well: a cut goes on as it is.
    const shorter = why === 'a cut' ? journal : (await opened(place)).journal;
    expect(shorter.last.seq).toBe(1);
    const before = await readFile(path);
    await shorter.append(new SampleEntries(position).batch(Buffer.alloc(9000)).bytes);
    await shorter.close();
    const after = await readFile(path);
    // Of this one write the disk has the last sectors alone.
    const torn = Buffer.alloc(after.length);
    before.copy(torn);
    const sector = 512 * Math.floor((4096 + (claim?.bytes.length ?? 0) + 9040) / 512);
    after.copy(torn, sector, sector);
    await writeFile(path, torn);
    const again = await opened(place);
    expect({ isTorn: again.isTorn, last: again.journal.last.seq }).toEqual({ isTorn: true, last: 1 });
    const next = new SampleEntries(position);
    await again.journal.append(next.batch('short').bytes);
    await again.journal.append(next.batch(Buffer.alloc(SEGMENT - 4200, 8)).bytes);
    expect(await segmentsIn(place)).toHaveLength(2);
    await again.journal.close();
    const last = await opened(place);
    expect({ isTorn: last.isTorn, last: last.journal.last.seq }).toEqual({ isTorn: false, last: 3 });
  },
);

test('what lies within a whole entry proves nothing, and what only looks like entries is not gone through for hours (Tail)', () => {
  const sample = new SampleEntries();
  sample.claim(1);
  const whole = sample.batch(forged());
  expect(proofOfCommit(Buffer.concat([Buffer.alloc(4000, 1), whole.bytes]), seq(60))).toBeNull();
  const halfOverwritten = Buffer.concat([Buffer.alloc(4000, 1), whole.bytes.subarray(60)]);
  expect(proofOfCommit(halfOverwritten, seq(60))).toMatchObject({ committed: 1000 });
  const heads = Buffer.alloc(1024 * 1024);
  for (let at = 100; at + 40 < heads.length; at += 40) {
    heads.writeUInt32LE(heads.length - at - 40, at + 8);
    heads.writeUInt32LE(0x4c534a02, at + 12);
  }
  expect(proofOfCommit(heads, seq(60))).toBe('unclear');
});
