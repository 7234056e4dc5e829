/**
 * What a claim and a flap of the channel spare the pair: nobody is struck off for nothing, and no record is written for nothing. Source:
 * PROTOCOL.md §2 Consent, Resume; §4.2; REASONS.md C1, C2, A12.
 */
import { expect, test } from 'vitest';
import { otherServer, type Version } from '../../src/core/pair/index.ts';
import { defaultTiming as timing } from '../../src/simulator/pair/sim-pair.ts';
import { LONG_MS, TwoServers } from './two-servers.ts';

const versionOf = (pair: TwoServers): Version | null => {
  const reading = pair.share.reading();
  return reading.kind === 'record' ? reading.record.version : null;
};

/** Every change of state told since `from`, as `Primary ACTIVE_SYNC`; not that a peer is seen again. */
const statesSince = (pair: TwoServers, from: number): ReadonlySet<string> =>
  new Set(
    pair.lines.slice(from).flatMap(({ text }) => {
      const [, server, state] =
        /(Primary|Secondary) Server switched to (\w+) \(from (?!DEAD)/.exec(text) ?? [];
      return server === undefined ? [] : [`${server} ${state ?? ''}`];
    }),
  );

// Consent -------------------------------------------------------------------------------------------------------------------------

test('a switchover keeps both in the record all the while: one write, and no ACTIVE_SYNC (Consent)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  expect(await client.hasAck(client.publish('before'), 1_000)).toBe(true);
  const from = pair.lines.length;
  const before = versionOf(pair) ?? 0;

  pair.primary.server?.pair.askSwitchover('test');
  await pair.run(1);
  expect(
    await pair.until(() => pair.inSync !== 'primary+secondary' || pair.states === 'PASSIVE/ACTIVE', LONG_MS),
  ).toBe(true);

  expect(pair.states).toBe('PASSIVE/ACTIVE');
  expect(pair.inSync).toBe('primary+secondary');
  expect((versionOf(pair) ?? 0) - before).toBeLessThanOrEqual(2);
  await client.connects();
  expect(await client.hasAck(client.publish('after'), LONG_MS)).toBe(true);
  expect(statesSince(pair, from)).not.toContain('Secondary ACTIVE_SYNC');
});

test('both are started again: both stay named, and the first shrink comes when the peer is gone (Consent)', async () => {
  const pair = await TwoServers.together();
  pair.primary.crash();
  pair.secondary.crash();
  const before = versionOf(pair) ?? 0;
  const from = pair.lines.length;
  pair.primary.start();
  pair.secondary.start();
  expect(
    await pair.until(
      () => /ACTIVE\/PASSIVE|PASSIVE\/ACTIVE/.test(pair.states) || pair.inSync !== 'primary+secondary',
      LONG_MS,
    ),
  ).toBe(true);
  expect(pair.inSync).toBe('primary+secondary');
  expect((versionOf(pair) ?? 0) - before).toBeLessThanOrEqual(2);
  expect([...statesSince(pair, from)].some((line) => line.endsWith('ACTIVE_SYNC'))).toBe(false);

  const [active, passive] = pair.states.startsWith('ACTIVE')
    ? (['primary', 'secondary'] as const)
    : (['secondary', 'primary'] as const);
  pair.machines[passive].crash();
  expect(await pair.until(() => pair.inSync === active, LONG_MS)).toBe(true);
});

test.each(['dies', 'has a disk that fails'])(
  'the new active %s right after its claim: the peer, still named, serves (Consent; REASONS.md C1)',
  async (fate) => {
    const pair = await TwoServers.together();
    const consumer = await pair.client('consumer', false).connects();
    await consumer.subscribes('#');
    const client = await pair.client().connects();
    expect(await client.hasAck(client.publish('kept'), 1_000)).toBe(true);
    const before = versionOf(pair) ?? 0;
    pair.primary.server?.pair.askSwitchover('test');
    expect(await pair.until(() => (versionOf(pair) ?? 0) > before, LONG_MS)).toBe(true);

    if (fate === 'dies') pair.secondary.powerLoss(0);
    else pair.secondary.disk.failNextSync();
    await pair.reaches('STANDALONE/-');

    expect(pair.inSync).toBe('primary');
    await pair.until(() => consumer.payloads.includes('kept'), LONG_MS);
    expect(consumer.payloads).toContain('kept');
  },
);

test('no client is let in before the peer holds what the new active found in its journal (Consent)', async () => {
  const pair = await TwoServers.together();
  pair.primary.crash();
  pair.secondary.crash();
  pair.primary.start();
  pair.secondary.start();
  expect(await pair.until(() => pair.states.includes('ACTIVE'), LONG_MS)).toBe(true);
  const passive = pair.states.startsWith('ACTIVE') ? pair.secondary : pair.primary;
  passive.disk.holdSyncs();
  const active = pair.states.startsWith('ACTIVE') ? pair.primary : pair.secondary;
  const client = pair.client();
  await expect(client.connects(timing.ackTimeout - 500)).rejects.toThrow();
  expect(active.port.isOpen).toBe(false);
  const { committedSeq = 0, lastSeq = 0 } = active.server?.replication.replica ?? {};
  expect(committedSeq).toBeLessThan(lastSeq);
  expect(pair.inSync).toBe('primary+secondary');

  // It says nothing for ackTimeout: it is struck off, and the journal is the active's own to commit.
  await client.connects();
  expect(pair.inSync).toMatch(/^(primary|secondary)$/);
});

