/** What each side may be sent: packet sizes, topic aliases, receive maximum. Source: MQTT 5.0 §3.1.2.11, §3.2.2.3, §3.3.2.3.4, §4.9. */
import { expect, test } from 'vitest';
import {
  leftWith,
  serve,
  v5,
  type ConnectFields,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

const text = (client: TestClient): string[] => client.messages.map(({ payload }) => payload.toString());

async function writing(server: TestServer): Promise<TestClient> {
  return server.connects(v5, { clientId: 'writer' });
}

test('a message that is longer than the client takes is not sent, counts as delivered, and the next one comes [MQTT5-3.1.2-24, MQTT5-3.1.2-25]', async () => {
  const server = await serve();
  const writer = await writing(server);
  for (const qos of [0, 1, 2]) {
    const fields: ConnectFields = { clientId: 'small', properties: [['maximumPacketSize', 40]] };
    const reader = await server.subscribes(v5, fields, ['t', qos]);
    // PUBLISH of 40 bytes is the longest: 2 + 3 + 1, and 2 for the identifier.
    const fits = 'x'.repeat(qos === 0 ? 34 : 32);
    for (const [n, payload] of [`${fits}x`, fits, `${fits}xx`, 'small'].entries())
      await writer.says(v5.publish({ payload, qos, id: n + 1 }), qos === 2 ? v5.pubrel(n + 1) : '');
    await reader.hears();
    expect(text(reader)).toEqual([fits, 'small']);
    expect(reader.messages.map(({ size }) => size)).toContain(40);
    await reader.says(v5.disconnect());
  }
});

test('what is too long takes no place of the receive maximum, nor of the session [MQTT5-3.1.2-25]', async () => {
  const server = await serve();
  const writer = await writing(server);
  const fields: ConnectFields = {
    clientId: 'small',
    clean: false,
    properties: [
      ['maximumPacketSize', 30],
      ['receiveMaximum', 1],
      ['sessionExpiry', 60],
    ],
  };
  const reader = await server.subscribes(v5, fields, ['t', 2]);
  for (let n = 1; n <= 6; n += 1)
    await writer.says(
      v5.publish({ payload: 'x'.repeat(100), qos: 1 + (n % 2), id: n }),
      n % 2 === 1 ? v5.pubrel(n) : '',
    );
  await writer.says(v5.publish({ payload: 'small', qos: 1, id: 7 }));
  await reader.hears();
  expect(text(reader)).toEqual(['small']);
  await reader.vanishes();
  const wide = await server.connects(v5, { clientId: 'small', clean: false });
  expect(text(wide)).toEqual(['small']);
});

test('properties count for the size, and acknowledgements are short enough for anybody [MQTT5-3.1.2-24, MQTT5-3.4.2-2, MQTT5-3.4.2-3, MQTT5-3.5.2-2, MQTT5-3.5.2-3, MQTT5-3.6.2-2, MQTT5-3.6.2-3, MQTT5-3.7.2-2, MQTT5-3.7.2-3, MQTT5-3.9.2-1, MQTT5-3.9.2-2, MQTT5-3.11.2-1, MQTT5-3.11.2-2]', async () => {
  const server = await serve();
  const fields: ConnectFields = { properties: [['maximumPacketSize', 20]] };
  const client = await server.connects(v5, fields);
  const spoken = [
    v5.subscribe(1, [['t', 2]]),
    v5.publish({ qos: 1, id: 2 }),
    v5.publish({ qos: 2, id: 3 }),
    v5.pubrel(3),
    v5.pubrel(99),
    v5.pubrec(99),
    v5.unsubscribe(4, ['never', 't']),
    v5.publish({ topic: 'nobody', qos: 1, id: 5 }),
    v5.publish({ properties: [['userProperty', ['a', 'x'.repeat(30)]]] }),
  ];
  const heard = [];
  // The judge measures each packet against what the client takes.
  for (const one of spoken) heard.push(...(await client.says(one)).map((word) => word.split(' ')[0]));
  for (const answer of ['suback', 'puback', 'pubrec', 'pubcomp', 'pubrel', 'unsuback'])
    expect(heard).toContain(answer);
});

test('a DISCONNECT is not longer than the client takes [MQTT5-3.14.2-3, MQTT5-3.14.2-4, MQTT5-3.1.2-24]', async () => {
  const server = await serve();
  // At these sizes CONNACK may be too long to come, which ends the connection as well.
  for (const size of [2, 3, 4, 8, 16, 32, 64]) {
    const fields: ConnectFields = { properties: [['maximumPacketSize', size]] };
    const client = server.dials(v5, fields);
    await client.says(v5.connect(fields), '00 00');
    expect(client.isOpen).toBe(false);
  }
});

test('with request problem information 0, reasons come with CONNACK, DISCONNECT and PUBLISH only [MQTT5-3.1.2-29]', async () => {
  const server = await serve();
  const fields: ConnectFields = { properties: [['requestProblem', 0]] };
  const client = await server.connects(v5, fields);
  // The judge looks at each of them.
  await client.says(
    v5.subscribe(1, [['t', 2]]),
    v5.publish({ qos: 1, id: 2 }),
    v5.publish({ qos: 2, id: 3 }),
    v5.pubrel(3),
  );
  await client.says(v5.pubrel(99), v5.pubrec(99), v5.unsubscribe(4, ['never']));
  const properties = [['userProperty', ['a', 'b']]] as const;
  await client.says(v5.publish({ properties }));
  expect(client.messages[0]?.properties).toEqual(properties);
});

test('a packet longer than the server takes ends the connection with that reason [MQTT5-3.2.2-15]', async () => {
  const server = await serve({ packetSizeMax: 1_024 });
  const client = await server.connects(v5);
  expect(client.told('maximumPacketSize')).toBe(1_024);
  const fits = 'x'.repeat(1_024 - 3 - 3 - 1);
  expect(await client.says(v5.publish({ payload: fits }))).toEqual([]);
  leftWith(await client.says(v5.publish({ payload: `${fits}x` })), 0x95);
});

test('an alias of the client stands for its topic, up to the maximum in CONNACK, and may be given anew [MQTT5-3.3.2-12]', async () => {
  const server = await serve({ topicAliasMax: 3 });
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['#', 0]);
  const writer = await writing(server);
  expect(writer.told('topicAliasMaximum')).toBe(3);
  for (const alias of [1, 2, 3])
    await writer.says(v5.publish({ topic: `t${alias}`, properties: [['topicAlias', alias]] }));
  await writer.says(v5.publish({ topic: 'again', properties: [['topicAlias', 2]] }));
  await reader.hears();
  for (const alias of [3, 2, 1])
    await writer.says(v5.publish({ topic: '', properties: [['topicAlias', alias]] }));
  expect(await reader.hears()).toEqual(['t3=m', 'again=m', 't1=m']);
  // Subscribers never see it.
  expect(reader.told('topicAlias')).toBe(null);
});

