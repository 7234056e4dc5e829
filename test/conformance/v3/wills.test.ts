/** Wills: their form, when they are published, and how. Source: MQTT 3.1.1 §3.1.2.5 to §3.1.2.7, §3.14. */
import { expect, test } from 'vitest';
import {
  packet,
  serve,
  text,
  u16,
  u8,
  v3,
  type ConnectFields,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

const connect = (flags: number, ...payload: Buffer[]): Buffer =>
  packet(0x10, text('MQTT'), u8(4), u8(flags), u16(0), ...payload);

/** A server, and somebody who hears wills at any QoS. */
async function watched(): Promise<[TestServer, TestClient]> {
  const server = await serve();
  return [server, await server.subscribes(v3, { clientId: 'watcher', clean: false }, ['wills', 2])];
}

const ENDS: readonly [string, (client: TestClient, server: TestServer) => Promise<unknown>][] = [
  ['the network fails', (client) => client.vanishes()],
  ['the client breaks the protocol', (client) => client.says('00 00')],
  ['the client is silent too long', (_, server) => server.passes(15_000)],
  ['another connection takes its name', (_, server) => server.connects(v3, { clientId: 'mortal' })],
];

test.each(ENDS)('a will is published once when %s [MQTT-3.1.2-8, MQTT-3.1.2-10]', async (_, ends) => {
  const [server, watcher] = await watched();
  for (const clean of [true, false]) {
    const client = await server.connects(v3, {
      clientId: 'mortal',
      clean,
      keepAlive: 10,
      will: { payload: 'gone' },
    });
    expect(await watcher.hears()).toEqual([]);
    await ends(client, server);
    expect(await watcher.hears()).toEqual(['wills=gone']);
    await server.passes(1_000_000);
    expect(await watcher.hears()).toEqual([]);
    // Its name is free for the next round.
    const last = await server.connects(v3, { clientId: 'mortal' });
    await last.says(v3.disconnect());
    expect(await watcher.hears()).toEqual([]);
  }
});

test('a will is gone after DISCONNECT, and does not come with a later end [MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.14.4-3]', async () => {
  const [server, watcher] = await watched();
  const client = await server.connects(v3, { clientId: 'mortal', clean: false, keepAlive: 10, will: {} });
  expect(await client.says(v3.disconnect())).toEqual(['closed']);
  const again = await server.connects(v3, { clientId: 'mortal', clean: false });
  await again.vanishes();
  await server.passes(1_000_000);
  expect(await watcher.hears()).toEqual([]);
});

test('each connection has its own will, or none [MQTT-3.1.2-8, MQTT-3.1.2-12]', async () => {
  const [server, watcher] = await watched();
  await server.connects(v3, { clientId: 'mortal', clean: false, will: { payload: 'first' } });
  const second = await server.connects(v3, { clientId: 'mortal', clean: false, will: { payload: 'second' } });
  expect(await watcher.hears()).toEqual(['wills=first']);
  await second.vanishes();
  expect(await watcher.hears()).toEqual(['wills=second']);
  const without = await server.connects(v3, { clientId: 'mortal', clean: false });
  await without.vanishes();
  expect(await watcher.hears()).toEqual([]);
});

test('a client without a will ends without one, however it ends [MQTT-3.1.2-12]', async () => {
  for (const [, ends] of ENDS) {
    const server = await serve();
    const watcher = await server.subscribes(v3, { clientId: 'watcher' }, ['#', 2]);
    const client = await server.connects(v3, { clientId: 'mortal', keepAlive: 10 });
    await ends(client, server);
    expect(await watcher.hears()).toEqual([]);
  }
});

test('a refused CONNECT leaves no will [MQTT-3.1.2-8]', async () => {
  const [server, watcher] = await watched();
  await server.dials(v3).says(v3.connect({ clientId: '', clean: false, will: {} }));
  await server.dials(v3).says(connect(0x07, text('c'), text('wills'), text('gone')));
  await server.passes(1_000_000);
  expect(await watcher.hears()).toEqual([]);
});

test.each([
  ['no will topic', 'MQTT-3.1.2-9', connect(0x06, text('c'))],
  ['no will message', 'MQTT-3.1.2-9', connect(0x06, text('c'), text('wills'))],
  [
    'a will in the payload without its flag',
    'MQTT-3.1.2-11',
    connect(0x02, text('c'), text('wills'), text('gone')),
  ],
  ['a will QoS without a will', 'MQTT-3.1.2-11, MQTT-3.1.2-13', connect(0x0a, text('c'))],
  ['a will QoS of 2 without a will', 'MQTT-3.1.2-11, MQTT-3.1.2-13', connect(0x12, text('c'))],
  ['will retain without a will', 'MQTT-3.1.2-11, MQTT-3.1.2-15', connect(0x22, text('c'))],
  ['a will QoS of 3', 'MQTT-3.1.2-14', connect(0x1e, text('c'), text('wills'), text('gone'))],
  ['a wildcard in the will topic', 'MQTT-4.7.1-1', connect(0x06, text('c'), text('wills/#'), text('gone'))],
  ['an empty will topic', 'MQTT-4.7.3-1', connect(0x06, text('c'), text(''), text('gone'))],
])('%s closes the connection without CONNACK [%s]', async (_, __, wrong) => {
  const server = await serve();
  expect(await server.dials(v3).says(wrong)).toEqual(['closed']);
});

test('a will comes at the QoS that it was given, as far as the subscription allows [MQTT-3.1.2-9, MQTT-3.1.2-14]', async () => {
  const [server, watcher] = await watched();
  const modest = await server.subscribes(v3, { clientId: 'modest' }, ['wills', 1]);
  for (const qos of [0, 1, 2]) {
    await (await server.connects(v3, { clientId: 'mortal', will: { qos } })).vanishes();
    await watcher.hears();
    await modest.hears();
    expect(watcher.heard.map((one) => one.qos)).toEqual([qos]);
    expect(modest.heard.map((one) => one.qos)).toEqual([Math.min(qos, 1)]);
  }
});

test('a will may be empty, and as long as its length field allows [MQTT-3.1.2-9]', async () => {
  const [server, watcher] = await watched();
  for (const payload of ['', 'x'.repeat(65_535)]) {
    await (await server.connects(v3, { clientId: 'mortal', will: { payload } })).vanishes();
    expect(await watcher.hears()).toEqual([`wills=${payload}`]);
  }
});

test('a will without will retain is not retained, and leaves what is retained alone [MQTT-3.1.2-16]', async () => {
  const [server, watcher] = await watched();
  await watcher.says(v3.publish({ topic: 'wills', payload: 'kept', retain: true }));
  await (await server.connects(v3, { clientId: 'mortal', will: { qos: 1 } })).vanishes();
  await watcher.hears();
  const late = await server.connects(v3, { clientId: 'late' });
  expect(await late.says(v3.subscribe(1, [['wills', 0]]))).toEqual(['suback #1 0', 'wills=kept retained']);
});

test('a will with will retain is retained [MQTT-3.1.2-17]', async () => {
  const [server, watcher] = await watched();
  const fields: ConnectFields = { clientId: 'mortal', will: { qos: 1, retain: true, payload: 'kept' } };
  await (await server.connects(v3, fields)).vanishes();
  await watcher.hears();
  expect(watcher.heard.map(({ isRetained }) => isRetained)).toEqual([false]);
  const late = await server.connects(v3, { clientId: 'late' });
  expect(await late.says(v3.subscribe(1, [['wills', 1]]))).toEqual([
    'suback #1 1',
    'wills=kept q1 #1 retained',
  ]);
});

test('a will reaches durable subscribers that are away [MQTT-3.1.2-8, MQTT-4.5.0-1]', async () => {
  const [server, watcher] = await watched();
  await watcher.vanishes();
  await (await server.connects(v3, { clientId: 'mortal', will: { qos: 1 } })).vanishes();
  const back = server.dials(v3);
  expect(await back.says(v3.connect({ clientId: 'watcher', clean: false }))).toEqual([
    'connack 0 present',
    'wills=gone q1 #1',
  ]);
});
