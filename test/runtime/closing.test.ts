import { expect, test } from 'vitest';
import { Broker, plainSubscription } from '../../src/core/broker/index.ts';
import { Serving } from './serving.ts';
import {
  bytesOf,
  connect,
  connected,
  disconnect,
  heardBy,
  lasting,
  packetsOf,
  publish,
  subscribed,
} from './v5.ts';

async function serving(
  options: ConstructorParameters<typeof Serving>[0] = {},
  access: ConstructorParameters<typeof Serving>[2] = {},
): Promise<Serving> {
  const server = new Serving(options, new Broker(), access);
  await server.connections.open();
  server.proposals.commit();
  return server;
}

/** A client that has stopped reading, and has as much waiting for it as may. */
async function backlogged(
  options: Readonly<{ stallTimeout: number }>,
  said: Parameters<typeof subscribed>[3] = {},
): Promise<Readonly<{ server: Serving; reader: ReturnType<typeof subscribed> }>> {
  const server = await serving({ backlogSizeMax: 65_536, ...options });
  const reader = subscribed(server, 'reader', 't', said);
  const writer = connected(server, 'writer');
  reader.isReading = false;
  for (let n = 1; n <= 20; n += 1) writer.send(publish('t', 'x'.repeat(10_000), { messageId: n }));
  server.proposals.commit();
  return { server, reader };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a client that reads nothing while as much waits for it as may is disconnected with 0x97 (mqtt.stallTimeout)', async () => {
  const { server, reader } = await backlogged({ stallTimeout: 30_000 });
  await server.clock.run(29_999);
  expect(reader.isOpen).toBe(true);
  await server.clock.run(1);
  expect(reader.isOpen).toBe(false);
  expect(heardBy(reader).at(-1)).toBe('disconnect 0x97');
  expect(server.lines.map(({ code }) => code)).toEqual(['LS_STALLED']);
});

test('one that reads slowly is left alone', async () => {
  const { server, reader } = await backlogged({ stallTimeout: 30_000 });
  for (let n = 0; n < 5; n += 1) {
    await server.clock.run(29_000);
    reader.takes(100);
  }
  expect(reader.isOpen).toBe(true);
  reader.startReading();
  await server.clock.run(60_000);
  expect(reader.isOpen).toBe(true);
});

test('what is not read because of the client’s own backlog is not its silence: the stall ends it, not the keep-alive', async () => {
  const { server, reader } = await backlogged({ stallTimeout: 300_000 }, { keepalive: 10 });
  await server.clock.run(299_999);
  expect(reader.isOpen).toBe(true);
  await server.clock.run(1);
  expect(server.lines.map(({ code }) => code)).toEqual(['LS_STALLED']);
});

test('a server that hands over tells clients of MQTT 5 where to go, by the way they came; those of MQTT 3.1.1 are closed, and all that are not let in yet (5.0 §4.11)', async () => {
  const server = await serving();
  const [young, old] = [connected(server, 'young'), server.connected('old')];
  const early = server.client();
  early.send(connect('early'));
  await server.connections.close('switchover', 'peer');
  expect(packetsOf(young)).toMatchObject([
    { cmd: 'disconnect', reasonCode: 0x9c, properties: { serverReference: 'peer.example:tcp' } },
  ]);
  expect([packetsOf(early), old.packets()]).toEqual([[], []]);
  expect([young.isOpen, early.isOpen, old.isOpen]).toEqual([false, false, false]);
});

test('a server that stops and leaves nobody behind says that it shuts down', async () => {
  const server = await serving();
  const client = connected(server, 'c');
  await server.connections.close('stopped', 'nobody');
  expect(heardBy(client)).toEqual(['disconnect 0x8b']);
});

test('nothing that waited for its commit leaves with that last word (PROTOCOL.md Ack)', async () => {
  const server = await serving();
  const client = subscribed(server, 'c', 't');
  client.send(publish('t', 'm', { messageId: 1 }), publish('t', 'n', { messageId: 2, qos: 2 }));
  void server.connections.close('the record has moved on', 'peer');
  server.proposals.commit();
  expect(heardBy(client)).toEqual(['disconnect 0x9c']);
});

test('a client whose user is removed is disconnected with 0x98, an administrative action', async () => {
  const server = await serving({}, { certificateNames: 'known' });
  server.proposals.propose(
    { type: 'access', change: { type: 'setUser', name: 'u', credential: { password: null, scram: null } } },
    null,
  );
  server.proposals.commit();
  const client = server.client('u');
  client.send(connect('c'));
  server.proposals.commit();
  client.received();
  server.proposals.propose({ type: 'access', change: { type: 'removeUser', name: 'u' } }, null);
  server.proposals.commit();
  expect(heardBy(client)).toEqual(['disconnect 0x98']);
});

test('a client that is silent too long is told so before it is closed: 0x8D [MQTT5-3.1.2-22]', async () => {
  const server = await serving();
  const client = connected(server, 'c', { keepalive: 10 });
  await server.clock.run(15_000);
  expect(heardBy(client)).toEqual(['disconnect 0x8d']);
});

test('a client that fails to keep the rules is told which, in words where it wants them [MQTT5-3.1.2-29]', async () => {
  const server = await serving();
  for (const requestProblemInformation of [true, false]) {
    const client = connected(server, 'c', { properties: { requestProblemInformation } });
    client.send(
      bytesOf({
        cmd: 'publish',
        topic: '',
        payload: 'm',
        qos: 0,
        retain: false,
        dup: false,
        properties: { topicAlias: 99 },
      }),
    );
    const [last] = packetsOf(client);
    expect(last).toMatchObject({ cmd: 'disconnect', reasonCode: 0x94 });
    const words = last?.cmd === 'disconnect' ? last.properties?.reasonString : undefined;
    if (requestProblemInformation)
      expect(words).toMatch(/^the client broke the rules of MQTT 5: .*MQTT5?-3\.3\.2-9/);
    else expect(words).toBe(undefined);
  }
});

test('a session ends when its time is over, and not before; what DISCONNECT says of that counts [MQTT5-3.1.2-23]', async () => {
  const server = await serving();
  const has = (clientId: string): boolean => server.broker.sessionOf(clientId) !== null;
  connected(server, 'lost', lasting(10)).lose();
  connected(server, 'longer', lasting(10)).send(disconnect(0, 20));
  connected(server, 'never', lasting(10)).send(disconnect(0, 0xffff_ffff));
  connected(server, 'at once', lasting(10)).send(disconnect(0, 0));
  await turn();
  server.proposals.commit();
  const seen: boolean[][] = [];
  for (const ms of [9_999, 1, 9_999, 1, 10_000_000_000]) {
    await server.clock.run(ms);
    server.proposals.commit();
    seen.push(['lost', 'longer', 'never', 'at once'].map(has));
  }
  expect(seen).toEqual([
    [true, true, true, false],
    [false, true, true, false],
    [false, true, true, false],
    [false, false, true, false],
    [false, false, true, false],
  ]);
});

test('a session that ended while its client was away has no subscriptions left, one that did not has', async () => {
  const server = await serving();
  subscribed(server, 'short', 't', lasting(10)).lose();
  subscribed(server, 'long', 't', lasting(100)).lose();
  await turn();
  server.proposals.commit();
  await server.clock.run(10_000);
  server.proposals.commit();
  const subscriptions = (clientId: string) => [
    ...(server.broker.sessionOf(clientId)?.subscriptions.values() ?? []),
  ];
  expect(subscriptions('short')).toEqual([]);
  expect(subscriptions('long')).toEqual([plainSubscription('t', 1)]);
});
