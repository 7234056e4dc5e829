/** What one client may take of a server: topics, subscriptions, retained messages, and what it has not had acknowledged. */
import { expect, test } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import { MemoryStore } from '../core/broker/entries.ts';
import {
  connectPacket,
  exactPacket,
  publishPacket,
  Serving,
  subscribePacket,
  unsubscribePacket,
} from './serving.ts';
import * as v5 from './v5.ts';
import { heardBy } from './v5.ts';

async function serving(
  options: ConstructorParameters<typeof Serving>[0] = {},
  broker = new Broker(),
): Promise<Serving> {
  const server = new Serving(options, broker);
  await server.connections.open();
  server.proposals.commit();
  return server;
}

const codesOf = (server: Serving): (string | undefined)[] =>
  server.lines.filter(({ level }) => level === 'warn').map(({ code }) => code);

const settled = async (server: Serving): Promise<void> => {
  server.proposals.commit();
  await new Promise((resolve) => setImmediate(resolve));
};

const SHORT = { topicSizeMax: 64, topicLevelsMax: 4 };
const TOO_LONG = ['ü'.repeat(33), '/'.repeat(4)] as const;

for (const topic of TOO_LONG)
  test(`a PUBLISH to a topic of ${topic.length} times ${topic[0] ?? ''}: reason 0x90 with QoS 1 and 2, and the connection goes on; with QoS 0 or an alias it ends [MQTT5 §3.3.2.1]`, async () => {
    const server = await serving(SHORT);
    const reader = v5.connected(server, 'reader');
    reader.send(v5.subscribe(1, '#'));
    await settled(server);
    const writer = v5.connected(server, 'writer');
    writer.send(v5.publish(topic, 'm', { messageId: 1 }), v5.publish(topic, 'm', { messageId: 2, qos: 2 }));
    writer.send(v5.publish('a/b/c/d', 'fits', { messageId: 3 }));
    await settled(server);
    expect(heardBy(writer)).toEqual(['puback #1 0x90', 'pubrec #2 0x90', 'puback #3 0x00']);
    expect(heardBy(reader)).toEqual(['suback #1 0x01', 'a/b/c/d=fits q1 #1']);
    writer.send(v5.publish(topic, 'm'));
    expect(heardBy(writer)).toEqual(['disconnect 0x90']);
    const other = v5.connected(server, 'other');
    other.send(v5.publish(topic, 'm', { messageId: 1, properties: { topicAlias: 1 } }));
    expect(heardBy(other)).toEqual(['disconnect 0x90']);
    expect(new Set(codesOf(server))).toEqual(new Set(['LS_MQTT_TOPIC']));
  });

test('MQTT 3.1.1 has no word for a topic that is too long: the connection ends, the message is not acknowledged', async () => {
  const server = await serving(SHORT);
  const writer = server.connected('w');
  writer.send(publishPacket(TOO_LONG[0], 'm', 1));
  await settled(server);
  expect([writer.received(), writer.isOpen]).toEqual(['', false]);
  expect(codesOf(server)).toEqual(['LS_MQTT_TOPIC']);
});

test('a filter that is too long is refused with 0x8F, in MQTT 3.1.1 with 0x80, and the others of its SUBSCRIBE are not', async () => {
  const server = await serving(SHORT);
  const young = v5.connected(server, 'young');
  for (const [n, filter] of [...TOO_LONG, `$share/${'x'.repeat(65)}/a`, '#'].entries())
    young.send(v5.subscribe(n + 1, filter));
  await settled(server);
  expect(heardBy(young)).toEqual(['suback #1 0x8f', 'suback #2 0x8f', 'suback #3 0x8f', 'suback #4 0x01']);
  const old = server.connected('old');
  old.send(subscribePacket(1, TOO_LONG[1]));
  expect(old.received()).toBe('9003000180');
});

test('a will to a topic that is too long is refused with its CONNECT', async () => {
  const server = await serving(SHORT);
  const client = server.client();
  client.send(
    v5.connect('c', { will: { topic: TOO_LONG[1], payload: Buffer.from('m'), qos: 1, retain: false } }),
  );
  expect(heardBy(client)).toEqual(['connack 0x90']);
  expect(client.isOpen).toBe(false);
});

for (const isDurable of [true, false])
  test(`mqtt.subscriptionsMax holds for a session that is ${isDurable ? '' : 'not '}durable, also for what waits for its commit: 0x97, in MQTT 3.1.1 0x80`, async () => {
    const server = await serving({ subscriptionsMax: 2 });
    const client = v5.connected(server, 'c', isDurable ? v5.lasting(100) : {});
    client.send(...['a', 'b', 'c', 'a'].map((filter, n) => v5.subscribe(n + 1, filter)));
    await settled(server);
    expect(heardBy(client).sort()).toEqual([
      'suback #1 0x01',
      'suback #2 0x01',
      'suback #3 0x97',
      'suback #4 0x01',
    ]);
    client.send(v5.unsubscribe(5, 'a'));
    await settled(server);
    client.send(v5.subscribe(6, 'c'));
    await settled(server);
    expect(heardBy(client)).toEqual(['unsuback #5 0x00', 'suback #6 0x01']);
    expect(codesOf(server)).toEqual(['LS_MQTT_SUBSCRIPTIONS']);

    const old = server.connected('old', { isDurable });
    for (const [n, filter] of ['a', 'b', 'c'].entries()) old.send(subscribePacket(n + 1, filter));
    await settled(server);
    expect(old.packets().sort()).toEqual(['9003000101', '9003000201', '9003000380']);
    old.send(unsubscribePacket(4, 'a'));
    await settled(server);
    old.send(subscribePacket(5, 'c'));
    await settled(server);
    expect(old.packets()).toEqual(['b0020004', '9003000501']);
  });

