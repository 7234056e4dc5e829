/** A server joins while messages flow, and something goes wrong in the middle of it. Source: PROTOCOL.md §2 Grow, Turn, Claim, §5. */
import { expect, test } from 'vitest';
import { defaultMqtt as mqtt, defaultTiming as timing } from '../../src/simulator/pair/sim-pair.ts';
import { SteadyTraffic } from './steady-traffic.ts';
import { LONG_MS, TwoServers } from './two-servers.ts';

/** The pair with its passive gone; what comes back lacks a delta, or everything. */
async function withoutPassive(lacks: 'a delta' | 'everything'): Promise<[TwoServers, SteadyTraffic]> {
  const pair = await TwoServers.together();
  const traffic = await SteadyTraffic.start(pair);
  pair.secondary.crash();
  if (lacks === 'everything') pair.secondary.wipe();
  await pair.reaches('STANDALONE/-');
  // What lacks everything lacks more than the journal still holds.
  await traffic.flows(lacks === 'everything' ? 500 : 50);
  return [pair, traffic];
}

const LACKS = ['a delta', 'everything'] as const;

test.each(LACKS)(
  'a joiner that lacks %s has also what came while it caught up, if the active dies as soon as it is named (Grow)',
  async (lacks) => {
    const [pair, traffic] = await withoutPassive(lacks);
    pair.network.slow(30);
    pair.secondary.start();
    await pair.reaches('ACTIVE_SYNC/PASSIVE_SYNC');
    const { acknowledged } = traffic;
    expect(await pair.until(() => pair.inSync === 'primary+secondary', LONG_MS)).toBe(true);
    expect(traffic.acknowledged).toBeGreaterThan(acknowledged);
    pair.primary.crash();
    await pair.reaches('-/STANDALONE');
    await traffic.judged();
    expect(pair.said('Full synchronisation')).toBe(lacks === 'everything');
  },
);

test.each(LACKS)(
  'an active that dies while the joiner that lacks %s catches up: the joiner never serves, the active comes back with everything (Claim)',
  async (lacks) => {
    const [pair, traffic] = await withoutPassive(lacks);
    pair.network.slow(30);
    pair.secondary.start();
    await pair.reaches('ACTIVE_SYNC/PASSIVE_SYNC');
    pair.primary.crash();
    await pair.run(LONG_MS);
    expect(pair.states).toBe('-/WAITING');
    expect(pair.inSync).toBe('primary');
    pair.network.slow(1);
    pair.primary.start();
    await pair.reaches('ACTIVE/PASSIVE');
    await traffic.judged();
  },
);

test('the journal is trimmed under a joiner that catches up slowly: it gets what it lacks, and nothing settled comes back (§5)', async () => {
  const [pair, traffic] = await withoutPassive('a delta');
  pair.network.slow(400);
  pair.secondary.start();
  await pair.reaches('ACTIVE_SYNC/PASSIVE_SYNC');
  const firstSeq = (): number => pair.primary.server?.replication.replica.store.journal.firstSeq ?? 0;
  const before = firstSeq();
  expect(await pair.until(() => firstSeq() > before, LONG_MS)).toBe(true);
  expect(pair.states).toBe('ACTIVE_SYNC/PASSIVE_SYNC');
  pair.network.slow(1);
  await pair.reaches('ACTIVE/PASSIVE');
  pair.primary.crash();
  await pair.reaches('-/STANDALONE');
  await traffic.judged();
  expect(pair.secondary.server?.connections.stats().queuedMessages).toBe(0);
});

