/** What a session is, how long it lasts, what comes again, and what expires. Source: MQTT 5.0 §3.1.2.4, §3.1.2.11.2, §3.3.2.3.3, §4.1, §4.4, §4.5. */
import { expect, test } from 'vitest';
import {
  leftWith,
  serve,
  v3,
  v5,
  type ConnectFields,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

const NEVER = 0xffff_ffff;
const lasting = (seconds: number, clean = false): ConnectFields => ({
  clientId: 'reader',
  clean,
  properties: [['sessionExpiry', seconds]],
});

/** What a client of that session hears that comes now. */
async function comes(
  server: TestServer,
  fields: ConnectFields = lasting(600),
): Promise<[string[], TestClient]> {
  const client = server.dials(v5, fields);
  return [await client.says(v5.connect(fields)), client];
}

/** A reader of `t` with a session of ten minutes, gone again, and a writer. */
async function withAbsent(seconds = 600): Promise<[TestServer, TestClient]> {
  const server = await serve();
  await (await server.subscribes(v5, lasting(seconds, true), ['t', 2])).vanishes();
  return [server, await server.connects(v5, { clientId: 'writer' })];
}

test('a clean start discards the session, subscriptions, queue and handshakes with it [MQTT5-3.1.2-4, MQTT5-3.1.4-4]', async () => {
  const [server, writer] = await withAbsent();
  await writer.says(v5.publish({ qos: 1 }));
  const [, half] = await comes(server);
  await half.says(v5.publish({ topic: 'x', qos: 2, id: 9 }));
  const [heard, fresh] = await comes(server, lasting(600, true));
  expect(heard).toEqual(['connack 0']);
  await writer.says(v5.publish({ qos: 1, id: 2 }));
  expect(await fresh.hears()).toEqual([]);
  const watcher = await server.subscribes(v5, { clientId: 'watcher' }, ['x', 0]);
  expect(await fresh.says(v5.publish({ topic: 'x', payload: 'new', qos: 2, id: 9 }))).toEqual(['pubrec #9']);
  expect(await watcher.hears()).toEqual(['x=new']);
});

test('without clean start the session goes on where there is one, and begins where there is none [MQTT5-3.1.2-5, MQTT5-3.1.2-6]', async () => {
  const [server, writer] = await withAbsent();
  const [heard, client] = await comes(server);
  expect(heard).toEqual(['connack 0 present']);
  await writer.says(v5.publish());
  expect(await client.hears()).toEqual(['t=m']);
  const [other] = await comes(server, { ...lasting(600), clientId: 'other' });
  expect(other).toEqual(['connack 0']);
});

test('a session lasts as long behind its connection as its expiry says [MQTT5-3.1.2-23, MQTT5-4.1.0-2]', async () => {
  for (const [seconds, ms] of [
    [1, 1_000],
    [600, 600_000],
    [0xffff_fffe, 0xffff_fffe * 1_000],
  ] as const)
    for (const isTooLate of [false, true]) {
      const [server, writer] = await withAbsent(seconds);
      await writer.says(v5.publish({ qos: 1 }));
      await server.passes(isTooLate ? ms : ms - 1);
      const [heard] = await comes(server);
      expect(heard).toEqual(isTooLate ? ['connack 0'] : ['connack 0 present', 't=m q1 #1']);
    }
});

test('a session without an expiry, or with 0, ends with its connection [MQTT5-4.1.0-2]', async () => {
  for (const fields of [{ clientId: 'reader', clean: false }, lasting(0)]) {
    const server = await serve();
    await (await server.subscribes(v5, fields, ['t', 2])).vanishes();
    const [heard] = await comes(server);
    expect(heard).toEqual(['connack 0']);
  }
});

test('an expiry of 0xFFFFFFFF is none [MQTT5-3.1.2-23]', async () => {
  const [server, writer] = await withAbsent(NEVER);
  await writer.says(v5.publish({ qos: 1 }));
  await server.passes(100 * 365 * 24 * 3_600_000);
  const [heard] = await comes(server);
  expect(heard).toEqual(['connack 0 present', 't=m q1 #1']);
});

test('DISCONNECT may change the expiry, but not from 0 [MQTT5-3.1.2-23, MQTT5-4.1.0-2]', async () => {
  const server = await serve();
  const longer = await server.connects(v5, lasting(1, true));
  await longer.says(v5.disconnect(0, [['sessionExpiry', 100]]));
  await server.passes(99_999);
  const [heard, shorter] = await comes(server, lasting(600));
  expect(heard).toEqual(['connack 0 present']);
  await shorter.says(v5.disconnect(0, [['sessionExpiry', 0]]));
  const [again, none] = await comes(server, lasting(0));
  expect(again).toEqual(['connack 0']);
  leftWith(await none.says(v5.disconnect(0, [['sessionExpiry', 10]])), 0x82);
});

test('the expiry counts from the end of the last connection [MQTT5-4.1.0-1, MQTT5-4.1.0-2]', async () => {
  const [server] = await withAbsent(100);
  await server.passes(90_000);
  const [, client] = await comes(server, lasting(100));
  // While it is connected nothing counts.
  await server.passes(1_000_000);
  expect(await client.says(v5.publish())).toEqual(['t=m']);
  await client.vanishes();
  await server.passes(99_999);
  const [heard] = await comes(server, lasting(100));
  expect(heard).toEqual(['connack 0 present']);
});

test('a session is that of its client identifier and of no other, and of either version of MQTT [MQTT5-3.1.3-2]', async () => {
  const [server, writer] = await withAbsent();
  for (const clientId of ['Reader', 'reader ', 'reade', 'readers'])
    expect((await comes(server, { ...lasting(600), clientId }))[0]).toEqual(['connack 0']);
  await writer.says(v5.publish({ qos: 1, properties: [['contentType', 'x']] }));
  const old = server.dials(v3);
  expect(await old.says(v3.connect({ clientId: 'reader', clean: false }))).toEqual([
    'connack 0 present',
    't=m q1 #1',
  ]);
  await old.vanishes();
  expect((await comes(server))[0]).toEqual(['connack 0 present', 't=m q1 #1 dup']);
});

test('messages with QoS 1 and 2 for a client that is away are stored, in their order [MQTT5-4.5.0-1]', async () => {
  const [server, writer] = await withAbsent();
  for (const [n, qos] of [1, 2, 1, 2].entries())
    await writer.says(v5.publish({ payload: `${n}`, qos, id: n + 1 }));
  expect((await comes(server))[0]).toEqual([
    'connack 0 present',
    't=0 q1 #1',
    't=1 q2 #2',
    't=2 q1 #3',
    't=3 q2 #4',
  ]);
});

test('PUBLISH and PUBREL that were not acknowledged come again after a reconnect, and at no other time [MQTT5-4.4.0-1, MQTT5-3.3.1-1, MQTT5-4.3.3-6]', async () => {
  const server = await serve();
  const writer = await server.connects(v5, { clientId: 'writer' });
  const first = await server.subscribes(v5, lasting(600), ['t', 2]);
  for (const [n, qos] of [1, 2, 2, 1].entries())
    await writer.says(v5.publish({ payload: `${n}`, qos, id: n + 1 }));
  expect(await first.hears()).toEqual(['t=0 q1 #1', 't=1 q2 #2', 't=2 q2 #3', 't=3 q1 #4']);
  expect(await first.says(v5.pubrec(2), v5.puback(4))).toEqual(['pubrel #2']);
  // However long it waits.
  await server.passes(1_000_000);
  expect(await first.hears()).toEqual([]);
  await first.vanishes();
  for (let time = 0; time < 2; time += 1) {
    const [heard, back] = await comes(server);
    expect(heard).toEqual(['connack 0 present', 'pubrel #2', 't=0 q1 #1 dup', 't=2 q2 #3 dup']);
    await back.vanishes();
  }
});

test('a refusal by the client ends a delivery: it does not come again [MQTT5-4.4.0-2]', async () => {
  const server = await serve();
  const writer = await server.connects(v5, { clientId: 'writer' });
  const first = await server.subscribes(v5, lasting(600), ['t', 2]);
  for (const [n, qos] of [1, 2].entries()) await writer.says(v5.publish({ payload: `${n}`, qos, id: n + 1 }));
  await first.hears();
  expect(await first.says(v5.puback(1, 0x83), v5.pubrec(2, 0x97))).toEqual([]);
  await first.vanishes();
  expect((await comes(server))[0]).toEqual(['connack 0 present']);
});

test('a message that expires before its delivery begins is not delivered [MQTT5-3.3.2-5]', async () => {
  const [server, writer] = await withAbsent();
  const dying = (payload: string, seconds: number, id: number): Buffer =>
    v5.publish({ payload, qos: 1 + (id % 2), id, properties: [['messageExpiry', seconds]] });
  await writer.says(
    dying('soon', 10, 1),
    dying('soon too', 10, 2),
    dying('later', 20, 3),
    v5.publish({ payload: 'never', qos: 1, id: 4 }),
  );
  await server.passes(10_000);
  const [, client] = await comes(server);
  expect(client.messages.map(({ payload }) => payload.toString())).toEqual(['later', 'never']);
});

test('a message is told its expiry less the time that it waited here [MQTT5-3.3.2-6]', async () => {
  const [server, writer] = await withAbsent();
  const now = await server.subscribes(v5, { clientId: 'now' }, ['t', 0]);
  await writer.says(
    v5.publish({ qos: 1, properties: [['messageExpiry', 100]] }),
    v5.publish({ payload: 'without', qos: 1, id: 2 }),
  );
  await now.hears();
  expect(now.messages.map((one) => one.properties)).toEqual([[['messageExpiry', 100]], []]);
  await server.passes(40_000);
  const [, client] = await comes(server);
  expect(client.messages.map((one) => one.properties)).toEqual([[['messageExpiry', 60]], []]);
});

test('a retained message expires, too, and is told what is left [MQTT5-3.3.2-5, MQTT5-3.3.2-6]', async () => {
  const server = await serve();
  const client = await server.connects(v5);
  await client.says(v5.publish({ retain: true, properties: [['messageExpiry', 100]] }));
  await server.passes(30_000);
  expect(await client.says(v5.subscribe(1, [['t', 0]]))).toEqual(['suback #1 0', 't=m retained']);
  expect(client.told('messageExpiry')).toBe(70);
  await server.passes(70_000);
  expect(await client.says(v5.subscribe(2, [['t', 0]]))).toEqual(['suback #2 0']);
});

test('QoS 2: what was sent does not expire, and its handshake goes on [MQTT5-4.3.3-7]', async () => {
  const server = await serve();
  const writer = await server.connects(v5, { clientId: 'writer' });
  const first = await server.subscribes(v5, lasting(600), ['t', 2]);
  await writer.says(v5.publish({ qos: 2, properties: [['messageExpiry', 10]] }));
  expect(await first.hears()).toEqual(['t=m q2 #1']);
  await first.vanishes();
  await server.passes(20_000);
  const [heard, back] = await comes(server);
  expect(heard).toEqual(['connack 0 present', 't=m q2 #1 dup']);
  expect(await back.says(v5.pubrec(1))).toEqual(['pubrel #1']);
  await server.passes(20_000);
  expect(await back.says(v5.pubcomp(1))).toEqual([]);
});

test('QoS 2: the handshake of a message that has expired here goes on with its publisher [MQTT5-4.3.3-13]', async () => {
  const [server] = await withAbsent();
  const fields = { ...lasting(600), clientId: 'writer' };
  const [, writer] = await comes(server, fields);
  expect(await writer.says(v5.publish({ qos: 2, id: 7, properties: [['messageExpiry', 10]] }))).toEqual([
    'pubrec #7',
  ]);
  await server.passes(20_000);
  expect(
    await writer.says(v5.publish({ qos: 2, id: 7, dup: true, properties: [['messageExpiry', 10]] })),
  ).toEqual(['pubrec #7']);
  expect(await writer.says(v5.pubrel(7))).toEqual(['pubcomp #7']);
});
