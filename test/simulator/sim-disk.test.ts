/** The simulated disk: what a crash, a power cut and a failing or hanging disk leave. Source: PROTOCOL.md §2 Ack, Claim; REASONS.md A6. */
import { expect, test } from 'vitest';
import { pairId, seq } from '../../src/core/pair/index.ts';
import { JournalFailure, type Store } from '../../src/ports/index.ts';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { DISK_FAILURES, SimDisk } from '../../src/simulator/disk/sim-disk.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { SimStoreRoot } from '../../src/simulator/disk/sim-store.ts';
import { bytesOf, SampleEntries } from '../contract/sample-entries.ts';

type Bench = Readonly<{ clock: SimClock; disk: SimDisk; store: Store; sample: SampleEntries }>;

/** Runs the clock until the promise settles; its value. */
async function settled<T>(clock: SimClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const end = (): void => {
    isSettled = true;
  };
  promise.then(end, end);
  if (!(await clock.runUntil(() => isSettled, 1000))) throw new Error('it never settled');
  return promise;
}

async function settles(clock: SimClock, promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const end = (): void => {
    isSettled = true;
  };
  promise.then(end, end);
  return clock.runUntil(() => isSettled, 1000);
}

async function bench(seed: number): Promise<Bench> {
  const clock = new SimClock();
  const journal = { segmentSize: 10_000, retain: 0 };
  const disk = new SimDisk({ clock, random: new SimRandom(seed), latencyMs: 2, journal });
  const store = await settled(clock, new SimStoreRoot(disk).open());
  const sample = new SampleEntries();
  await settled(clock, store.journal.append(sample.claim(1).bytes));
  return { clock, disk, store, sample };
}

const reopened = async ({ clock, disk }: Bench): Promise<Store> =>
  settled(clock, new SimStoreRoot(disk).open());

test('an append takes the time of a write and a sync, and is `last` before it is durable (Ack)', async () => {
  const { clock, store, sample } = await bench(1);
  const append = store.journal.append(sample.batch().bytes);
  await clock.run(1);
  expect(store.journal.last.seq).toBe(1);
  await clock.run(1);
  expect(store.journal.last.seq).toBe(2);
  const before = clock.now();
  await settled(clock, append);
  expect(clock.now() - before).toBe(2);
});

test('a crash keeps what was written, synced or not; a power cut keeps what was synced, and perhaps more (REASONS A6)', async () => {
  const lasts = { crash: new Set<number>(), powerLoss: new Set<number>() };
  for (let seed = 1; seed <= 40; seed += 1)
    for (const fault of ['crash', 'powerLoss'] as const) {
      const it = await bench(seed);
      await settled(it.clock, it.store.journal.append(bytesOf(it.sample.batches(2))));
      void it.store.journal.append(bytesOf(it.sample.batches(3)));
      await it.clock.run(3);
      it.disk[fault]();
      const store = await reopened(it);
      lasts[fault].add(store.journal.last.seq);
      expect(await settled(it.clock, store.journal.read(seq(1), 1e6))).toEqual(
        bytesOf(it.sample.all.slice(0, store.journal.last.seq)),
      );
    }
  expect([...lasts.crash]).toEqual([6]);
  expect([...lasts.powerLoss].sort()).toEqual([3, 4, 5, 6]);
});

test('what a restarted server found and synced is there after a power cut (REASONS A6)', async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const it = await bench(seed);
    void it.store.journal.append(bytesOf(it.sample.batches(3)));
    await it.clock.run(3);
    it.disk.crash();
    expect((await reopened(it)).journal.last.seq).toBe(4);
    it.disk.powerLoss();
    expect((await reopened(it)).journal.last.seq).toBe(4);
  }
});

test('a failed sync closes the journal for good (Ack)', async () => {
  const { clock, disk, store, sample } = await bench(1);
  disk.failNextSync();
  await expect(settled(clock, store.journal.append(sample.batch().bytes))).rejects.toBeInstanceOf(
    JournalFailure,
  );
  await expect(settled(clock, store.journal.append(sample.batch().bytes))).rejects.toBeInstanceOf(
    JournalFailure,
  );
  await expect(settled(clock, store.journal.rest())).rejects.toBeInstanceOf(JournalFailure);
});

test('after a failed sync a later one says nothing of what was written, until it is written anew (REASONS E6)', async () => {
  for (const isReopened of [true, false]) {
    const it = await bench(1);
    const { clock, disk, store, sample } = it;
    disk.failNextSync();
    await expect(settled(clock, store.journal.append(sample.batch().bytes))).rejects.toThrow(
      DISK_FAILURES.sync,
    );
    disk.crash();
    const again = isReopened ? await reopened(it) : store;
    expect(again.journal.last.seq).toBe(2);
    disk.powerLoss();
    expect((await reopened(it)).journal.last.seq).toBe(isReopened ? 2 : 1);
  }
});