test('publishers that are quicker than the line to the passive are slowed down: what waits stays within pendingSizeMax (Ack)', async () => {
  const pair = await TwoServers.together({ mqtt: { ...mqtt, pendingSizeMax: 64 * 1024 } });
  const client = await pair.client().connects();
  const consumer = await pair.client('consumer', false).connects();
  await consumer.subscribes('#');
  pair.network.slow(200);
  const payloads = Array.from({ length: 400 }, (_, n) => `m${n}`.padEnd(1024, '.'));
  let most = 0;
  for (const payload of payloads) {
    client.publish(payload);
    await pair.run(0.1);
    most = Math.max(most, pair.primary.server?.replication.pipeline.pendingBytes() ?? 0);
  }
  expect(most).toBeGreaterThan(32 * 1024);
  expect(most).toBeLessThan(2 * 64 * 1024);
  pair.network.slow(1);
  expect(await consumer.gets(payloads)).toBe(true);
  expect(pair.states).toBe('ACTIVE/PASSIVE');
});

test('a joiner catches up with an active whose disk is a hundred times slower: it ends, in the order of the writes (§5)', async () => {
  const [pair, traffic] = await withoutPassive('a delta');
  pair.primary.disk.slow(100);
  pair.secondary.start();
  await pair.reaches('ACTIVE/PASSIVE');
  pair.primary.crash();
  await pair.reaches('-/STANDALONE');
  await traffic.judged();
});

test('a switchover whose passive cannot claim, because the share hangs for it: the former active serves again (Turn)', async () => {
  const pair = await TwoServers.together();
  const traffic = await SteadyTraffic.start(pair);
  pair.share.hang(['secondary']);
  pair.primary.server?.pair.askSwitchover('test');
  await pair.run(100);
  expect(pair.states).not.toContain('ACTIVE/');
  await pair.until(
    () => /ACTIVE|STANDALONE/.test(pair.states),
    timing.handoverTimeout + 2 * timing.claimTimeout,
  );
  await traffic.flows();
  expect(pair.states).toMatch(/^(ACTIVE|ACTIVE_SYNC|STANDALONE)\//);
  pair.share.heal();
  await pair.reaches('ACTIVE/PASSIVE');
  await traffic.judged();
});

test('a switchover whose drain does not end, because the passive stores nothing: one serves again within the timeouts (Turn, Shrink)', async () => {
  const pair = await TwoServers.together();
  const traffic = await SteadyTraffic.start(pair);
  pair.secondary.disk.holdSyncs();
  await pair.run(100);
  pair.primary.server?.pair.askSwitchover('test');
  await traffic.flows(20, timing.ackTimeout + timing.shrinkTimeout + timing.handoverTimeout);
  await traffic.judged();
});

test('three switchovers and three failovers in a row: after each the roles are whole, and no server keeps more than one store (Turn, §3)', async () => {
  const pair = await TwoServers.together();
  const traffic = await SteadyTraffic.start(pair);
  for (let round = 1; round <= 3; round += 1) {
    pair.primary.server?.pair.askSwitchover('there');
    await pair.reaches('PASSIVE/ACTIVE');
    await traffic.flows();
    pair.secondary.crash();
    await pair.reaches('STANDALONE/-');
    await traffic.flows();
    pair.secondary.start();
    await pair.reaches('ACTIVE/PASSIVE');
  }
  await traffic.judged();
  for (const { disk } of [pair.primary, pair.secondary]) expect(disk.stores.size).toBe(1);
});

test('what comes while a joiner stores slowly waits on the disk: no more than a window is on its way to it (§5)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.secondary.crash();
  await pair.reaches('STANDALONE/-');
  pair.secondary.start();
  await pair.reaches('ACTIVE_SYNC/PASSIVE_SYNC');
  pair.secondary.disk.slow(2_000);
  const MIB = 1024 * 1024;
  let most = 0;
  for (let n = 1; n <= 40; n += 1) {
    expect(await client.hasAck(client.publish(`m${n}`.padEnd(MIB - 100, '.')), LONG_MS)).toBe(true);
    most = Math.max(most, pair.primary.server?.replication.lag?.bytes ?? 0);
  }
  expect(pair.states).toBe('ACTIVE_SYNC/PASSIVE_SYNC');
  expect(most).toBeGreaterThan(15 * MIB);
  // A window, and the frame that closes it.
  expect(most).toBeLessThan(17 * MIB);
  pair.secondary.disk.slow(1);
  await pair.reaches('ACTIVE/PASSIVE');
});
