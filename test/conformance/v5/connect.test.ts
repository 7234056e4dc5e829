/** CONNECT and CONNACK, without wills and what becomes of sessions. Source: MQTT 5.0 §3.1, §3.2. */
import { expect, test } from 'vitest';
import { hex, leftWith, packet, refusedWith, serve, text, u16, u8, v3, v5 } from '../harness/index.ts';

/** CONNECT with these flags, no properties, and this payload. */
const connect = (flags: number, ...payload: Buffer[]): Buffer =>
  packet(0x10, text('MQTT'), u8(5), u8(flags), u16(0), u8(0), ...payload);

test('a first packet other than CONNECT closes the connection unanswered [MQTT5-3.1.0-1, MQTT5-3.14.0-1]', async () => {
  const server = await serve();
  for (const first of [
    v5.pingreq(),
    v5.publish({ qos: 1 }),
    v5.subscribe(1, [['t', 0]]),
    v5.disconnect(),
    v5.auth(),
  ])
    expect(await server.dials(v5).says(first, v5.connect())).toEqual(['closed']);
});

test('a second CONNECT is a protocol error, the same one as the first or not [MQTT5-3.1.0-2, MQTT5-3.2.0-2]', async () => {
  const server = await serve();
  for (const second of [v5.connect(), v5.connect({ clientId: 'other' }), v3.connect()]) {
    leftWith(await (await server.connects(v5)).says(second), 0x82);
    const heard = await server.dials(v5).says(v5.connect(), second);
    expect(heard[0]).toBe('connack 0');
    leftWith(heard, 0x82);
  }
});

test('another protocol name closes the connection [MQTT5-3.1.2-1]', async () => {
  const server = await serve();
  for (const name of ['', 'mqtt', 'MQTT ', 'MQT', 'HTTP/1.1'])
    refusedWith(await server.dials(v5).says(v5.connect({ name })), 0x84, 0x81);
});

test('a protocol version that is not served is refused in a form that somebody may understand, then closed [MQTT5-3.1.2-2]', async () => {
  const server = await serve();
  for (const level of [0, 3, 6, 7, 255]) {
    // Whoever speaks a later version reads MQTT 5's CONNACK; for earlier ones MQTT 3.1.1's has the word.
    const client = server.serving.client();
    client.send(v5.connect({ level }));
    await server.settles();
    expect([['', '2003008400', '20020001'].includes(client.received()), client.isOpen]).toEqual([
      true,
      false,
    ]);
  }
});

test('a server of MQTT 5 serves MQTT 3.1.1 beside it [MQTT5-3.1.2-2]', async () => {
  const server = await serve();
  const old = await server.subscribes(v3, { clientId: 'old' }, ['t', 2]);
  const recent = await server.subscribes(v5, { clientId: 'recent' }, ['t', 2]);
  await old.says(v3.publish({ payload: 'from 3', qos: 1 }));
  await recent.says(v5.publish({ payload: 'from 5', qos: 2, properties: [['contentType', 'text/plain']] }));
  expect(await old.hears()).toEqual(['t=from 5 q2 #2']);
  await old.vanishes();
  expect(recent.isOpen).toBe(true);
});

test('the reserved connect flag is refused [MQTT5-3.1.2-3]', async () => {
  const server = await serve();
  for (const flags of [0x01, 0x03]) refusedWith(await server.dials(v5).says(connect(flags, text('c'))), 0x81);
});

test.each([
  ['a user name without its flag', 'MQTT5-3.1.2-16', connect(0x02, text('c'), text('user'))],
  ['no user name with its flag', 'MQTT5-3.1.2-17', connect(0x82, text('c'))],
  ['a password without its flag', 'MQTT5-3.1.2-18', connect(0x82, text('c'), text('user'), text('word'))],
  ['no password with its flag', 'MQTT5-3.1.2-19', connect(0xc2, text('c'), text('user'))],
  [
    'a payload cut in its last field',
    'MQTT5-3.1.4-1',
    connect(0xc2, text('c'), text('user'), hex('0004 776f72')),
  ],
  ['bytes behind the last field', 'MQTT5-3.1.4-1', connect(0x02, text('c'), hex('00'))],
  ['no client identifier', 'MQTT5-3.1.3-3', connect(0x02)],
  ['the user name before the client identifier', 'MQTT5-3.1.3-1', connect(0x82, hex('ff'), text('c'))],
  ['nothing behind the protocol name', 'MQTT5-3.1.4-1', packet(0x10, text('MQTT'))],
  ['no properties', 'MQTT5-3.1.4-1', packet(0x10, text('MQTT'), u8(5), u8(2), u16(0))],
])('%s is refused, or closes without a word [%s]', async (_, __, wrong) => {
  const server = await serve();
  refusedWith(await server.dials(v5).says(wrong), 0x81);
});