test('a refused write leaves a part of what was to be appended, and the journal is closed for good (Ack)', async () => {
  const lasts = new Set<number>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const it = await bench(seed);
    const { clock, disk, store, sample } = it;
    disk.failNextWrite();
    await expect(settled(clock, store.journal.append(bytesOf(sample.batches(3))))).rejects.toThrow(
      DISK_FAILURES.write,
    );
    await expect(settled(clock, store.journal.rest())).rejects.toBeInstanceOf(JournalFailure);
    disk.crash();
    lasts.add((await reopened(it)).journal.last.seq);
  }
  expect([...lasts].sort()).toEqual([1, 2, 3]);
});

test('a full disk refuses what takes room, and heals (Ack)', async () => {
  const it = await bench(1);
  const { clock, disk, store, sample } = it;
  const entry = sample.batch().bytes;
  disk.fill();
  await expect(settled(clock, store.saveIdentity(store.identity))).rejects.toThrow(DISK_FAILURES.full);
  await settled(clock, store.journal.rest());
  await expect(settled(clock, store.journal.append(entry))).rejects.toThrow(DISK_FAILURES.full);
  disk.makeRoom();
  disk.crash();
  const again = await reopened(it);
  await settled(clock, again.journal.append(entry));
});

test('a flipped bit in an old segment is found by whoever reads it; the restarted store is incomplete and knows nothing (Tail)', async () => {
  const it = await bench(1);
  const { clock, disk, store, sample } = it;
  for (let n = 0; n < 6; n += 1)
    await settled(clock, store.journal.append(sample.batch('x'.repeat(4_000)).bytes));
  expect(disk.rot()).toBe(true);
  await expect(settled(clock, store.journal.read(seq(1), 1e6))).rejects.toThrow(DISK_FAILURES.damage);
  disk.crash();
  const again = await reopened(it);
  expect(again.identity).toMatchObject({ storeId: store.identity.storeId, isComplete: false });
  expect(again.journal.last.seq).toBe(0);
});

test('a disk that hangs makes nothing durable until it is released (Ack)', async () => {
  const { clock, disk, store, sample } = await bench(1);
  disk.holdSyncs();
  const append = store.journal.append(sample.batch().bytes);
  expect(await settles(clock, append)).toBe(false);
  disk.releaseSyncs();
  await settled(clock, append);
  expect(store.journal.last.seq).toBe(2);
});

test('nothing settles for a process that is gone', async () => {
  const it = await bench(1);
  const { clock, disk, store, sample } = it;
  const acts = [
    store.journal.append(sample.batch().bytes),
    store.saveIdentity(store.identity),
    store.state.checkpoint([], seq(1)),
  ];
  disk.crash();
  acts.push(
    store.journal.read(seq(1), 10).then(() => undefined),
    store.state.checkpoint([], seq(1)),
  );
  for (const act of acts) expect(await settles(clock, act)).toBe(false);
  expect((await reopened(it)).journal.last.seq).toBe(1);
});

test('a checkpoint under way at a crash has happened whole or not at all (§1)', async () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const it = await bench(seed);
    const keys = ['a', 'b', 'c'].map((key) => ({ key: Buffer.from(key), value: Buffer.from(key) }));
    void it.store.state.checkpoint(keys, seq(1));
    await it.clock.run(1);
    it.disk.powerLoss();
    const { state } = await reopened(it);
    found.add(`${state.appliedSeq}: ${[...state.range(Buffer.alloc(0), null)].length}`);
  }
  expect([...found].sort()).toEqual(['0: 0', '1: 3']);
});

test('a swap under way at a crash has happened or not: one whole store is the present one (§5)', async () => {
  const found = new Set<boolean>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const it = await bench(seed);
    const root = new SimStoreRoot(it.disk);
    const next = await settled(it.clock, root.begin(it.sample.position, pairId('pair')));
    await settled(it.clock, next.saveIdentity({ ...next.identity, isComplete: true }));
    const swap = root.swap(it.store, next, 'kept');
    await it.clock.run(3);
    it.disk.crash();
    expect(await settles(it.clock, swap)).toBe(false);
    const { identity } = await reopened(it);
    const isSwapped = identity.storeId === next.identity.storeId;
    found.add(isSwapped);
    expect(it.disk.keptAside).toHaveLength(isSwapped ? 1 : 0);
    expect(it.disk.stores.size).toBe(1);
  }
  expect(found.size).toBe(2);
});

test('one seed, one run', async () => {
  const lasts: number[][] = [];
  for (let round = 0; round < 2; round += 1) {
    const row: number[] = [];
    for (let seed = 1; seed <= 10; seed += 1) {
      const it = await bench(seed);
      void it.store.journal.append(bytesOf(it.sample.batches(20)));
      await it.clock.run(3);
      it.disk.powerLoss();
      row.push((await reopened(it)).journal.last.seq);
    }
    lasts.push(row);
  }
  expect(lasts[0]).toEqual(lasts[1]);
  expect(new Set(lasts[0]).size).toBeGreaterThan(3);
});
