/** The lock, its keeper and the share fail in every way that operators meet. Source: PROTOCOL.md §1, §2 Keeper, Grow, None, Force, §3. */
import { execFileSync } from 'node:child_process';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import { COPY_BYTES } from '../../src/core/pair/record.ts';
import type { PairUnderTest } from './pair.ts';
import { freshPair, protectedPair, standalone, Traffic } from './traffic.ts';

/** A STANDALONE server has time to have its lock again before it must stop, also where a keeper starts slowly. */
const PATIENT = [
  'timing.activeLockReacquisitionInterval=5000',
  'timing.passiveLockAcquisitionInterval=11000',
];

async function signalKeeper(pair: PairUnderTest, name: ServerName, signal: NodeJS.Signals): Promise<number> {
  const pid = await pair.until(`a keeper of the ${name}`, () => pair.server(name).keeperPid());
  process.kill(pid, signal);
  return pid;
}

const holdsLock = (pair: PairUnderTest, name: ServerName): Promise<boolean> =>
  pair.until(`the ${name} holds the lock`, async () =>
    (await pair.status(name))?.lock.isHeld === true ? true : null,
  );

/** From now on every keeper that begins waits for its own block, as on a share that hangs; the end of it is returned. */
async function hangs(pair: PairUnderTest, name: ServerName): Promise<() => Promise<void>> {
  const block = `${pair.lockFile}.${name}`;
  await rename(block, `${block}.kept`);
  // Whoever opens a pipe for reading waits in the kernel until somebody writes.
  execFileSync('mkfifo', [block]);
  return () => rename(`${block}.kept`, block);
}

/** Both copies of a server's block get bytes that are no copy. */
async function damage(pair: PairUnderTest, name: ServerName): Promise<void> {
  const file = await open(`${pair.lockFile}.${name}`, 'r+');
  for (const copy of [0, 1]) await file.write('somebody has edited this', copy * COPY_BYTES + 40);
  await file.close();
}

describe('the keeper', () => {
  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'of the ACTIVE server gets %s: the pair stays ACTIVE with a warning, and has the lock again afterwards (§3)',
    async (signal) => {
      const { pair, active, passive } = await protectedPair();
      const traffic = await Traffic.start(pair, 500);
      const from = pair.server(active).lines.length;
      const fromPassive = pair.server(passive).lines.length;
      const former = await signalKeeper(pair, active, signal);
      await pair.server(active).line(/WARN .*a second fault would stop it.*\[LS_PAIR_LOCK_LOST\]/, from);
      await pair.server(active).line(/Successfully acquired lock on/, from);
      await holdsLock(pair, active);
      expect(await pair.server(active).keeperPid()).not.toBe(former);
      await traffic.flows();
      await traffic.judged();
      expect(pair.server(active).states(from)).toEqual([]);
      expect(pair.server(passive).states(fromPassive)).toEqual([]);
    },
  );

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'of a STANDALONE server gets %s: it serves on when it has the lock again within its interval (§3)',
    async (signal) => {
      const { pair, alone } = await standalone(PATIENT);
      const traffic = await Traffic.start(pair, 500);
      const from = pair.server(alone).lines.length;
      await signalKeeper(pair, alone, signal);
      await pair.server(alone).line(/WARN .*\[LS_LOCK_LOST\]/, from);
      await pair.server(alone).line(/Successfully acquired lock on/, from);
      await traffic.flows();
      await traffic.judged();
      expect(pair.server(alone).states(from)).toEqual([]);
    },
  );
});

