/** PUBLISH and what is answered to it. Source: MQTT 3.1.1 §3.3. */
import { expect, test } from 'vitest';
import { packet, serve, text, u16, u8, v3, type TestClient, type TestServer } from '../harness/index.ts';

/** One who subscribed to everything at QoS 2, and one who publishes. */
async function readerAndWriter(): Promise<[TestServer, TestClient, TestClient]> {
  const server = await serve();
  const reader = await server.subscribes(v3, { clientId: 'reader', clean: false }, ['#', 2]);
  return [server, reader, await server.connects(v3, { clientId: 'writer' })];
}

test('what goes out for the first time has no DUP, whatever it came with; what goes out again has [MQTT-3.3.1-1, MQTT-3.3.1-3]', async () => {
  const [server, reader, writer] = await readerAndWriter();
  await writer.says(v3.publish({ payload: 'a', qos: 1, id: 1, dup: true }));
  await writer.says(v3.publish({ payload: 'b', qos: 2, id: 2, dup: true }));
  expect(await reader.hears()).toEqual(['t=a q1 #1', 't=b q2 #2']);
  await writer.says(v3.publish({ payload: 'c', qos: 1, id: 3 }));
  await reader.vanishes();
  const back = server.dials(v3);
  expect(await back.says(v3.connect({ clientId: 'reader', clean: false }))).toEqual([
    'connack 0 present',
    't=a q1 #1 dup',
    't=b q2 #2 dup',
    't=c q1 #3 dup',
  ]);
});

test('DUP with QoS 0 closes the connection; and the server never sends it [MQTT-3.3.1-2]', async () => {
  const [server, reader, writer] = await readerAndWriter();
  await writer.says(v3.publish({ payload: 'b' }));
  expect(await reader.hears()).toEqual(['t=b']);
  const low = await server.subscribes(v3, { clientId: 'low' }, ['t', 0]);
  await writer.says(v3.publish({ payload: 'c', qos: 1, dup: true }));
  expect(await low.hears()).toEqual(['t=c']);
  expect(await writer.says(v3.publish({ dup: true }))).toEqual(['closed']);
});

test('QoS 3 closes the connection, with every other flag [MQTT-3.3.1-4]', async () => {
  const [server, reader] = await readerAndWriter();
  for (const flags of [0x06, 0x07, 0x0e, 0x0f]) {
    const writer = await server.connects(v3, { clientId: 'writer' });
    expect(await writer.says(packet(0x30 | flags, text('t'), u16(1), Buffer.from('m')))).toEqual(['closed']);
  }
  expect(await reader.hears()).toEqual([]);
});

test.each([
  ['the message before the topic', 'MQTT-3.3.2-1', packet(0x30, Buffer.from('message'))],
  ['no topic', 'MQTT-3.3.2-1', packet(0x30)],
  ['a topic that ends beyond the packet', 'MQTT-3.3.2-1', packet(0x30, u16(9), Buffer.from('t'))],
  ['# in the topic', 'MQTT-3.3.2-2, MQTT-4.7.1-1', v3.publish({ topic: 'a/#' })],
  ['+ in the topic', 'MQTT-3.3.2-2, MQTT-4.7.1-1', v3.publish({ topic: 'a/+/b', qos: 1 })],
  [
    '+ among other characters of the topic',
    'MQTT-3.3.2-2, MQTT-4.7.1-1',
    v3.publish({ topic: 'a+b', qos: 2 }),
  ],
  ['an empty topic', 'MQTT-4.7.3-1', v3.publish({ topic: '' })],
  ['QoS 1 without room for the identifier', 'MQTT-2.3.1-1', packet(0x32, text('t'), u8(1))],
])('%s closes the connection, and nobody gets the message [%s]', async (_, __, wrong) => {
  const [, reader, writer] = await readerAndWriter();
  expect(await writer.says(wrong)).toEqual(['closed']);
  expect(await reader.hears()).toEqual([]);
});

test('a subscriber gets what matches its filter, under the topic it was published to [MQTT-3.3.2-3]', async () => {
  const [server, , writer] = await readerAndWriter();
  const reader = await server.subscribes(v3, { clientId: 'some' }, ['a/+/c', 0], ['x', 0]);
  for (const topic of ['a/b/c', 'a/b', 'a/b/c/d', 'A/b/c', 'x', 'x/', 'y', '/x'])
    await writer.says(v3.publish({ topic }));
  expect(await reader.hears()).toEqual(['a/b/c=m', 'x=m']);
});

test('QoS 0 is not answered, QoS 1 with PUBACK, QoS 2 with PUBREC; with subscribers or without [MQTT-3.3.4-1]', async () => {
  const [server, , writer] = await readerAndWriter();
  const lonely = await serve();
  for (const client of [writer, await lonely.connects(v3)]) {
    expect(await client.says(v3.publish())).toEqual([]);
    expect(await client.says(v3.publish({ qos: 1, id: 1 }))).toEqual(['puback #1']);
    expect(await client.says(v3.publish({ qos: 2, id: 2 }))).toEqual(['pubrec #2']);
  }
  expect(server.serving.connections.stats().messagesIn).toBe(3);
});

test('where filters overlap, one copy comes at the highest QoS that was granted [MQTT-3.3.5-1]', async () => {
  const [server, , writer] = await readerAndWriter();
  const reader = await server.subscribes(v3, { clientId: 'overlap' }, ['a/#', 0], ['a/+', 2], ['a/b', 1]);
  await writer.says(
    v3.publish({ topic: 'a/b', qos: 2, id: 1 }),
    v3.publish({ topic: 'a/b/c', qos: 2, id: 2 }),
  );
  expect((await reader.hears()).sort()).toEqual(['a/b/c=m', 'a/b=m q2 #1']);
});

test('a message may be of any bytes and any length, and comes as it went [MQTT-3.3.1-5]', async () => {
  const [, reader, writer] = await readerAndWriter();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  const messages = [
    Buffer.alloc(0),
    bytes,
    Buffer.alloc(127),
    Buffer.alloc(128, 1),
    Buffer.alloc(20_000, 2),
    Buffer.alloc(300_000, 3),
  ];
  for (const payload of messages) {
    await writer.says(v3.publish({ payload, retain: true }));
    await reader.hears();
    expect(reader.heard[0]?.payload.equals(payload)).toBe(true);
    await reader.says(v3.subscribe(1, [['t', 0]]));
    const retained = reader.heard.filter(({ isRetained }) => isRetained);
    expect(retained.map((one) => one.payload.equals(payload))).toEqual(payload.length === 0 ? [] : [true]);
  }
});
