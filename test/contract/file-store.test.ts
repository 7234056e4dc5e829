/** What only a real store directory does: locks, damage, lost files. Source: PROTOCOL.md §1, §2 Tail, §5, §6. */
import { copyFile, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { seq } from '../../src/core/pair/index.ts';
import { openStoreRoot } from '../../src/io/store/index.ts';
import { SystemRandom } from '../../src/io/system/index.ts';
import type { Store, StoreRoot } from '../../src/ports/index.ts';
import { freshDirectory, LogList, smallJournal } from './disk-fixture.ts';
import { bytesOf, SampleEntries } from './sample-entries.ts';
import { PAIR, sampleRecord } from './store-contract.ts';

const rootAt = (path: string, log = new LogList()): StoreRoot =>
  openStoreRoot(path, { random: new SystemRandom(), log, journal: smallJournal });

async function opened(path: string, log = new LogList()): Promise<Store> {
  const store = await rootAt(path, log).open();
  onTestFinished(() => store.close());
  return store;
}

/** A closed store of a pair with five entries, three of them applied; its directory. */
async function usedStore(path: string): Promise<string> {
  const store = await rootAt(path).open();
  const sample = new SampleEntries();
  sample.claim(1);
  sample.committed(4).batches(4);
  await store.journal.append(bytesOf(sample.all));
  await store.state.checkpoint([{ key: Buffer.from('key'), value: Buffer.from('value') }], seq(3));
  await store.saveIdentity({ ...store.identity, pairId: PAIR, recordSeen: sampleRecord(store) });
  await store.close();
  return join(path, store.identity.storeId);
}

async function flip(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}
const firstSegment = (store: string): string => join(store, 'journal', '00000000000000000001.seg');

test('a second server on the same store is refused, and told which process has it', async () => {
  const path = await freshDirectory();
  const store = await rootAt(path).open();
  await expect(rootAt(path).open()).rejects.toMatchObject({
    code: 'LS_STORE_BUSY',
    message: expect.stringContaining(`process ${process.pid}`) as string,
  });
  await store.close();
  expect((await opened(path)).identity).toEqual(store.identity);
});

test('a store whose opening failed lets the directory go', async () => {
  const path = await freshDirectory();
  const store = await usedStore(path);
  await rename(join(store, 'identity.json'), join(store, 'away'));
  await expect(rootAt(path).open()).rejects.toMatchObject({ code: 'LS_STORE_IDENTITY' });
  await rename(join(store, 'away'), join(store, 'identity.json'));
  expect((await opened(path)).journal.last.seq).toBe(5);
});

test('a damaged journal is kept aside, and the store can never claim: it keeps its names and is incomplete (Claim, Tail)', async () => {
  const path = await freshDirectory();
  const directory = await usedStore(path);
  await flip(firstSegment(directory), 4096 + 60);
  const damaged = await readFile(firstSegment(directory));
  const log = new LogList();
  const store = await opened(path, log);
  expect(log.lines).toMatchObject([{ level: 'error', code: 'LS_JOURNAL_DAMAGED' }]);
  expect(log.lines[0]?.text).toContain(`${firstSegment(directory)} at byte`);
  expect(store.identity).toMatchObject({ storeId: directory.slice(-32), pairId: PAIR, isComplete: false });
  expect(store.identity.recordSeen?.version).toBe(7);
  expect(store.journal.last.seq).toBe(0);
  const aside = join(directory, 'journal.damaged-1');
  expect(await readFile(join(aside, '00000000000000000001.seg'))).toEqual(damaged);
  expect(await readFile(join(aside, 'reason.txt'), 'utf8')).toContain('is damaged in');
  await store.close();

  const quiet = new LogList();
  expect((await opened(path, quiet)).identity.isComplete).toBe(false);
  expect(quiet.lines).toEqual([]);
});

test('a store with a damaged journal is kept aside by the full synchronisation that replaces it', async () => {
  const path = await freshDirectory();
  const directory = await usedStore(path);
  await flip(firstSegment(directory), 4096 + 60);
  const root = rootAt(path);
  const former = await root.open();
  const next = await root.begin(new SampleEntries().position, PAIR);
  await next.saveIdentity({ ...next.identity, isComplete: true });
  await root.swap(former, next, null);
  expect(await readdir(`${directory}.aside-1`)).toContain('journal.damaged-1');
  await next.close();
});

test('a server that ended while it put a damaged journal aside goes on from there', async () => {
  const path = await freshDirectory();
  const directory = await usedStore(path);
  await flip(firstSegment(directory), 4096 + 60);
  await (await opened(path)).close();
  await rm(join(directory, 'journal'), { recursive: true });
  const store = await opened(path);
  expect(store.identity.isComplete).toBe(false);
  expect(store.journal.last.seq).toBe(0);
});

test('a missing journal is a damaged one', async () => {
  const path = await freshDirectory();
  const directory = await usedStore(path);
  await rm(join(directory, 'journal'), { recursive: true });
  await expect(opened(path)).resolves.toMatchObject({ identity: { isComplete: false } });
});

test('an unfinished last write is taken back with one line for people (Tail)', async () => {
  const path = await freshDirectory();
  const directory = await usedStore(path);
  const file = firstSegment(directory);
  const bytes = await readFile(file);
  await writeFile(
    file,
    bytes.fill(0x55, bytes.indexOf(Buffer.from('5 5 5 ')), bytes.indexOf(Buffer.from('5 5 5 ')) + 5),
  );
  const log = new LogList();
  expect((await opened(path, log)).journal.last.seq).toBe(4);
  expect(log.lines.map(({ level }) => level)).toEqual(['info']);
});

test('without `current` a store of a pair is neither used nor removed (§6)', async () => {
  const path = await freshDirectory();
  const directory = await usedStore(path);
  await rename(join(path, 'current'), join(path, 'away'));
  await expect(rootAt(path).open()).rejects.toMatchObject({
    code: 'LS_STORE_NO_CURRENT',
    message: expect.stringContaining(directory.slice(-32)) as string,
  });
  await flip(join(directory, 'identity.json'), 40);
  await expect(rootAt(path).open()).rejects.toMatchObject({ code: 'LS_STORE_NO_CURRENT' });
  expect((await stat(directory)).isDirectory()).toBe(true);
});

test('a founding that was interrupted is done again', async () => {
  const path = await freshDirectory();
  const store = await rootAt(path).open();
  await store.close();
  await rm(join(path, 'current'));
  const again = await opened(path);
  expect(again.identity.storeId).not.toBe(store.identity.storeId);
  expect((await readdir(path)).filter((name) => name.length === 32)).toEqual([again.identity.storeId]);
});

test('an identity that was changed by hand, or is of another store, is refused (REASONS A8, A9)', async () => {
  const path = await freshDirectory();
  const file = join(await usedStore(path), 'identity.json');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"version": 7', '"version": 5'));
  await expect(rootAt(path).open()).rejects.toMatchObject({ code: 'LS_STORE_IDENTITY' });
  await writeFile(file, text.slice(0, 100));
  await expect(rootAt(path).open()).rejects.toMatchObject({ code: 'LS_STORE_IDENTITY' });

  const other = await freshDirectory();
  await copyFile(join(await usedStore(other), 'identity.json'), file);
  await expect(rootAt(path).open()).rejects.toThrow(/it is that of store/);
  await writeFile(file, text);
  expect((await opened(path)).identity.recordSeen?.version).toBe(7);
});

test('a swap that was interrupted right after its one step keeps the former store where it is to be kept (Tail)', async () => {
  const path = await freshDirectory();
  const former = await usedStore(path);
  const root = rootAt(path);
  const store = await root.open();
  const next = await root.begin(new SampleEntries().position, PAIR);
  await next.saveIdentity({ ...next.identity, isComplete: true });
  await store.close();
  await next.close();
  await writeFile(join(former, 'reason.txt'), 'another history\n');
  await writeFile(join(path, 'current'), `${next.identity.storeId}\n`);
  expect((await opened(path)).identity.storeId).toBe(next.identity.storeId);
  expect(await readFile(`${former}.aside-1/reason.txt`, 'utf8')).toBe('another history\n');
});

test('three stores are kept aside, the newest ones', async () => {
  const path = await freshDirectory();
  const root = rootAt(path);
  let store = await root.open();
  const ids: string[] = [];
  for (let i = 1; i <= 5; i += 1) {
    const next = await root.begin(new SampleEntries().position, PAIR);
    await next.saveIdentity({ ...next.identity, isComplete: true });
    ids.push(store.identity.storeId);
    await root.swap(store, next, `reason ${i}`);
    store = next;
  }
  await store.close();
  const aside = (await readdir(path)).filter((name) => name.includes('aside'));
  expect(aside.sort()).toEqual(
    ids
      .slice(2)
      .map((id, i) => `${id}.aside-${i + 3}`)
      .sort(),
  );
});