test('alias 0, one above the maximum, and one that stands for nothing end the connection [MQTT5-3.3.2-8, MQTT5-3.3.2-9, MQTT5-3.2.2-17]', async () => {
  const server = await serve({ topicAliasMax: 3 });
  for (const [topic, alias, reasons] of [
    ['t', 0, [0x94, 0x82, 0x81]],
    ['t', 4, [0x94]],
    ['t', 65_535, [0x94]],
    ['', 2, [0x82]],
  ] as const)
    leftWith(
      await (await writing(server)).says(v5.publish({ topic, properties: [['topicAlias', alias]] })),
      ...reasons,
    );
});

test('where CONNACK allows no alias, any ends the connection [MQTT5-3.2.2-18]', async () => {
  const server = await serve({ topicAliasMax: 0 });
  const writer = await writing(server);
  expect([null, 0]).toContain(writer.told('topicAliasMaximum'));
  leftWith(await writer.says(v5.publish({ properties: [['topicAlias', 1]] })), 0x94);
});

test('aliases end with their connection, those of both sides [MQTT5-3.3.2-7]', async () => {
  const server = await serve({ topicAliasMax: 3 });
  const fields: ConnectFields = {
    clientId: 'c',
    clean: false,
    properties: [
      ['sessionExpiry', 600],
      ['topicAliasMaximum', 5],
    ],
  };
  const first = await server.subscribes(v5, fields, ['#', 1]);
  await first.says(v5.publish({ topic: 't', properties: [['topicAlias', 1]] }), v5.publish({ topic: 't' }));
  await first.vanishes();
  const second = await server.connects(v5, fields);
  // The judge knows no alias of the former connection.
  expect(await second.says(v5.publish({ topic: 't', qos: 1 }))).toEqual(['puback #1', 't=m q1 #1']);
  leftWith(await second.says(v5.publish({ topic: '', properties: [['topicAlias', 1]] })), 0x82);
});

test('the server uses no alias above the client’s maximum, and none where it has none [MQTT5-3.1.2-26, MQTT5-3.1.2-27, MQTT5-3.3.2-11]', async () => {
  const server = await serve({ topicAliasMax: 100 });
  const writer = await writing(server);
  for (const aliasMax of [null, 0, 1, 2, 65_535]) {
    const fields: ConnectFields = {
      clientId: 'reader',
      properties: aliasMax === null ? [] : [['topicAliasMaximum', aliasMax]],
    };
    const reader = await server.subscribes(v5, fields, ['#', 0]);
    const sent = Array.from({ length: 30 }, (_, n) => `topic/${n % 5}`);
    for (const topic of sent) await writer.says(v5.publish({ topic }));
    await reader.hears();
    // With its topic where an alias stood for it: the judge refuses what is above the maximum.
    expect(reader.messages.map(({ topic }) => topic)).toEqual(sent);
    const aliased = reader.messages.filter(({ properties }) => properties.length > 0).length;
    if (aliasMax === null || aliasMax === 0) expect(aliased).toBe(0);
  }
});

