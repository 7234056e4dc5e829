/** The pair at work, both servers whole, on virtual time: PROTOCOL.md's rules as they are seen from outside. Source: PROTOCOL.md §2 to §5. */
import { expect, test } from 'vitest';
import { defaultTiming as timing } from '../../src/simulator/pair/sim-pair.ts';
import { LONG_MS, TwoServers } from './two-servers.ts';

// Starting ------------------------------------------------------------------------------------------------------------------------

test('two virgin servers found a pair: the primary claims, the secondary joins, the record names both (None, Turn, Grow)', async () => {
  const pair = new TwoServers();
  pair.primary.start();
  pair.secondary.start();
  await pair.reaches('ACTIVE/PASSIVE', 2_000);
  expect(pair.inSync).toBe('primary+secondary');
});

test('one virgin server alone does not serve until it is told --new-pair (None)', async () => {
  const pair = new TwoServers();
  pair.secondary.start();
  await pair.run(LONG_MS);
  expect(pair.states).toBe('-/WAITING');
  expect(pair.inSync).toBe('none');

  pair.secondary.crash();
  pair.secondary.start({ newPair: true });
  await pair.reaches('-/STANDALONE');
  expect(pair.inSync).toBe('secondary');
});

test('a server whose peer does not come serves alone after startupWait, if the record names it (§3)', async () => {
  const pair = await TwoServers.together();
  pair.primary.powerLoss(0);
  pair.secondary.powerLoss(0);
  pair.secondary.start();
  await pair.run(timing.startupWait - 100);
  expect(pair.states).toBe('-/WAITING');
  await pair.reaches('-/STANDALONE', 1_000);
});

// Losing the peer -----------------------------------------------------------------------------------------------------------------

test('when the active crashes, the passive holds everything acknowledged and serves (Claim, §4.3)', async () => {
  const pair = await TwoServers.together();
  const consumer = await pair.client('consumer', false).connects();
  await consumer.subscribes('#');
  const publisher = await pair.client('publisher').connects();
  for (const n of [1, 2, 3]) await publisher.hasAck(publisher.publish(`m${n}`), 1_000);
  expect(publisher.acknowledged.size).toBe(3);

  pair.primary.crash();
  await pair.reaches('-/STANDALONE', 1_000);
  expect(pair.inSync).toBe('secondary');
  await publisher.hasAck(publisher.publish('m4'), 1);
  await pair.until(() => consumer.payloads.includes('m3'), LONG_MS);
  expect([...new Set(consumer.payloads)]).toEqual(['m1', 'm2', 'm3']);
});

test('when the active loses its power, the passive serves once it is silent and its lock has run out (§4.3)', async () => {
  const pair = await TwoServers.together();
  pair.primary.powerLoss(4_000);
  await pair.run(timing.peerTimeout - 600);
  expect(pair.states).toBe('-/PASSIVE');
  await pair.reaches('-/STANDALONE', 10_000);
});

test('when the passive is frozen, nothing is acknowledged before the shrink is written (Shrink)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.secondary.freeze('process');
  const message = client.publish('held');
  expect(await pair.until(() => pair.inSync === 'primary', LONG_MS)).toBe(true);
  expect(client.acknowledged.size).toBe(0);
  expect(await client.hasAck(message, 1_000)).toBe(true);
  await pair.reaches('STANDALONE/PASSIVE', 100);

  pair.secondary.thaw();
  await pair.reaches('ACTIVE/PASSIVE');
});

test('a frozen active is replaced; when it wakes it acknowledges nothing and joins (Fence)', async () => {
  for (const what of ['process', 'machine'] as const) {
    const pair = await TwoServers.together();
    const client = await pair.client().connects();
    pair.primary.freeze(what);
    const message = client.publish('held');
    await pair.run(timing.peerTimeout + 500);
    if (what === 'machine') pair.share.expire('primary');
    expect(await pair.until(() => pair.states.endsWith('STANDALONE'), LONG_MS)).toBe(true);
    pair.primary.thaw();
    await pair.reaches('PASSIVE/ACTIVE');
    expect(client.acknowledged.has(message)).toBe(false);
  }
});

