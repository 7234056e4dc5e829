/** The faults that the simulated share can be told to have, and that they look as the real ones do. In virtual time. Source: PROTOCOL.md §2 Write, Keeper. */
import { expect, test } from 'vitest';
import { version, type ServerName } from '../../src/core/pair/index.ts';
import type { Arbiter } from '../../src/ports/index.ts';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { SimShare } from '../../src/simulator/share/sim-share.ts';
import { held, lockAndWrite, presentVersion, request } from './arbiter-contract.ts';

type Told = {
  clock: SimClock;
  share: SimShare;
  primary: Arbiter;
  secondary: Arbiter;
  lost: ServerName[];
  /** Lets time pass until this is settled. */
  passes: <T>(work: Promise<T>) => Promise<T>;
};

function setUp(keeperTimeoutMs = 100): Told {
  const clock = new SimClock();
  const share = new SimShare({ clock, keeperTimeoutMs, latencyMs: 1 });
  const lost: ServerName[] = [];
  const arbiter = (server: ServerName): Arbiter =>
    share.arbiter(server, { lockLost: () => void lost.push(server) });
  const passes = async <T>(work: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settle = (): void => void (isSettled = true);
    work.then(settle, settle);
    expect(await clock.runUntil(() => isSettled, 60_000), 'it is settled within a minute').toBe(true);
    return work;
  };
  return { clock, share, lost, primary: arbiter('primary'), secondary: arbiter('secondary'), passes };
}

test('a share that hangs: calls settle within keeperTimeout, the lock is lost once, and all is well when it heals (§2 Keeper)', async () => {
  const { share, primary, secondary, lost, passes } = setUp();
  const lock = await passes(held(primary));

  share.hang();
  expect((await passes(primary.write(request(lock.hold, version(0))))).kind).toBe('unresolved');
  expect((await passes(secondary.read())).kind).toBe('unreachable');
  expect((await passes(primary.lock(0))).kind).toBe('unreachable');
  expect(lost).toEqual(['primary']);

  share.heal();
  expect(await passes(lockAndWrite(primary))).toMatchObject({ kind: 'written' });
});

test("a write that hangs lands when the share heals, in the file it was meant for: not in the next keeper's (REASONS W5)", async () => {
  let landed = 0;
  // A write takes some touches of a millisecond each: it is caught in each of them.
  for (let touches = 0; touches < 10; touches += 1) {
    const { clock, share, primary, passes } = setUp(30);
    await passes(lockAndWrite(primary));
    const lock = await passes(held(primary));

    const writing = primary.write(request(lock.hold, version(1)));
    await clock.run(touches);
    share.hang(['primary']);
    const outcome = await passes(writing);
    const before = presentVersion(share.reading());
    share.heal();
    await clock.run(0);
    if (outcome.kind === 'unresolved' && presentVersion(share.reading()) > before) landed += 1;

    expect(await passes(lockAndWrite(primary))).toMatchObject({ kind: 'written' });
    expect(share.reading()).toMatchObject({ isSettled: true });
  }
  expect(landed).toBeGreaterThan(0);
});

test('a lock that is revoked is the other server’s; its holder is told, and its calls fail (§2 Keeper)', async () => {
  const { share, primary, secondary, lost, passes } = setUp();
  const lock = await passes(held(primary));

  const writing = primary.write(request(lock.hold, version(0)));
  share.revoke('primary');

  expect((await passes(writing)).kind).toBe('unresolved');
  expect(lost).toEqual(['primary']);
  await passes(held(secondary));
});

test('a server that crashes frees the lock and is told nothing; its next process starts from what it left (§2 Keeper)', async () => {
  const { share, primary, secondary, lost, passes } = setUp();
  await passes(lockAndWrite(primary));
  share.crash('primary');

  expect((await passes(held(secondary))).reading).toMatchObject({ record: { version: 1 } });
  expect(lost).toEqual([]);
  await passes(secondary.release());
  const again = share.arbiter('primary', { lockLost: () => undefined });
  expect(await passes(lockAndWrite(again))).toMatchObject({ kind: 'written', record: { version: 3 } });
});

test.each([
  ['before', 0],
  ['after', 1],
] as const)(
  'a write that fails %s it landed is unresolved, and the lock is lost (§2 Write)',
  async (when, landed) => {
    const { share, primary, lost, passes } = setUp();
    share.failNextWrite('primary', when);

    expect((await passes(lockAndWrite(primary))).kind).toBe('unresolved');
    expect(presentVersion(share.reading())).toBe(landed);
    expect(lost).toEqual(['primary']);
    expect((await passes(lockAndWrite(primary))).kind).toBe('written');
  },
);

test('where the locks lie, rule Write still lets only one be written over a version (REASONS A5)', async () => {
  // The primary stalls somewhere in its write, for long enough for the whole of the secondary's.
  for (let touches = 0; touches < 10; touches += 1) {
    const { clock, share, primary, secondary, passes } = setUp(10_000);
    share.lieAboutLocks();
    const locks = [await passes(held(primary)), await passes(held(secondary))] as const;

    const stalling = primary.write(request(locks[0].hold, version(0)));
    await clock.run(touches);
    share.hang(['primary']);
    const whole = await passes(secondary.write(request(locks[1].hold, version(0))));
    share.heal();

    const written = [await passes(stalling), whole].filter(({ kind }) => kind === 'written');
    expect(written.length, `after ${touches} ms`).toBeLessThanOrEqual(1);
    await Promise.all([primary.close(), secondary.close()]);
  }
});

test('files that are deleted under the holder cost it the lock, and the record is none (§2 None)', async () => {
  const { share, primary, lost, passes } = setUp();
  await passes(lockAndWrite(primary));
  share.wipe();

  expect(lost).toEqual(['primary']);
  expect((await passes(held(primary))).reading.kind).toBe('none');
});
