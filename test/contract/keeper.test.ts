/**
 * What only real processes and real files can show of the keeper: who is killed lets go, who is frozen loses, what hangs is given up,
 * and what anybody does to the files is noticed. Source: PROTOCOL.md §2 Write, Keeper; REASONS.md A13, B11, W5.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { version } from '../../src/core/pair/index.ts';
import { KeeperArbiter } from '../../src/io/arbitration/index.ts';
import { tryFlock } from '../../src/io/arbitration/flock.ts';
import { held, lockAndWrite, presentVersion, request } from './arbiter-contract.ts';
import type { BrokerSettings } from './broker-process.ts';
import { defaultTiming, ShareFixture } from './share-fixture.ts';

async function setUp(): Promise<ShareFixture> {
  const fixture = await ShareFixture.create();
  onTestFinished(() => fixture.close());
  return fixture;
}

/** Long enough for a busy machine to start a keeper, short enough to wait for. */
const quick = { keeperTimeout: 1_000, activeLockReacquisitionInterval: 40 };

/** An arbiter whose keeper has started: from here on, `keeperTimeout` is all that it gets. */
async function started(arbiter: KeeperArbiter): Promise<KeeperArbiter> {
  await expect.poll(() => arbiter.read(), { timeout: 10_000 }).toMatchObject({ kind: 'read' });
  return arbiter;
}

type Broker = { process: ChildProcess; says: (word: string) => Promise<void> };

/** A broker process of the primary's that holds the lock. */
async function startBroker(fixture: ShareFixture, timing = defaultTiming): Promise<Broker> {
  const settings: BrokerSettings = {
    lockFile: fixture.lockFile,
    storeDirectory: fixture.storeDirectory('primary'),
    timing,
  };
  const script = fileURLToPath(new URL('./broker-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const said: string[] = [];
  lines.on('line', (line) => void said.push(line));
  const says = async (word: string): Promise<void> => {
    while (!said.includes(word)) await once(lines, 'line');
  };
  await says('held');
  return { process: child, says };
}

test('kill -9 of the broker: its keeper lets the lock go at once (§2 Keeper)', async () => {
  const fixture = await setUp();
  const broker = await startBroker(fixture);
  const secondary = fixture.arbiter('secondary');
  expect((await secondary.lock(0)).kind).toBe('refused');

  const waiting = secondary.lock(10_000);
  const killed = performance.now();
  broker.process.kill('SIGKILL');

  expect((await waiting).kind).toBe('held');
  // Far below keeperTimeout (4 s): it is the closed pipe that counts, not the missing beats.
  expect(performance.now() - killed).toBeLessThan(1_000);
});

test('a frozen broker loses the lock when its beats have been missing for keeperTimeout, and is told when it wakes (§2 Keeper)', async () => {
  const fixture = await setUp();
  const broker = await startBroker(fixture, quick);
  const secondary = fixture.arbiter('secondary');
  await secondary.read();

  const frozen = performance.now();
  broker.process.kill('SIGSTOP');
  expect((await secondary.lock(quick.keeperTimeout / 4)).kind).toBe('refused');
  expect((await secondary.lock(10_000)).kind).toBe('held');
  expect(performance.now() - frozen).toBeLessThan(4 * quick.keeperTimeout);

  broker.process.kill('SIGCONT');
  await broker.says('lost');
});

test("kill -9 of the holder's keeper frees the lock; the broker is told once, and may lock again under a new hold (§2 Keeper)", async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary');
  const secondary = fixture.arbiter('secondary');
  const first = await held(primary);
  await secondary.read();

  process.kill(await fixture.keeperPid('primary'), 'SIGKILL');
  await held(secondary, 10_000);
  expect(await fixture.lockLost('primary')).toContain('SIGKILL');

  await secondary.release();
  const second = await held(primary, 10_000);
  expect(second.hold).toBeGreaterThan(first.hold);
  expect(fixture.lost.primary).toHaveLength(1);
});

test('a frozen keeper is lock lost within keeperTimeout; it is killed, and the next one goes on (§2 Keeper)', async () => {
  const fixture = await setUp();
  const primary = await started(fixture.arbiter('primary', quick));
  await held(primary);
  const pid = await fixture.keeperPid('primary');

  const frozen = performance.now();
  process.kill(pid, 'SIGSTOP');
  const why = await fixture.lockLost('primary');
  // The last word may be a beat old, and beats go every quarter of the time.
  expect(performance.now() - frozen).toBeLessThan(2 * quick.keeperTimeout);
  expect(why).toContain(`process ${pid}) has not answered`);

  await held(primary, 10_000);
  expect(await fixture.keeperPid('primary')).not.toBe(pid);
});

test('a call to a frozen keeper settles within keeperTimeout: a read as unreachable, a write as unresolved (§2 Keeper)', async () => {
  const fixture = await setUp();
  const primary = await started(fixture.arbiter('primary', quick));
  const lock = await held(primary);

  process.kill(await fixture.keeperPid('primary'), 'SIGSTOP');
  const asked = performance.now();
  expect((await primary.write(request(lock.hold, version(0)))).kind).toBe('unresolved');
  expect(performance.now() - asked).toBeLessThan(1.5 * quick.keeperTimeout);
  expect(fixture.lost.primary).toHaveLength(1);
});

test('a keeper waits until the former one of its store is gone, and names it (REASONS A13, B11)', async () => {
  const fixture = await setUp();
  const former = await open(join(fixture.storeDirectory('primary'), 'keeper.lock'), 'w+');
  expect(await tryFlock(former.fd)).toBe(true);
  await former.write('4711\n', 0);
  const primary = fixture.arbiter('primary', quick);

  onTestFinished(() => former.close());

  const why = expect.stringContaining('the former lock keeper (process 4711) still holds') as string;
  await expect.poll(() => primary.lock(0), { timeout: 10_000 }).toEqual({ kind: 'unreachable', why });
  expect((await primary.read()).kind).toBe('unreachable');
  expect(await readdir(dirname(fixture.lockFile))).toEqual([]);

  await former.close();
  await held(primary);
});

test('a share that hangs: the call settles within keeperTimeout, the lock is lost, and the next keeper goes on (§2 Keeper)', async () => {
  const fixture = await setUp();
  const primary = await started(fixture.arbiter('primary', quick));
  const lock = await held(primary);
  // Opening a pipe that nobody writes to waits in the kernel, as a hanging mount does.
  execFileSync('mkfifo', [fixture.blockFile('secondary')]);

  const asked = performance.now();
  const outcome = await primary.write(request(lock.hold, version(0)));
  expect(outcome).toMatchObject({
    kind: 'unresolved',
    why: expect.stringContaining('has not answered') as string,
  });
  expect(performance.now() - asked).toBeLessThan(1.5 * quick.keeperTimeout);
  expect(fixture.lost.primary).toHaveLength(1);
  expect(await primary.read()).toMatchObject({ kind: 'unreachable' });

  await rm(fixture.blockFile('secondary'));
  expect(await lockAndWrite(primary)).toMatchObject({ kind: 'written' });
});

test('a lock file that is deleted while held is noticed by the probe, and is made anew (§2 Keeper)', async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary');
  await held(primary);

  await rm(fixture.lockFile);
  expect(await fixture.lockLost('primary')).toContain('deleted or replaced');
  await held(primary, 10_000);
});

