import { expect, test } from 'vitest';
import { Broker, NO_PROPERTIES } from '../../src/core/broker/index.ts';
import { MemoryStore } from '../core/broker/entries.ts';
import {
  connectPacket,
  disconnectPacket,
  pubackPacket,
  publishPacket,
  Serving,
  subscribePacket,
  unsubscribePacket,
  MemoryClient,
} from './serving.ts';

async function serving(options: ConstructorParameters<typeof Serving>[0] = {}): Promise<Serving> {
  const server = new Serving(options);
  await server.connections.open();
  return server;
}

/** Whatever waits for a microtask has happened. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function subscribed(server: Serving, clientId: string, filter: string, isDurable = true): MemoryClient {
  const client = server.connected(clientId, { isDurable });
  client.send(subscribePacket(1, filter));
  server.proposals.commit();
  client.received();
  return client;
}

test('no CONNACK, PUBACK, SUBACK, UNSUBACK and no delivery leaves before its entry is committed (PROTOCOL.md Ack)', async () => {
  const server = await serving();
  for (const isDurable of [true, false]) {
    const client = server.client();
    const topic = isDurable ? 'durable' : 'clean';
    const steps: [Buffer, string[]][] = [
      [connectPacket(topic, { isDurable }), ['20020000']],
      [subscribePacket(1, topic), ['9003000101']],
      [publishPacket(topic, 'm', 2), ['40020002', `${topic}=m q1 #1`]],
      [publishPacket(topic, 'n', 0, true), [`${topic}=n`]],
      [unsubscribePacket(3, topic), ['b0020003']],
    ];
    for (const [packet, answer] of steps) {
      client.send(packet);
      await turn();
      expect(client.packets()).toEqual([]);
      server.proposals.commit();
      expect(client.packets()).toEqual(answer);
    }
    client.send(disconnectPacket());
  }
});

test('what came right behind a CONNECT waits for its commit and then goes in order', async () => {
  const server = await serving();
  const client = server.client();
  client.send(Buffer.concat([connectPacket('c'), subscribePacket(1, 't'), publishPacket('t', 'm', 2)]));
  expect(server.proposals.ops).toEqual(['claimed', 'openSession']);
  server.proposals.commit();
  expect(client.packets()).toEqual(['20020000', '9003000101', '40020002', 't=m q1 #1']);
});

test('the messages of one chunk share one round, and their deliveries come after it', async () => {
  const server = await serving();
  const reader = subscribed(server, 'r', '#');
  const writer = server.connected('w');
  writer.send(Buffer.concat([1, 2, 3].map((n) => publishPacket('t', `m${n}`, n))));
  expect(server.proposals.ops).toEqual(['publish', 'publish', 'publish']);
  server.proposals.commitOnce();
  expect(writer.packets()).toEqual(['40020001', '40020002', '40020003']);
  expect(reader.packets()).toEqual(['t=m1 q1 #1', 't=m2 q1 #2', 't=m3 q1 #3']);
});

test('PUBACKs of one chunk are settled with one operation, and make room in the window', async () => {
  const server = await serving({ inFlightMax: 2 });
  const reader = subscribed(server, 'r', '#');
  const writer = server.connected('w');
  writer.send(...[1, 2, 3, 4].map((n) => publishPacket('t', `m${n}`, n)));
  server.proposals.commit();
  expect(reader.packets()).toEqual(['t=m1 q1 #1', 't=m2 q1 #2']);
  reader.send(Buffer.concat([pubackPacket(1), pubackPacket(2)]));
  expect(server.proposals.ops).toEqual(['settle']);
  expect(reader.packets()).toEqual(['t=m3 q1 #3', 't=m4 q1 #4']);
  server.proposals.commit();
  expect(server.connections.stats().queuedMessages).toBe(2);
});

test('a client that comes back gets what it did not acknowledge again, marked DUP, under the same identifiers [MQTT-4.4.0-1]', async () => {
  const server = await serving();
  const first = subscribed(server, 'r', '#');
  const writer = server.connected('w');
  writer.send(...[1, 2, 3].map((n) => publishPacket('t', `m${n}`, n)));
  server.proposals.commit();
  first.send(pubackPacket(2));
  first.lose();
  await turn();
  writer.send(publishPacket('t', 'm4', 4));
  server.proposals.commit();
  const second = server.client();
  second.send(connectPacket('r', { isDurable: true }));
  server.proposals.commit();
  expect(second.packets()).toEqual(['20020100', 't=m1 q1 #1 d', 't=m3 q1 #3 d', 't=m4 q1 #4']);
});

test('a second client of the same name ends the first one, whose will is published [MQTT-3.1.4-2]', async () => {
  const server = await serving();
  const watcher = subscribed(server, 'watcher', 'wills');
  const first = server.connected('c', { will: 'first' });
  const second = server.client();
  second.send(connectPacket('c', { will: 'second' }));
  expect(first.isOpen).toBe(false);
  server.proposals.commit();
  expect(second.packets()).toEqual(['20020000']);
  expect(watcher.packets()).toEqual(['wills=first q1 #1']);
  second.lose();
  await turn();
  server.proposals.commit();
  expect(watcher.packets()).toEqual(['wills=second q1 #2']);
});

test('a will is not published after DISCONNECT [MQTT-3.14.4-3], but after silence beyond one and a half keep-alives [MQTT-3.1.2-24]', async () => {
  const server = await serving();
  const watcher = subscribed(server, 'watcher', 'wills');
  server.connected('polite', { will: 'never' }).send(disconnectPacket());
  server.proposals.commit();
  const silent = server.connected('silent', { will: 'gone', keepAlive: 10 });
  await server.clock.run(14_000);
  silent.send('c000');
  expect(silent.packets()).toEqual(['d000']);
  await server.clock.run(14_999);
  expect(silent.isOpen).toBe(true);
  await server.clock.run(1);
  expect(silent.isOpen).toBe(false);
  server.proposals.commit();
  expect(watcher.packets()).toEqual(['wills=gone q1 #1']);
  expect(server.lines.map(({ code }) => code)).toEqual(['LS_KEEP_ALIVE']);
});

test('a client that sends no CONNECT is closed after connectTimeout, even if it trickles bytes', async () => {
  const server = await serving({ connectTimeout: 1_000 });
  const client = server.client();
  client.send('10');
  await server.clock.run(900);
  client.send('0c');
  await server.clock.run(100);
  expect(client.isOpen).toBe(false);
  expect(server.lines.map(({ code }) => code)).toEqual(['LS_CONNECT_TIMEOUT']);
});

test('after a takeover the will of a client that does not come back is published once its patience is over', async () => {
  const former = await serving();
  subscribed(former, 'watcher', 'wills');
  former.connected('gone', { will: 'gone', keepAlive: 10 });
  former.connected('back', { will: 'back', keepAlive: 10 });
  await former.connections.close('test');

  const server = new Serving({}, new Broker());
  const stored = new MemoryStore();
  stored.checkpoint(former.broker);
  server.broker.load(stored);
  await server.connections.open();
  const watcher = server.connected('watcher', { isDurable: true });
  server.connected('back', { will: 'back', keepAlive: 60 });
  await server.clock.run(14_999);
  expect(server.proposals.ops).toEqual([]);
  await server.clock.run(1);
  expect(server.proposals.ops).toEqual(['fireWill']);
  server.proposals.commit();
  expect(watcher.packets()).toEqual(['wills=gone q1 #1']);
});

test('a malformed packet costs only its own connection; what came whole before it counts [MQTT-4.8.0-1]', async () => {
  const server = await serving();
  const reader = subscribed(server, 'r', '#');
  const bad = server.connected('bad');
  bad.send(Buffer.concat([publishPacket('t', 'm', 1), Buffer.from('30020000', 'hex')]));
  expect(bad.isOpen).toBe(false);
  server.proposals.commit();
  expect(reader.packets()).toEqual(['t=m q1 #1']);
  expect(server.lines.map(({ code }) => code)).toEqual(['LS_MQTT_MALFORMED']);
});

test('a warning that clients could repeat without end is said once a minute', async () => {
  const server = await serving();
  for (let n = 0; n < 50; n += 1) server.client().send('c000');
  expect(server.lines.length).toBe(1);
  await server.clock.run(60_000);
  server.client().send('c000');
  expect(server.lines.map(({ fields }) => fields)).toEqual([{ unsaid: 0 }, { unsaid: 49 }]);
});

test('close stops serving at once: no reply, no delivery, no proposal after it (PROTOCOL.md §3)', async () => {
  const server = await serving();
  const reader = subscribed(server, 'r', '#');
  const writer = server.connected('w', { will: 'w' });
  writer.send(publishPacket('t', 'm', 1));
  const { events } = server;
  const closed = server.connections.close('the record has moved on');
  expect([reader.isOpen, writer.isOpen]).toEqual([false, false]);
  await closed;
  expect(server.proposals.ops).toEqual(['publish']);
  // Even where the entry is committed afterwards, nobody here tells anybody.
  server.proposals.commit();
  expect([...reader.packets(), ...writer.packets()]).toEqual([]);
  expect(server.events).toBe(null);
  // One that was accepted in the very turn of closing.
  expect(events === null || new MemoryClient(events).isOpen).toBe(false);
  expect(server.connections.stats().clients).toBe(0);
});

test('a server that serves again serves as if anew; what a former term proposed is nobody’s', async () => {
  const server = await serving();
  const client = server.connected('c', { isDurable: true });
  client.send(subscribePacket(1, '#'));
  await server.connections.close('test');
  await server.connections.open();
  const again = server.client();
  again.send(connectPacket('c', { isDurable: true }));
  server.proposals.commit();
  expect(again.packets()).toEqual(['20020100']);
  expect(client.packets()).toEqual([]);
  // Nor is it counted: a drain waits for what this term proposed.
  again.send(publishPacket('t', 'm', 1));
  let isDrained = false;
  void server.connections.drain().then(() => (isDrained = true));
  await turn();
  expect(isDrained).toBe(false);
});

test('closing while the port opens leaves no port open, and nobody is let in', async () => {
  for (const isEarly of [true, false]) {
    const server = new Serving();
    const opening = server.connections.open();
    if (!isEarly) await server.isOpening;
    const events = server.events;
    await server.connections.close('test');
    await opening;
    expect(server.events).toBe(null);
    if (events !== null) expect(new MemoryClient(events).isOpen).toBe(false);
  }
});

test('drain takes nothing new, answers what it took, and undrain goes on where it was', async () => {
  const server = await serving();
  const client = server.connected('c', { will: 'later' });
  client.send(publishPacket('t', 'm1', 1));
  let isDrained = false;
  const drained = server.connections.drain().then(() => (isDrained = true));
  client.send(publishPacket('t', 'm2', 2));
  await turn();
  expect([isDrained, server.proposals.ops]).toEqual([false, ['publish']]);
  server.proposals.commit();
  await drained;
  expect(client.packets()).toEqual(['40020001']);
  // A client that goes now keeps its will for whoever serves next.
  const other = server.client();
  other.send(connectPacket('other'));
  await turn();
  expect(server.proposals.ops).toEqual([]);
  server.connections.undrain();
  await turn();
  server.proposals.commit();
  expect(client.packets()).toEqual(['40020002']);
  expect(other.packets()).toEqual(['20020000']);
});

test('a will of a client lost during a drain is not proposed, and is published after an undrain', async () => {
  const server = await serving();
  const client = server.connected('c', { will: 'w', keepAlive: 2 });
  await server.connections.drain();
  client.lose();
  await turn();
  expect(server.proposals.ops).toEqual([]);
  server.connections.undrain();
  await server.clock.run(3_000);
  expect(server.proposals.ops).toEqual(['fireWill']);
});

test('a client lost during a drain and back before its end is connected after an undrain: its former connection is over before the new one begins', async () => {
  const server = await serving();
  const former = server.connected('c', { isDurable: true });
  await server.connections.drain();
  former.lose();
  await turn();
  const client = server.client();
  client.send(connectPacket('c', { isDurable: true }));
  server.connections.undrain();
  await turn();
  expect(server.proposals.ops).toEqual(['closeSession', 'openSession']);
  server.proposals.commit();
  expect(client.packets()).toEqual(['20020100']);
  expect(server.broker.sessionOf('c')?.detachedAt).toBe(null);
});

test('a drain that is cut short by close fulfils too', async () => {
  const server = await serving();
  server.connected('c').send(publishPacket('t', 'm', 1));
  const drained = server.connections.drain();
  await server.connections.close('test');
  await expect(drained).resolves.toBe(undefined);
});

test('a client that does not read is not fed beyond backlogSizeMax, and gets the rest in order once it reads', async () => {
  const server = await serving({ backlogSizeMax: 64 * 1024 });
  const reader = subscribed(server, 'r', '#');
  const writer = server.connected('w');
  reader.isReading = false;
  const text = 'x'.repeat(10_000);
  for (let n = 1; n <= 20; n += 1) writer.send(publishPacket('t', `${n}${text}`, n));
  server.proposals.commit();
  const early = reader.packets();
  expect(early.length).toBe(7);
  // Nothing more is read from it either: its answers would only pile up.
  reader.send('c000');
  expect(reader.isPaused).toBe(true);
  reader.startReading();
  await turn();
  const later = reader.packets();
  expect(
    [...early, ...later]
      .filter((packet) => packet.startsWith('t='))
      .map((packet) => Number.parseInt(packet.slice(2))),
  ).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  expect(later).toContain('d000');
});

test('QoS 0 passes by a client that does not read', async () => {
  const server = await serving({ backlogSizeMax: 64 * 1024 });
  const reader = subscribed(server, 'r', '#', false);
  const writer = server.connected('w');
  reader.isReading = false;
  for (let n = 0; n < 20; n += 1) writer.send(publishPacket('t', 'x'.repeat(10_000)));
  expect(reader.packets().length).toBe(7);
});

test('publishers are held back while too much waits for its commit, and go on afterwards', async () => {
  const server = await serving({ pendingSizeMax: 1_000 });
  const writer = server.connected('w', { keepAlive: 1 });
  for (let n = 1; n <= 5; n += 1) writer.send(publishPacket('t', 'x'.repeat(400), n));
  expect(server.proposals.ops.length).toBe(3);
  expect(writer.isPaused).toBe(true);
  // What this server does not read is not the client's silence.
  await server.clock.run(10_000);
  expect(writer.isOpen).toBe(true);
  server.proposals.commit();
  await turn();
  server.proposals.commit();
  expect(writer.packets()).toEqual(['40020001', '40020002', '40020003', '40020004', '40020005']);
});

test('publishers are held back while the disk does not keep up with what is committed, and go on when it does', async () => {
  const server = await serving();
  const writer = server.connected('w', { keepAlive: 1 });
  server.proposals.isDiskBehind = true;
  writer.send(publishPacket('t', 'm', 1), publishPacket('t', 'n', 2));
  expect([server.proposals.ops, writer.isPaused]).toEqual([[], true]);
  await server.clock.run(10_000);
  expect(writer.isOpen).toBe(true);
  server.proposals.isDiskBehind = false;
  server.connections.applied();
  expect(writer.isPaused).toBe(false);
  await turn();
  server.proposals.commit();
  expect(writer.packets()).toEqual(['40020001', '40020002']);
});

test('a full queue is warned of, once a minute, with how many messages went', async () => {
  const server = await serving({ queueMessagesMax: 2 });
  subscribed(server, 'r', '#').lose();
  await turn();
  const writer = server.connected('w');
  writer.send(...[1, 2, 3].map((n) => publishPacket('t', `m${n}`, n)));
  server.proposals.commit();
  writer.send(publishPacket('t', 'm4', 4));
  server.proposals.commit();
  expect(server.lines.map(({ code, text }) => [code, text.split(' ')[0]])).toEqual([['LS_QUEUE_FULL', '1']]);
  await server.clock.run(60_000);
  writer.send(publishPacket('t', 'm5', 5));
  server.proposals.commit();
  expect(server.lines.map(({ text }) => text.split(' ')[0])).toEqual(['1', '2']);
});

test('stats count clients, messages in and out, and what waits', async () => {
  const server = await serving();
  const reader = subscribed(server, 'r', '#');
  server.connected('w').send(publishPacket('t', 'm', 1), publishPacket('t', 'n'));
  server.proposals.commit();
  reader.lose();
  await turn();
  expect(server.connections.stats()).toEqual({
    clients: 1,
    durableSessions: 1,
    detachedSessions: 0,
    queuedMessages: 1,
    queuedBytes: 1,
    queuedMemoryBytes: server.broker.freshBytes,
    retainedMessages: 0,
    retainedBytes: 0,
    subscriptions: 1,
    droppedMessages: 0,
    messagesIn: 2,
    messagesOut: 2,
  });
});

test('a message that has expired is not sent, and leaves the queue, or what is retained, by an operation [MQTT5-3.3.2-5]', async () => {
  const server = await serving();
  const expiring = (text: string, isRetained: boolean): void =>
    server.proposals.propose(
      {
        type: 'publish',
        from: null,
        address: 't',
        payload: Buffer.from(text),
        qos: 1,
        isRetained,
        properties: NO_PROPERTIES,
        expiresAt: server.clock.wall() + 5000,
      },
      null,
    );
  subscribed(server, 'c', 't').lose();
  await turn();
  expiring('waits', false);
  expiring('is kept', true);
  server.proposals.commit();
  expect(server.broker.stats()).toMatchObject({ queuedMessages: 2, retainedMessages: 1 });
  await server.clock.run(6000);
  expect(server.proposals.ops).toEqual(['dropRetained']);
  server.proposals.commit();
  const client = server.connected('c', { isDurable: true });
  server.proposals.commit();
  expect(client.packets()).toEqual([]);
  expect(server.broker.stats()).toMatchObject({ queuedMessages: 0, retainedMessages: 0 });
});
