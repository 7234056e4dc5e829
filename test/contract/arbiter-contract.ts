/**
 * What every arbiter keeps, the simulated one and the keeper's process on real files: the lock excludes, and records are written by
 * rule Write. Source: PROTOCOL.md §1, §2 Write, Keeper; src/ports/arbiter.ts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import {
  epoch,
  hold,
  seq,
  version,
  type Hold,
  type ServerName,
  type ShareReading,
  type Version,
} from '../../src/core/pair/index.ts';
import type { Arbiter, LockOutcome, WriteOutcome, WriteRequest } from '../../src/ports/index.ts';
import { draftNamed } from '../core/pair/records.ts';

export type ArbiterPair = Readonly<{
  primary: Arbiter;
  secondary: Arbiter;
  /** What `lockLost` told, by server. */
  lost: Readonly<Record<ServerName, readonly string[]>>;
  /** Copies of a block rot on the share. */
  spoil: (server: ServerName, copies: readonly (1 | 2)[]) => Promise<void>;
  close: () => Promise<void>;
}>;

export type Held = Extract<LockOutcome, { kind: 'held' }>;

/** The lock, which must be free. */
export async function held(arbiter: Arbiter, patienceMs = 0): Promise<Held> {
  const outcome = await arbiter.lock(patienceMs);
  if (outcome.kind !== 'held') throw new Error(`not held: ${JSON.stringify(outcome)}`);
  return outcome;
}

export const presentVersion = (reading: ShareReading): Version =>
  reading.kind === 'record' ? reading.record.version : version(0);

export const request = (of: Hold, replaces: Version, change: Partial<WriteRequest> = {}): WriteRequest => ({
  hold: of,
  replaces,
  draft: draftNamed('claim-1'),
  above: version(0),
  repairs: false,
  ...change,
});

/** Takes the lock and replaces what stands there. */
export async function lockAndWrite(
  arbiter: Arbiter,
  change: Partial<WriteRequest> = {},
): Promise<WriteOutcome> {
  const lock = await held(arbiter, 5_000);
  return arbiter.write(request(lock.hold, presentVersion(lock.reading), change));
}

async function reading(arbiter: Arbiter): Promise<ShareReading> {
  const outcome = await arbiter.read();
  if (outcome.kind !== 'read') throw new Error(`not read: ${outcome.why}`);
  return outcome.reading;
}