test('a lock file that is replaced while held is noticed by the probe (§2 Keeper)', async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary');
  await held(primary);

  await writeFile(`${fixture.lockFile}.copy`, await readFile(fixture.lockFile));
  await rename(`${fixture.lockFile}.copy`, fixture.lockFile);
  expect(await fixture.lockLost('primary')).toContain('deleted or replaced');
});

test('a directory that is not there is said so in a sentence, and used once it is there (§2 Keeper)', async () => {
  const fixture = await setUp();
  await rm(dirname(fixture.lockFile), { recursive: true });
  const primary = fixture.arbiter('primary');

  const why = expect.stringContaining(
    `${dirname(fixture.lockFile)}, is not there; mount the share`,
  ) as string;
  expect(await primary.lock(0)).toEqual({ kind: 'unreachable', why });
  expect(await primary.read()).toEqual({ kind: 'unreachable', why });

  await mkdir(dirname(fixture.lockFile));
  await held(primary);
});

test('a keeper begins with a block file of its own, with the same content, and a write for the old file reaches nobody (REASONS W5)', async () => {
  const fixture = await setUp();
  const first = fixture.arbiter('primary');
  await lockAndWrite(first);
  const former = await open(fixture.blockFile('primary'), 'r+');
  await first.close();

  // No probe: the mark stays as it is while this looks.
  const second = fixture.arbiter('primary', {
    keeperTimeout: 4_000,
    activeLockReacquisitionInterval: 600_000,
  });
  const lock = await held(second);
  await former.write('late', 100);
  await former.close();

  expect(lock.reading).toMatchObject({ kind: 'record', record: { version: 1 }, isSettled: true });
  expect((await held(second)).reading).toEqual(lock.reading);
  expect((await readdir(dirname(fixture.lockFile))).sort()).toEqual(['lock.lck', 'lock.lck.primary']);
});

test('a damaged block stays damaged through every new keeper (§1)', async () => {
  const fixture = await setUp();
  const first = fixture.arbiter('primary');
  await lockAndWrite(first);
  await fixture.spoil('primary', [1, 2]);
  await first.close();
  const damaged = await readFile(fixture.blockFile('primary'));

  const second = fixture.arbiter('primary');
  expect((await held(second)).reading.kind).toBe('damaged');
  expect(await readFile(fixture.blockFile('primary'))).toEqual(damaged);

  await second.write(request((await held(second)).hold, version(0), { repairs: true }));
  expect((await readdir(dirname(fixture.lockFile))).filter((name) => name.includes('damaged'))).toHaveLength(
    1,
  );
});

