/** Retained messages that come with a subscription, many of them. */
import { expect, test } from 'vitest';
import { decodeOps, type Op } from '../../src/core/broker/index.ts';
import { PIECES } from '../../src/runtime/connections/recaller.ts';
import { Serving, type MemoryClient } from './serving.ts';
import { ack, bytesOf, connect, connected, heardBy, lasting, packetsOf, publish, subscribe } from './v5.ts';

const PAYLOAD = 'x'.repeat(100);
const names = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `t/${String(n).padStart(5, '0')}`);

/** Serves, and retains a message for each of so many topics. */
async function retaining(
  count: number,
  payloadOf = (_: number): string => PAYLOAD,
  pieces = PIECES,
): Promise<Serving> {
  const server = new Serving(
    { backlogSizeMax: 64 * 1024, inFlightMax: 100 },
    undefined,
    undefined,
    undefined,
    pieces,
  );
  await server.connections.open();
  server.proposals.commit();
  const writer = connected(server, 'w');
  for (const [n, topic] of names(count).entries()) {
    writer.send(publish(topic, payloadOf(n), { retain: true, messageId: 1 + n }));
    if (n % 1_000 === 999) server.proposals.commit();
  }
  server.proposals.commit();
  return server;
}

const topicsOf = (client: MemoryClient): string[] =>
  packetsOf(client).flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []));

/** All that comes, each message acknowledged, until nothing comes any more. */
async function drained(server: Serving, client: MemoryClient): Promise<string[]> {
  const topics: string[] = [];
  for (let quiet = 0; quiet < 3; quiet += 1) {
    server.proposals.commit();
    await server.clock.run(1);
    const packets = packetsOf(client);
    for (const packet of packets) {
      if (packet.cmd !== 'publish') continue;
      topics.push(packet.topic);
      if (packet.qos === 1) client.send(ack('puback', packet.messageId ?? 0));
      quiet = -1;
    }
    // More often would move the server though nothing else does.
    if (!client.isReading) client.startReading();
  }
  return topics;
}

const opsOf = (server: Serving): Op[] => server.proposals.bodies.flatMap((body) => [...decodeOps(body)]);

for (const [whose, more] of [
  ['a session that ends with its connection', {}],
  ['a session that lasts', lasting(1_000)],
] as const) {
  test(`${whose}: a subscriber with QoS 0 gets all that is retained, however slowly it reads [MQTT-3.3.1-6]`, async () => {
    const server = await retaining(3_000);
    const reader = connected(server, 'r', more);
    reader.isReading = false;
    reader.send(subscribe(1, 't/#', { qos: 0 }));
    server.proposals.commit();
    await server.clock.run(100);
    const first = topicsOf(reader);
    // As much as may wait for it, and a piece.
    expect(first.length).toBeGreaterThan(400);
    expect(first.length).toBeLessThan(1_200);
    expect([...first, ...(await drained(server, reader))]).toEqual(names(3_000));
  });

  test(`${whose}: with QoS 1 no more is brought than is sent, and nothing is left out`, async () => {
    const server = await retaining(3_000);
    const reader = connected(server, 'r', more);
    reader.send(subscribe(1, 't/#'));
    server.proposals.commit();
    await server.clock.run(100);
    expect(server.broker.stats().queuedMessages).toBe(500);
    expect(await drained(server, reader)).toEqual(names(3_000));
    expect(server.broker.stats().queuedMessages).toBe(0);
  });

  test(`${whose}: where the last of a piece is too long for the client, the next piece comes all the same`, async () => {
    const server = await retaining(1_200, (n) => PAYLOAD.repeat(n % 500 === 499 ? 10 : 1));
    const reader = connected(server, 'r', {
      ...more,
      properties: { ...more.properties, receiveMaximum: 1, maximumPacketSize: 500 },
    });
    reader.send(subscribe(1, 't/#'));
    const topics: string[] = [];
    // It says nothing but its acknowledgements, so nothing else moves the server.
    for (let quiet = 0; quiet < 3; quiet += 1) {
      server.proposals.commit();
      await server.clock.run(1);
      for (const packet of packetsOf(reader)) {
        if (packet.cmd !== 'publish') continue;
        topics.push(packet.topic);
        reader.send(ack('puback', packet.messageId ?? 0));
        quiet = -1;
      }
    }
    expect(topics).toEqual(names(1_200).filter((_, n) => n % 500 !== 499));
  });

  test.each([
    ['dropOldest', 20, 5],
    ['refuse', 20, 5],
    ['dropOldest', 3, 100],
    ['refuse', 3, 100],
  ] as const)(
    `${whose}: what is retained comes through a queue that takes less than a piece, and puts nothing out that waits there (%s, %i, %i in flight)`,
    async (queueWhenFull, queueMessagesMax, inFlightMax) => {
      const server = new Serving({ queueMessagesMax, queueWhenFull, inFlightMax });
      await server.connections.open();
      server.proposals.commit();
      const writer = connected(server, 'w');
      for (const [n, topic] of names(200).entries())
        writer.send(publish(topic, PAYLOAD, { retain: true, messageId: 1 + n }));
      server.proposals.commit();
      const reader = connected(server, 'r', more);
      reader.send(subscribe(1, 'other'));
      server.proposals.commit();
      const others = queueMessagesMax - 2;
      for (let n = 0; n < others; n += 1) writer.send(publish('other', `${n}`, { messageId: 1_000 + n }));
      server.proposals.commit();
      reader.send(subscribe(2, 't/#'));
      const topics = await drained(server, reader);
      expect(topics.filter((topic) => topic === 'other')).toHaveLength(others);
      expect(topics.filter((topic) => topic !== 'other')).toEqual(names(200));
      expect(server.broker.droppedMessages).toBe(0);
    },
  );

  test(`${whose}: one SUBSCRIBE that names a filter ten thousand times costs no more than one that names it once`, async () => {
    const server = await retaining(50);
    const reader = connected(server, 'r', more);
    const subscriptions = Array.from({ length: 10_000 }, () => ({
      topic: '#',
      qos: 1 as const,
      nl: false,
      rap: false,
      rh: 0,
    }));
    reader.send(bytesOf({ cmd: 'subscribe', messageId: 1, subscriptions }));
    expect(await drained(server, reader)).toEqual(names(50));
  });
}

