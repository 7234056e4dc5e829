/** What the serving server tells of itself below `$SYS/`. */
import { expect, test } from 'vitest';
import { Load } from '../../src/runtime/sys/index.ts';
import { pubackPacket, publishPacket, Serving, subscribePacket, type MemoryClient } from './serving.ts';
import * as v5 from './v5.ts';
import { heardBy } from './v5.ts';

/** It serves, and has looked for the first time: it does so a second after it has begun, and from then on at the interval. */
async function serving(options: ConstructorParameters<typeof Serving>[0] = {}): Promise<Serving> {
  const server = await begun(options);
  await server.clock.run(1_000);
  return server;
}

async function begun(options: ConstructorParameters<typeof Serving>[0] = {}): Promise<Serving> {
  const server = new Serving({ sysInterval: 10_000, ...options });
  await server.connections.open();
  server.proposals.commit();
  return server;
}

/** What it is sent: topics below `$SYS/broker/`, with text and marks. */
const told = (client: MemoryClient): Record<string, string> =>
  Object.fromEntries(
    client
      .packets()
      .filter((packet) => packet.startsWith('$SYS/broker/'))
      .map((packet) => packet.slice('$SYS/broker/'.length).split('=') as [string, string]),
  );

function watching(server: Serving, filter: string, isDurable = false): MemoryClient {
  const client = server.connected('watcher', { isDurable });
  client.send(subscribePacket(1, filter));
  server.proposals.commit();
  return client;
}

for (const isDurable of [false, true])
  test(`a subscriber with a session that is ${isDurable ? '' : 'not '}durable is sent what there is as retained messages with QoS 0, behind its SUBACK, and what changes at the interval`, async () => {
    const server = await serving({ sysInterval: 10_000 });
    const client = watching(server, '$SYS/broker/clients/+', isDurable);
    expect(client.packets().sort()).toEqual([
      '$SYS/broker/clients/connected=0 r',
      '$SYS/broker/clients/disconnected=0 r',
      '$SYS/broker/clients/maximum=0 r',
      '$SYS/broker/clients/total=0 r',
      '9003000101',
    ]);
    await server.clock.run(10_000);
    expect(client.packets().sort()).toEqual([
      '$SYS/broker/clients/connected=1',
      '$SYS/broker/clients/maximum=1',
      '$SYS/broker/clients/total=1',
    ]);
    await server.clock.run(10_000);
    expect(client.packets()).toEqual([]);
  });

test('who subscribes before the first look is sent what there is now, and what has changed at the first look', async () => {
  const server = await begun();
  const client = watching(server, '$SYS/broker/clients/connected');
  expect(client.packets()).toEqual(['9003000101', '$SYS/broker/clients/connected=1 r']);
  server.connected('other');
  server.proposals.commit();
  await server.clock.run(1_000);
  expect(client.packets()).toEqual(['$SYS/broker/clients/connected=2']);
});

test('messages, publishes, bytes, subscriptions and what is stored are counted, and their rise a minute as averages', async () => {
  const server = await serving({ sysInterval: 10_000 });
  const reader = server.connected('r', { isDurable: true });
  reader.send(subscribePacket(1, 't'));
  const writer = server.connected('w');
  writer.send(publishPacket('t', 'abc', 1), publishPacket('kept', 'four', 2, true), publishPacket('t', 'x'));
  server.proposals.commit();
  reader.send(pubackPacket(1));
  server.proposals.commit();
  await server.clock.run(10_000);
  const texts = told(watching(server, '$SYS/#'));
  expect(texts).toMatchObject({
    version: 'lockstep version 1.2.3 r',
    uptime: '11 seconds r',
    'messages/received': '7 r',
    'messages/sent': '7 r',
    'publish/messages/received': '3 r',
    'publish/messages/sent': '2 r',
    'publish/bytes/received': '8 r',
    'publish/bytes/sent': '4 r',
    'publish/messages/dropped': '0 r',
    'retained messages/count': '1 r',
    'store/messages/count': '1 r',
    'store/messages/bytes': '8 r',
    'subscriptions/count': '1 r',
    'heap/current': '1000 r',
    'load/sockets/1min': '1.84 r',
    'load/connections/15min': '0.13 r',
    'load/publish/received/5min': '0.59 r',
  });
  expect(Number.parseInt(texts['bytes/received'] ?? '')).toBeGreaterThan(0);
});

