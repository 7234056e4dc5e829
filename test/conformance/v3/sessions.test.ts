/** What a session is, how long it lasts, and what comes again. Source: MQTT 3.1.1 §3.1.2.4, §3.2.2.2, §4.1, §4.4, §4.5. */
import { expect, test } from 'vitest';
import { serve, v3, type TestClient, type TestServer } from '../harness/index.ts';

const durable = { clientId: 'reader', clean: false } as const;
const clean = { clientId: 'reader', clean: true } as const;

/** A durable reader of `t`, gone again, and a writer. */
async function withAbsent(): Promise<[TestServer, TestClient]> {
  const server = await serve();
  await (await server.subscribes(v3, durable, ['t', 2])).vanishes();
  return [server, await server.connects(v3, { clientId: 'writer' })];
}

test('session present: 0 with a clean session, 1 where a session is stored, 0 where none is [MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3]', async () => {
  const server = await serve();
  const answers = [];
  for (const fields of [clean, durable, durable, clean, durable, durable]) {
    const client = server.dials(v3);
    answers.push(...(await client.says(v3.connect(fields))));
    await client.says(v3.disconnect());
  }
  expect(answers).toEqual([
    'connack 0',
    'connack 0',
    'connack 0 present',
    'connack 0',
    'connack 0',
    'connack 0 present',
  ]);
});

test('a session without clean session keeps its subscriptions, however its connection ended [MQTT-3.1.2-4, MQTT-3.1.4-3]', async () => {
  const server = await serve();
  const writer = await server.connects(v3, { clientId: 'writer' });
  const first = await server.subscribes(v3, durable, ['t', 1]);
  const ends = [
    (client: TestClient) => client.vanishes(),
    (client: TestClient) => client.says(v3.disconnect()),
  ];
  let client = first;
  for (const end of ends) {
    await end(client);
    client = await server.connects(v3, durable);
    await writer.says(v3.publish());
    expect(await client.hears()).toEqual(['t=m']);
  }
});

test('messages with QoS 1 and 2 for a client that is away are stored, in order; those with QoS 0 need not be [MQTT-3.1.2-5, MQTT-4.5.0-1]', async () => {
  const [server, writer] = await withAbsent();
  for (const [n, qos] of [1, 2, 0, 1, 2].entries())
    await writer.says(v3.publish({ payload: `${n}`, qos, id: n + 1 }));
  const back = server.dials(v3);
  expect(await back.says(v3.connect(durable))).toEqual([
    'connack 0 present',
    't=0 q1 #1',
    't=1 q2 #2',
    't=3 q1 #3',
    't=4 q2 #4',
  ]);
});

test('only what matches its subscriptions is stored for a client that is away [MQTT-3.1.2-5]', async () => {
  const [server, writer] = await withAbsent();
  await writer.says(v3.publish({ topic: 'other', qos: 1 }));
  const back = server.dials(v3);
  expect(await back.says(v3.connect(durable))).toEqual(['connack 0 present']);
});

test('a clean session ends with its connection: nothing of it is there later [MQTT-3.1.2-6, MQTT-3.1.4-3]', async () => {
  const server = await serve();
  const writer = await server.connects(v3, { clientId: 'writer' });
  const first = await server.subscribes(v3, clean, ['t', 1]);
  await writer.says(v3.publish({ payload: 'unsettled', qos: 1 }));
  await first.vanishes();
  await writer.says(v3.publish({ payload: 'missed', qos: 1, id: 2 }));
  for (const fields of [clean, durable]) {
    const next = server.dials(v3);
    expect(await next.says(v3.connect(fields))).toEqual(['connack 0']);
    await writer.says(v3.publish({ payload: 'new', qos: 1, id: 3 }));
    expect(await next.hears()).toEqual([]);
  }
});

test('a clean session discards the stored one: subscriptions, queue, handshakes [MQTT-3.1.2-6]', async () => {
  const [server, writer] = await withAbsent();
  await writer.says(v3.publish({ qos: 1 }));
  const half = await server.connects(v3, durable);
  await half.says(v3.publish({ topic: 'x', qos: 2, id: 9 }));
  await (await server.connects(v3, clean)).says(v3.disconnect());
  const watcher = await server.subscribes(v3, { clientId: 'watcher' }, ['x', 0]);
  const back = server.dials(v3);
  expect(await back.says(v3.connect(durable))).toEqual(['connack 0']);
  await writer.says(v3.publish({ qos: 1, id: 2 }));
  // The identifier that was half taken is new.
  expect(await back.says(v3.publish({ topic: 'x', payload: 'new', qos: 2, id: 9 }))).toEqual(['pubrec #9']);
  expect(await watcher.hears()).toEqual(['x=new']);
});

test('retained messages outlive the session of whoever sent them [MQTT-3.1.2-7]', async () => {
  const server = await serve();
  for (const fields of [clean, durable]) {
    const topic = `kept/${String(fields.clean)}`;
    const client = await server.connects(v3, fields);
    await client.says(v3.publish({ topic, retain: true, qos: 1 }));
    await client.says(v3.disconnect());
  }
  await (await server.connects(v3, clean)).says(v3.disconnect());
  const late = await server.connects(v3, { clientId: 'late' });
  const heard = await late.says(v3.subscribe(1, [['kept/#', 0]]));
  expect(heard.sort()).toEqual(['kept/false=m retained', 'kept/true=m retained', 'suback #1 0']);
});

