/** What the simulated line does when it is broken in each of its ways. */
import { expect, test } from 'vitest';
import type { Frame } from '../../src/core/pair/index.ts';
import { SimClock } from '../../src/simulator/time/sim-clock.ts';
import { SimNetwork } from '../../src/simulator/network/sim-network.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { Observer, type Side } from '../contract/channel-contract.ts';
import { beat, entriesFrame } from '../contract/sample-frames.ts';

async function started(network: SimNetwork, server: 'primary' | 'secondary'): Promise<Side> {
  const side = { channel: network.channel(server), seen: new Observer(() => undefined) };
  await side.channel.open(side.seen);
  return side;
}

async function standing(seed = 1, latencyMin = 1) {
  const clock = new SimClock();
  const network = new SimNetwork(clock, new SimRandom(seed), {
    latencyMs: { min: latencyMin, max: 5 },
    dialMs: { min: 10, max: 20 },
  });
  const [primary, secondary] = [await started(network, 'primary'), await started(network, 'secondary')];
  const bothUp = () => primary.seen.isUp && secondary.seen.isUp;
  expect(await clock.runUntil(bothUp, 100)).toBe(true);
  return { clock, network, primary, secondary, bothUp };
}

const beats = (from: number, to: number): Frame[] =>
  Array.from({ length: to - from }, (_, at) => beat(from + at));

test('frames are late by chance, and in order', async () => {
  const { clock, primary, secondary } = await standing();
  for (const frame of beats(0, 100)) primary.channel.send(frame);
  await clock.run(0.9);
  expect(secondary.seen.frames).toEqual([]);
  await clock.run(5);
  expect(secondary.seen.frames).toEqual(beats(0, 100));
});

test('no frame is quicker than the line, however full it is', async () => {
  const { clock, primary, secondary } = await standing(1, 5);
  primary.channel.send(beat(1));
  await clock.run(4);
  primary.channel.send(beat(2));
  await clock.run(1);
  expect(secondary.seen.frames).toEqual([beat(1)]);
  await clock.run(4);
  expect(secondary.seen.frames).toEqual([beat(1), beat(2)]);
});

test('a cut is silent both ways; what was sent into it arrives when it heals', async () => {
  const { clock, network, primary, secondary } = await standing();
  network.cut();
  primary.channel.send(beat(1));
  secondary.channel.send(entriesFrame(2, Buffer.alloc(1000)));
  await clock.run(10_000);
  expect([primary.seen.told, secondary.seen.told]).toEqual([['up'], ['up']]);
  expect([...primary.seen.frames, ...secondary.seen.frames]).toEqual([]);
  expect(secondary.channel.backlog()).toBeGreaterThan(1000);
  network.heal();
  await clock.run(10);
  expect([primary.seen.frames.length, secondary.seen.frames.length]).toEqual([1, 1]);
  expect(secondary.channel.backlog()).toBe(0);
});

test('a cut one way lets the other way through', async () => {
  const { clock, network, primary, secondary } = await standing();
  network.cutOneWay('primary');
  primary.channel.send(beat(1));
  secondary.channel.send(beat(2));
  await clock.run(1_000);
  expect([primary.seen.frames, secondary.seen.frames]).toEqual([[beat(2)], []]);
});

test('a connection dropped in a cut stands on for the peer until the line heals; then they dial anew', async () => {
  const { clock, network, primary, secondary } = await standing();
  network.cut();
  primary.channel.drop('silent for peerTimeout');
  await clock.run(10_000);
  expect([primary.seen.told, secondary.seen.told]).toEqual([['up', 'lost'], ['up']]);
  network.heal();
  await clock.run(5);
  expect(primary.seen.isUp).toBe(false);
  await clock.run(100);
  for (const { seen } of [primary, secondary]) expect(seen.told).toEqual(['up', 'lost', 'up']);
});

test('a reset is told to both at once, and frames on their way are gone', async () => {
  const { clock, network, primary, secondary, bothUp } = await standing();
  primary.channel.send(beat(1));
  secondary.channel.send(beat(2));
  network.reset('the switch rebooted');
  expect([primary.seen.why, secondary.seen.why]).toEqual([['the switch rebooted'], ['the switch rebooted']]);
  expect(await clock.runUntil(bothUp, 100)).toBe(true);
  await clock.run(100);
  expect([...primary.seen.frames, ...secondary.seen.frames]).toEqual([]);
});

