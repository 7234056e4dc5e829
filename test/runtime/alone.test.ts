/** Who may serve alone, when servers leave, break and come back in any order. Source: PROTOCOL.md §2 Claim, Shrink, Force, Tail, §3, §4. */
import { describe, expect, test } from 'vitest';
import { defaultTiming as timing } from '../../src/simulator/pair/sim-pair.ts';
import { SteadyTraffic } from './steady-traffic.ts';
import { LONG_MS, TwoServers } from './two-servers.ts';

describe('only the server that was alone last serves alone again (Claim)', () => {
  test.each([
    ['stopped', 'stopped'],
    ['stopped', 'killed'],
    ['killed', 'stopped'],
    ['killed', 'killed'],
    ['killed', 'without power'],
  ] as const)('the passive %s first, the active %s then; each started alone', async (first, second) => {
    const pair = await TwoServers.together();
    const consumer = await pair.client('consumer', false).connects();
    await consumer.subscribes('#');
    if (first === 'stopped') pair.secondary.stop('test');
    else pair.secondary.crash();
    await pair.reaches('STANDALONE/-');
    const client = await pair.client().connects();
    expect(await client.hasAck(client.publish('while alone'), 1_000)).toBe(true);
    if (second === 'stopped') pair.primary.stop('test');
    else if (second === 'killed') pair.primary.crash();
    else pair.primary.powerLoss(0);
    await pair.reaches('-/-');

    pair.secondary.start();
    await pair.run(LONG_MS);
    expect(pair.states).toBe('-/WAITING');
    expect(pair.inSync).toBe('primary');
    pair.secondary.crash();

    pair.primary.start();
    await pair.reaches('STANDALONE/-');
    pair.secondary.start();
    await pair.reaches('ACTIVE/PASSIVE');
    expect(await consumer.gets(['while alone'])).toBe(true);
  });

  test('to and fro: each time the other one, and never the one before', async () => {
    const pair = await TwoServers.together();
    const traffic = await SteadyTraffic.start(pair, 50);
    for (let round = 1; round <= 3; round += 1) {
      pair.primary.crash();
      await pair.reaches('-/STANDALONE');
      await traffic.flows();
      pair.secondary.crash();
      pair.primary.start();
      await pair.run(LONG_MS);
      expect(pair.states).toBe('WAITING/-');
      pair.secondary.start();
      await pair.reaches('PASSIVE/ACTIVE');
      pair.secondary.crash();
      await pair.reaches('STANDALONE/-');
      pair.secondary.start();
      await pair.reaches('ACTIVE/PASSIVE');
    }
    await traffic.judged();
  });
});

describe('a claim that its server did not live to see', () => {
  test('the record is written, the first entry of its epoch is not: the same server claims again above it (Claim)', async () => {
    const pair = await TwoServers.together();
    const traffic = await SteadyTraffic.start(pair);
    const before = epochOnShare(pair);
    pair.primary.crash();
    expect(await pair.until(() => epochOnShare(pair) > before, LONG_MS)).toBe(true);
    pair.secondary.crash();
    pair.primary.start();
    await pair.run(LONG_MS);
    expect(pair.states).toBe('WAITING/-');

    pair.secondary.start();
    await pair.reaches('PASSIVE/ACTIVE');
    expect(epochOnShare(pair)).toBe(before + 2);
    await traffic.judged();
  });

  test.each(['before', 'after'] as const)(
    'its write stays without an answer, %s it has landed: the same server claims above whatever it was (Write)',
    async (when) => {
      const pair = await TwoServers.together();
      const traffic = await SteadyTraffic.start(pair);
      const before = epochOnShare(pair);
      pair.share.failNextWrite('secondary', when);
      pair.primary.crash();
      await pair.reaches('-/STANDALONE');
      expect(epochOnShare(pair)).toBe(before + (when === 'before' ? 1 : 2));
      pair.primary.start();
      await pair.reaches('PASSIVE/ACTIVE');
      await traffic.judged();
    },
  );
});

const epochOnShare = (pair: TwoServers): number => {
  const reading = pair.share.reading();
  return reading.kind === 'record' ? reading.record.epoch : 0;
};

