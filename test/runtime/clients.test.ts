/** What clients keep over takeovers, and what stays gone: sessions, deliveries, retained messages, names. Source: PROTOCOL.md §2 Ack, Tail; MQTT 3.1.1. */
import { expect, test } from 'vitest';
import { present } from '../../src/base/index.ts';
import type { Broker } from '../../src/core/broker/index.ts';
import { queueOf } from '../core/broker/entries.ts';
import { LONG_MS, TwoServers } from './two-servers.ts';

test('deliveries that were not settled come again from the next server, those that were do not [MQTT-4.4.0-1] (Claim)', async () => {
  const pair = await TwoServers.together();
  const consumer = await pair.client('consumer', false).connects();
  await consumer.subscribes('#');
  const client = await pair.client().connects();
  client.publish('settled');
  expect(await consumer.gets(['settled'])).toBe(true);
  await pair.run(1_000);
  consumer.isSettling = false;
  client.publish('unsettled');
  expect(await consumer.gets(['unsettled'])).toBe(true);

  for (const states of ['-/STANDALONE', 'STANDALONE/-']) {
    const active = pair.states.startsWith('ACTIVE') ? pair.primary : pair.secondary;
    consumer.delivered.length = 0;
    active.crash();
    await pair.reaches(states);
    expect(await consumer.gets(['unsettled'])).toBe(true);
    await pair.run(1_000);
    expect(consumer.payloads).toEqual(['unsettled']);
    active.start();
    await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS);
  }
});

test('members of a group get all that was acknowledged, each message one of them, whichever server serves (MQTT 5.0 §4.8.2) (Ack, Claim)', async () => {
  const pair = await TwoServers.together();
  const members = [await pair.client('a', false).connects(), await pair.client('b', false).connects()];
  for (const member of members) await member.subscribes('$share/g/#');
  const isTaken = (payload: string): boolean => members.some(({ payloads }) => payloads.includes(payload));
  for (let round = 1; round <= 4; round += 1) {
    // One of them holds back what it owes when the server dies.
    members.forEach((member, n) => (member.isSettling = n === round % 2));
    const client = await pair.client(`publisher ${round}`).connects();
    const texts = Array.from({ length: 6 }, (_, n) => `${round}.${n}`);
    for (const text of texts) expect(await client.hasAck(client.publish(text), LONG_MS)).toBe(true);
    const active = pair.states.startsWith('ACTIVE') ? pair.primary : pair.secondary;
    active.crash();
    await pair.until(() => pair.states.includes('STANDALONE'), LONG_MS);
    for (const member of members) member.isSettling = true;
    expect(await pair.until(() => texts.every(isTaken), LONG_MS)).toBe(true);
    active.start();
    await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS);
  }
  await pair.run(5_000);
  expect(pair.primary.server?.broker.stats().queuedMessages).toBe(0);
  expect(pair.primary.server?.broker.digest()).toBe(pair.secondary.server?.broker.digest());
});

test('what was ended while a server was away does not come back to life there (Tail, §5)', async () => {
  const pair = await TwoServers.together();
  const former = await pair.client('consumer', false).connects();
  await former.subscribes('old/#');
  former.leaves();
  const client = await pair.client().connects();
  for (const topic of ['old/queued', 'kept/ended']) {
    const message = topic.startsWith('kept') ? client.retain('old', topic) : client.publish('old', topic);
    expect(await client.hasAck(message, 1_000)).toBe(true);
  }

  pair.secondary.crash();
  await pair.reaches('STANDALONE/-');
  // A clean session of the same name ends the durable one [MQTT-3.1.2-6]; an empty retained message clears [MQTT-3.3.1-10].
  (await pair.client('consumer', true).connects()).leaves();
  expect(await client.hasAck(client.retain('', 'kept/ended'), 1_000)).toBe(true);
  const again = await pair.client('consumer', false).connects();
  await again.subscribes('new/#');
  pair.secondary.start();
  await pair.reaches('ACTIVE/PASSIVE');

  pair.primary.crash();
  await pair.reaches('-/STANDALONE');
  const late = await pair.client('late').connects();
  await late.subscribes('kept/#');
  const next = await pair.client('next').connects();
  for (const topic of ['old/after', 'new/after'])
    expect(await next.hasAck(next.publish(topic, topic), LONG_MS)).toBe(true);
  expect(await again.gets(['new/after'])).toBe(true);
  await pair.run(1_000);
  expect(again.payloads).toEqual(['new/after']);
  expect(late.payloads).toEqual([]);
});