test('both freeze and wake: they serve together again, and what was acknowledged is there (Fence, Turn)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client('consumer', false).connects();
  await client.subscribes('#');
  expect(await client.hasAck(client.publish('before'), 1_000)).toBe(true);
  pair.primary.freeze('process');
  pair.secondary.freeze('process');
  await pair.run(30_000);
  pair.secondary.thaw();
  pair.primary.thaw();
  await pair.run(100);
  expect(await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS)).toBe(
    true,
  );
  await pair.until(() => client.payloads.includes('before'), LONG_MS);
  expect(client.payloads).toContain('before');
});

test('with the channel lost and the gateway silent, a server leaves the share alone and waits (§4.1)', async () => {
  const pair = await TwoServers.together();
  pair.primary.gateway.isSilent = true;
  pair.secondary.gateway.isSilent = true;
  pair.network.cut();
  await pair.reaches('WAITING/WAITING');
  await pair.run(LONG_MS);
  expect(pair.states).toBe('WAITING/WAITING');
  expect(pair.inSync).toBe('primary+secondary');

  pair.secondary.gateway.isSilent = false;
  await pair.reaches('WAITING/STANDALONE');
});

test('with the channel cut and both gateways answering, the active goes on alone and the passive waits (§4.2, §4.3)', async () => {
  const pair = await TwoServers.together();
  pair.network.cut();
  await pair.reaches('STANDALONE/WAITING');
  expect(pair.inSync).toBe('primary');
  pair.network.heal();
  await pair.reaches('ACTIVE/PASSIVE');
});

// Ack -----------------------------------------------------------------------------------------------------------------------------

for (const payload of ['small', 'x'.repeat(1024)])
  for (const server of ['primary', 'secondary'] as const)
    test(`no acknowledgement of ${payload.length} bytes leaves before the ${server} has synced it (Ack)`, async () => {
      const pair = await TwoServers.together();
      const client = await pair.client().connects();
      await pair.run(100);
      pair.machines[server].disk.holdSyncs();
      const message = client.publish(payload);
      expect(await client.hasAck(message, timing.ackTimeout - 500)).toBe(false);
      expect(pair.states).toBe('ACTIVE/PASSIVE');
      pair.machines[server].disk.releaseSyncs();
      expect(await client.hasAck(message, 100)).toBe(true);
    });

test('a passive whose disk hangs is struck off after ackTimeout, and only then is its share of the acks given (Shrink)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  await pair.run(100);
  pair.secondary.disk.holdSyncs();
  const message = client.publish('held');
  expect(await client.hasAck(message, timing.ackTimeout)).toBe(false);
  expect(await client.hasAck(message, 3_000)).toBe(true);
  expect(pair.inSync).toBe('primary');
});

test('an active whose own disk fails ends its claim and its process; the passive takes over (Ack)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.primary.disk.failNextSync();
  const message = client.publish('lost by the primary');
  await pair.reaches('-/STANDALONE');
  expect(pair.ended).toEqual(['primary']);
  expect(client.acknowledged.has(message)).toBe(false);
});

test('an active whose own disk hangs stops after diskTimeout and lets the passive go on (Ack)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  await pair.run(100);
  pair.primary.disk.holdSyncs();
  client.publish('held');
  await pair.reaches('-/STANDALONE');
  expect(pair.clock.now()).toBeGreaterThan(timing.diskTimeout);
});

// Coming back ---------------------------------------------------------------------------------------------------------------------

test('a server that was away comes back by a delta (Tail, §5)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.secondary.crash();
  await pair.reaches('STANDALONE/-');
  for (let n = 0; n < 20; n += 1) expect(await client.hasAck(client.publish(`m${n}`), 1_000)).toBe(true);
  pair.secondary.start();
  await pair.reaches('ACTIVE/PASSIVE');
  expect(pair.said('Full synchronisation')).toBe(false);
  await pair.run(1_000);
  expect(pair.secondary.server?.broker.digest()).toBe(pair.primary.server?.broker.digest());
});

