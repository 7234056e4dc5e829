/** The simulated share in its worse hours: grace, lost answers, caches and locks that lie. Source: PROTOCOL.md §2 Write, Keeper; REASONS.md A5. */
import { expect, test } from 'vitest';
import { epoch, seq, version, type ServerName } from '../../src/core/pair/index.ts';
import type { Arbiter } from '../../src/ports/index.ts';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { SimShare } from '../../src/simulator/share/sim-share.ts';
import { request } from '../contract/arbiter-contract.ts';

function bench() {
  const clock = new SimClock();
  const share = new SimShare({ clock, keeperTimeoutMs: 100, latencyMs: 1, probeIntervalMs: 50 });
  const lost: string[] = [];
  const arbiter = (server: ServerName): Arbiter =>
    share.arbiter(server, { lockLost: (why) => void lost.push(`${server}: ${why}`) });
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    let isSettled = false;
    void work.finally(() => void (isSettled = true));
    expect(await clock.runUntil(() => isSettled, 10_000)).toBe(true);
    return work;
  };
  const kind = async (work: Promise<{ kind: string }>): Promise<string> => (await settled(work)).kind;
  const written = async (by: Arbiter, replaces: number): Promise<string> => {
    const lock = await settled(by.lock(0));
    if (lock.kind !== 'held') return lock.kind;
    return kind(by.write(request(lock.hold, version(replaces))));
  };
  return { clock, share, lost, settled, kind, written, one: arbiter('primary'), two: arbiter('secondary') };
}

test('in the grace after a restart nobody gets a lock that he has not; who had one keeps it, or has lost it (Keeper)', async () => {
  for (const isKept of [true, false]) {
    const { clock, share, lost, kind, one, two } = bench();
    await kind(one.lock(0));
    share.beginGrace(1_000, isKept);
    expect(lost).toHaveLength(isKept ? 0 : 1);
    expect(await kind(one.lock(0))).toBe(isKept ? 'held' : 'refused');
    expect(await kind(two.lock(0))).toBe('refused');
    await clock.run(1_000);
    expect(await kind(two.lock(0))).toBe(isKept ? 'refused' : 'held');
  }
});

test('after a power cut the lock stays taken for the lease, and no longer, also where its server is back before that (Keeper)', async () => {
  for (const takesAnew of [true, false]) {
    const { clock, share, kind, one, two } = bench();
    await kind(one.lock(0));
    share.powerLoss('primary', 1_000);
    const anew = share.arbiter('primary', { lockLost: () => undefined });
    expect(await kind(two.lock(0))).toBe('refused');
    if (takesAnew) expect(await kind(anew.lock(0))).toBe('held');
    await clock.run(1_000);
    expect(await kind(two.lock(0))).toBe(takesAnew ? 'refused' : 'held');
  }
});

test('where only the answers are lost, a write lands and is unresolved, and the lock is let go (Write)', async () => {
  const { share, lost, settled, kind, one, two } = bench();
  const lock = await settled(one.lock(0));
  if (lock.kind !== 'held') throw new Error(lock.kind);
  share.deafen(['primary']);
  const write = kind(one.write(request(lock.hold, version(0))));
  expect(await write).toBe('unresolved');
  expect(lost).toEqual(['primary: the share has not answered']);
  expect(await kind(two.lock(0))).toBe('held');
  share.heal();
  expect(await kind(one.read())).toBe('read');
});

test('a cache that lies shows a read what was, but not a hold, nor rule Write (Write, afresh)', async () => {
  const { share, settled, kind, written, one, two } = bench();
  const readBy = async (by: Arbiter): Promise<number | string> => {
    const outcome = await settled(by.read());
    if (outcome.kind !== 'read') return outcome.kind;
    return outcome.reading.kind === 'record' ? outcome.reading.record.version : outcome.reading.kind;
  };
  share.freezeCache('secondary');
  expect(await written(one, 0)).toBe('written');
  expect([await readBy(one), await readBy(two)]).toEqual([1, 'none']);
  await settled(one.release());
  expect(await written(two, 0)).toBe('movedOn');
  expect(await kind(two.lock(0))).toBe('held');
  expect(await written(two, 1)).toBe('written');
  share.thawCache('secondary');
  expect(await readBy(two)).toBe(2);
});

test('a lock that is void is found so at the next write through its descriptor: by the probe (Keeper)', async () => {
  const { clock, share, lost, kind, one, two } = bench();
  await kind(one.lock(0));
  share.voidLock('primary');
  expect(await kind(two.lock(0))).toBe('held');
  expect(lost).toEqual([]);
  one.committed({ epoch: epoch(1), seq: seq(1) });
  await clock.run(60);
  expect(lost).toEqual(['primary: a write through the locked descriptor failed']);
});

test('locks that lie let both hold one; when they tell the truth again, each excludes the other (REASONS A5)', async () => {
  const { share, settled, kind, one, two } = bench();
  share.lieAboutLocks();
  expect([await kind(one.lock(0)), await kind(two.lock(0))]).toEqual(['held', 'held']);
  share.tellTruthAboutLocks();
  await settled(one.release());
  expect(await kind(one.lock(0))).toBe('refused');
});