export function arbiterContract(name: string, freshPair: () => Promise<ArbiterPair>): void {
  const setUp = async (): Promise<ArbiterPair> => {
    const pair = await freshPair();
    onTestFinished(() => pair.close());
    return pair;
  };

  test(`${name}: a virgin share has no record, and reading it takes no lock (§1)`, async () => {
    const { primary, secondary } = await setUp();

    expect(await reading(primary)).toEqual({ kind: 'none', mark: null });
    expect(await held(secondary)).toMatchObject({ reading: { kind: 'none' } });
    expect(await reading(primary)).toMatchObject({ kind: 'none' });
  });

  test(`${name}: the second server is refused while the first holds the lock (§2 Claim)`, async () => {
    const { primary, secondary } = await setUp();

    await held(primary);
    expect((await secondary.lock(0)).kind).toBe('refused');
    expect((await secondary.lock(30)).kind).toBe('refused');
    expect((await primary.lock(0)).kind).toBe('held');
  });

  test(`${name}: to lock again is safe: the same hold with a fresh reading (§2 Write)`, async () => {
    const { primary } = await setUp();

    const first = await held(primary);
    await primary.write(request(first.hold, version(0)));
    const again = await held(primary);

    expect(again.hold).toBe(first.hold);
    expect(again.reading).toMatchObject({ kind: 'record', record: { version: 1 } });
  });

  test(`${name}: a lock given back is the other's; each taking is a hold of its own, and nobody is told of a loss (§2 Write)`, async () => {
    const { primary, secondary, lost } = await setUp();

    const first = await held(primary);
    await primary.release();
    await held(secondary);
    await secondary.release();
    await secondary.release();
    const second = await held(primary);

    expect(second.hold).not.toBe(first.hold);
    expect(lost).toEqual({ primary: [], secondary: [] });
  });

  test(`${name}: who has patience gets the lock soon after it is given back (§4.3)`, async () => {
    const { primary, secondary } = await setUp();

    await held(primary);
    expect((await secondary.lock(0)).kind).toBe('refused');
    const waiting = secondary.lock(5_000);
    // It goes on trying: a while of being refused is no answer.
    expect(await Promise.race([waiting, pause(60, 'still waiting')])).toBe('still waiting');
    await primary.release();

    expect((await waiting).kind).toBe('held');
  });

  test(`${name}: a written record is what both read, settled, with a number of its writer's kind (§2 Write)`, async () => {
    const { primary, secondary } = await setUp();

    const first = await lockAndWrite(primary);
    expect(first).toEqual({ kind: 'written', record: { ...draftNamed('claim-1'), version: 1 } });
    expect(await reading(secondary)).toMatchObject({
      kind: 'record',
      record: { version: 1 },
      isSettled: true,
    });

    await primary.release();
    expect(await lockAndWrite(secondary)).toMatchObject({ kind: 'written', record: { version: 2 } });
    await secondary.release();
    expect(await lockAndWrite(primary, { above: version(1002) })).toMatchObject({
      record: { version: 1003 },
    });
    expect(await reading(secondary)).toMatchObject({ record: { version: 1003 }, isSettled: true });
  });

  test(`${name}: a server replaces its own record, though the other's block carries an older one (REASONS W3)`, async () => {
    const { primary, secondary } = await setUp();

    await lockAndWrite(primary);
    await primary.release();
    const lock = await held(secondary);
    expect(await secondary.write(request(lock.hold, version(1)))).toMatchObject({ record: { version: 2 } });
    expect(await secondary.write(request(lock.hold, version(2)))).toMatchObject({ record: { version: 4 } });
  });

  test(`${name}: a write that replaces another version has moved on, and nothing of it is written (§2 Write 1)`, async () => {
    const { primary } = await setUp();

    const lock = await held(primary);
    await primary.write(request(lock.hold, version(0)));
    const outcome = await primary.write(request(lock.hold, version(0), { draft: draftNamed('claim-2') }));

    expect(outcome).toMatchObject({ kind: 'movedOn', reading: { kind: 'record', record: { version: 1 } } });
    expect(await reading(primary)).toMatchObject({ record: { version: 1, claimId: 'claim-1' } });
    expect((await primary.lock(0)).kind).toBe('held');
  });

  test(`${name}: what is asked while a write is under way is done after it, in the order of its asking (§2 Keeper)`, async () => {
    const { primary } = await setUp();
    const lock = await held(primary);

    const first = primary.write(request(lock.hold, version(0)));
    const second = primary.write(request(lock.hold, version(0), { draft: draftNamed('claim-2') }));
    const released = primary.release();
    const third = primary.write(request(lock.hold, version(1)));

    expect(await first).toMatchObject({ kind: 'written', record: { version: 1 } });
    expect((await second).kind).toBe('movedOn');
    await released;
    expect((await third).kind).toBe('movedOn');
    expect(await reading(primary)).toMatchObject({ isSettled: true, record: { claimId: 'claim-1' } });
  });

  test(`${name}: a write of a former hold, or of none, has moved on (§2 Write 1, REASONS A4)`, async () => {
    const { primary, secondary } = await setUp();

    const first = await held(primary);
    await primary.release();
    const withoutLock = await primary.write(request(first.hold, version(0)));
    await held(primary);
    const ofFormerHold = await primary.write(request(first.hold, version(0)));
    const ofNobody = await secondary.write(request(hold(999), version(0)));

    for (const outcome of [withoutLock, ofFormerHold, ofNobody])
      expect(outcome).toMatchObject({ kind: 'movedOn', reading: { kind: 'none' } });
    expect(await reading(secondary)).toMatchObject({ kind: 'none' });
  });

  test(`${name}: one bad copy is outvoted by the good one (REASONS A3)`, async () => {
    const { primary, secondary, spoil } = await setUp();

    await lockAndWrite(primary);
    await spoil('primary', [1]);
    expect(await reading(secondary)).toMatchObject({
      kind: 'record',
      record: { version: 1 },
      isSettled: false,
    });

    await primary.release();
    expect(await lockAndWrite(primary)).toMatchObject({ kind: 'written', record: { version: 3 } });
    await spoil('primary', [2]);
    expect(await reading(secondary)).toMatchObject({ kind: 'record', record: { version: 3 } });
  });

  test(`${name}: two bad copies are damage, and nobody writes before an operator decides (§1, §2 Force)`, async () => {
    const { primary, secondary, spoil } = await setUp();

    await lockAndWrite(primary);
    await primary.release();
    await spoil('primary', [1, 2]);
    const damaged = { kind: 'damaged', blocks: ['primary'] };

    expect(await reading(secondary)).toMatchObject(damaged);
    expect(await lockAndWrite(primary)).toMatchObject({ kind: 'movedOn', reading: damaged });
    await primary.release();
    expect(await lockAndWrite(secondary)).toMatchObject({ kind: 'movedOn', reading: damaged });

    const forced = await lockAndWrite(secondary, { repairs: true, above: version(1001) });
    expect(forced).toMatchObject({ kind: 'written', record: { version: 1002 } });
    expect(await reading(primary)).toMatchObject({ kind: 'record', record: { version: 1002 } });
  });

  test(`${name}: who repairs its own damaged block begins it anew (§2 Force)`, async () => {
    const { primary, secondary, spoil } = await setUp();

    await lockAndWrite(primary);
    await spoil('primary', [1, 2]);

    expect(await lockAndWrite(primary, { repairs: true, above: version(1000) })).toMatchObject({
      kind: 'written',
    });
    expect(await reading(secondary)).toMatchObject({
      kind: 'record',
      record: { version: 1001 },
      isSettled: true,
    });
  });

  test(`${name}: the mark names the holder and the stamp that it committed, and never falls back (§1, REASONS A9)`, async () => {
    const { primary, secondary } = await setUp();
    const marked = (server: ServerName, number: number): object => ({
      mark: { holder: server, stamp: { epoch: 4, seq: number } },
    });
    const comes = (server: ServerName, number: number): Promise<void> =>
      expect.poll(() => reading(primary), { timeout: 5_000 }).toMatchObject(marked(server, number));

    await held(primary);
    primary.committed({ epoch: epoch(4), seq: seq(104) });
    await comes('primary', 104);

    await primary.release();
    await held(secondary);
    await comes('secondary', 104);
    secondary.committed({ epoch: epoch(4), seq: seq(103) });
    secondary.committed({ epoch: epoch(4), seq: seq(105) });
    await comes('secondary', 105);
  });

  test(`${name}: who closes has let the lock go (§2 Keeper)`, async () => {
    const { primary, secondary, lost } = await setUp();

    await held(primary);
    await primary.close();

    await held(secondary);
    expect(lost.primary).toEqual([]);
  });
}
