/** Shared subscriptions as clients see them, over the bytes of MQTT 3.1.1. Source: MQTT 5.0 §4.8.2; PROTOCOL.md §2 Ack. */
import { expect, test } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import {
  connectPacket,
  exactPacket,
  pubackPacket,
  pubcompPacket,
  publishPacket,
  pubrecPacket,
  Serving,
  subscribePacket,
  unsubscribePacket,
  type MemoryClient,
} from './serving.ts';

/** Whatever waits for a microtask has happened. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function serving(
  options: ConstructorParameters<typeof Serving>[0] = {},
  broker = new Broker(),
): Promise<Serving> {
  const server = new Serving(options, broker);
  await server.connections.open();
  return server;
}

/** A client that is a member of the group `g` of `t`. */
function member(server: Serving, clientId: string, isDurable: boolean, qos = 1): MemoryClient {
  const client = server.connected(clientId, { isDurable });
  client.send(subscribePacket(1, '$share/g/t', qos));
  server.proposals.commit();
  client.received();
  return client;
}

function publishAll(server: Serving, from: MemoryClient, ...texts: readonly string[]): void {
  from.send(...texts.map((text, n) => publishPacket('t', text, n + 1)));
  server.proposals.commit();
}

/** What a client was sent, without packet identifiers, which are nobody's business here. */
const sentTo = (client: MemoryClient): string[] => client.packets().map((text) => text.replace(/ #\d+/, ''));

const packetIdsIn = (packets: readonly string[]): number[] =>
  packets.map((text) => Number(/#(\d+)/.exec(text)?.[1]));

test.each([
  ['durable', true],
  ['not durable', false],
])(
  'members whose sessions are %s get what is published in turn, once it is committed',
  async (_, isDurable) => {
    const server = await serving();
    const [a, b] = [member(server, 'a', isDurable), member(server, 'b', isDurable)];
    const publisher = server.connected('p');
    publisher.send(publishPacket('t', '1', 1), publishPacket('t', '2', 2), publishPacket('t', '3', 3));
    expect([a.packets(), b.packets()]).toEqual([[], []]);
    server.proposals.commit();
    expect([sentTo(a), sentTo(b)]).toEqual([['t=1 q1', 't=3 q1'], ['t=2 q1']]);
  },
);

test('who acknowledges gets the next, and who does not read nothing', async () => {
  const server = await serving({ inFlightMax: 1, backlogSizeMax: 64 * 1024 });
  const [a, b] = [member(server, 'a', true), member(server, 'b', false)];
  b.isReading = false;
  b.write(Buffer.alloc(64 * 1024));
  const publisher = server.connected('p');
  publishAll(server, publisher, '1', '2', '3');
  const first = a.packets();
  expect(first).toHaveLength(1);
  a.send(pubackPacket(packetIdsIn(first)[0] ?? 0));
  expect(sentTo(a)).toEqual(['t=2 q1']);
  expect(server.proposals.ops).toContain('settleShared');
  b.received();
  b.startReading();
  expect(sentTo(b)).toEqual(['t=3 q1']);
});

test('what a lost member did not acknowledge goes to another at once, and what it had acknowledged does not', async () => {
  const server = await serving();
  const [a, b] = [member(server, 'a', true), member(server, 'b', true)];
  const publisher = server.connected('p');
  publishAll(server, publisher, '1', '2', '3');
  expect(sentTo(b)).toEqual(['t=2 q1']);
  const [acknowledged] = packetIdsIn(a.packets());
  a.send(pubackPacket(acknowledged ?? 0));
  a.lose();
  await turn();
  expect(sentTo(b)).toEqual(['t=3 q1 d']);
  server.proposals.commit();
  expect(server.broker.stats().queuedMessages).toBe(2);
});

test('members that come back to the next server get what was not settled, and an acknowledgement from before settles nothing else (Ack)', async () => {
  const former = await serving();
  const a = member(former, 'a', true);
  publishAll(former, former.connected('p'), '1');
  const before = packetIdsIn(a.packets());
  await former.connections.close('killed');
  const broker = new Broker();
  former.proposals.bodies.forEach((body, n) => broker.apply(body, n + 1));
  const server = await serving({}, broker);
  const again = server.client();
  again.send(connectPacket('a', { isDurable: true }), pubackPacket(before[0] ?? 0));
  server.proposals.commit();
  const packets = again.packets();
  expect(packets.map((text) => text.replace(/ #\d+/, ''))).toEqual(['20020100', 't=1 q1 d']);
  expect(broker.stats().queuedMessages).toBe(1);
  again.send(pubackPacket(packetIdsIn(packets)[1] ?? 0));
  server.proposals.commit();
  expect(broker.stats().queuedMessages).toBe(0);
});

test.each([
  ['durable', true],
  ['not durable', false],
])(
  'with QoS 2 the whole handshake goes to one member, whose session is %s [MQTT5-4.8.2-4]',
  async (_, isDurable) => {
    const server = await serving();
    const [a, b] = [member(server, 'a', isDurable, 2), member(server, 'b', true, 2)];
    const publisher = server.connected('p');
    publisher.send(exactPacket('t', '1', 1));
    server.proposals.commit();
    const [packetId = 0] = packetIdsIn(a.packets());
    a.send(pubrecPacket(packetId));
    server.proposals.commit();
    expect(a.received()).toMatch(/^6202/);
    a.send(pubcompPacket(packetId));
    server.proposals.commit();
    a.lose();
    await turn();
    server.proposals.commit();
    expect(b.packets()).toEqual([]);
    expect(server.broker.stats().queuedMessages).toBe(0);
  },
);

test('during a drain nothing is given or proposed for a group; after it is called off, it is', async () => {
  const server = await serving();
  const [a, b] = [member(server, 'a', true), member(server, 'b', true)];
  publishAll(server, server.connected('p'), '1', '2', '3');
  expect(sentTo(b)).toEqual(['t=2 q1']);
  void server.connections.drain();
  a.lose();
  await turn();
  expect([sentTo(b), server.proposals.ops]).toEqual([[], []]);
  server.connections.undrain();
  expect(sentTo(b)).toEqual(['t=1 q1 d', 't=3 q1 d']);
});

test('a drain waits until what was taken out for a member that has gone meanwhile is back in the replicated state (Ack)', async () => {
  const server = await serving();
  const [a, b] = [member(server, 'a', false, 2), member(server, 'b', true, 2)];
  server.connected('p').send(exactPacket('t', '1', 1), exactPacket('t', '2', 2));
  server.proposals.commitOnce();
  expect(server.proposals.ops).toEqual(['hand', 'settleShared']);
  let isDrained = false;
  void server.connections.drain().then(() => (isDrained = true));
  a.lose();
  await turn();
  server.proposals.commitOnce();
  await turn();
  expect([server.proposals.ops, isDrained, sentTo(b)]).toEqual([['bring'], false, []]);
  server.proposals.commit();
  await turn();
  expect([server.proposals.ops, isDrained]).toEqual([[], true]);
  await server.connections.close('switched over', 'peer');
  const next = await serving({}, server.broker);
  const again = next.client();
  again.send(connectPacket('b', { isDurable: true }));
  next.proposals.commit();
  expect(sentTo(again)).toEqual(['20020100', 't=2 q2 d', 't=1 q2']);
});

test('who leaves gets no more, and a message that nobody is left for is gone', async () => {
  const server = await serving();
  const a = member(server, 'a', true);
  a.send(unsubscribePacket(2, '$share/g/t'));
  server.proposals.commit();
  publishAll(server, server.connected('p'), '1');
  expect(a.packets()).toEqual(['b0020002']);
  expect(server.broker.stats().queuedMessages).toBe(0);
});
