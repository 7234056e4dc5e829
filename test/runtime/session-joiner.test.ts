/** The joining side of a session, on a simulated disk: what it may make of the frames before its journal is a part of the serving one. */
import { expect, test } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import { claimId, epoch, seq, type Frame, type PairFact } from '../../src/core/pair/index.ts';
import { Replica } from '../../src/runtime/replication/replica.ts';
import { SessionJoiner } from '../../src/runtime/replication/session-joiner.ts';
import { SimStoreRoot } from '../../src/simulator/disk/sim-store.ts';
import { LogList, simDisk } from '../contract/disk-fixture.ts';
import { bytesOf, SampleEntries } from '../contract/sample-entries.ts';
import { realClock } from '../contract/share-fixture.ts';
import { recordOf } from '../core/pair/records.ts';

test('a commit index that comes before the tail is cut applies nothing of the tail (§1 state, Tail)', async () => {
  const log = new LogList();
  const applied: number[] = [];
  const awaited = new Map<string, () => void>();
  const comes = (type: (Frame | PairFact)['type']): Promise<void> =>
    new Promise((resolve) => awaited.set(type, resolve));
  const replica = await Replica.open({
    root: new SimStoreRoot(simDisk()),
    broker: new Broker(),
    log,
    events: {
      applied: (entry) => applied.push(entry.seq),
      diskFailed: () => awaited.get('diskFailed')?.(),
    },
  });
  const record = recordOf(7);
  await replica.joinPair(record.pairId);
  const entries = new SampleEntries();
  const shared = [entries.claim(1), entries.claim(2)];
  const { chain } = entries.position;
  const tail = [entries.claim(3), entries.claim(4), entries.claim(5)];
  await replica.append([...shared, ...tail], bytesOf([...shared, ...tail]));

  const session = { epoch: epoch(10), claimId: claimId('claim-10'), number: 1 };
  const facts: PairFact[] = [];
  const joining = comes('join');
  const joiner = new SessionJoiner(
    {
      replica,
      clock: realClock,
      log,
      send: (frame) => awaited.get(frame.type)?.(),
      tell: (fact) => {
        facts.push(fact);
        awaited.get(fact.type)?.();
      },
      seeShare: () => Promise.resolve({ kind: 'unreachable' }),
      adopt: () => Promise.resolve(),
      diskTimeoutMs: 10_000,
      room: () => Promise.resolve(),
    },
    session,
    record,
  );
  await joining;
  const end = Promise.race([comes('durable'), comes('fullWanted'), comes('joinFailed'), comes('diskFailed')]);
  joiner.heard({ type: 'delta', session, common: 2, chain });
  joiner.heard({ type: 'committed', session, committed: 5 });
  await end;

  expect(facts).toEqual([]);
  expect(replica.committedSeq).toBe(seq(2));
  await replica.applied();
  expect(applied).toEqual([1, 2]);
  expect(replica.store.journal.last.seq).toBe(seq(2));
});
