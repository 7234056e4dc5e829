/** PUBLISH: flags, retained messages, properties that are forwarded, overlapping subscriptions. Source: MQTT 5.0 §3.3. */
import { expect, test } from 'vitest';
import {
  hex,
  leftWith,
  packet,
  serve,
  text,
  u16,
  u8,
  v3,
  v5,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

/** One who subscribed to everything at QoS 2, and one who publishes. */
async function readerAndWriter(): Promise<[TestServer, TestClient, TestClient]> {
  const server = await serve();
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['#', 2]);
  return [server, reader, await server.connects(v5, { clientId: 'writer' })];
}

/** What a client gets that subscribes now, without its SUBACK. */
async function lateTo(server: TestServer, filter: string, qos = 2): Promise<string[]> {
  const late = await server.connects(v5, { clientId: 'late' });
  const [suback, ...heard] = await late.says(v5.subscribe(1, [[filter, qos]]));
  expect(suback).toBe(`suback #1 ${qos}`);
  return heard;
}

test('what goes out for the first time has no DUP, whatever it came with [MQTT5-3.3.1-3, MQTT5-4.3.2-2, MQTT5-4.3.3-2]', async () => {
  const [, reader, writer] = await readerAndWriter();
  await writer.says(v5.publish({ payload: 'a', qos: 1, id: 1, dup: true }));
  await writer.says(v5.publish({ payload: 'b', qos: 2, id: 2, dup: true }));
  expect(await reader.hears()).toEqual(['t=a q1 #1', 't=b q2 #2']);
});

test('DUP with QoS 0 ends the connection, and the server never sends it [MQTT5-3.3.1-2, MQTT5-4.3.1-1]', async () => {
  const [, reader, writer] = await readerAndWriter();
  await writer.says(v5.publish());
  expect(await reader.hears()).toEqual(['t=m']);
  leftWith(await writer.says(v5.publish({ dup: true })), 0x81, 0x82);
});

test('QoS 3 is malformed, with every other flag [MQTT5-3.3.1-4]', async () => {
  const [server, reader] = await readerAndWriter();
  for (const flags of [0x06, 0x07, 0x0e, 0x0f]) {
    const writer = await server.connects(v5, { clientId: 'writer' });
    leftWith(await writer.says(packet(0x30 | flags, text('t'), u16(1), u8(0))), 0x81);
  }
  expect(await reader.hears()).toEqual([]);
});

test.each([
  ['the message before the topic', 'MQTT5-3.3.2-1', packet(0x30, Buffer.from('message'))],
  ['a topic that ends beyond the packet', 'MQTT5-3.3.2-1', packet(0x30, u16(9), Buffer.from('t'))],
  ['# in the topic', 'MQTT5-3.3.2-2, MQTT5-4.7.0-1', v5.publish({ topic: 'a/#' })],
  ['+ in the topic', 'MQTT5-3.3.2-2, MQTT5-4.7.0-1', v5.publish({ topic: 'a/+/b', qos: 1 })],
  ['no topic and no alias', 'MQTT5-4.7.3-1', v5.publish({ topic: '' })],
  [
    'a wildcard in the response topic',
    'MQTT5-3.3.2-14',
    v5.publish({ properties: [['responseTopic', 'a/#']] }),
  ],
  [
    'another wildcard in the response topic',
    'MQTT5-3.3.2-14',
    v5.publish({ properties: [['responseTopic', '+/a']] }),
  ],
  ['a subscription identifier', 'MQTT5-3.3.4-6', v5.publish({ properties: [['subscriptionIdentifier', 1]] })],
])('%s ends the connection, and nobody gets the message [%s]', async (_, __, wrong) => {
  const [, reader, writer] = await readerAndWriter();
  leftWith(await writer.says(wrong), 0x81, 0x82, 0x90);
  expect(await reader.hears()).toEqual([]);
});

test('a subscriber gets what matches its filter, under the topic it was published to [MQTT5-3.3.2-3]', async () => {
  const [server, , writer] = await readerAndWriter();
  const reader = await server.subscribes(v5, { clientId: 'some' }, ['a/+/c', 0], ['x', 0]);
  for (const topic of ['a/b/c', 'a/b', 'a/b/c/d', 'A/b/c', 'x', 'x/', 'y', '/x'])
    await writer.says(v5.publish({ topic }));
  expect(await reader.hears()).toEqual(['a/b/c=m', 'x=m']);
});

