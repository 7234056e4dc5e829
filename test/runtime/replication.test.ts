/** Sessions that follow each other faster than a disk comes to rest, on a simulated disk that answers when it is told to. */
import { expect, test } from 'vitest';
import { ByteWriter } from '../../src/base/index.ts';
import { Broker } from '../../src/core/broker/index.ts';
import { claimId, epoch, seq, type Frame, type PairFact, type SessionId } from '../../src/core/pair/index.ts';
import { putPair } from '../../src/core/replication/index.ts';
import { Replication } from '../../src/runtime/replication/index.ts';
import { SimStoreRoot } from '../../src/simulator/disk/sim-store.ts';
import type { SimDisk } from '../../src/simulator/disk/sim-disk.ts';
import { LogList, simDisk } from '../contract/disk-fixture.ts';
import { realClock } from '../contract/share-fixture.ts';
import { recordOf } from '../core/pair/records.ts';

const record = recordOf(7);
const session = (number: number): SessionId => ({ epoch: epoch(10), claimId: claimId('claim-10'), number });

/** What is sent and told, and the next of a kind awaited. */
class Heard {
  readonly frames: Frame[] = [];
  readonly #awaited = new Map<string, () => void>();

  next(type: (Frame | PairFact)['type']): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(type, resolve));
  }

  hear(what: Frame | PairFact): void {
    this.#awaited.get(what.type)?.();
  }
}

async function joining(disk: SimDisk): Promise<{ replication: Replication; heard: Heard }> {
  const heard = new Heard();
  const replication = await Replication.open({
    root: new SimStoreRoot(disk),
    broker: new Broker(),
    clock: realClock,
    log: new LogList(),
    times: {
      ackTimeoutMs: 60_000,
      diskTimeoutMs: 60_000,
      checkpoint: { intervalMs: 60_000, bytesMax: 1e9, freshBytesMax: 1e9 },
    },
    hooks: {
      tell: (fact) => heard.hear(fact),
      send: (frame) => {
        heard.frames.push(frame);
        heard.hear(frame);
      },
      seeShare: () => Promise.resolve({ kind: 'unreachable' }),
      committed: () => undefined,
      applied: () => undefined,
    },
  });
  await replication.replica.joinPair(record.pairId);
  return { replication, heard };
}

/** It has joined, and is told that a snapshot comes. */
async function installing(disk: SimDisk): ReturnType<typeof joining> {
  const { replication, heard } = await joining(disk);
  const joined = heard.next('join');
  replication.join(session(1), record);
  await joined;
  const origin = { last: { epoch: epoch(10), seq: seq(1) }, chain: 1, epochs: [] };
  replication.heard({ type: 'full', session: session(1), parted: null, origin, bytes: 0 });
  return { replication, heard };
}

test('sessions that end while the disk is slow are not joined: the last one offered is (§2 Grow)', async () => {
  const disk = simDisk();
  const { replication, heard } = await joining(disk);
  disk.holdSyncs();
  for (const number of [1, 2, 3]) {
    replication.join(session(number), record);
    // The first joiner waits for the disk; the others wait for it.
    await Promise.resolve();
    if (number < 3) void replication.leaveSession();
  }
  const joins = heard.next('join');
  disk.releaseSyncs();
  await joins;
  expect(heard.frames).toMatchObject([{ type: 'join', session: session(3) }]);
});

test('a disk that fails while half an installation is removed stops the server, as any other failure of it (§2 Ack)', async () => {
  const disk = simDisk();
  const { replication, heard } = await installing(disk);
  const taken = heard.next('chunkTaken');
  replication.heard({ type: 'chunk', session: session(1), number: 1, body: Buffer.alloc(0) });
  await taken;
  const failed = heard.next('diskFailed');
  disk.failNextSync();
  void replication.leaveSession();
  await failed;
});

test('chunks of a snapshot that come while others are made durable are installed together (§5)', async () => {
  const { replication, heard } = await installing(simDisk());
  const chunk = (number: number): void => {
    const body = new ByteWriter();
    putPair(body, Buffer.from([number]), Buffer.alloc(8));
    replication.heard({ type: 'chunk', session: session(1), number, body: body.taken() });
  };
  const first = heard.next('chunkTaken');
  chunk(1);
  await first;
  const others = heard.next('chunkTaken');
  for (const number of [2, 3, 4]) chunk(number);
  await others;
  const taken = heard.frames.flatMap((frame) => (frame.type === 'chunkTaken' ? [frame.number] : []));
  expect(taken).toEqual([1, 4]);
  await replication.leaveSession();
});

test('a chunk that does not follow the last one ends the session (§5)', async () => {
  const { replication, heard } = await installing(simDisk());
  const failed = heard.next('joinFailed');
  for (const number of [1, 3])
    replication.heard({ type: 'chunk', session: session(1), number, body: Buffer.alloc(0) });
  await failed;
  await replication.leaveSession();
});
