/** Wills: their form, when they are published, and how. Source: MQTT 5.0 §3.1.2.5 to §3.1.2.7, §3.1.3.2, §3.14. */
import { expect, test } from 'vitest';
import {
  packet,
  refusedWith,
  serve,
  text,
  u16,
  u8,
  v5,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

const connect = (flags: number, ...payload: Buffer[]): Buffer =>
  packet(0x10, text('MQTT'), u8(5), u8(flags), u16(0), u8(0), ...payload);

const lasting = [['sessionExpiry', 600]] as const;
const delayed = { properties: [['willDelay', 30]] } as const;

/** A server, and somebody who hears wills at any QoS. */
async function watched(): Promise<[TestServer, TestClient]> {
  const server = await serve();
  return [
    server,
    await server.subscribes(v5, { clientId: 'watcher', clean: false, properties: lasting }, ['wills', 2]),
  ];
}

const ENDS: readonly [string, (client: TestClient, server: TestServer) => Promise<unknown>][] = [
  ['the network fails', (client) => client.vanishes()],
  ['the client breaks the protocol', (client) => client.says('00 00')],
  ['the client is silent too long', (_, server) => server.passes(15_000)],
  ['another connection takes its name', (_, server) => server.connects(v5, { clientId: 'mortal' })],
  ['the client says DISCONNECT with will message', (client) => client.says(v5.disconnect(0x04))],
  ['the client says DISCONNECT with an error', (client) => client.says(v5.disconnect(0x80))],
];

test.each(ENDS)(
  'a will is published once when %s [MQTT5-3.1.2-7, MQTT5-3.1.2-8, MQTT5-3.1.2-10]',
  async (_, ends) => {
    const [server, watcher] = await watched();
    const client = await server.connects(v5, { clientId: 'mortal', keepAlive: 10, will: {} });
    expect(await watcher.hears()).toEqual([]);
    await ends(client, server);
    expect(await watcher.hears()).toEqual(['wills=gone']);
    await server.passes(1_000_000);
    expect(await watcher.hears()).toEqual([]);
  },
);

test('a will is gone after DISCONNECT 0, also one with a delay [MQTT5-3.1.2-8, MQTT5-3.1.2-10, MQTT5-3.14.4-3]', async () => {
  const [server, watcher] = await watched();
  for (const farewell of [v5.disconnect(), v5.disconnect(0), v5.disconnect(0, [['sessionExpiry', 10]])])
    for (const will of [{}, delayed]) {
      const client = await server.connects(v5, { clientId: 'mortal', will, properties: lasting });
      expect(await client.says(farewell)).toEqual(['closed']);
      await server.passes(1_000_000);
      expect(await watcher.hears()).toEqual([]);
    }
});

test('a delayed will waits for its time [MQTT5-3.1.2-8]', async () => {
  const [server, watcher] = await watched();
  await (await server.connects(v5, { clientId: 'mortal', will: delayed, properties: lasting })).vanishes();
  await server.passes(29_999);
  expect(await watcher.hears()).toEqual([]);
  await server.passes(1);
  expect(await watcher.hears()).toEqual(['wills=gone']);
});

test('a delayed will comes with the end of its session, if that is sooner [MQTT5-3.1.2-8]', async () => {
  const [server, watcher] = await watched();
  const fields = { clientId: 'mortal', will: delayed };
  await (await server.connects(v5, { ...fields, properties: [['sessionExpiry', 20]] })).vanishes();
  await server.passes(19_999);
  expect(await watcher.hears()).toEqual([]);
  await server.passes(1);
  expect(await watcher.hears()).toEqual(['wills=gone']);
  // A session that ends with its connection leaves it no time at all.
  await (await server.connects(v5, fields)).vanishes();
  expect(await watcher.hears()).toEqual(['wills=gone']);
  // So does a clean start, which ends the session.
  await (await server.connects(v5, { ...fields, properties: lasting })).vanishes();
  await server.connects(v5, { clientId: 'mortal' });
  expect(await watcher.hears()).toEqual(['wills=gone']);
});

test('a new connection to the session within the delay keeps the will from being sent [MQTT5-3.1.3-9, MQTT5-3.1.2-8]', async () => {
  const [server, watcher] = await watched();
  const fields = { clientId: 'mortal', will: delayed, properties: lasting };
  await (await server.connects(v5, fields)).vanishes();
  await server.passes(29_000);
  const back = await server.connects(v5, { clientId: 'mortal', clean: false, properties: lasting });
  await server.passes(1_000_000);
  expect(await watcher.hears()).toEqual([]);
  // Also one that takes the place of a connection that still is.
  await back.says(v5.disconnect());
  await server.connects(v5, fields);
  await server.connects(v5, { clientId: 'mortal', clean: false, properties: lasting });
  await server.passes(1_000_000);
  expect(await watcher.hears()).toEqual([]);
});

test.each([
  ['no will properties', 'MQTT5-3.1.2-9', connect(0x06, text('c'))],
  ['no will topic', 'MQTT5-3.1.2-9', connect(0x06, text('c'), u8(0))],
  ['no will payload', 'MQTT5-3.1.2-9', connect(0x06, text('c'), u8(0), text('wills'))],
  ['a will QoS without a will', 'MQTT5-3.1.2-11', connect(0x0a, text('c'))],
  ['a will QoS of 2 without a will', 'MQTT5-3.1.2-11', connect(0x12, text('c'))],
  ['will retain without a will', 'MQTT5-3.1.2-13', connect(0x22, text('c'))],
  ['a will QoS of 3', 'MQTT5-3.1.2-12', connect(0x1e, text('c'), u8(0), text('wills'), text('gone'))],
  [
    'a wildcard in the will topic',
    'MQTT5-4.7.0-1',
    connect(0x06, text('c'), u8(0), text('wills/#'), text('gone')),
  ],
  ['an empty will topic', 'MQTT5-4.7.3-1', connect(0x06, text('c'), u8(0), text(''), text('gone'))],
])('%s is refused, or closes without a word [%s]', async (_, __, wrong) => {
  const server = await serve();
  refusedWith(await server.dials(v5).says(wrong), 0x81, 0x82, 0x90);
});

test('a will comes at the QoS that it was given [MQTT5-3.1.2-12]', async () => {
  const [server, watcher] = await watched();
  for (const qos of [0, 1, 2]) {
    await (await server.connects(v5, { clientId: 'mortal', will: { qos } })).vanishes();
    await watcher.hears();
    expect(watcher.messages.map((one) => one.qos)).toEqual([qos]);
  }
});

test('a will without will retain is not retained; one with it is [MQTT5-3.1.2-14, MQTT5-3.1.2-15]', async () => {
  const [server, watcher] = await watched();
  for (const retain of [false, true]) {
    await (await server.connects(v5, { clientId: 'mortal', will: { retain } })).vanishes();
    expect(await watcher.hears()).toEqual(['wills=gone']);
    const late = await server.connects(v5, { clientId: 'late' });
    const [, ...heard] = await late.says(v5.subscribe(1, [['wills', 0]]));
    expect(heard).toEqual(retain ? ['wills=gone retained'] : []);
  }
});

test('a will has its properties, user properties in their order [MQTT5-3.1.3-10]', async () => {
  const [server, watcher] = await watched();
  const sent = [
    ['payloadFormat', 1],
    ['contentType', 'text/plain'],
    ['responseTopic', 'answers'],
    ['correlationData', Buffer.from('id')],
    ['userProperty', ['b', '1']],
    ['userProperty', ['a', '2']],
    ['userProperty', ['b', '3']],
  ] as const;
  await (await server.connects(v5, { clientId: 'mortal', will: { properties: sent } })).vanishes();
  await watcher.hears();
  expect(new Set(watcher.messages[0]?.properties)).toEqual(new Set(sent));
  expect(watcher.messages[0]?.properties.filter(([name]) => name === 'userProperty')).toEqual(sent.slice(4));
});

test('the time of a will begins when it is published [MQTT5-3.3.2-5, MQTT5-3.3.2-6]', async () => {
  const [server, watcher] = await watched();
  const properties = [
    ['willDelay', 30],
    ['messageExpiry', 10],
  ] as const;
  await (
    await server.connects(v5, { clientId: 'mortal', will: { qos: 1, properties }, properties: lasting })
  ).vanishes();
  await server.passes(30_000);
  await watcher.hears();
  expect(watcher.told('messageExpiry')).toBe(10);
});