test('QoS 0 is not answered, QoS 1 with PUBACK, QoS 2 with PUBREC [MQTT5-3.3.4-1]', async () => {
  const [, , writer] = await readerAndWriter();
  expect(await writer.says(v5.publish())).toEqual([]);
  expect(await writer.says(v5.publish({ qos: 1, id: 1 }))).toEqual(['puback #1']);
  expect(await writer.says(v5.publish({ qos: 2, id: 2 }))).toEqual(['pubrec #2']);
  // Where nobody subscribed, the answer may say so.
  const lonely = await (await serve()).connects(v5);
  expect(['puback #3', 'puback #3 0x10']).toContainEqual(
    (await lonely.says(v5.publish({ qos: 1, id: 3 })))[0],
  );
  expect(['pubrec #4', 'pubrec #4 0x10']).toContainEqual(
    (await lonely.says(v5.publish({ qos: 2, id: 4 })))[0],
  );
});

test('a message with RETAIN takes the place of the one of its topic [MQTT5-3.3.1-5]', async () => {
  const [server, , writer] = await readerAndWriter();
  for (const [n, qos] of [2, 1, 0, 1].entries()) {
    await writer.says(v5.publish({ payload: `${n}`, qos, id: n + 1, retain: true }));
    const id = qos === 0 ? '' : ` q${qos} #1`;
    expect(await lateTo(server, 't')).toEqual([`t=${n}${id} retained`]);
  }
});

test('an empty one removes it, is delivered as any other, and is not kept itself [MQTT5-3.3.1-6, MQTT5-3.3.1-7]', async () => {
  const [server, reader, writer] = await readerAndWriter();
  for (const [n, qos] of [0, 1, 2].entries()) {
    await writer.says(v5.publish({ payload: 'kept', retain: true }));
    expect(await reader.hears()).toEqual(['t=kept']);
    await writer.says(v5.publish({ payload: '', retain: true, qos, id: n + 1 }));
    await reader.hears();
    expect(reader.messages.map(({ payload }) => payload.length)).toEqual([0]);
    expect(await lateTo(server, 't')).toEqual([]);
    expect(server.serving.connections.stats().retainedMessages).toBe(0);
  }
});

test('a message without RETAIN is not kept, and leaves what is kept alone [MQTT5-3.3.1-8]', async () => {
  const [server, , writer] = await readerAndWriter();
  await writer.says(v5.publish({ topic: 'none', qos: 1 }), v5.publish({ payload: 'kept', retain: true }));
  expect(await lateTo(server, 'none')).toEqual([]);
  await writer.says(v5.publish({ payload: 'new' }), v5.publish({ payload: '' }));
  expect(await lateTo(server, 't')).toEqual(['t=kept retained']);
});

const ALL = [
  ['payloadFormat', 1],
  ['contentType', 'text/plain; charset=utf-8'],
  ['responseTopic', 'answers/to/me'],
  ['correlationData', hex('00 ff 00')],
  ['userProperty', ['b', '1']],
  ['userProperty', ['a', '2']],
  ['userProperty', ['b', '1']],
  ['userProperty', ['', '']],
] as const;

test.each([
  ['payload format', 'MQTT5-3.3.2-4', 'payloadFormat'],
  ['response topic', 'MQTT5-3.3.2-15', 'responseTopic'],
  ['correlation data', 'MQTT5-3.3.2-16', 'correlationData'],
  ['user properties', 'MQTT5-3.3.2-17, MQTT5-3.3.2-18', 'userProperty'],
  ['content type', 'MQTT5-3.3.2-20', 'contentType'],
] as const)(
  'the %s come as they went, to all subscribers, at once, from a queue, and retained [%s]',
  async (_, __, name) => {
    const [server, reader, writer] = await readerAndWriter();
    const away = { clientId: 'away', clean: false, properties: [['sessionExpiry', 600]] } as const;
    await (await server.subscribes(v5, away, ['t', 1])).vanishes();
    const low = await server.subscribes(v5, { clientId: 'low' }, ['t', 0]);
    await writer.says(v5.publish({ qos: 1, retain: true, properties: ALL }));
    await reader.hears();
    await low.hears();
    const back = await server.connects(v5, away);
    const late = await server.connects(v5, { clientId: 'late' });
    await late.says(v5.subscribe(1, [['t', 0]]));
    const wanted = ALL.filter(([found]) => found === name);
    for (const client of [reader, low, back, late]) {
      const [message] = client.messages;
      expect(message?.properties.filter(([found]) => found === name)).toEqual(wanted);
      expect(message?.properties).toHaveLength(ALL.length);
    }
  },
);

