/** What only real files do: torn tails, flipped bits, full disks, killed processes. Source: PROTOCOL.md §2 Ack, Tail; REASONS.md A6. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFile,
  cp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { seq } from '../../src/core/pair/index.ts';
import { journalStart, readEntries, type Entry } from '../../src/core/replication/index.ts';
import { createJournal, openJournal, segmentName, type JournalPlace } from '../../src/io/journal/index.ts';
import { freshDirectory } from './disk-fixture.ts';
import { everything, expectBytes } from './journal-contract.ts';
import { freshPlace, opened, SEGMENT, segmentsIn } from './journal-fixture.ts';
import { bytesOf, SampleEntries } from './sample-entries.ts';

const HEADER = 4096;

/** A closed journal of these entries, appended one by one. */
async function written(place: JournalPlace, entries: readonly Entry[]): Promise<void> {
  const journal = await createJournal(place, journalStart);
  for (const { bytes } of entries) await journal.append(bytes);
  await journal.close();
}

/** Where each entry begins: its file, and the byte in it. */
async function placesOf(
  place: JournalPlace,
  entries: readonly Entry[],
): Promise<{ file: string; at: number }[]> {
  const names = await segmentsIn(place);
  let at = 0;
  let file = '';
  return entries.map(({ seq: number, bytes }) => {
    if (names.includes(segmentName(number)))
      [file, at] = [join(place.directory, segmentName(number)), HEADER];
    const found = { file, at };
    at += bytes.length;
    return found;
  });
}

async function flip(file: string, at: number, bit = 4): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  await writeFile(file, bytes);
}

test('a tail torn at any byte of the last entry is cut, and nothing else (Tail)', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  for (const size of [30, 60, 90]) sample.committed(sample.position.last.seq).batches(1, size);
  await written(place, sample.all);
  const [{ at, file }] = (await placesOf(place, sample.all)).slice(-1) as [{ at: number; file: string }];
  const whole = await readFile(file);
  const last = sample.all.at(-1)?.bytes ?? Buffer.alloc(0);
  for (let kept = 0; kept < last.length; kept += 1) {
    // The end is missing, or holds zeros; or the beginning does.
    const zeroed = Buffer.from(whole).fill(0, at + kept);
    const headless = Buffer.from(whole).fill(0, at, at + kept + 1);
    for (const bytes of [whole.subarray(0, at + kept), zeroed, headless]) {
      await writeFile(file, bytes);
      const { journal } = await opened(place);
      expect(journal.last.seq).toBe(3);
      expect(await journal.chainAt(seq(3))).toBe(sample.all[2]?.chain);
      await journal.append(last);
      await journal.close();
      const again = await opened(place);
      expect(again.isTorn).toBe(false);
      expectBytes(await everything(again.journal), bytesOf(sample.all));
      await again.journal.close();
    }
  }
});

test('nothing of a torn tail is left behind a shorter entry that takes its place (Tail)', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  const { position } = sample;
  sample.batches(1, 3000);
  await written(place, sample.all);
  const last = (await placesOf(place, sample.all)).at(-1);
  await flip(last?.file ?? '', (last?.at ?? 0) + 50);
  const torn = await opened(place);
  expect(torn.isTorn).toBe(true);
  await torn.journal.append(new SampleEntries(position).batch('short').bytes);
  await torn.journal.close();
  expect(await opened(place)).toMatchObject({ isTorn: false, journal: { last: { seq: 2 } } });
});

test('a flipped bit never yields a wrong entry: it is named to the byte, or what was never committed is cut (Tail)', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  for (let i = 0; i < 12; i += 1) sample.committed(sample.position.last.seq).batches(1, 2500);
  await written(place, sample.all);
  const places = await placesOf(place, sample.all);
  const names = await segmentsIn(place);
  expect(names.length).toBeGreaterThan(2);
  const seen = { damaged: 0, cut: 0, whole: 0 };
  for (const name of names) {
    const file = join(place.directory, name);
    const { size } = await stat(file);
    await copyFile(file, `${file}.good`);
    const entryHeads = places
      .filter((it) => it.file === file)
      .flatMap(({ at }) => [0, 5, 9, 13, 17, 25, 33, 41].map((i) => at + i));
    const offsets = [
      0,
      9,
      13,
      300,
      ...entryHeads,
      ...Array.from({ length: 20 }, (_, i) => HEADER + i * 600 + 1),
    ];
    for (const offset of offsets.filter((it) => it < size)) {
      await flip(file, offset, offset % 8);
      const opening = await openJournal(place);
      const hit = places.findIndex(
        (it, i) => it.file === file && it.at <= offset && offset < it.at + (sample.all[i]?.bytes.length ?? 0),
      );
      if (opening.kind === 'damaged') {
        seen.damaged += 1;
        expect(opening.file).toBe(file);
        if (hit !== -1) expect(opening.offset).toBe(places[hit]?.at);
        expect(await readdir(place.directory)).toContain(`${name}.good`);
      } else {
        const bytes = await everything(opening.journal);
        const count = readEntries(bytes)?.length ?? 0;
        expectBytes(bytes, bytesOf(sample.all.slice(0, count)));
        // Only the last entry has nothing behind it that says it was committed.
        expect(count).toBeGreaterThanOrEqual(sample.all.length - 1);
        seen[count === sample.all.length ? 'whole' : 'cut'] += 1;
        await opening.journal.close();
      }
      await copyFile(`${file}.good`, file);
    }
    await rm(`${file}.good`);
  }
  expect(seen.damaged).toBeGreaterThan(50);
  expect(seen.cut).toBeGreaterThan(5);
});

