/** What is proposed while the disk writes, and what waits for company. Source: src/runtime/replication/commit-pipeline.ts; PROTOCOL.md §2 Ack. */
import { expect, test } from 'vitest';
import { present, type Clock } from '../../src/base/index.ts';
import { Broker, decodeOps, type Op } from '../../src/core/broker/index.ts';
import { claimId, epoch, type StoreId } from '../../src/core/pair/index.ts';
import { CommitPipeline } from '../../src/runtime/replication/commit-pipeline.ts';
import { Replica } from '../../src/runtime/replication/replica.ts';
import { SimStoreRoot } from '../../src/simulator/disk/sim-store.ts';
import type { SimDisk } from '../../src/simulator/disk/sim-disk.ts';
import { LogList, simDisk } from '../contract/disk-fixture.ts';
import { publish } from '../core/broker/entries.ts';

/** Time and turns that pass when told to. */
class Turns implements Clock {
  ms = 0;
  #soon: (() => void)[] = [];

  now(): number {
    return this.ms;
  }

  wall(): number {
    return this.ms;
  }

  after(): () => void {
    return () => undefined;
  }

  soon(act: () => void): void {
    this.#soon.push(act);
  }

  /** The end of a turn. */
  end(): void {
    for (const act of this.#soon.splice(0)) act();
  }
}

/** A server that serves alone. */
class Serving {
  readonly turns = new Turns();
  readonly disk: SimDisk = simDisk();
  /** How many operations each entry has that was given to the disk. */
  readonly written: number[] = [];
  acknowledged = 0;
  #pipeline: CommitPipeline | null = null;
  #primary: StoreId | null = null;

  static async begin(): Promise<Serving> {
    const it = new Serving();
    const replica = await Replica.open({
      root: new SimStoreRoot(it.disk),
      broker: new Broker(),
      log: new LogList(),
      events: {
        applied: (entry, outcomes) => it.pipeline.applied(entry, outcomes),
        diskFailed: (why) => expect.unreachable(why),
      },
    });
    const times = { ackTimeoutMs: 1e6, diskTimeoutMs: 1e6 };
    const pipeline = new CommitPipeline(replica, it.turns, times, {
      written: (entry) => it.written.push([...decodeOps(entry.body)].length),
      committed: () => undefined,
      peerTooSlow: (why) => expect.unreachable(why),
      diskFailed: (why) => expect.unreachable(why),
      isBehind: () => false,
    });
    it.#pipeline = pipeline;
    it.#primary = replica.store.identity.storeId;
    await it.open(1);
    return it;
  }

  /** A claim of this epoch. */
  async open(number: number): Promise<void> {
    this.disk.releaseSyncs();
    const of = { epoch: epoch(number), claimId: claimId(`claim-${number}`) };
    await this.pipeline.open(of, { primary: present(this.#primary, 'its store') });
    this.disk.holdSyncs();
  }

  get pipeline(): CommitPipeline {
    return this.#pipeline ?? expect.unreachable('it has begun');
  }

  propose(count: number, op = OP): void {
    for (let n = 0; n < count; n += 1) this.pipeline.propose(op, () => (this.acknowledged += 1));
  }

  /** The last entry had company, and is done with. */
  static async beginInCompany(): Promise<Serving> {
    const it = await Serving.begin();
    it.propose(3);
    await settled();
    await it.diskDone();
    return it;
  }

  /** What is under way on the disk is done, and told. */
  async diskDone(): Promise<void> {
    const before = this.acknowledged;
    this.disk.releaseSyncs();
    await expect.poll(() => this.acknowledged, { interval: 1, timeout: 15_000 }).toBeGreaterThan(before);
    this.disk.holdSyncs();
  }
}

const OP: Op = publish('x', 'm');
/** An entry has no more than this. */
const LARGE: Op = publish('x', 'm'.repeat(4 * 1024 * 1024));
/** All that promises do without a turn. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what one turn proposes shares an entry, and where nobody else has come nothing waits for company', async () => {
  const it = await Serving.begin();
  it.propose(1);
  await settled();
  expect(it.written).toEqual([1]);
  await it.diskDone();
  it.propose(2);
  await settled();
  expect(it.written).toEqual([1, 2]);
});

test('what is proposed while an entry is written makes the next one', async () => {
  const it = await Serving.begin();
  it.propose(1);
  await settled();
  for (let n = 0; n < 5; n += 1) {
    it.propose(1);
    await settled();
  }
  expect(it.written).toEqual([1]);
  await it.diskDone();
  await settled();
  expect(it.written).toEqual([1, 5]);
});

test('where the last entry had company the next one waits for a turn that brings nothing more', async () => {
  const it = await Serving.beginInCompany();
  for (let n = 0; n < 4; n += 1) {
    it.propose(1);
    it.turns.end();
    await settled();
  }
  expect(it.written).toEqual([3]);
  it.turns.end();
  await settled();
  expect(it.written).toEqual([3, 4]);
});

test('an entry that is full waits for no turn', async () => {
  const it = await Serving.beginInCompany();
  it.propose(1, LARGE);
  await settled();
  expect(it.written).toEqual([3, 1]);
});

test('a claim that ends while its entry waits for a turn leaves nothing, and the next one writes what is proposed to it', async () => {
  const it = await Serving.beginInCompany();
  it.propose(2);
  it.pipeline.close();
  await it.pipeline.idle();
  it.turns.end();
  await settled();
  expect(it.written).toEqual([3]);
  const { acknowledged } = it;
  await it.open(2);
  it.propose(1);
  it.turns.end();
  it.turns.end();
  await settled();
  expect(it.written).toEqual([3, 1]);
  await it.diskDone();
  expect(it.acknowledged).toBe(acknowledged + 1);
});

test('and no longer than a millisecond', async () => {
  const it = await Serving.beginInCompany();
  it.propose(1);
  it.turns.end();
  it.propose(1);
  it.turns.ms += 1;
  it.turns.end();
  await settled();
  expect(it.written).toEqual([3, 2]);
});