test('where one side only loses, the other learns by what it sends, or by the new dial at the latest', async () => {
  for (const sends of [true, false]) {
    const { clock, network, primary, secondary } = await standing();
    network.loseFor('primary');
    expect([primary.seen.told, secondary.seen.told]).toEqual([['up', 'lost'], ['up']]);
    if (sends) secondary.channel.send(beat(1));
    await clock.run(100);
    expect(secondary.seen.why).toEqual([sends ? 'the connection was reset' : 'the peer has dialled anew']);
    for (const { seen } of [primary, secondary]) expect(seen.told).toEqual(['up', 'lost', 'up']);
    expect(primary.seen.frames).toEqual([]);
  }
});

test('a machine that loses power says nothing, answers nothing, and its next run replaces the connection', async () => {
  const { clock, network, primary, secondary } = await standing();
  network.vanish('secondary');
  primary.channel.send(beat(1));
  await clock.run(10_000);
  expect(primary.seen.told).toEqual(['up']);
  const next = await started(network, 'secondary');
  await clock.run(100);
  expect(primary.seen.told).toEqual(['up', 'lost', 'up']);
  expect([next.seen.told, next.seen.frames, secondary.seen.told]).toEqual([['up'], [], ['up']]);
});

test('to a frozen process frames wait, in order, and it gets no new connection until it thaws', async () => {
  const { clock, network, primary, secondary } = await standing();
  network.freeze('secondary');
  for (const frame of beats(0, 10)) primary.channel.send(frame);
  await clock.run(1_000);
  expect(secondary.seen.frames).toEqual([]);
  primary.channel.drop('silent for peerTimeout');
  await clock.run(1_000);
  expect([primary.seen.told, secondary.seen.told]).toEqual([['up', 'lost'], ['up']]);
  network.thaw('secondary');
  await clock.run(100);
  for (const { seen } of [primary, secondary]) expect(seen.told).toEqual(['up', 'lost', 'up']);
  expect(secondary.seen.frames).toEqual(beats(0, secondary.seen.frames.length));
});

test('a dialler whose welcome is cut gives up, and dials again when the line heals', async () => {
  let halves = 0;
  for (let seed = 0; seed < 20; seed += 1) {
    const clock = new SimClock();
    const network = new SimNetwork(clock, new SimRandom(seed), { latencyMs: { min: 5, max: 5 } });
    const [primary, secondary] = [await started(network, 'primary'), await started(network, 'secondary')];
    await clock.runUntil(() => primary.seen.isUp || secondary.seen.isUp, 1_000);
    network.cut();
    await clock.run(4_000);
    if (primary.seen.isUp !== secondary.seen.isUp) halves += 1;
    const half = primary.seen.isUp ? primary : secondary;
    network.heal();
    await clock.run(1_000);
    expect([primary.seen.isUp, secondary.seen.isUp]).toEqual([true, true]);
    expect(half.seen.told).toEqual(['up', 'lost', 'up']);
    primary.channel.send(beat(1));
    await clock.run(10);
    expect(secondary.seen.frames).toEqual([beat(1)]);
  }
  expect(halves).toBe(20);
});

test('the same seed gives the same run, whatever breaks; each side always hears up and lost in turn', async () => {
  const run = async (seed: number): Promise<unknown> => {
    const { clock, network, primary, secondary } = await standing(seed);
    const random = new SimRandom(seed);
    const sides = { primary, secondary };
    const faults = [
      () => network.cut(),
      () => network.cutOneWay('secondary'),
      () => network.heal(),
      () => network.reset('reset'),
      () => network.loseFor('primary'),
      () => network.freeze('primary'),
      () => network.thaw('primary'),
      () => secondary.channel.drop('drop'),
      () => primary.channel.drop('drop'),
    ];
    for (let step = 0; step < 300; step += 1) {
      for (const { channel } of Object.values(sides)) channel.send(beat(step));
      faults[random.below(faults.length * 3)]?.();
      await clock.run(random.below(30));
    }
    network.heal();
    network.thaw('primary');
    await clock.run(5_000);
    expect([primary.seen.isUp, secondary.seen.isUp]).toEqual([true, true]);
    for (const { seen } of Object.values(sides)) {
      expect(seen.told.every((word, at) => word === (at % 2 === 0 ? 'up' : 'lost'))).toBe(true);
      const numbers = seen.frames.map((frame) => (frame.type === 'beat' ? frame.number : -1));
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    }
    return Object.values(sides).map(({ seen }) => [seen.told, seen.why, seen.frames]);
  };
  for (let seed = 0; seed < 30; seed += 1) expect(await run(seed)).toEqual(await run(seed));
});