describe('a share that hangs', () => {
  test('below a STANDALONE server: it stops serving after its interval, and serves again when the share answers (§3)', async () => {
    const { pair, alone } = await standalone();
    const traffic = await Traffic.start(pair, 300);
    const answersAgain = await hangs(pair, alone);
    await signalKeeper(pair, alone, 'SIGSTOP');
    await pair.server(alone).line(/switched to WAITING \(from STANDALONE: the lock is lost/);
    await pair.until('the console-words of a share that hangs', async () =>
      (await pair.status(alone))?.why.includes('has not answered for') === true ? true : null,
    );
    await answersAgain();
    await pair.reaches(alone, 'STANDALONE');
    await traffic.flows();
    await traffic.judged();
  });

  test('below the ACTIVE server: the pair serves on without the lock, and has it again when the share answers (§3)', async () => {
    const { pair, active } = await protectedPair();
    const traffic = await Traffic.start(pair, 300);
    const from = pair.server(active).lines.length;
    const answersAgain = await hangs(pair, active);
    await signalKeeper(pair, active, 'SIGSTOP');
    await pair.server(active).line(/\[LS_PAIR_LOCK_LOST\]/, from);
    await pair.until('a status without share', async () =>
      (await pair.status(active))?.share.isReachable === false ? true : null,
    );
    expect(await pair.status(active)).toMatchObject({ state: 'ACTIVE', lock: { isHeld: false } });
    await traffic.flows(300);
    await answersAgain();
    await holdsLock(pair, active);
    await traffic.judged();
    expect(pair.server(active).states(from)).toEqual([]);
  });
});

describe('the lock file', () => {
  test('is deleted while it is held: the probe finds out, the lock is taken anew, and the pair still takes over (§2 Keeper)', async () => {
    const { pair, active, passive } = await protectedPair();
    const traffic = await Traffic.start(pair, 500);
    const from = pair.server(active).lines.length;
    await rm(pair.lockFile);
    await pair.server(active).line(/was deleted or replaced while it was open.*\[LS_LOCK_LOST\]/, from);
    await pair.server(active).line(/Successfully acquired lock on/, from);
    await holdsLock(pair, active);
    expect(pair.server(active).states(from)).toEqual([]);
    pair.server(active).kill('SIGKILL');
    await pair.reaches(passive, 'STANDALONE');
    await traffic.judged();
  });

  test('in a directory that is not there: the start is refused with exit code 3 and a sentence that names the key', async () => {
    const pair = await freshPair();
    pair.own.primary.push(`lock.file=${join(pair.home, 'nowhere', 'lock.lck')}`);
    const { code, output } = await pair.run('serve', 'primary');
    expect(code).toBe(3);
    expect(output).toMatch(/lock\.file: found .*nowhere.* whose directory is missing.*\[LS_PROFILE_LOCK/);
  });

  test('loses its directory: the pair stays ACTIVE with a sentence that says so, and has the lock again when it is back (§3)', async () => {
    const { pair, active } = await protectedPair();
    const traffic = await Traffic.start(pair, 500);
    const from = pair.server(active).lines.length;
    const share = dirname(pair.lockFile);
    await rename(share, `${share}.gone`);
    await pair.server(active).line(/\[LS_PAIR_LOCK_LOST\]/, from);
    await traffic.flows(200);
    await rename(`${share}.gone`, share);
    await pair.server(active).line(/Successfully acquired lock on/, from);
    await traffic.judged();
    expect(pair.server(active).states(from)).toEqual([]);
  });

  test('is in an empty directory, as under a share that was unmounted: both connected servers begin a new record from the newest they have seen (None)', async () => {
    const { pair } = await protectedPair();
    const traffic = await Traffic.start(pair, 500);
    const share = dirname(pair.lockFile);
    const version = (await pair.status('primary'))?.share.recordVersion ?? 0;
    await rename(share, `${share}.gone`);
    await mkdir(share);
    await pair.until('a newer record', async () =>
      ((await pair.status('primary'))?.share.recordVersion ?? 0) > version ? true : null,
    );
    await pair.protected();
    await traffic.judged();
  });
});

test('two different shares: the joiner is never let in, never two serve, and the console says so (Grow; REASONS C8)', async () => {
  const pair = await freshPair();
  await mkdir(join(pair.home, 'elsewhere'));
  pair.own.secondary.push(`lock.file=${join(pair.home, 'elsewhere', 'lock.lck')}`);
  pair.start('primary');
  pair.start('secondary');
  const traffic = await Traffic.start(pair, 500);
  await pair.server('primary').line(/the peer has caught up but .*\[LS_PAIR_JOINER_UNPROVEN\]/);
  expect(await pair.state('primary')).toBe('ACTIVE_SYNC');
  pair.server('primary').kill('SIGKILL');
  // It holds nearly everything, but the record that it sees does not name it.
  const from = pair.server('secondary').lines.length;
  await pair.server('secondary').line(/Secondary Server switched to WAITING/, from);
  await pair.until('its reason', async () =>
    /no record on the share/.test((await pair.status('secondary'))?.why ?? '') ? true : null,
  );
  pair.start('primary');
  await pair.server('primary').line(/switched to (STANDALONE|ACTIVE_SYNC)/);
  await traffic.flows();
  await traffic.judged();
  expect(new Set(pair.server('secondary').states())).toEqual(new Set(['WAITING', 'PASSIVE_SYNC']));
});

test('a damaged block: nobody claims, the console says what to do, and force-active with its typed confirmation mends it (§1, Force)', async () => {
  const { pair, active, passive } = await protectedPair();
  const traffic = await Traffic.start(pair, 300);
  await traffic.judged();
  for (const name of [active, passive]) {
    pair.server(name).kill('SIGKILL');
    await pair.server(name).ended;
  }
  await damage(pair, active);
  pair.start(active);
  pair.start(passive);
  await pair
    .server(active)
    .line(/does not serve: .*a block on the share is damaged.*force-active.*\[LS_PAIR_WAITING\]/);
  for (const name of [active, passive]) expect(pair.server(name).states()).toEqual(['WAITING']);

  pair.server(passive).kill('SIGTERM');
  await pair.server(passive).ended;
  await pair
    .server(active)
    .line(new RegExp(`does not serve: the block of ${active} on the share is damaged`));
  const why = ['--why', 'the block is damaged'];
  const refused = await pair.run('force-active', active, why, 'yes\n');
  expect(refused).toMatchObject({ code: 5, output: expect.stringContaining('not confirmed') as string });
  expect(await pair.state(active)).toBe('WAITING');

  const forced = await pair.run('force-active', active, why, `${passive} is off\n`);
  expect(forced, pair.transcript()).toMatchObject({
    code: 0,
    output: expect.stringMatching(
      new RegExp(`${active} serves now, by force, in epoch 1\\d\\d\\d`),
    ) as string,
  });
  pair.start(passive);
  expect(await pair.protected()).toEqual({ active, passive });
  await traffic.judged();
});
