/** Checkpoints: when they come, what they free, and what happens when the disk does not keep up. Source: PROTOCOL.md §1 (state), §5. */
import { expect, test } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import { seq } from '../../src/core/pair/index.ts';
import type { Entry } from '../../src/core/replication/index.ts';
import { Checkpointer, type CheckpointTimes } from '../../src/runtime/replication/checkpointer.ts';
import { Replica } from '../../src/runtime/replication/replica.ts';
import type { SimDisk } from '../../src/simulator/disk/sim-disk.ts';
import { SimStoreRoot } from '../../src/simulator/disk/sim-store.ts';
import { LogList, simDisk } from '../contract/disk-fixture.ts';
import { bytesOf, SampleEntries } from '../contract/sample-entries.ts';
import { realClock } from '../contract/share-fixture.ts';
import { bodyOf, open, publish, roomFor, subscribe, TINY_PAGES } from '../core/broker/entries.ts';

const TIMES: CheckpointTimes = { intervalMs: 1e6, bytesMax: 1e9, freshBytesMax: 10_000 };
const MESSAGE = 'm'.repeat(1000);

/** A server's store and its checkpoints. Its journal has `entries`, and nothing of them is committed: each is one message of 1000 bytes. */
class Storing {
  readonly disk: SimDisk = simDisk();
  readonly broker = new Broker(TINY_PAGES);
  readonly #late: { checkpointer: Checkpointer | null } = { checkpointer: null };
  replica: Replica | null = null;
  caughtUp = 0;
  readonly failures: string[] = [];

  static async begin(times: Partial<CheckpointTimes> = {}): Promise<Storing> {
    const it = new Storing();
    const replica = await Replica.open({
      root: new SimStoreRoot(it.disk),
      broker: it.broker,
      log: new LogList(),
      events: {
        applied: (entry) => it.#late.checkpointer?.applied(entry.bytes.length),
        diskFailed: (why) => it.failures.push(why),
      },
    });
    it.replica = replica;
    it.#late.checkpointer = new Checkpointer(
      replica,
      realClock,
      { ...TIMES, ...times },
      () => (it.caughtUp += 1),
    );
    const samples = new SampleEntries();
    const first = bodyOf(open('a', { queue: roomFor(1e6) }), subscribe('a', '#'));
    const entries: Entry[] = [samples.claim(1), samples.batch(first)];
    for (let n = 0; n < 100; n += 1) entries.push(samples.batch(bodyOf(publish('x', MESSAGE))));
    await replica.append(entries, bytesOf(entries));
    replica.commitThrough(seq(2));
    return it;
  }

  get checkpointer(): Checkpointer {
    return this.#late.checkpointer ?? expect.unreachable('it has begun');
  }

  get #replica(): Replica {
    return this.replica ?? expect.unreachable('it has begun');
  }

  /** `count` messages come into the queue of a client that is away. */
  come(count: number): void {
    this.#replica.commitThrough(seq(this.#replica.appliedSeq + count));
  }

  get stored(): number {
    return this.#replica.store.state.appliedSeq;
  }

  get applied(): number {
    return this.#replica.appliedSeq;
  }
}

test('what is queued is in memory until so much has come that a checkpoint is due, and is let go when that is durable', async () => {
  const it = await Storing.begin();
  it.come(5);
  expect(it.broker.stats().queuedMemoryBytes).toBeGreaterThan(5000);
  expect(it.stored).toBe(0);
  it.come(5);
  await it.checkpointer.checkpoint();
  expect(it.stored).toBe(it.applied);
  expect(it.broker.stats()).toMatchObject({ queuedMessages: 10 });
  expect(it.broker.stats().queuedMemoryBytes).toBeLessThan(2000);
});

test('while the disk is not done with a checkpoint as much may come again, and no more: then the server is behind', async () => {
  const it = await Storing.begin();
  it.disk.holdSyncs();
  it.come(10);
  expect(it.checkpointer.isBehind()).toBe(false);
  it.come(13);
  expect(it.checkpointer.isBehind()).toBe(false);
  it.come(10);
  expect(it.checkpointer.isBehind()).toBe(true);
  let hasRoom = false;
  const room = it.checkpointer.room().then(() => (hasRoom = true));
  await new Promise(setImmediate);
  expect([hasRoom, it.caughtUp]).toEqual([false, 0]);

  it.disk.releaseSyncs();
  await room;
  expect([it.checkpointer.isBehind(), it.caughtUp]).toEqual([false, 1]);
  await it.checkpointer.checkpoint();
  expect(it.stored).toBe(it.applied);
  expect(it.broker.stats().queuedMessages).toBe(33);
});

test('a checkpoint that is asked for while one is under way has all that was applied by then (PROTOCOL.md §5)', async () => {
  const it = await Storing.begin();
  it.disk.holdSyncs();
  const first = it.checkpointer.checkpoint();
  it.come(3);
  const second = it.checkpointer.checkpoint();
  it.disk.releaseSyncs();
  await first;
  expect(it.stored).toBe(it.applied - 3);
  await second;
  expect(it.stored).toBe(it.applied);
});

test('after a checkpoint that failed none follows, asked for or not: it would lack what that one was to store (PROTOCOL.md §1)', async () => {
  const it = await Storing.begin();
  it.disk.failNextSync();
  it.come(10);
  await it.checkpointer.checkpoint();
  expect(it.failures).toHaveLength(1);
  it.come(30);
  await it.checkpointer.checkpoint();
  expect(it.stored).toBe(0);
  const { state } = (it.replica ?? expect.unreachable('it has begun')).store;
  expect([...state.range(Buffer.of(0), null)]).toEqual([]);
});

test('a checkpoint is due when so much has been read back of the state: what a drain takes out of it goes while it is under way', async () => {
  const it = await Storing.begin({ bytesMax: 50_000, freshBytesMax: 1e9 });
  it.come(30);
  await it.checkpointer.checkpoint();
  const { state } = (it.replica ?? expect.unreachable('it has begun')).store;
  const readAll = (): unknown => [...state.range(Buffer.of(0), null)];
  readAll();
  it.come(1);
  expect(it.stored).toBe(it.applied - 1);
  readAll();
  it.come(1);
  await expect.poll(() => it.stored, { interval: 1, timeout: 15_000 }).toBe(it.applied);
  it.come(1);
  expect(it.stored).toBe(it.applied - 1);
});

test('what ended queues have left goes with checkpoints of its own, though nothing more comes', async () => {
  const it = await Storing.begin({ intervalMs: 20, freshBytesMax: 1e9 });
  it.come(60);
  await it.checkpointer.checkpoint();
  const ended = bodyOf(open('a', { isClean: true, expirySeconds: 0 }));
  it.broker.apply(ended, it.applied + 1);
  await it.checkpointer.checkpoint();
  expect(it.broker.hasLeftovers).toBe(true);
  await expect.poll(() => it.broker.hasLeftovers, { interval: 1, timeout: 15_000 }).toBe(false);
});