test('the fields of the payload are read in their order [MQTT5-3.1.3-1, MQTT5-3.1.3-3]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['#', 0]);
  const client = await server.connects(v5, {
    clientId: 'identifier',
    will: { topic: 'topic', payload: 'message', properties: [['contentType', 'type']] },
    username: 'user',
    password: 'word',
  });
  await client.vanishes();
  expect(await reader.hears()).toEqual(['topic=message']);
  expect(reader.told('contentType')).toBe('type');
});

test('user name and password are taken with and without each other, as their flags say [MQTT5-3.1.2-17, MQTT5-3.1.2-19]', async () => {
  const server = await serve();
  const fields = [
    { username: 'user' },
    { password: 'word' },
    { username: '', password: '' },
    { username: 'user', password: 'word' },
  ];
  for (const one of fields) expect(await server.dials(v5).says(v5.connect(one))).toEqual(['connack 0']);
});

test('client identifiers of 1 to 23 letters and digits are taken, and longer ones and others too [MQTT5-3.1.3-5]', async () => {
  const server = await serve();
  const all = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const short = Array.from({ length: 40 }, (_, n) => all.slice(n, n + 23));
  for (const clientId of [...short, 'a', all, 'a b/c+#$ü']) {
    const client = server.dials(v5);
    expect(await client.says(v5.connect({ clientId }))).toEqual(['connack 0']);
    expect(client.told('assignedClientId')).toBe(null);
  }
});

test('a client without an identifier is told the one that it is given, and is known by it [MQTT5-3.1.3-6, MQTT5-3.1.3-7, MQTT5-3.2.2-16]', async () => {
  const server = await serve();
  const given = new Set<unknown>();
  for (let n = 0; n < 20; n += 1) {
    const clean = n % 2 === 0;
    const client = await server.connects(v5, { clientId: '', clean, properties: [['sessionExpiry', 60]] });
    given.add(client.told('assignedClientId'));
  }
  expect(given.size).toBe(20);
  const clientId = String([...given][3]);
  const again = server.dials(v5);
  expect(await again.says(v5.connect({ clientId, clean: false }))).toEqual(['connack 0 present']);
});

test('an identifier that is refused closes the connection, as any other refusal does [MQTT5-3.1.3-8, MQTT5-3.1.4-2]', async () => {
  // This server refuses no identifier that is well-formed; one that is not is malformed.
  const server = await serve();
  refusedWith(await server.dials(v5).says(connect(0x02, hex('0002 6100'))), 0x81, 0x85);
});

test('a valid CONNECT is answered with CONNACK 0, before anything else and once [MQTT5-3.1.4-5, MQTT5-3.2.0-1, MQTT5-3.2.0-2]', async () => {
  const server = await serve();
  const client = server.dials(v5);
  const said = [v5.connect(), v5.pingreq(), v5.subscribe(1, [['t', 1]]), v5.publish({ qos: 1 })];
  const heard = await client.says(...said);
  expect(heard).toEqual(['connack 0', 'pingresp', 'suback #1 1', 'puback #1', 't=m q1 #1']);
});

test('what a refused client sent behind its CONNECT is not processed [MQTT5-3.1.4-6]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['#', 0]);
  for (const refused of [connect(0x01, text('c')), v5.connect({ properties: [['receiveMaximum', 0]] })])
    await server.dials(v5).says(refused, v5.publish(), v5.publish({ qos: 1, retain: true }));
  expect(await reader.hears()).toEqual([]);
  expect(server.serving.connections.stats()).toMatchObject({ retainedMessages: 0, clients: 1 });
});

