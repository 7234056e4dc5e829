/** What is planted is seen: each fault of our own making breaks a claim that the shipped parts keep, in a scene or under a seed. Source: PROTOCOL.md §2. */
import { expect, test } from 'vitest';
import { PLANTED } from '../../src/simulator/planted.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { LONG_MS, TwoServers } from '../runtime/two-servers.ts';

/** The pair with a message sent while the passive can't sync it: is it acknowledged? */
async function isAcknowledgedUnsynced(plant: keyof typeof PLANTED | null): Promise<boolean> {
  const pair = await TwoServers.together(plant === null ? {} : { plant: PLANTED[plant]() });
  const client = await pair.client().connects();
  await pair.run(100);
  pair.secondary.disk.holdSyncs();
  return client.hasAck(client.publish('unsynced'), 1_000);
}

test('an append that counts before its sync, and a joiner that acknowledges on receipt, show as acknowledgements too early (Ack)', async () => {
  expect(await isAcknowledgedUnsynced(null)).toBe(false);
  expect(await isAcknowledgedUnsynced('appendBeforeSync')).toBe(true);
  expect(await isAcknowledgedUnsynced('acknowledgedOnReceipt')).toBe(true);
});

test('a lost store that comes back under its former name serves without the messages (Claim)', async () => {
  for (const [plant, states] of [
    [{}, '-/WAITING'],
    [PLANTED.storeIdCopied(), '-/STANDALONE'],
  ] as const) {
    const pair = await TwoServers.together({ plant });
    await (await pair.client('consumer', false).connects()).subscribes('#');
    pair.primary.crash();
    pair.secondary.powerLoss(0);
    pair.secondary.wipe();
    pair.secondary.start();
    await pair.run(LONG_MS);
    expect(pair.states).toBe(states);
  }
});

test('a joiner that keeps the tail it should have cut never joins (Tail)', async () => {
  for (const [plant, hasJoined] of [
    [{}, true],
    [PLANTED.tailKept(), false],
  ] as const) {
    const pair = await TwoServers.together({ plant });
    const client = await pair.client().connects();
    pair.network.cutOneWay('primary');
    client.publish('never acknowledged');
    await pair.run(20);
    pair.primary.crash();
    await pair.until(() => pair.states === '-/STANDALONE', LONG_MS);
    pair.network.heal();
    pair.primary.start();
    expect(await pair.until(() => pair.states === 'PASSIVE/ACTIVE', LONG_MS)).toBe(hasJoined);
  }
});

/** The promise that the first of a few seeds breaks to break one. */
async function brokenBy(plant: keyof typeof PLANTED): Promise<string | undefined> {
  for (let seed = 1; seed <= 10; seed += 1) {
    const { broken } = await simulate(seed, { safetyMs: 60_000, plant: PLANTED[plant]() });
    if (broken !== null) return broken.promise;
  }
  return undefined;
}

test('under some seed, a replay that skips the last entry, and a checkpoint that forgets a change, break a promise (Claim; §1, state)', async () => {
  expect(await brokenBy('replaySkipsLastEntry')).toBeDefined();
  expect(await brokenBy('checkpointForgets')).toBeDefined();
});

test('a record write without an answer, taken for done, lets both serve alone (Write, Shrink)', async () => {
  for (const [plant, doBoth] of [
    [{}, false],
    [PLANTED.unresolvedTakenForWritten(), true],
  ] as const) {
    const pair = await TwoServers.together({ plant });
    pair.share.failNextWrite('primary', 'before');
    pair.network.cut();
    await pair.until(() => pair.states.startsWith('STANDALONE'), LONG_MS);
    await pair.run(500);
    pair.share.expire('primary');
    expect(await pair.until(() => pair.states === 'STANDALONE/STANDALONE', 10_000)).toBe(doBoth);
  }
});

test('an acknowledgement that counts for everything commits what the passive does not have (Ack)', async () => {
  for (const [plant, isAhead] of [
    [{}, false],
    [PLANTED.acknowledgementForAll(), true],
  ] as const) {
    const pair = await TwoServers.together({ plant });
    const client = await pair.client().connects();
    pair.network.slow(100);
    for (let n = 0; n < 20; n += 1) pair.clock.after(n * 15, () => void client.publish(`m${n}`));
    const isCommittedHereOnly = (): boolean =>
      (pair.primary.server?.replication.replica.committedSeq ?? 0) >
      (pair.secondary.server?.replication.replica.lastSeq ?? 0);
    expect(await pair.until(isCommittedHereOnly, 2_000)).toBe(isAhead);
  }
});

test('a passive that applies what comes is ahead of what is committed (state, Tail)', async () => {
  for (const [plant, isAhead] of [
    [{}, false],
    [PLANTED.appliedBeforeCommitted(), true],
  ] as const) {
    const pair = await TwoServers.together({ plant });
    const client = await pair.client().connects();
    await pair.run(100);
    pair.primary.disk.holdSyncs();
    client.publish('durable on the passive only');
    const isApplied = (): boolean =>
      (pair.secondary.server?.replication.replica.appliedSeq ?? 0) >
      (pair.primary.server?.replication.replica.committedSeq ?? 0);
    expect(await pair.until(isApplied, 1_000)).toBe(isAhead);
  }
});