test('a server whose store was wiped never claims, and gets a full synchronisation (Claim, §5)', async () => {
  const pair = await TwoServers.together();
  const consumer = await pair.client('consumer', false).connects();
  await consumer.subscribes('#');
  const client = await pair.client().connects();
  for (let n = 0; n < 60; n += 1)
    expect(await client.hasAck(client.publish('x'.repeat(1024)), 1_000)).toBe(true);
  // Until a checkpoint has let the journal go of the oldest entries.
  await pair.run(5_000);
  pair.primary.crash();
  pair.secondary.crash();
  pair.secondary.wipe();
  pair.secondary.start();
  await pair.run(LONG_MS);
  expect(pair.states).toBe('-/WAITING');

  pair.primary.start();
  await pair.reaches('ACTIVE/PASSIVE');
  expect(pair.said('Full synchronisation')).toBe(true);
  await pair.run(1_000);
  expect(pair.secondary.server?.broker.digest()).toBe(pair.primary.server?.broker.digest());
});

test('entries that the new active does not have are cut and kept aside when the old one joins (Tail)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.network.cutOneWay('primary');
  const message = client.publish('never acknowledged');
  await pair.run(20);
  pair.primary.crash();
  await pair.reaches('-/STANDALONE');
  pair.network.heal();
  pair.primary.start();
  await pair.reaches('PASSIVE/ACTIVE');
  expect(client.acknowledged.has(message)).toBe(false);
  expect(pair.primary.disk.cutTails.length).toBe(1);
  expect(pair.codes).toContain('primary: LS_TAIL_CUT');
});

// Switchover, lock, share ---------------------------------------------------------------------------------------------------------

test('a switchover hands over: the passive serves, the former active is its passive, nothing taken is lost (Turn)', async () => {
  const pair = await TwoServers.together();
  const consumer = await pair.client('consumer', false).connects();
  await consumer.subscribes('#');
  const client = await pair.client().connects();
  const message = client.publish('just before');
  await pair.run(1);
  pair.primary.server?.pair.askSwitchover('test');
  await pair.reaches('PASSIVE/ACTIVE', 2_000);
  expect(client.acknowledged.has(message)).toBe(true);
  await pair.until(() => consumer.payloads.includes('just before'), LONG_MS);
  expect(consumer.payloads).toContain('just before');
});

test('a switchover whose peer is lost before it is drained is off: the active serves its clients again (Shrink, §3)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  await pair.run(100);
  pair.secondary.disk.holdSyncs();
  const held = client.publish('held');
  await pair.run(10);
  pair.primary.server?.pair.askSwitchover('test');
  await pair.run(10);
  expect(pair.primary.server?.pair.step).toBe('ACTIVE.draining');
  pair.network.cut();
  pair.network.reset('broken');
  expect(await pair.until(() => pair.states.startsWith('STANDALONE'), LONG_MS)).toBe(true);
  expect(await client.hasAck(held, 1_000)).toBe(true);
  expect(await client.hasAck(client.publish('after'), 1_000)).toBe(true);
});

test('a disk that fails anywhere, not only under an entry, ends the process (Ack)', async () => {
  for (const state of ['WAITING', 'PASSIVE_SYNC', 'PASSIVE']) {
    const pair = await TwoServers.together();
    const client = await pair.client().connects();
    pair.secondary.crash();
    await pair.reaches('STANDALONE/-');
    await client.hasAck(client.publish('more'), 1_000);
    pair.secondary.start();
    await pair.until(() => pair.secondary.server?.pair.state === state, LONG_MS);
    pair.secondary.disk.failNextSync();
    client.publish('and more');
    await pair.until(() => pair.ended.length > 0, LONG_MS);
    expect(pair.ended).toEqual(['secondary']);
  }
});

