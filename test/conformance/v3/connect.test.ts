/** CONNECT and CONNACK, without wills and what becomes of sessions. Source: MQTT 3.1.1 §3.1, §3.2. */
import { expect, test } from 'vitest';
import { hex, packet, serve, text, u16, u8, v3 } from '../harness/index.ts';

/** CONNECT with these flags and this payload. */
const connect = (flags: number, ...payload: Buffer[]): Buffer =>
  packet(0x10, text('MQTT'), u8(4), u8(flags), u16(0), ...payload);

test('a first packet other than CONNECT closes the connection unanswered [MQTT-3.1.0-1]', async () => {
  const server = await serve();
  for (const first of [
    v3.pingreq(),
    v3.publish({ qos: 1 }),
    v3.subscribe(1, [['t', 0]]),
    v3.disconnect(),
    v3.puback(1),
  ]) {
    expect(await server.dials(v3).says(first)).toEqual(['closed']);
    // And what comes behind it is not processed.
    expect(await server.dials(v3).says(first, v3.connect())).toEqual(['closed']);
  }
});

test('a second CONNECT closes the connection, the same one as the first or not [MQTT-3.1.0-2]', async () => {
  const server = await serve();
  for (const second of [v3.connect(), v3.connect({ clientId: 'other' }), v3.connect({ level: 3 })]) {
    const client = await server.connects(v3);
    expect(await client.says(second)).toEqual(['closed']);
    // Also right behind the first one.
    expect(await server.dials(v3).says(v3.connect(), second)).toEqual(['connack 0', 'closed']);
  }
});

test('another protocol name closes the connection unanswered [MQTT-3.1.2-1]', async () => {
  const server = await serve();
  for (const name of ['', 'mqtt', 'MQTT ', 'MQT', 'HTTP/1.1'])
    expect(await server.dials(v3).says(v3.connect({ name }))).toEqual(['closed']);
});

test('a protocol level that is not served is answered with return code 1, then closed [MQTT-3.1.2-2]', async () => {
  const server = await serve();
  for (const level of [0, 1, 2, 3])
    expect(await server.dials(v3).says(v3.connect({ level }))).toEqual(['connack 1', 'closed']);
  // Whoever speaks a later version may read MQTT 5's form of it as well.
  for (const level of [6, 127, 128, 132, 255]) {
    const stream = server.serving.client();
    stream.send(v3.connect({ level }));
    await server.settles();
    expect(['20020001', '2003008400']).toContain(stream.received());
    expect(stream.isOpen).toBe(false);
  }
  // MQTT 3.1 has another name for itself.
  expect(await server.dials(v3).says(v3.connect({ name: 'MQIsdp', level: 3 }))).toEqual([
    'connack 1',
    'closed',
  ]);
});

test('the reserved connect flag closes the connection unanswered [MQTT-3.1.2-3]', async () => {
  const server = await serve();
  for (const flags of [0x01, 0x03])
    expect(await server.dials(v3).says(connect(flags, text('c')))).toEqual(['closed']);
});

test.each([
  ['a user name without its flag', 'MQTT-3.1.2-18', connect(0x02, text('c'), text('user'))],
  ['no user name with its flag', 'MQTT-3.1.2-19', connect(0x82, text('c'))],
  ['a password without its flag', 'MQTT-3.1.2-20', connect(0x82, text('c'), text('user'), text('word'))],
  ['no password with its flag', 'MQTT-3.1.2-21', connect(0xc2, text('c'), text('user'))],
  ['the password flag without the user name flag', 'MQTT-3.1.2-22', connect(0x42, text('c'), text('word'))],
  [
    'a payload cut in its last field',
    'MQTT-3.1.4-1',
    connect(0xc2, text('c'), text('user'), hex('0004 776f72')),
  ],
  ['bytes behind the last field', 'MQTT-3.1.4-1', connect(0x02, text('c'), hex('00'))],
  ['no client identifier', 'MQTT-3.1.3-3', connect(0x02)],
  ['the user name before the client identifier', 'MQTT-3.1.3-1', connect(0x82, hex('ff'), text('c'))],
  ['nothing behind the protocol name', 'MQTT-3.1.4-1', packet(0x10, text('MQTT'))],
  ['nothing at all', 'MQTT-3.1.4-1', packet(0x10)],
])('%s closes the connection without CONNACK [%s]', async (_, __, wrong) => {
  const server = await serve();
  expect(await server.dials(v3).says(wrong)).toEqual(['closed']);
});

test('the fields of the payload are read in their order: client identifier, will, user name, password [MQTT-3.1.3-1, MQTT-3.1.3-3]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v3, { clientId: 'reader' }, ['#', 0]);
  const client = await server.connects(v3, {
    clientId: 'identifier',
    will: { topic: 'topic', payload: 'message' },
    username: 'user',
    password: 'word',
  });
  await client.vanishes();
  expect(await reader.hears()).toEqual(['topic=message']);
});

test('user name and password are taken with and without each other, as their flags say [MQTT-3.1.2-19, MQTT-3.1.2-21]', async () => {
  const server = await serve();
  for (const fields of [
    { username: 'user' },
    { username: '' },
    { username: 'user', password: '' },
    { username: 'user', password: 'word' },
  ])
    expect(await server.dials(v3).says(v3.connect(fields))).toEqual(['connack 0']);
});