test('damage changes nothing on the disk', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  sample.committed(3).batches(5);
  await written(place, sample.all);
  const [, second] = await placesOf(place, sample.all);
  await flip(second?.file ?? '', (second?.at ?? 0) + 45);
  const before = await readFile(second?.file ?? '');
  expect((await openJournal(place)).kind).toBe('damaged');
  expect(await readFile(second?.file ?? '')).toEqual(before);
});

test('a bad entry that nothing proves committed is a torn tail, with all behind it (Tail)', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  // Several entries in one append, of which the disk wrote only the later.
  sample.committed(1).batches(3);
  await written(place, sample.all);
  const [, second] = await placesOf(place, sample.all);
  await flip(second?.file ?? '', (second?.at ?? 0) + 45);
  const { journal, isTorn } = await opened(place);
  expect(isTorn).toBe(true);
  expect(journal.last.seq).toBe(1);
});

test('a journal that lacks what the state has applied is damaged, though its end is clean (§1: applied means committed)', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  sample.batches(3);
  await written(place, sample.all);
  expect((await openJournal(place, seq(5))).kind).toBe('damaged');
  const last = (await placesOf(place, sample.all)).at(-1);
  await flip(last?.file ?? '', (last?.at ?? 0) + 45);
  const opening = await openJournal(place, seq(4));
  expect(opening).toMatchObject({ kind: 'damaged', file: last?.file, offset: last?.at });
  expect((await opened(place, 3)).journal.last.seq).toBe(3);
});

test("a message that holds the bytes of an entry doesn't turn a torn tail into damage", async () => {
  const place = await freshPlace();
  const forged = new SampleEntries();
  forged.claim(1);
  forged.committed(1000).batches(1000, 0);
  const sample = new SampleEntries();
  sample.claim(1);
  sample.batch(forged.all.at(-1)?.bytes ?? '');
  await written(place, sample.all);
  const last = (await placesOf(place, sample.all)).at(-1);
  await flip(last?.file ?? '', (last?.at ?? 0) + 1);
  expect((await opened(place)).journal.last.seq).toBe(1);
});

test('a missing segment, a foreign one and an empty directory are damage', async () => {
  const sample = new SampleEntries();
  sample.claim(1);
  sample.batches(12, 2500);
  const place = await freshPlace();
  await written(place, sample.all);
  const names = await segmentsIn(place);
  const [first, second, third] = names.map((name) => join(place.directory, name)) as [string, string, string];
  await cp(place.directory, `${place.directory}.good`, { recursive: true });
  const again = async (): Promise<void> => {
    await rm(place.directory, { recursive: true });
    await cp(`${place.directory}.good`, place.directory, { recursive: true });
  };
  await rm(second);
  expect(await openJournal(place)).toMatchObject({ kind: 'damaged', file: third });
  await again();
  await copyFile(first, second);
  expect(await openJournal(place)).toMatchObject({ kind: 'damaged', file: second, offset: 0 });
  await again();
  await truncate(second, 5000);
  expect(await openJournal(place)).toMatchObject({ kind: 'damaged', file: second });
  await again();
  await rename(third, second);
  expect(await openJournal(place)).toMatchObject({ kind: 'damaged', file: second, offset: 0 });
  for (const name of await readdir(place.directory)) await rm(join(place.directory, name));
  expect(await openJournal(place)).toMatchObject({ kind: 'damaged', why: 'there is no segment' });
});

test('the last segment is written anew when it is opened, and no other: a sync may have failed unseen (Tail, REASONS E6)', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  for (let i = 0; i < 12; i += 1) sample.committed(sample.position.last.seq).batches(1, 2500);
  await written(place, sample.all);
  const files = (await segmentsIn(place)).map((name) => join(place.directory, name));
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) await utimes(file, 1, 1);
  const { journal } = await opened(place);
  const writtenAgain = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs > 1_000));
  expect(writtenAgain).toEqual(files.map((_, at) => at === files.length - 1));
  expectBytes(await everything(journal), bytesOf(sample.all));
});

test('half-made segments of a former run are removed', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  await written(place, sample.all);
  await writeFile(join(place.directory, 'spare.new'), Buffer.alloc(1000));
  await writeFile(join(place.directory, `${segmentName(2)}.new`), 'half a header');
  expect((await opened(place)).journal.last.seq).toBe(1);
  expect(await readdir(place.directory)).toEqual([segmentName(1)]);
});