test('a session is that of its client identifier and of no other [MQTT-3.1.3-2]', async () => {
  const [server] = await withAbsent();
  for (const clientId of ['Reader', 'reader ', 'reade', 'readers'])
    expect(await server.dials(v3).says(v3.connect({ clientId, clean: false }))).toEqual(['connack 0']);
  // From another connection, with another keep-alive, will and user name, it is the same one.
  const fields = { ...durable, keepAlive: 9, will: {}, username: 'user' };
  expect(await server.dials(v3).says(v3.connect(fields))).toEqual(['connack 0 present']);
});

test('a session lasts while its connection does, however long, clean or not [MQTT-4.1.0-1, MQTT-4.1.0-2]', async () => {
  const server = await serve();
  for (const fields of [clean, durable]) {
    const client = await server.subscribes(v3, fields, ['t', 2]);
    await client.says(v3.publish({ topic: 'x', qos: 2, id: 5 }));
    await server.passes(30 * 24 * 3_600_000);
    expect(await client.says(v3.publish({ payload: 'late', qos: 1 }))).toEqual(['puback #1', 't=late q1 #1']);
    expect(await client.says(v3.pubrel(5))).toEqual(['pubcomp #5']);
  }
});

test('a session without clean session is kept while its client is away, however long [MQTT-4.1.0-1, MQTT-3.1.2-4]', async () => {
  const [server, writer] = await withAbsent();
  await writer.says(v3.publish({ qos: 1 }));
  await server.passes(30 * 24 * 3_600_000);
  const back = server.dials(v3);
  expect(await back.says(v3.connect(durable))).toEqual(['connack 0 present', 't=m q1 #1']);
});

test('PUBLISH that was not acknowledged comes again, with DUP, its identifier and its order; what was is gone [MQTT-4.4.0-1, MQTT-3.3.1-1, MQTT-4.6.0-1]', async () => {
  const server = await serve();
  const writer = await server.connects(v3, { clientId: 'writer' });
  const first = await server.subscribes(v3, durable, ['t', 2]);
  for (const [n, qos] of [1, 2, 1, 2].entries())
    await writer.says(v3.publish({ payload: `${n}`, qos, id: n + 1 }));
  expect(await first.hears()).toEqual(['t=0 q1 #1', 't=1 q2 #2', 't=2 q1 #3', 't=3 q2 #4']);
  await first.says(v3.puback(1));
  await first.vanishes();
  for (let time = 0; time < 2; time += 1) {
    const back = server.dials(v3);
    expect(await back.says(v3.connect(durable))).toEqual([
      'connack 0 present',
      't=1 q2 #2 dup',
      't=2 q1 #3 dup',
      't=3 q2 #4 dup',
    ]);
    await back.vanishes();
  }
});

test('PUBREL that was not acknowledged comes again, and its PUBLISH does not [MQTT-4.4.0-1, MQTT-4.3.3-1]', async () => {
  const server = await serve();
  const writer = await server.connects(v3, { clientId: 'writer' });
  const first = await server.subscribes(v3, durable, ['t', 2]);
  for (const id of [1, 2]) await writer.says(v3.publish({ payload: `${id}`, qos: 2, id }));
  await first.hears();
  expect(await first.says(v3.pubrec(1))).toEqual(['pubrel #1']);
  await first.vanishes();
  const back = server.dials(v3);
  expect(await back.says(v3.connect(durable))).toEqual(['connack 0 present', 'pubrel #1', 't=2 q2 #2 dup']);
  expect(await back.says(v3.pubcomp(1), v3.pubrec(2), v3.pubcomp(2))).toEqual(['pubrel #2']);
  await back.vanishes();
  const last = server.dials(v3);
  expect(await last.says(v3.connect(durable))).toEqual(['connack 0 present']);
});

test('handshakes that a client began with QoS 2 go on over its next connection [MQTT-4.1.0-1, MQTT-4.3.3-2]', async () => {
  const server = await serve();
  const watcher = await server.subscribes(v3, { clientId: 'watcher' }, ['t', 0]);
  const first = await server.connects(v3, { clientId: 'writer', clean: false });
  expect(await first.says(v3.publish({ qos: 2, id: 3 }))).toEqual(['pubrec #3']);
  await first.vanishes();
  const back = await server.connects(v3, { clientId: 'writer', clean: false });
  expect(await back.says(v3.publish({ qos: 2, id: 3, dup: true }))).toEqual(['pubrec #3']);
  expect(await watcher.hears()).toEqual(['t=m']);
  expect(await back.says(v3.pubrel(3))).toEqual(['pubcomp #3']);
});

test('a message is added to every session that subscribed to it, connected or away, and to no other [MQTT-4.5.0-1]', async () => {
  const server = await serve();
  const near = await server.subscribes(v3, { clientId: 'near' }, ['a/+', 1]);
  await (await server.subscribes(v3, { clientId: 'away', clean: false }, ['a/#', 1])).vanishes();
  const other = await server.subscribes(v3, { clientId: 'other' }, ['b/#', 1]);
  const writer = await server.connects(v3, { clientId: 'writer' });
  expect(await writer.says(v3.publish({ topic: 'a/b', qos: 1 }))).toEqual(['puback #1']);
  expect(await near.hears()).toEqual(['a/b=m q1 #1']);
  expect(await other.hears()).toEqual([]);
  const back = server.dials(v3);
  expect(await back.says(v3.connect({ clientId: 'away', clean: false }))).toEqual([
    'connack 0 present',
    'a/b=m q1 #1',
  ]);
});