describe('a server that serves alone, and its share', () => {
  test('hangs after a takeover: it stops within its times, and serves again when the share answers (§3)', async () => {
    const pair = await TwoServers.together();
    const traffic = await SteadyTraffic.start(pair);
    pair.primary.crash();
    await pair.reaches('-/STANDALONE');
    pair.share.hang();
    await pair.reaches('-/WAITING', timing.keeperTimeout + 2 * timing.activeLockReacquisitionInterval);
    pair.share.heal();
    await pair.reaches('-/STANDALONE');
    await traffic.judged();
  });

  test('hangs while its peer is stopped, and the peer comes back: nobody serves until the share answers, then both do (§3)', async () => {
    const pair = await TwoServers.together();
    const traffic = await SteadyTraffic.start(pair);
    pair.secondary.stop('maintenance');
    await pair.reaches('STANDALONE/-');
    pair.share.hang();
    await pair.reaches('WAITING/-');
    pair.secondary.start();
    await pair.run(LONG_MS);
    expect(pair.states).toBe('WAITING/WAITING');
    pair.share.heal();
    await pair.reaches('ACTIVE/PASSIVE');
    await traffic.judged();
  });

  test('is replaced by an empty one below the pair: serving goes on, and a takeover works with the new record (None)', async () => {
    const pair = await TwoServers.together();
    const traffic = await SteadyTraffic.start(pair);
    pair.share.wipe();
    await traffic.flows();
    expect(await pair.until(() => pair.inSync === 'primary+secondary', LONG_MS)).toBe(true);
    await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS);
    const isPrimary = pair.states === 'ACTIVE/PASSIVE';
    pair.machines[isPrimary ? 'primary' : 'secondary'].crash();
    await pair.reaches(isPrimary ? '-/STANDALONE' : 'STANDALONE/-');
    await traffic.judged();
  });
});

test('the disk of a server that serves alone fails while its peer catches up: nobody serves, and it does again once it is restarted (Ack, §3)', async () => {
  const pair = await TwoServers.together();
  const traffic = await SteadyTraffic.start(pair);
  pair.secondary.crash();
  await pair.reaches('STANDALONE/-');
  await traffic.flows(50);
  pair.network.slow(30);
  pair.secondary.start();
  await pair.reaches('ACTIVE_SYNC/PASSIVE_SYNC');
  pair.primary.disk.failNextSync();
  await pair.reaches('-/WAITING');
  expect(pair.ended).toEqual(['primary']);
  await pair.run(LONG_MS);
  expect(pair.states).toBe('-/WAITING');
  pair.network.slow(1);
  pair.primary.start();
  await pair.reaches('ACTIVE/PASSIVE');
  await traffic.judged();
});

describe('one server sees the share, or the gateway, and the other does not', () => {
  test.each(['primary', 'secondary'] as const)(
    'the share hangs for the %s alone: nobody notices while both are there (§3)',
    async (server) => {
      const pair = await TwoServers.together();
      const traffic = await SteadyTraffic.start(pair, 50);
      pair.share.hang([server]);
      await pair.run(30_000);
      expect(pair.states).toBe('ACTIVE/PASSIVE');
      await traffic.flows();
      pair.share.heal();
      await traffic.judged();
    },
  );

  test('the share hangs for the active, and the channel is cut: it holds everything back and waits, and the passive takes over (§4)', async () => {
    const pair = await TwoServers.together();
    const traffic = await SteadyTraffic.start(pair);
    pair.share.hang(['primary']);
    // Until the lock of a server that the share can't hear has run out.
    await pair.run(timing.keeperTimeout + 1_000);
    pair.network.cut();
    await pair.reaches('WAITING/STANDALONE');
    await traffic.flows();
    pair.network.heal();
    pair.share.heal();
    await pair.reaches('PASSIVE/ACTIVE');
    await traffic.judged();
  });

  test('the share hangs for the passive, and the channel is cut: the active goes on alone (§4)', async () => {
    const pair = await TwoServers.together();
    const traffic = await SteadyTraffic.start(pair, 50);
    pair.share.hang(['secondary']);
    pair.network.cut();
    // It can't read the record that no longer names it, and without the lock it does nothing.
    await pair.reaches('STANDALONE/PASSIVE');
    await pair.run(LONG_MS);
    expect(pair.states).toBe('STANDALONE/PASSIVE');
    await traffic.flows();
    pair.network.heal();
    pair.share.heal();
    await pair.reaches('ACTIVE/PASSIVE');
    await traffic.judged();
  });

  test.each(['primary', 'secondary'] as const)(
    'what the %s sends is lost: the active goes on alone, and nothing is lost (Shrink)',
    async (sender) => {
      const pair = await TwoServers.together();
      const traffic = await SteadyTraffic.start(pair);
      pair.network.cutOneWay(sender);
      await pair.reaches('STANDALONE/WAITING');
      await traffic.flows();
      pair.network.heal();
      await pair.reaches('ACTIVE/PASSIVE');
      await traffic.judged();
    },
  );
});
