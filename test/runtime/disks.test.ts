/** Disks, power and slowness: what was acknowledged is on both disks, and slow is not dead. Source: PROTOCOL.md §2 Ack, Shrink, Claim, §4. */
import { describe, expect, test } from 'vitest';
import { defaultTiming as timing } from '../../src/simulator/pair/sim-pair.ts';
import { SteadyTraffic } from './steady-traffic.ts';
import { LONG_MS, TwoServers } from './two-servers.ts';

describe('who missed writes never serves without them (Claim)', () => {
  test.each(['frozen', 'cut off'] as const)(
    'the passive is %s, the active goes on, loses its power and what was not synced; the passive comes back first',
    async (how) => {
      const pair = await TwoServers.together();
      const consumer = await pair.client('consumer', false).connects();
      await consumer.subscribes('#');
      const client = await pair.client().connects();
      if (how === 'frozen') pair.secondary.freeze('machine');
      else pair.network.cut();
      expect(await pair.until(() => pair.states.startsWith('STANDALONE'), LONG_MS)).toBe(true);
      expect(await client.hasAck(client.publish('missed'), 1_000)).toBe(true);
      pair.primary.powerLoss(0);
      pair.secondary.thaw();
      pair.network.heal();
      await pair.run(LONG_MS);
      expect(pair.states).toBe('-/WAITING');

      pair.primary.start();
      await pair.reaches('ACTIVE/PASSIVE');
      expect(await consumer.gets(['missed'])).toBe(true);
    },
  );

  test.each(['primary', 'secondary'] as const)(
    'both lose their power right behind an acknowledgement, and the %s starts first: the message is there',
    async (first) => {
      for (let seed = 1; seed <= 10; seed += 1) {
        const pair = await TwoServers.together({ seed });
        const consumer = await pair.client('consumer', false).connects();
        await consumer.subscribes('#');
        consumer.isSettling = false;
        const client = await pair.client().connects();
        expect(await client.hasAck(client.publish('just acknowledged'), 1_000)).toBe(true);
        for (const name of ['primary', 'secondary'] as const) pair.machines[name].powerLoss(0);
        consumer.delivered.length = 0;
        pair.machines[first].start();
        await pair.until(() => pair.states.includes('STANDALONE'), LONG_MS);
        for (const name of ['primary', 'secondary'] as const) pair.machines[name].start();
        expect(await consumer.gets(['just acknowledged'])).toBe(true);
      }
    },
  );
});

test('a passive whose disk fails ends its process, and the active goes on alone (Ack, Shrink)', async () => {
  const pair = await TwoServers.together();
  const traffic = await SteadyTraffic.start(pair);
  pair.secondary.disk.failNextSync();
  await pair.reaches('STANDALONE/-');
  expect(pair.ended).toEqual(['secondary']);
  await traffic.flows();
  pair.secondary.start();
  await pair.reaches('ACTIVE/PASSIVE');
  await traffic.judged();
});

test('both disks fail: nobody serves and nothing more is acknowledged; both started again have everything (Ack)', async () => {
  const pair = await TwoServers.together();
  const traffic = await SteadyTraffic.start(pair);
  pair.primary.disk.failNextSync();
  pair.secondary.disk.failNextSync();
  await pair.reaches('-/-');
  const { acknowledged } = traffic;
  await pair.run(LONG_MS);
  expect(traffic.acknowledged).toBe(acknowledged);
  pair.secondary.start();
  pair.primary.start();
  await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS);
  await traffic.judged();
});

describe('slow is not dead (§4)', () => {
  const SLOW: [string, number, (pair: TwoServers) => void][] = [
    ['the disk of the active takes a hundred times as long', 1_000, (pair) => pair.primary.disk.slow(100)],
    ['the disk of the passive takes a hundred times as long', 1_000, (pair) => pair.secondary.disk.slow(100)],
    ['the line takes up to a second each way', 2_500, (pair) => pair.network.slow(500)],
  ];
  test.each(SLOW)(
    '%s: nobody changes its state, and every acknowledgement comes in time',
    async (_, boundMs, slow) => {
      const pair = await TwoServers.together();
      const client = await pair.client().connects();
      slow(pair);
      const from = pair.lines.length;
      for (let n = 1; n <= 20; n += 1)
        expect(await client.hasAck(client.publish(`m${n}`), boundMs)).toBe(true);
      expect(pair.states).toBe('ACTIVE/PASSIVE');
      expect(pair.lines.slice(from).filter(({ text }) => text.includes('switched to'))).toEqual([]);
    },
  );

  test('the line takes longer than peerTimeout there and back: the active serves on with acknowledgements in time, and service never moves', async () => {
    const pair = await TwoServers.together();
    const client = await pair.client().connects();
    const from = pair.lines.length;
    pair.network.slow(3_000);
    const boundMs = timing.peerTimeout + timing.ackTimeout;
    for (let n = 1; n <= 60; n += 1) {
      expect(await client.hasAck(client.publish(`m${n}`), boundMs)).toBe(true);
      await pair.run(1_000);
    }
    const changes = pair.lines.slice(from).map(({ text }) => text);
    expect(changes.filter((text) => /Secondary Server switched to STANDALONE/.test(text))).toEqual([]);
    expect(changes.filter((text) => /Primary Server switched to WAITING/.test(text))).toEqual([]);
    pair.network.slow(1);
    await pair.reaches('ACTIVE/PASSIVE');
  });

  test.each(['primary', 'secondary'] as const)(
    'the %s stands still for 20 s: one takeover or one shrink, one return, and no more changes than that',
    async (server) => {
      const pair = await TwoServers.together();
      const traffic = await SteadyTraffic.start(pair, 50);
      const from = pair.lines.length;
      pair.machines[server].freeze('process');
      await traffic.flows(
        20,
        timing.peerTimeout + timing.keeperTimeout + timing.passiveLockAcquisitionInterval,
      );
      await pair.run(20_000);
      pair.machines[server].thaw();
      await pair.reaches(server === 'primary' ? 'PASSIVE/ACTIVE' : 'ACTIVE/PASSIVE');
      await pair.run(20_000);
      await traffic.judged();
      const changes = pair.lines
        .slice(from)
        .flatMap(({ text }) => /^(\w+): (\w+) Server switched to (\w+)/.exec(text)?.slice(1) ?? []);
      const own = [...changes.keys()]
        .filter((n) => n % 3 === 0 && changes[n] === changes[n + 1]?.toLowerCase())
        .map((n) => `${changes[n] ?? ''} ${changes[n + 2] ?? ''}`);
      const other = server === 'primary' ? 'secondary' : 'primary';
      expect(own.sort()).toEqual(
        [
          `${other} STANDALONE`,
          `${other} ACTIVE_SYNC`,
          `${other} ACTIVE`,
          `${server} WAITING`,
          `${server} PASSIVE_SYNC`,
          `${server} PASSIVE`,
        ].sort(),
      );
    },
  );
});