test('a peer that the record does not name is not kept: it joins, and is named when it is level (Consent, Grow)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.secondary.crash();
  await pair.reaches('STANDALONE/-');
  expect(await client.hasAck(client.publish('alone'), LONG_MS)).toBe(true);
  pair.primary.crash();
  const from = pair.lines.length;
  pair.primary.start();
  pair.secondary.start();
  await pair.reaches('ACTIVE/PASSIVE');
  expect(statesSince(pair, from)).toContain('Primary ACTIVE_SYNC');
});

// Resume --------------------------------------------------------------------------------------------------------------------------

test('a flap of the channel: the same run of the passive is taken back, the record stays as it is, nothing is lost (Resume)', async () => {
  const pair = await TwoServers.together({ seed: 2 });
  const client = await pair.client().connects();
  const before = versionOf(pair);
  const from = pair.lines.length;
  for (let n = 0; n < 5; n += 1) {
    const messages = [client.publish(`a${n}`), client.publish(`b${n}`)];
    await pair.run(1);
    pair.network.reset('reset');
    for (const message of messages) expect(await client.hasAck(message, 2_000)).toBe(true);
    expect(await pair.until(() => pair.primary.server?.pair.step === 'ACTIVE.together', 2_000)).toBe(true);
  }
  await pair.run(1_000);

  expect(versionOf(pair)).toBe(before);
  expect(statesSince(pair, from)).toEqual(new Set());
  expect(pair.states).toBe('ACTIVE/PASSIVE');
  expect(pair.codes).not.toContain('secondary: LS_TAIL_CUT');
  expect(pair.secondary.server?.broker.digest()).toBe(pair.primary.server?.broker.digest());

  // What was acknowledged after the flaps is the passive's too.
  expect(await client.hasAck(client.publish('last'), 1_000)).toBe(true);
  const { acknowledged } = client;
  pair.primary.crash();
  await pair.reaches('-/STANDALONE');
  expect(acknowledged.size).toBe(11);
});

test('an entry that the passive has before the active does is no tail when it resumes: nothing is cut (Resume, Tail)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  await pair.run(100);
  pair.primary.disk.slow(100);
  const message = client.publish('on its way to two disks');
  await pair.run(10);
  pair.network.reset('reset');
  pair.network.slow(0.01);

  expect(await client.hasAck(message, 2_000)).toBe(true);
  expect(pair.states).toBe('ACTIVE/PASSIVE');
  expect(pair.secondary.disk.cutTails).toEqual([]);
  expect(pair.inSync).toBe('primary+secondary');
});

test('a flap while the share is away: the pair serves on (Resume; REASONS.md C2)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.share.hang();
  await pair.run(timing.keeperTimeout + 500);
  const from = pair.lines.length;
  pair.network.cut();
  pair.network.reset('the cable was out for a second');
  const message = client.publish('held');
  await pair.run(1_000);
  expect(client.acknowledged.has(message)).toBe(false);
  pair.network.heal();

  expect(await client.hasAck(message, timing.shrinkTimeout)).toBe(true);
  await pair.run(30_000);
  expect(pair.states).toBe('ACTIVE/PASSIVE');
  expect(statesSince(pair, from)).toEqual(new Set());

  pair.share.heal();
  await pair.run(5_000);
  expect(pair.primary.server?.pair.memory.hold).not.toBeNull();
  expect(pair.states).toBe('ACTIVE/PASSIVE');
});

test('a passive that has started anew does not resume: it is struck off first (Resume; REASONS.md A12)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.share.hang(['primary']);
  await pair.run(timing.keeperTimeout + 500);
  pair.secondary.crash();
  const message = client.publish('held');
  pair.secondary.start();
  await pair.run(2_000);
  expect(client.acknowledged.has(message)).toBe(false);
  expect(pair.states).toBe('ACTIVE/WAITING');

  pair.share.heal();
  expect(await pair.until(() => pair.inSync === 'primary', LONG_MS)).toBe(true);
  await pair.reaches('ACTIVE/PASSIVE');
  expect(client.acknowledged.has(message)).toBe(true);
});

test.each(['primary', 'secondary'] as const)(
  'where the process of its passive is gone, the %s does not wait for it to resume (Resume, Shrink)',
  async (active) => {
    const pair = await TwoServers.together();
    if (active === 'secondary') {
      pair.primary.server?.pair.askSwitchover('an operator');
      await pair.reaches('PASSIVE/ACTIVE');
    }
    const client = await pair.client().connects();
    pair.machines[otherServer(active)].crash();
    const message = client.publish('held');
    expect(await client.hasAck(message, timing.activeLockReacquisitionInterval / 4)).toBe(true);
    expect(pair.inSync).toBe(active);
  },
);

test('a passive that resumes and then stores nothing is lost after ackTimeout (Resume, Shrink)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  await pair.run(100);
  pair.secondary.disk.holdSyncs();
  pair.network.reset('reset');
  const message = client.publish('held');
  expect(await pair.until(() => pair.primary.server?.pair.step === 'ACTIVE.resuming', 2_000)).toBe(true);
  expect(await client.hasAck(message, timing.ackTimeout - 500)).toBe(false);
  expect(await client.hasAck(message, 5_000)).toBe(true);
  expect(pair.inSync).toBe('primary');
});

test('once the shrink is attempted the passive is not taken back, but joins (Resume, Grow)', async () => {
  const pair = await TwoServers.together();
  const before = versionOf(pair);
  pair.network.cut();
  pair.network.reset('cut');
  await pair.run(timing.activeLockReacquisitionInterval);
  expect(pair.inSync).toBe('primary');
  pair.network.heal();
  await pair.reaches('ACTIVE/PASSIVE');
  expect(pair.inSync).toBe('primary+secondary');
  expect(versionOf(pair)).not.toBe(before);
});