test('client identifiers of 1 to 23 letters and digits are taken, and longer ones and others too [MQTT-3.1.3-5]', async () => {
  const server = await serve();
  const all = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const short = Array.from({ length: 40 }, (_, n) => all.slice(n, n + 23)).concat(all.split('', 10));
  for (const clientId of [...short, all, 'a b/c+#$ü', 'x'.repeat(65_535)])
    expect(await server.dials(v3).says(v3.connect({ clientId, clean: false }))).toEqual(['connack 0']);
});

test('clients without an identifier are given different ones, and are served [MQTT-3.1.3-6]', async () => {
  const server = await serve();
  const clients = [];
  for (let n = 0; n < 20; n += 1) clients.push(await server.subscribes(v3, { clientId: '' }, ['t', 0]));
  await clients[0]?.says(v3.publish());
  for (const client of clients.slice(1)) {
    expect(client.isOpen).toBe(true);
    expect(await client.hears()).toEqual(['t=m']);
  }
});

test('no identifier and no clean session: return code 2, then closed [MQTT-3.1.3-7, MQTT-3.1.3-8, MQTT-3.1.3-9]', async () => {
  const server = await serve();
  expect(await server.dials(v3).says(v3.connect({ clientId: '', clean: false }))).toEqual([
    'connack 2',
    'closed',
  ]);
});

test('a refusal has session present 0, and closes [MQTT-3.2.2-4, MQTT-3.2.2-5]', async () => {
  const server = await serve();
  await (await server.connects(v3, { clientId: 'c', clean: false })).vanishes();
  for (const fields of [
    { clientId: 'c', clean: false, level: 3 },
    { clientId: '', clean: false },
  ]) {
    const client = server.dials(v3);
    expect(await client.says(v3.connect(fields))).toContain('closed');
    expect(client.heard.map(({ isPresent }) => isPresent)).toEqual([false]);
  }
});

test('where no return code fits, the connection is closed without CONNACK [MQTT-3.2.2-6]', async () => {
  const server = await serve();
  for (const wrong of [
    connect(0x03, text('c')),
    v3.connect({ name: 'MQTX' }),
    connect(0x1e, text('c'), text('w'), text('m')),
  ])
    expect(await server.dials(v3).says(wrong)).toEqual(['closed']);
});

test('the first thing that a client hears is CONNACK, and what it sent right behind CONNECT is answered after it [MQTT-3.2.0-1, MQTT-3.1.4-4]', async () => {
  const server = await serve();
  const heard = await server
    .dials(v3)
    .says(v3.connect(), v3.pingreq(), v3.subscribe(1, [['t', 1]]), v3.publish({ qos: 1 }));
  expect(heard).toEqual(['connack 0', 'pingresp', 'suback #1 1', 'puback #1', 't=m q1 #1']);
});

test('what a refused client sent behind its CONNECT is not processed [MQTT-3.1.4-5]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v3, { clientId: 'reader' }, ['#', 0]);
  for (const refused of [
    v3.connect({ level: 3 }),
    v3.connect({ clientId: '', clean: false }),
    connect(0x01, text('c')),
  ])
    await server.dials(v3).says(refused, v3.publish(), v3.publish({ qos: 1, retain: true }));
  expect(await reader.hears()).toEqual([]);
  expect(server.serving.connections.stats()).toMatchObject({ retainedMessages: 0, clients: 1 });
});

test('a client identifier that is connected: the former connection is closed, also one of the same address [MQTT-3.1.4-2]', async () => {
  const server = await serve();
  for (const clean of [true, false]) {
    const first = await server.connects(v3, { clean });
    const second = await server.connects(v3, { clean });
    expect(await first.hears()).toEqual(['closed']);
    expect(await second.says(v3.pingreq())).toEqual(['pingresp']);
  }
});

test('silence of one and a half keep-alives closes the connection, and not before; any packet breaks it [MQTT-3.1.2-24]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v3, { clientId: 'reader' }, ['wills', 0]);
  const client = await server.connects(v3, { keepAlive: 4, will: {} });
  const kinds = [
    v3.pingreq(),
    v3.publish(),
    v3.puback(9),
    v3.subscribe(1, [['t', 0]]),
    v3.unsubscribe(1, ['t']),
  ];
  for (const kind of kinds) {
    await server.passes(5_999);
    await client.says(kind);
    expect(client.isOpen).toBe(true);
  }
  await server.passes(5_999);
  expect(client.isOpen).toBe(true);
  await server.passes(1);
  expect(await client.hears()).toEqual(['closed']);
  // As if the network had failed.
  expect(await reader.hears()).toEqual(['wills=gone']);
});

test('a keep-alive of 0 bounds no silence, and the longest one is kept [MQTT-3.1.2-24]', async () => {
  const server = await serve();
  const timeless = await server.connects(v3, { clientId: 'timeless' });
  const patient = await server.connects(v3, { clientId: 'patient', keepAlive: 65_535 });
  await server.passes(65_535 * 1_500 - 1);
  expect([timeless.isOpen, patient.isOpen]).toEqual([true, true]);
  await server.passes(1);
  expect([timeless.isOpen, patient.isOpen]).toEqual([true, false]);
});