test('an ACTIVE server that loses the lock warns, serves on, and takes the lock again (§3)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.share.hang(['primary']);
  await pair.run(timing.keeperTimeout + 100);
  expect(pair.codes).toContain('primary: LS_PAIR_LOCK_LOST');
  expect(pair.states).toBe('ACTIVE/PASSIVE');
  expect(await client.hasAck(client.publish('without the lock'), 1_000)).toBe(true);
  pair.share.heal();
  await pair.run(5_000);
  expect(pair.primary.server?.pair.memory.hold).not.toBe(null);
});

test('a STANDALONE server that loses the lock for good stops (§3)', async () => {
  const pair = await TwoServers.together();
  pair.secondary.crash();
  await pair.reaches('STANDALONE/-');
  pair.share.hang();
  await pair.reaches('WAITING/-', timing.keeperTimeout + timing.activeLockReacquisitionInterval + 100);
  pair.share.heal();
  await pair.reaches('STANDALONE/-');
});

test('a STANDALONE server that gets the lock back at once serves on (§3)', async () => {
  const pair = await TwoServers.together();
  pair.secondary.crash();
  await pair.reaches('STANDALONE/-');
  pair.share.revoke('primary');
  await pair.run(timing.activeLockReacquisitionInterval);
  expect(pair.states).toBe('STANDALONE/-');
  expect(pair.said('WAITING (from STANDALONE')).toBe(false);
});

test('an active that loses its peer while the share hangs holds everything back, and waits after shrinkTimeout (Shrink)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.share.hang();
  pair.secondary.crash();
  const message = client.publish('held');
  await pair.reaches('WAITING/-', timing.shrinkTimeout + 1_000);
  expect(client.acknowledged.has(message)).toBe(false);
  pair.share.heal();
  await pair.reaches('STANDALONE/-');
});

test('the share hangs: a pair that serves goes on, and is whole when it answers again (§3)', async () => {
  const pair = await TwoServers.together();
  const client = await pair.client().connects();
  pair.share.hang();
  await pair.run(20_000);
  expect(pair.states).toBe('ACTIVE/PASSIVE');
  expect(await client.hasAck(client.publish('on'), 1_000)).toBe(true);
  pair.share.heal();
  await pair.run(5_000);
  expect(pair.states).toBe('ACTIVE/PASSIVE');
});

test('a record that is missing: nobody claims alone; both together let the newest one seen stand in for it (None)', async () => {
  const pair = await TwoServers.together();
  pair.primary.crash();
  pair.secondary.crash();
  pair.share.wipe();
  pair.secondary.start();
  await pair.run(LONG_MS);
  expect(pair.states).toBe('-/WAITING');
  pair.primary.start();
  expect(await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS)).toBe(
    true,
  );
});

test('an operator forces a server whose peer is gone; who and why stays in the record (Force)', async () => {
  const pair = await TwoServers.together();
  pair.primary.crash();
  await pair.reaches('-/STANDALONE');
  pair.secondary.crash();
  pair.primary.start();
  await pair.run(LONG_MS);
  expect(pair.states).toBe('WAITING/-');

  const word = { by: 'operator', why: 'the secondary burnt down', at: '2030-01-01T00:00:00Z' };
  pair.primary.server?.pair.tell({ type: 'forceAsked', word });
  await pair.reaches('STANDALONE/-');
  const reading = pair.share.reading();
  expect(reading.kind === 'record' && reading.record.forced).toMatchObject([word]);
  expect(reading.kind === 'record' && reading.record.epoch).toBeGreaterThan(1000);
});

test('an active that is stopped cleanly leaves its place to the passive at once, and joins when it starts again (§3)', async () => {
  const pair = await TwoServers.together();
  pair.primary.stop('test');
  await pair.reaches('-/STANDALONE');
  pair.primary.start();
  await pair.reaches('PASSIVE/ACTIVE');
});