test('what is still to come goes on with the client’s next connection, and with the next server, where it had stopped', async () => {
  const server = await retaining(2_000);
  const reader = connected(server, 'r', lasting(1_000));
  reader.send(subscribe(1, 't/#'));
  server.proposals.commit();
  for (let n = 1; n <= 700; n += 1) {
    reader.send(ack('puback', n));
    server.proposals.commit();
  }
  expect(topicsOf(reader)).toEqual(names(2_000).slice(0, 800));
  const other = new Serving({ inFlightMax: 100 }, server.broker);
  await server.connections.close('another serves');
  server.proposals.forget();
  await other.connections.open();
  other.proposals.commit();
  const back = other.client();
  back.send(connect('r', lasting(1_000, { clean: false })));
  expect(await drained(other, back)).toEqual(names(2_000).slice(700));
});

test('with QoS 0 nothing comes twice where another server goes on [§4.3.1]', async () => {
  const server = await retaining(2_000);
  const reader = connected(server, 'r', lasting(1_000));
  reader.isReading = false;
  reader.send(subscribe(1, 't/#', { qos: 0 }));
  server.proposals.commit();
  const first = topicsOf(reader);
  await server.connections.close('another serves');
  server.proposals.forget();
  const other = new Serving({}, server.broker);
  await other.connections.open();
  other.proposals.commit();
  const back = other.client();
  back.send(connect('r', lasting(1_000, { clean: false })));
  const rest = await drained(other, back);
  expect(rest.length).toBeGreaterThan(0);
  expect(new Set([...first, ...rest]).size).toBe(first.length + rest.length);
});

test('a piece is small: five hundred messages at most, and each of its messages is there or has gone', async () => {
  const server = await retaining(1_200);
  const reader = connected(server, 'r', lasting(1_000));
  reader.send(subscribe(1, '#'));
  const writer = connected(server, 'w2');
  await server.clock.run(1);
  server.proposals.commitOnce();
  // Between the pieces one takes another's place, and one goes.
  writer.send(publish('t/01000', 'newer', { retain: true, messageId: 1 }));
  writer.send(publish('t/01001', '', { retain: true, messageId: 2 }));
  const topics = await drained(server, reader);
  const sizes = opsOf(server).flatMap((op) => (op.type === 'recall' ? [op.addresses.length] : []));
  expect(sizes).toEqual([500, 500, 198]);
  expect(topics.filter((topic) => topic === 't/01000')).toHaveLength(1);
  expect([...new Set(topics)].sort()).toEqual(names(1_200));
  expect(heardBy(reader)).toEqual([]);
});

test('a client that stops reading holds on to some of the addresses that its filter matches, and gets all of them when it reads', async () => {
  for (const found of [1, 7, 20, 100]) {
    const server = await retaining(100, undefined, { ...PIECES, messages: 10, found });
    const reader = connected(server, 'r', lasting(1_000));
    reader.send(subscribe(1, 't/#'));
    const writer = connected(server, 'w2');
    await server.clock.run(1);
    server.proposals.commitOnce();
    // With twenty, all that had been found for the next piece has gone when that is cut.
    for (let n = 10; n < 20; n += 1)
      writer.send(publish(names(20)[n] ?? '', '', { retain: true, messageId: 1 + n }));
    expect(new Set(await drained(server, reader))).toEqual(new Set(names(100)));
    const pieces = opsOf(server).flatMap((op) => (op.type === 'recall' ? [op.addresses.length] : []));
    expect(Math.max(...pieces)).toBe(Math.min(10, found));
  }
});

test('the topics of a piece count as what it takes', async () => {
  const server = new Serving();
  await server.connections.open();
  server.proposals.commit();
  const writer = connected(server, 'w');
  for (let n = 0; n < 200; n += 1)
    writer.send(publish(`${'x'.repeat(4_000)}/${n}`, 'm', { retain: true, messageId: 1 + n }));
  server.proposals.commit();
  const reader = connected(server, 'r', lasting(1_000));
  reader.send(subscribe(1, '#'));
  expect(await drained(server, reader)).toHaveLength(200);
  const pieces = opsOf(server).flatMap((op) => (op.type === 'recall' ? [op.addresses] : []));
  for (const addresses of pieces) expect(addresses.join('').length).toBeLessThan(PIECES.bytes + 5_000);
});