test('a message without properties comes without, and one of 0 as payload format with that or none [MQTT5-3.3.2-4]', async () => {
  const [, reader, writer] = await readerAndWriter();
  await writer.says(v5.publish());
  await reader.hears();
  expect(reader.messages[0]?.properties).toEqual([]);
  await writer.says(v5.publish({ properties: [['payloadFormat', 0]] }));
  await reader.hears();
  expect([null, 0]).toContain(reader.told('payloadFormat'));
});

test('properties are left out for MQTT 3.1.1, and a message from there comes without [MQTT5-2.2.2-1]', async () => {
  const [server, reader, writer] = await readerAndWriter();
  const old = await server.subscribes(v3, { clientId: 'old' }, ['t', 0]);
  await writer.says(v5.publish({ properties: ALL }));
  expect(await old.hears()).toEqual(['t=m']);
  await reader.hears();
  await old.says(v3.publish());
  await reader.hears();
  expect(reader.messages[0]?.properties).toEqual([]);
});

test('where filters overlap, the message comes at the highest QoS, in one copy with all their identifiers [MQTT5-3.3.4-2, MQTT5-3.3.4-3, MQTT5-3.3.4-4]', async () => {
  const [server, , writer] = await readerAndWriter();
  for (const clean of [true, false]) {
    const reader = await server.connects(v5, {
      clientId: 'overlap',
      clean,
      properties: [['sessionExpiry', clean ? 0 : 60]],
    });
    await reader.says(v5.subscribe(1, [['a/#', 0]], [['subscriptionIdentifier', 268_435_455]]));
    await reader.says(
      v5.subscribe(
        2,
        [
          ['a/+', 2],
          ['b', 1],
        ],
        [['subscriptionIdentifier', 1]],
      ),
    );
    await reader.says(v5.subscribe(3, [['a/b', 1]]));
    await reader.says(v5.subscribe(4, [['a/b/#', 0]], [['subscriptionIdentifier', 128]]));
    await writer.says(v5.publish({ topic: 'a/b', qos: 2, id: 1 }), v5.pubrel(1));
    await reader.hears();
    expect(reader.messages.map((one) => one.qos)).toEqual([2]);
    const ids = (): unknown[] => (reader.messages[0]?.properties ?? []).map(([, value]) => value).sort();
    expect(ids()).toEqual([1, 128, 268_435_455]);
    await writer.says(v5.publish({ topic: 'a/x/y' }));
    await reader.hears();
    expect(ids()).toEqual([268_435_455]);
    await writer.says(v5.publish({ topic: 'b' }));
    await reader.hears();
    expect(ids()).toEqual([1]);
  }
});

test('retained messages come with the identifier of the subscription that brings them [MQTT5-3.3.4-3]', async () => {
  const [, reader, writer] = await readerAndWriter();
  await writer.says(v5.publish({ topic: 'kept', retain: true }));
  await reader.hears();
  await reader.says(v5.subscribe(1, [['kept', 0]], [['subscriptionIdentifier', 7]]));
  expect(reader.told('subscriptionIdentifier')).toBe(7);
});

test('a subscription that is made again has the new identifier, or none [MQTT5-3.3.4-3, MQTT5-3.8.4-3]', async () => {
  const [server, , writer] = await readerAndWriter();
  const reader = await server.connects(v5, { clientId: 'again' });
  for (const identifier of [5, 6, null]) {
    await reader.says(
      v5.subscribe(1, [['t', 0]], identifier === null ? [] : [['subscriptionIdentifier', identifier]]),
    );
    await writer.says(v5.publish());
    await reader.hears();
    expect(reader.told('subscriptionIdentifier')).toBe(identifier);
  }
});

test('a subscription identifier of 0 is a protocol error [MQTT5-4.13.1-1]', async () => {
  const [, reader] = await readerAndWriter();
  leftWith(await reader.says(v5.subscribe(1, [['t', 0]], [['subscriptionIdentifier', 0]])), 0x82, 0x81);
});