test('an average nears a steady rise a minute, that of 1 minute first', () => {
  const load = new Load();
  for (let n = 1; n <= 30; n += 1) load.see(n * 50, 10_000);
  const { 1: quick, 5: slow, 15: slowest } = load.averages;
  expect([quick, slow, slowest].map((one) => Math.round(one))).toEqual([298, 190, 85]);
});

test('the pair is told as this server sees it', async () => {
  const server = await serving({ sysInterval: 10_000 });
  server.pair = {
    server: 'primary',
    state: 'STANDALONE',
    epoch: 7,
    peerState: 'DEAD',
    inSync: ['primary'],
    isAlone: true,
    isLockHeld: true,
    lag: { entries: 3, bytes: 99 },
  };
  await server.clock.run(10_000);
  const client = watching(server, '$SYS/broker/pair/#');
  const first = told(client);
  expect(first).toMatchObject({
    'pair/server': 'primary r',
    'pair/state': 'STANDALONE r',
    'pair/epoch': '7 r',
    'pair/peer/state': 'DEAD r',
    'pair/in sync': 'primary r',
    'pair/alone': 'true r',
    'pair/lock held': 'true r',
    'pair/lag/entries': '3 r',
    'pair/lag/bytes': '99 r',
  });
  server.pair = { ...server.pair, state: 'ACTIVE', isAlone: false, inSync: ['primary', 'secondary'] };
  await server.clock.run(10_000);
  expect(told(client)).toMatchObject({ 'pair/state': 'ACTIVE', 'pair/alone': 'false' });
});

test('# and + do not match what a server tells of itself [MQTT-4.7.2-1]; with mqtt.sysInterval 0 there is nothing', async () => {
  const server = await serving();
  for (const filter of ['#', '+/#', '+/broker/version']) {
    const client = watching(server, filter);
    await server.clock.run(10_000);
    expect(told(client)).toEqual({});
  }
  const silent = await serving({ sysInterval: 0 });
  const client = watching(silent, '$SYS/#');
  await silent.clock.run(60_000);
  expect(told(client)).toEqual({});
});

test('it is neither kept for a client that is away nor in the state', async () => {
  const server = await serving();
  const client = watching(server, '$SYS/#', true);
  client.lose();
  await new Promise((resolve) => setImmediate(resolve));
  server.proposals.commit();
  await server.clock.run(30_000);
  expect(server.connections.stats()).toMatchObject({ queuedMessages: 0, retainedMessages: 0 });
});

test('retain handling holds for it too, and a subscription identifier comes along [MQTT5-3.3.1-9, MQTT5-3.3.1-10, MQTT5-3.3.1-11]', async () => {
  const server = await serving();
  const client = v5.connected(server, 'c');
  const [version, text] = ['$SYS/broker/version', '$SYS/broker/version=lockstep version 1.2.3 r'];
  const after = (rh: number): string[] => {
    client.send(v5.subscribe(1, version, { rh }));
    server.proposals.commit();
    return heardBy(client).slice(1);
  };
  expect([after(2), after(1), after(0), after(1)]).toEqual([[], [], [text], []]);
});

test('nobody publishes there: 0x87 in MQTT 5, and nothing comes of it in MQTT 3.1.1', async () => {
  const server = await serving();
  const reader = watching(server, '$SYS/mine');
  const young = v5.connected(server, 'young');
  young.send(
    v5.publish('$SYS/mine', 'm', { messageId: 1 }),
    v5.publish('$SYS/mine', 'm', { messageId: 2, retain: true }),
  );
  const old = server.connected('old');
  old.send(publishPacket('$SYS/mine', 'm', 1));
  server.proposals.commit();
  expect(heardBy(young)).toEqual(['puback #1 0x87', 'puback #2 0x87']);
  expect(old.packets()).toEqual(['40020001']);
  expect(told(reader)).toEqual({});
  expect(reader.packets()).toEqual([]);
});

test('a server that no longer serves tells nothing more, and one that serves again begins anew', async () => {
  const server = await serving();
  await server.connections.close('the test says so');
  await server.clock.run(30_000);
  await server.connections.open();
  server.proposals.commit();
  expect(told(watching(server, '$SYS/broker/uptime'))).toEqual({ uptime: '31 seconds r' });
});