test('no more than the client’s receive maximum is on its way, QoS 1 and 2 together, to the end of their handshakes [MQTT5-3.3.4-9, MQTT5-4.9.0-1, MQTT5-4.9.0-2]', async () => {
  const server = await serve();
  const fields: ConnectFields = { clientId: 'reader', properties: [['receiveMaximum', 2]] };
  const reader = await server.subscribes(v5, fields, ['t', 2]);
  const writer = await writing(server);
  for (const [n, qos] of [1, 2, 1, 2, 1, 1].entries())
    await writer.says(v5.publish({ payload: `${n}`, qos, id: n + 1 }));
  expect(await reader.hears()).toEqual(['t=0 q1 #1', 't=1 q2 #2']);
  expect(await reader.says(v5.puback(1))).toEqual(['t=2 q1 #3']);
  // PUBREC gives no room; PUBCOMP does.
  expect(await reader.says(v5.pubrec(2))).toEqual(['pubrel #2']);
  expect(await reader.says(v5.pubcomp(2))).toEqual(['t=3 q2 #4']);
  // A refusal does.
  expect(await reader.says(v5.pubrec(4, 0x80))).toEqual(['t=4 q1 #5']);
  expect(await reader.says(v5.puback(3, 0x80))).toEqual(['t=5 q1 #6']);
});

test('the receive maximum is that of the connection, and what comes again counts [MQTT5-3.3.4-9, MQTT5-4.9.0-1]', async () => {
  const server = await serve();
  const writer = await writing(server);
  const session = (receiveMaximum: number): ConnectFields => ({
    clientId: 'reader',
    clean: false,
    properties: [
      ['receiveMaximum', receiveMaximum],
      ['sessionExpiry', 600],
    ],
  });
  const first = await server.subscribes(v5, session(3), ['t', 2]);
  for (let n = 1; n <= 5; n += 1) await writer.says(v5.publish({ payload: `${n}`, qos: 1, id: n }));
  await first.hears();
  expect(text(first)).toEqual(['1', '2', '3']);
  await first.vanishes();
  const second = server.dials(v5, session(2));
  await second.says(v5.connect(session(2)));
  const again = text(second);
  expect(again.length).toBeLessThanOrEqual(2);
  const id = second.messages[0]?.id ?? 0;
  await second.says(v5.puback(id));
  expect(second.messages.length).toBeLessThanOrEqual(1);
});

test('nothing but PUBLISH with QoS 1 and 2 waits for the receive maximum [MQTT5-3.3.4-10, MQTT5-4.9.0-3]', async () => {
  const server = await serve();
  const fields: ConnectFields = { clientId: 'reader', properties: [['receiveMaximum', 1]] };
  const reader = await server.subscribes(v5, fields, ['t', 1]);
  const writer = await writing(server);
  await writer.says(v5.publish({ qos: 1 }), v5.publish({ payload: 'waits', qos: 1, id: 2 }));
  expect(await reader.hears()).toEqual(['t=m q1 #1']);
  expect(await reader.says(v5.pingreq())).toEqual(['pingresp']);
  expect(await reader.says(v5.subscribe(1, [['u', 0]]), v5.unsubscribe(2, ['never']))).toEqual([
    'suback #1 0',
    'unsuback #2 17',
  ]);
  const heard = await reader.says(
    v5.publish({ topic: 'u', qos: 1, id: 3 }),
    v5.publish({ topic: 'u', qos: 2, id: 4 }),
    v5.pubrel(4),
  );
  for (const answer of ['puback #3', 'pubrec #4', 'pubcomp #4']) expect(heard).toContain(answer);
});

test('more than the server’s receive maximum ends the connection with that reason [MQTT5-3.3.4-7]', async () => {
  const server = await serve({ receiveMax: 2 });
  const writer = await writing(server);
  expect(writer.told('receiveMaximum')).toBe(2);
  // Two at once, again and again, are allowed.
  for (let n = 0; n < 5; n += 1) {
    await writer.says(v5.publish({ qos: 2, id: 1 }), v5.publish({ qos: 2, id: 2 }));
    await writer.says(v5.pubrel(1), v5.pubrel(2));
  }
  await writer.says(v5.publish({ qos: 2, id: 1 }), v5.publish({ qos: 2, id: 2 }));
  leftWith(await writer.says(v5.publish({ qos: 2, id: 3 })), 0x93);
});
