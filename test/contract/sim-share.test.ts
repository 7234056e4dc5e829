/** The faults that the simulated share can be told to have, and that they look as the real ones do. Source: PROTOCOL.md §2 Write, Keeper. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { version, type ServerName } from '../../src/core/pair/index.ts';
import type { Arbiter } from '../../src/ports/index.ts';
import { SimShare } from '../../src/simulator/sim-share.ts';
import { held, lockAndWrite, presentVersion, request } from './arbiter-contract.ts';
import { realClock } from './share-fixture.ts';

type Told = { share: SimShare; primary: Arbiter; secondary: Arbiter; lost: ServerName[] };

function setUp(keeperTimeoutMs = 100): Told {
  const share = new SimShare({ clock: realClock, keeperTimeoutMs, latencyMs: 1 });
  const lost: ServerName[] = [];
  const arbiter = (server: ServerName): Arbiter =>
    share.arbiter(server, { lockLost: () => void lost.push(server) });
  return { share, lost, primary: arbiter('primary'), secondary: arbiter('secondary') };
}

test('a share that hangs: calls settle within keeperTimeout, the lock is lost once, and all is well when it heals (§2 Keeper)', async () => {
  const { share, primary, secondary, lost } = setUp();
  const lock = await held(primary);

  share.hang();
  expect((await primary.write(request(lock.hold, version(0)))).kind).toBe('unresolved');
  expect((await secondary.read()).kind).toBe('unreachable');
  expect((await primary.lock(0)).kind).toBe('unreachable');
  expect(lost).toEqual(['primary']);

  share.heal();
  expect(await lockAndWrite(primary)).toMatchObject({ kind: 'written' });
});

test("a write that hangs lands when the share heals, in the file it was meant for: not in the next keeper's (REASONS W5)", async () => {
  let landed = 0;
  // A write takes seven touches of a millisecond: it is caught in each of them.
  for (let touches = 0; touches < 10; touches += 1) {
    const { share, primary } = setUp(30);
    await lockAndWrite(primary);
    const lock = await held(primary);

    const writing = primary.write(request(lock.hold, version(1)));
    await pause(touches);
    share.hang(['primary']);
    const outcome = await writing;
    const before = presentVersion(share.reading());
    share.heal();
    await Promise.resolve();
    if (outcome.kind === 'unresolved' && presentVersion(share.reading()) > before) landed += 1;

    expect(await lockAndWrite(primary)).toMatchObject({ kind: 'written' });
    expect(share.reading()).toMatchObject({ isSettled: true });
  }
  expect(landed).toBeGreaterThan(0);
});

test('a lock that is revoked is the other server’s; its holder is told, and its calls fail (§2 Keeper)', async () => {
  const { share, primary, secondary, lost } = setUp();
  const lock = await held(primary);

  const writing = primary.write(request(lock.hold, version(0)));
  share.revoke('primary');

  expect((await writing).kind).toBe('unresolved');
  expect(lost).toEqual(['primary']);
  await held(secondary);
});

test('a server that crashes frees the lock and is told nothing; its next process starts from what it left (§2 Keeper)', async () => {
  const { share, primary, secondary, lost } = setUp();
  await lockAndWrite(primary);
  share.crash('primary');

  expect((await held(secondary)).reading).toMatchObject({ record: { version: 1 } });
  expect(lost).toEqual([]);
  await secondary.release();
  const again = share.arbiter('primary', { lockLost: () => undefined });
  expect(await lockAndWrite(again)).toMatchObject({ kind: 'written', record: { version: 3 } });
});

test.each([
  ['before', 0],
  ['after', 1],
] as const)(
  'a write that fails %s it landed is unresolved, and the lock is lost (§2 Write)',
  async (when, landed) => {
    const { share, primary, lost } = setUp();
    share.failNextWrite('primary', when);

    expect((await lockAndWrite(primary)).kind).toBe('unresolved');
    expect(presentVersion(share.reading())).toBe(landed);
    expect(lost).toEqual(['primary']);
    expect((await lockAndWrite(primary)).kind).toBe('written');
  },
);

test('where the locks lie, rule Write still lets only one be written over a version (REASONS A5)', async () => {
  // The primary stalls somewhere in its write, for long enough for the whole of the secondary's.
  for (let touches = 0; touches < 10; touches += 1) {
    const { share, primary, secondary } = setUp(10_000);
    share.lieAboutLocks();
    const locks = [await held(primary), await held(secondary)] as const;

    const stalling = primary.write(request(locks[0].hold, version(0)));
    await pause(touches);
    share.hang(['primary']);
    const whole = await secondary.write(request(locks[1].hold, version(0)));
    share.heal();

    const written = [await stalling, whole].filter(({ kind }) => kind === 'written');
    expect(written.length, `after ${touches} ms`).toBeLessThanOrEqual(1);
    await Promise.all([primary.close(), secondary.close()]);
  }
});

test('files that are deleted under the holder cost it the lock, and the record is none (§2 None)', async () => {
  const { share, primary, lost } = setUp();
  await lockAndWrite(primary);
  share.wipe();

  expect(lost).toEqual(['primary']);
  expect((await held(primary)).reading.kind).toBe('none');
});