test('a refusal has one of its reason codes, session present 0, and closes [MQTT5-3.2.2-6, MQTT5-3.2.2-7, MQTT5-3.2.2-8, MQTT5-4.13.2-1]', async () => {
  const server = await serve();
  await (await server.connects(v5, { clean: false, properties: [['sessionExpiry', 60]] })).vanishes();
  const client = server.dials(v5);
  // The judge holds code and flags against the tables.
  const heard = await client.says(
    v5.connect({ clean: false, properties: [['authenticationMethod', 'none such']] }),
  );
  expect(heard).toEqual(['connack 0x8c', 'closed']);
  expect(client.heard[0]?.isPresent).toBe(false);
});

test('a client identifier that is connected: the former connection is told so and closed [MQTT5-3.1.4-3]', async () => {
  const server = await serve();
  for (const clean of [true, false]) {
    const first = await server.connects(v5, { clean });
    const second = await server.connects(v5, { clean });
    expect(await first.hears()).toEqual(['disconnect 0x8e', 'closed']);
    expect(await second.says(v5.pingreq())).toEqual(['pingresp']);
  }
  // A client of MQTT 3.1.1 has no word for it.
  const old = await server.connects(v3);
  await server.connects(v5);
  expect(await old.hears()).toEqual(['closed']);
});

test('silence of one and a half keep-alives closes the connection, and not before; any packet breaks it [MQTT5-3.1.2-22, MQTT5-3.2.2-22]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['wills', 0]);
  const client = await server.connects(v5, { keepAlive: 4, will: {} });
  expect(client.told('serverKeepAlive')).toBe(null);
  const kinds = [v5.pingreq(), v5.publish(), v5.subscribe(1, [['t', 0]]), v5.unsubscribe(1, ['t'])];
  for (const kind of kinds) {
    await server.passes(5_999);
    await client.says(kind);
    expect(client.isOpen).toBe(true);
  }
  await server.passes(5_999);
  expect(client.isOpen).toBe(true);
  await server.passes(1);
  leftWith(await client.hears(), 0x8d);
  // As if the network had failed.
  expect(await reader.hears()).toEqual(['wills=gone']);
});

test('a server keep-alive counts where the server names one [MQTT5-3.1.2-22]', async () => {
  const server = await serve({ keepAliveMax: 10 });
  for (const keepAlive of [0, 60]) {
    const client = await server.connects(v5, { keepAlive });
    expect(client.told('serverKeepAlive')).toBe(10);
    await server.passes(14_999);
    expect(client.isOpen).toBe(true);
    await server.passes(1);
    leftWith(await client.hears(), 0x8d);
  }
});

test('session present: 0 with a clean start, and as there is a session without one [MQTT5-3.2.2-2, MQTT5-3.2.2-3]', async () => {
  const server = await serve();
  const lasting = { properties: [['sessionExpiry', 600]] } as const;
  const answers = [];
  for (const clean of [true, false, false, true, false]) {
    const client = server.dials(v5);
    answers.push(...(await client.says(v5.connect({ clean, ...lasting }))));
    await client.vanishes();
  }
  expect(answers).toEqual([
    'connack 0',
    'connack 0 present',
    'connack 0 present',
    'connack 0',
    'connack 0 present',
  ]);
});

test('CONNACK says nothing of response information that the client did not ask for, and sets no reserved flag [MQTT5-3.1.2-28, MQTT5-3.2.2-1]', async () => {
  const server = await serve();
  for (const requestResponse of [0, 1]) {
    const client = await server.connects(v5, { properties: [['requestResponse', requestResponse]] });
    if (requestResponse === 0) expect(client.told('responseInformation')).toBe(null);
  }
});

test('neither CONNACK nor a refusal is longer than the client takes [MQTT5-3.2.2-19, MQTT5-3.2.2-20, MQTT5-3.1.2-24]', async () => {
  const server = await serve({ receiveMax: 9, topicAliasMax: 9, keepAliveMax: 9 });
  for (let size = 1; size < 60; size += 1) {
    const properties = [['maximumPacketSize', size]] as const;
    for (const more of [[], [['authenticationMethod', 'none such']] as const]) {
      const fields = { properties: [...properties, ...more] };
      const client = server.dials(v5, fields);
      // What must be said and is too long ends the connection; the judge measures what comes.
      const heard = await client.says(v5.connect(fields));
      expect([
        ['connack 0'],
        ['connack 0x8c', 'closed'],
        ['connack 0x95', 'closed'],
        ['closed'],
      ]).toContainEqual(heard);
    }
  }
});