test('a share that does not take the new block file is unreachable until it does (§2 Keeper)', async () => {
  const fixture = await setUp();
  await mkdir(join(fixture.blockFile('primary'), 'in the way'), { recursive: true });
  const primary = fixture.arbiter('primary');

  expect((await primary.lock(0)).kind).toBe('unreachable');

  await rm(fixture.blockFile('primary'), { recursive: true });
  await held(primary);
});

test('an error in a write is unresolved: the lock is lost, and the other may have it (§2 Write)', async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary');
  const lock = await held(primary);
  await rm(fixture.blockFile('primary'));

  expect((await primary.write(request(lock.hold, version(0)))).kind).toBe('unresolved');
  expect(fixture.lost.primary).toHaveLength(1);
  await held(fixture.arbiter('secondary'), 10_000);
});

test("signals of the console's process group do not end a keeper (§2 Keeper)", async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary');
  const first = await held(primary);
  const pid = await fixture.keeperPid('primary');

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);

  expect((await held(primary)).hold).toBe(first.hold);
  expect(fixture.lost.primary).toEqual([]);
});

test("a keeper's locks are closed on exec, so that no child keeps them (REASONS A13)", async () => {
  const fixture = await setUp();
  await held(fixture.arbiter('primary'));
  const proc = `/proc/${await fixture.keeperPid('primary')}`;
  const locks = [fixture.lockFile, join(fixture.storeDirectory('primary'), 'keeper.lock')];

  const flags: Record<string, boolean> = {};
  for (const fd of await readdir(`${proc}/fd`)) {
    const target = await readlink(`${proc}/fd/${fd}`).catch(() => '');
    if (!locks.includes(target)) continue;
    const info = await readFile(`${proc}/fdinfo/${fd}`, 'utf8');
    // 0o2000000 is O_CLOEXEC, which Node's constants do not name.
    flags[target] = (parseInt(/flags:\s+(\d+)/.exec(info)?.[1] ?? '', 8) & 0o2000000) !== 0;
  }

  expect(flags).toEqual(Object.fromEntries(locks.map((lock) => [lock, true])));
});

test('operators are told of the lock in the words that they look for (house)', async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary');
  await held(primary);
  await held(primary);
  await rm(fixture.lockFile);
  await fixture.lockLost('primary');

  expect(fixture.lines).toMatchObject([
    { level: 'info', text: `Successfully acquired lock on: ${fixture.lockFile}` },
    { level: 'warn', code: 'LS_LOCK_LOST' },
  ]);
});

test('a lock that is not had in time because the keeper is still starting is not taken later either (REASONS B1)', async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary', { ...quick, keeperTimeout: 100 });
  expect(await primary.lock(0)).toMatchObject({
    kind: 'unreachable',
    why: expect.stringContaining('is still starting') as string,
  });

  await started(primary);
  await held(fixture.arbiter('secondary'), 10_000);
});

test('a keeper that cannot be started is a sentence, and its lock unreachable (§2 Keeper)', async () => {
  const fixture = await setUp();
  const arbiter = new KeeperArbiter({
    server: 'primary',
    lockFile: fixture.lockFile,
    storeDirectory: fixture.storeDirectory('primary'),
    timing: defaultTiming,
    program: [join(fixture.directory, 'no-such-program')],
    events: { lockLost: () => undefined },
    log: { say: () => undefined },
  });
  onTestFinished(() => arbiter.close());

  const why = expect.stringContaining("the lock keeper can't be started") as string;
  expect(await arbiter.lock(0)).toEqual({ kind: 'unreachable', why });
});

test('the files can be read by people: blocks and mark are text (§1)', async () => {
  const fixture = await setUp();
  const primary = fixture.arbiter('primary');
  await lockAndWrite(primary);
  await expect
    .poll(() => readFile(fixture.lockFile, 'utf8'))
    .toMatch(/^lockstep mark 1, checksum \S+: primary 0\/0 /);

  const text = await readFile(fixture.blockFile('primary'), 'utf8');
  expect(text.match(/"claimId": "claim-1"/g)).toHaveLength(2);
  expect((await stat(fixture.blockFile('primary'))).mode & constants.S_IRWXO).toBe(0);
});

test('two brokers that try for the lock over and over never both hold it (§2 Keeper)', async () => {
  const fixture = await setUp();
  const counts = { primary: 0, secondary: 0 };
  let holders = 0;
  const contend = async (server: 'primary' | 'secondary'): Promise<void> => {
    const arbiter = fixture.arbiter(server);
    while (counts[server] < 20) {
      if ((await arbiter.lock(500)).kind !== 'held') continue;
      holders += 1;
      const written = await arbiter.write(
        request((await held(arbiter)).hold, presentVersion((await held(arbiter)).reading)),
      );
      expect(holders).toBe(1);
      expect(written.kind).toBe('written');
      counts[server] += 1;
      holders -= 1;
      await arbiter.release();
    }
  };

  await Promise.all([contend('primary'), contend('secondary')]);
});