test('a bit that flips under a running server is found by the reader, with file and offset', async () => {
  const place = await freshPlace();
  const sample = new SampleEntries();
  sample.claim(1);
  sample.batches(5);
  const journal = await createJournal(place, journalStart);
  onTestFinished(() => journal.close());
  await journal.append(bytesOf(sample.all));
  const third = (await placesOf(place, sample.all))[2];
  await flip(third?.file ?? '', (third?.at ?? 0) + 50);
  await expect(journal.read(seq(3), 10)).rejects.toMatchObject({
    code: 'LS_JOURNAL_DAMAGED',
    ...{ file: third?.file, offset: third?.at },
  });
  expectBytes((await journal.read(seq(1), 60)) ?? Buffer.alloc(0), bytesOf(sample.all.slice(0, 2)));
});

test('segments are prepared ahead, in zeros, and none is larger than segmentSize but for one large entry', async () => {
  const place = await freshPlace(64 * 1024);
  const journal = await createJournal(place, journalStart);
  onTestFinished(() => journal.close());
  const sample = new SampleEntries();
  await journal.append(sample.claim(1).bytes);
  expect((await stat(join(place.directory, segmentName(1)))).size).toBe(64 * 1024);
  for (const { bytes } of sample.batches(100, 5000)) await journal.append(bytes);
  await journal.append(sample.batches(1, 200_000)[0]?.bytes ?? Buffer.alloc(0));
  const sizes = await Promise.all(
    (await segmentsIn(place)).map(async (name) => (await stat(join(place.directory, name))).size),
  );
  expect(sizes.length).toBeGreaterThan(8);
  expect(Math.max(...sizes.slice(0, -1))).toBeLessThanOrEqual(64 * 1024);
  expect(sizes.at(-1)).toBeGreaterThan(200_000);
  expectBytes(await everything(journal), bytesOf(sample.all));
});

test('what is cut twice under the same numbers is kept twice (Tail, REASONS C6)', async () => {
  const place = await freshPlace();
  const journal = await createJournal(place, journalStart);
  onTestFinished(() => journal.close());
  const files: string[] = [];
  for (const id of ['one', 'other']) {
    const sample = new SampleEntries();
    sample.claim(1, id);
    sample.batches(2);
    await journal.append(bytesOf(sample.all));
    const tail = await journal.cut(seq(0));
    if (tail !== null) files.push(tail.file);
    // A cut file is a segment like any other: 4 KiB of header, then the entries.
    const kept = await readFile(tail?.file ?? '');
    expectBytes(kept.subarray(HEADER), bytesOf(sample.all));
  }
  expect(files.map((file) => file.slice(place.cutDirectory.length))).toEqual(['/1-1-3.seg', '/1-1-3.2.seg']);
});

const WRITER = join(import.meta.dirname, 'disk-writers.ts');
const writer = (...words: string[]): string[] => ['--import', 'tsx', WRITER, ...words];

test.each([
  ['all of them are kept', 'write-journal'],
  ['old ones are let go of, and their files written again', 'write-journal-letting-go'],
])('after kill -9 every entry is there whose append had fulfilled (Ack): %s', async (_, program) => {
  for (const patience of [20, 60, 150]) {
    const root = await freshDirectory();
    const child = spawn(process.execPath, writer(program, root), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8');
    for await (const text of child.stdout) {
      said += String(text);
      if (said.split('\n').length > patience) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const told = said.trim().split('\n');
    const [last, chain] = (told.at(-1) ?? '').split(' ').map(Number);
    expect(told.length).toBeGreaterThanOrEqual(patience);
    const place = {
      directory: join(root, 'journal'),
      cutDirectory: join(root, 'cut'),
      options: { segmentSize: 256 * 1024, retain: 0 },
    };
    const { journal } = await opened(place);
    expect(journal.last.seq).toBeGreaterThanOrEqual(last ?? 0);
    expect(await journal.chainAt(seq(last ?? 0))).toBe(chain);
    expect(readEntries(await everything(journal))).toHaveLength(journal.last.seq - journal.firstSeq + 1);
    if (patience > 50) expect(journal.firstSeq > 1).toBe(program !== 'write-journal');
  }
});

test.each(['fill-journal', 'fill-journal-blocking'])(
  'an append that the disk refuses is the last: the next one is refused without a try (Ack): %s',
  async (program) => {
    const root = await freshDirectory();
    // 2 MiB for a file of its own.
    const limited = ['-c', 'ulimit -f 2048; exec "$0" "$@"', process.execPath];
    const { stdout } = await promisify(execFile)('bash', [...limited, ...writer(program, root)]);
    const { done, failures } = JSON.parse(stdout) as {
      done: number;
      failures: { code: string; why: string }[];
    };
    expect(done).toBeGreaterThan(10);
    expect(failures.map(({ code }) => code)).toEqual(['LS_JOURNAL_FAILED', 'LS_JOURNAL_FAILED']);
    expect(failures[0]?.why).toContain('EFBIG');
    expect(failures[1]?.why).toBe(failures[0]?.why);
    const place = {
      directory: join(root, 'journal'),
      cutDirectory: join(root, 'cut'),
      options: { segmentSize: SEGMENT, retain: 0 },
    };
    expect((await opened(place)).journal.last.seq).toBe(done);
  },
);