for (const [option, value] of [
  ['retainedMessagesMax', 2],
  ['retainedSizeMax', 4],
  ['retainedPerClientMax', 2],
] as const)
  test(`mqtt.${option}: one more is refused with 0x97, and takes the place of a former one where there is one`, async () => {
    const server = await serving({ [option]: value });
    const writer = v5.connected(server, 'w');
    const retain = (topic: string, id: number, text = 'm', qos: 1 | 2 = 1) =>
      writer.send(v5.publish(topic, text, { messageId: id, retain: true, qos }));
    retain('a', 1);
    retain('b', 2);
    await settled(server);
    expect(heardBy(writer)).toEqual(['puback #1 0x10', 'puback #2 0x10']);
    retain('c', 3);
    retain('c', 4, 'm', 2);
    retain('b', 5, 'n');
    await settled(server);
    expect(heardBy(writer)).toEqual(['puback #3 0x97', 'pubrec #4 0x97', 'puback #5 0x10']);
    retain('a', 6, '');
    await settled(server);
    retain('c', 7);
    await settled(server);
    expect(heardBy(writer)).toEqual(['puback #6 0x10', 'puback #7 0x10']);
    expect(server.connections.stats().retainedMessages).toBe(2);
    expect(codesOf(server)).toEqual(['LS_MQTT_RETAINED']);
  });

test('a message that is not to be kept with QoS 0 passes on; in MQTT 3.1.1 one with QoS 1 or 2 costs the connection, and is not acknowledged', async () => {
  const server = await serving({ retainedMessagesMax: 0 });
  const reader = server.connected('r');
  reader.send(subscribePacket(1, '#'));
  await settled(server);
  reader.received();
  const writer = server.connected('w');
  writer.send(publishPacket('a', 'm', 0, true));
  await settled(server);
  expect(reader.packets()).toEqual(['a=m']);
  writer.send(publishPacket('a', 'm', 1, true));
  await settled(server);
  expect([writer.received(), writer.isOpen]).toEqual(['', false]);
  const exact = server.connected('x', { isDurable: true });
  exact.send(exactPacket('a', 'm', 1, true));
  await settled(server);
  expect([exact.received(), exact.isOpen]).toEqual(['', false]);
  expect(server.connections.stats().retainedMessages).toBe(0);
  expect(reader.packets()).toEqual([]);
});

test('a will to be retained is refused with its CONNECT while as much is retained as may be', async () => {
  const server = await serving({ retainedMessagesMax: 0 });
  const will = { topic: 'a', payload: Buffer.from('m'), qos: 1, retain: true } as const;
  const young = server.client();
  young.send(v5.connect('c', { will }));
  expect(heardBy(young)).toEqual(['connack 0x97']);
  const old = server.client();
  old.send(connectPacket('c', { will: 'm', isWillRetained: true }));
  expect(old.received()).toBe('20020003');
});

test('whose a retained message is survives a failover: its publisher is held to it by whoever serves', async () => {
  const first = await serving();
  const writer = first.connected('w');
  for (const [n, topic] of ['a', 'b'].entries()) writer.send(publishPacket(topic, 'm', n + 1, true));
  await settled(first);
  const [taken, store] = [new Broker(), new MemoryStore()];
  store.take(first.broker.changes());
  taken.load(store);
  expect(taken.digest()).toBe(first.broker.digest());
  const next = await serving({ retainedPerClientMax: 2 }, taken);
  const again = v5.connected(next, 'w');
  again.send(v5.publish('c', 'm', { messageId: 1, retain: true }));
  const other = v5.connected(next, 'other');
  other.send(v5.publish('c', 'm', { messageId: 1, retain: true }));
  await settled(next);
  expect([heardBy(again), heardBy(other)]).toEqual([['puback #1 0x97'], ['puback #1 0x10']]);
});

test('a client that may have 65,535 messages unacknowledged is read no further than mqtt.pendingSizeMax', async () => {
  const server = await serving({ pendingSizeMax: 1024 * 1024, receiveMax: 65_535 });
  const writer = v5.connected(server, 'w');
  const text = 'x'.repeat(256 * 1024);
  for (let id = 1; id <= 20; id += 1) writer.send(v5.publish('t', text, { messageId: id }));
  expect([server.proposals.ops.length, writer.isPaused]).toEqual([4, true]);
});