test('stopped and started twice: the sessions, queues and retained messages are the same each time (§1)', async () => {
  const pair = await TwoServers.together();
  const consumer = await pair.client('consumer', false).connects();
  await consumer.subscribes('#');
  consumer.leaves();
  const client = await pair.client().connects();
  for (const n of [1, 2, 3]) expect(await client.hasAck(client.publish(`m${n}`), 1_000)).toBe(true);
  expect(await client.hasAck(client.retain('kept', 'kept'), 1_000)).toBe(true);
  client.leaves();
  await pair.run(1_000);
  const seenBy = ({ broker }: Readonly<{ broker: Broker }>): unknown => {
    const session = present(broker.sessionOf('consumer'), 'the session of the consumer');
    // How much of it is in memory, differs.
    const stats = { ...broker.stats(), queuedMemoryBytes: 0 };
    return [stats, [...session.subscriptions.keys()], queueOf(session)];
  };
  const before = seenBy(present(pair.primary.server, 'a server that runs'));
  expect(JSON.stringify(before)).toContain('0:m1');
  for (let time = 1; time <= 2; time += 1) {
    pair.secondary.stop('test');
    pair.primary.stop('test');
    await pair.reaches('-/-');
    pair.primary.start();
    pair.secondary.start();
    await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS);
    await pair.run(1_000);
    const servers = [pair.primary, pair.secondary].map(({ server }) => present(server, 'a server that runs'));
    expect(servers.map(seenBy)).toEqual([before, before]);
    expect(new Set(servers.map(({ broker }) => broker.digest())).size).toBe(1);
  }
});

test.each(['the line between them is cut', 'the passive was stopped before the active'] as const)(
  '%s: retained messages and what waits for durable subscribers are what was acknowledged last (Claim, Shrink)',
  async (how) => {
    const pair = await TwoServers.together();
    const consumer = await pair.client('consumer', false).connects();
    await consumer.subscribes('orders/#');
    consumer.leaves();
    const client = await pair.client().connects();
    expect(await client.hasAck(client.retain('before', 'kept'), 1_000)).toBe(true);
    if (how.startsWith('the line')) pair.network.cut();
    else pair.secondary.stop('test');
    expect(await pair.until(() => pair.states.startsWith('STANDALONE'), LONG_MS)).toBe(true);
    expect(await client.hasAck(client.retain('after', 'kept'), LONG_MS)).toBe(true);
    expect(await client.hasAck(client.publish('queued', 'orders/1'), LONG_MS)).toBe(true);
    pair.primary.crash();
    pair.network.heal();
    pair.secondary.start();
    await pair.run(LONG_MS);
    expect(pair.states).toBe('-/WAITING');
    pair.primary.start();
    await pair.reaches('ACTIVE/PASSIVE');
    pair.primary.crash();
    await pair.reaches('-/STANDALONE');

    const late = await pair.client('late').connects();
    await late.subscribes('kept');
    const back = await pair.client('consumer', false).connects();
    expect(await late.gets(['after'])).toBe(true);
    expect(await back.gets(['queued'])).toBe(true);
    expect([late.payloads, back.payloads]).toEqual([['after'], ['queued']]);
  },
);

test('a clean session is made anew by its client at the next server, and goes on (§3)', async () => {
  const pair = await TwoServers.together();
  const consumer = await pair.client('consumer').connects();
  await consumer.subscribes('#');
  pair.primary.crash();
  await pair.reaches('-/STANDALONE');
  await pair.run(5_000);
  await consumer.subscribes('#');
  const client = await pair.client().connects();
  expect(await client.hasAck(client.publish('after'), 1_000)).toBe(true);
  expect(await consumer.gets(['after'])).toBe(true);
});

test('nobody may serve: nothing is acknowledged and nothing delivered, until one may (Ack, §4.1)', async () => {
  const pair = await TwoServers.together();
  const consumer = await pair.client('consumer', false).connects();
  await consumer.subscribes('#');
  const client = await pair.client().connects();
  for (const { gateway } of [pair.primary, pair.secondary]) gateway.isSilent = true;
  pair.network.cut();
  const message = client.publish('into the cut');
  expect(await client.hasAck(message, LONG_MS)).toBe(false);
  expect(pair.states).toBe('WAITING/WAITING');
  expect(consumer.payloads).toEqual([]);
  for (const { gateway } of [pair.primary, pair.secondary]) gateway.isSilent = false;
  pair.network.heal();
  await pair.until(() => ['ACTIVE/PASSIVE', 'PASSIVE/ACTIVE'].includes(pair.states), LONG_MS);
  const next = await pair.client('next').connects();
  expect(await next.hasAck(next.publish('after'), LONG_MS)).toBe(true);
  expect(await consumer.gets(['after'])).toBe(true);
});
