import { expect, test } from 'vitest';
import { Broker } from '../../src/core/broker/index.ts';
import { Serving, type MemoryClient } from './serving.ts';
import {
  ack,
  connect,
  connected,
  heardBy,
  lasting,
  packetsOf,
  publish,
  subscribed,
  type ConnectMore,
} from './v5.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `sinceMs`: how long its clock has run before it begins to serve. */
async function serving(
  options: ConstructorParameters<typeof Serving>[0] = {},
  { broker = new Broker(), sinceMs = 0 }: Readonly<{ broker?: Broker; sinceMs?: number }> = {},
): Promise<Serving> {
  const server = new Serving(options, broker);
  await server.clock.run(sinceMs);
  await server.connections.open();
  server.proposals.commit();
  return server;
}

/** Its client comes back; what it hears behind its CONNACK. */
function back(server: Serving, clientId: string, more: ConnectMore): [MemoryClient, string[]] {
  const client = server.client();
  client.send(connect(clientId, more));
  server.proposals.commit();
  return [client, heardBy(client).slice(1)];
}

const takes = (receiveMaximum: number, more: ConnectMore = {}): ConnectMore =>
  lasting(1_000, { ...more, properties: { ...more.properties, receiveMaximum } });

test('no more messages are on their way than the client takes, and PUBACK, PUBCOMP and a refusing PUBREC make room [MQTT5-3.3.4-9, 5.0 §4.9]', async () => {
  const server = await serving();
  const reader = subscribed(server, 'r', 't', { ...takes(2), wishes: { qos: 2 } });
  const writer = connected(server, 'w');
  for (const n of [1, 2, 3, 4, 5, 6])
    writer.send(publish('t', `m${n}`, { messageId: n, qos: n % 2 === 0 ? 2 : 1 }));
  server.proposals.commit();
  expect(heardBy(reader)).toEqual(['t=m1 q1 #1', 't=m2 q2 #2']);
  const after = (...packets: Buffer[]): string[] => {
    reader.send(...packets);
    server.proposals.commit();
    return heardBy(reader);
  };
  expect(after(ack('puback', 1))).toEqual(['t=m3 q1 #3']);
  expect(after(ack('pubrec', 2))).toEqual(['pubrel #2 0x00']);
  expect(after(ack('pubcomp', 2))).toEqual(['t=m4 q2 #4']);
  expect(after(ack('pubrec', 4, 0x97))).toEqual(['t=m5 q1 #5']);
  expect(after(ack('puback', 3, 0x80), ack('puback', 5))).toEqual(['t=m6 q2 #6']);
  expect(after(ack('pubrec', 6, 0x83))).toEqual([]);
  expect(server.broker.stats().queuedMessages).toBe(0);
  expect(server.broker.sessionOf('r')?.handshakes.releasing.size).toBe(0);
});

test('a client that comes back taking less gets what it had no more than so much at a time', async () => {
  const server = await serving();
  const reader = subscribed(server, 'r', 't', takes(10));
  const writer = connected(server, 'w');
  for (const n of [1, 2, 3]) writer.send(publish('t', `m${n}`, { messageId: n }));
  server.proposals.commit();
  expect(heardBy(reader)).toEqual(['t=m1 q1 #1', 't=m2 q1 #2', 't=m3 q1 #3']);
  reader.lose();
  await turn();
  const [second, heard] = back(server, 'r', takes(1));
  expect(heard).toEqual(['t=m1 q1 #1 d']);
  second.send(ack('puback', 1));
  expect(heardBy(second)).toEqual(['t=m2 q1 #2 d']);
});

test('a PUBREC for what was never sent is answered with 0x92, a repeated one as before [5.0 §3.6.2.1]', async () => {
  const server = await serving();
  for (const more of [lasting(100), {}]) {
    const reader = subscribed(server, 'r', 't', { ...more, wishes: { qos: 2 } });
    connected(server, 'w').send(publish('t', 'm', { messageId: 1, qos: 2 }));
    server.proposals.commit();
    expect(heardBy(reader)).toEqual(['t=m q2 #1']);
    reader.send(ack('pubrec', 1), ack('pubrec', 1), ack('pubrec', 9));
    server.proposals.commit();
    expect(heardBy(reader).sort()).toEqual(['pubrel #1 0x00', 'pubrel #1 0x00', 'pubrel #9 0x92']);
    reader.lose();
    await turn();
    server.proposals.commit();
  }
});

test('a message that is longer than the client takes is dropped as if it had been delivered [MQTT5-3.1.2-25]', async () => {
  const server = await serving();
  const short = { properties: { maximumPacketSize: 40 } };
  for (const more of [short, lasting(100, short)]) {
    const reader = subscribed(server, 'r', 't', { ...more, wishes: { qos: 2 } });
    const writer = connected(server, 'w');
    const long = 'x'.repeat(40);
    writer.send(
      publish('t', 'a', { messageId: 1 }),
      publish('t', long, { messageId: 2 }),
      publish('t', long, { messageId: 3, qos: 2 }),
      publish('t', long),
      publish('t', 'b', { messageId: 4 }),
    );
    server.proposals.commit();
    const heard = heardBy(reader);
    expect(heard.map((text) => text.slice(0, 3))).toEqual(['t=a', 't=b']);
    reader.send(...heard.map((text) => ack('puback', Number(/#(\d+)/.exec(text)?.[1]))));
    server.proposals.commit();
    expect(server.broker.stats().queuedMessages).toBe(0);
    reader.lose();
    await turn();
    server.proposals.commit();
  }
});

test('a message expires while it waits, and what is left of its time goes along [MQTT5-3.3.2-5, MQTT5-3.3.2-6]', async () => {
  const server = await serving();
  subscribed(server, 'r', 't', lasting(1_000)).lose();
  const writer = connected(server, 'w');
  const expiring = (text: string, messageExpiryInterval: number, messageId: number) =>
    publish('t', text, { messageId, properties: { messageExpiryInterval } });
  writer.send(expiring('ten', 10, 1), expiring('hundred', 100, 2), publish('t', 'never', { messageId: 3 }));
  await turn();
  server.proposals.commit();
  await server.clock.run(10_500);
  const client = server.client();
  client.send(connect('r', lasting(1_000)));
  server.proposals.commit();
  const messages = packetsOf(client).flatMap((packet) => (packet.cmd === 'publish' ? [packet] : []));
  expect(messages.map(({ payload }) => payload.toString())).toEqual(['hundred', 'never']);
  expect(messages.map(({ properties }) => properties?.messageExpiryInterval)).toEqual([90, undefined]);
  expect(server.broker.stats().queuedMessages).toBe(2);
});

test('sessions and messages of MQTT 5 go over to the next server, with their times counted through', async () => {
  const broker = new Broker();
  const former = await serving({}, { broker });
  subscribed(former, 'away', 't', { ...lasting(100), wishes: { qos: 2 } }).lose();
  await turn();
  former.proposals.commit();
  await former.clock.run(40_000);
  const reader = subscribed(former, 'here', 't', { ...takes(1), wishes: { qos: 2, rap: true } });
  const writer = connected(former, 'w', lasting(100));
  const userProperties = { b: '1', a: '2' };
  const properties = { messageExpiryInterval: 30, contentType: 'x', userProperties };
  writer.send(publish('t', 'm', { messageId: 5, qos: 2, retain: true, properties }));
  former.proposals.commit();
  expect(heardBy(reader)).toEqual(['t=m q2 #1 r']);
  expect(heardBy(writer)).toEqual(['pubrec #5 0x00']);
  void former.connections.close('killed');
  former.proposals.forget();

  const next = await serving({}, { broker, sinceMs: 40_000 });
  const [second, again] = back(next, 'here', takes(1));
  expect(again).toEqual(['t=m q2 #1 r d']);
  second.send(ack('pubrec', 1));
  // Its publisher sends again what it has no PUBREC of: nobody gets it twice.
  const [publisher] = back(next, 'w', lasting(100));
  publisher.send(publish('t', 'm', { messageId: 5, qos: 2, dup: true }), ack('pubrel', 5), ack('pubrel', 5));
  next.proposals.commit();
  expect(heardBy(publisher)).toEqual(['pubrec #5 0x00', 'pubcomp #5 0x00', 'pubcomp #5 0x92']);
  expect(heardBy(second)).toEqual(['pubrel #1 0x00']);

  await next.clock.run(10_000);
  const client = next.client();
  client.send(connect('away', lasting(100)));
  next.proposals.commit();
  const [, message] = packetsOf(client);
  expect(message).toMatchObject({
    cmd: 'publish',
    properties: { contentType: 'x', messageExpiryInterval: 20 },
  });
  // The rest of its time away: 100 s from when it was lost, wherever it was counted.
  client.lose();
  await turn();
  next.proposals.commit();
  await next.clock.run(100_000);
  next.proposals.commit();
  expect(next.broker.sessionOf('away')).toBe(null);
});

test('an expired message is not sent by the next server, but one that may be on its way with QoS 2 is: its identifier must be got rid of', async () => {
  const broker = new Broker();
  const former = await serving({}, { broker });
  subscribed(former, 'away', 't', { ...lasting(1_000), wishes: { qos: 2 } }).lose();
  await turn();
  const reader = subscribed(former, 'here', 't', { ...lasting(1_000), wishes: { qos: 2 } });
  const properties = { messageExpiryInterval: 30 };
  connected(former, 'w').send(publish('t', 'm', { messageId: 1, qos: 2, properties }));
  former.proposals.commit();
  expect(heardBy(reader)).toEqual(['t=m q2 #1']);
  void former.connections.close('killed');
  former.proposals.forget();
  const next = await serving({}, { broker });
  await next.clock.run(31_000);
  expect(back(next, 'away', lasting(1_000))[1]).toEqual([]);
  expect(back(next, 'here', lasting(1_000))[1]).toEqual(['t=m q2 #1 d']);
});

test('topics have aliases on one connection and begin anew on the next', async () => {
  const server = await serving({ topicAliasMax: 2 });
  const more = lasting(100, { properties: { topicAliasMaximum: 9 } });
  const reader = subscribed(server, 'r', '#', more);
  const writer = connected(server, 'w');
  const heard = (client: MemoryClient) =>
    packetsOf(client).flatMap((packet) =>
      packet.cmd === 'publish' ? [`${packet.topic}/${packet.properties?.topicAlias ?? 0}`] : [],
    );
  for (const [n, topic] of ['a', 'a', 'b', 'c', 'a'].entries())
    writer.send(publish(topic, 'm', { messageId: n + 1 }));
  server.proposals.commit();
  expect(heard(reader)).toEqual(['a/1', '/1', 'b/2', 'c/1', 'a/2']);
  reader.lose();
  await turn();
  const client = server.client();
  client.send(connect('r', more));
  server.proposals.commit();
  expect(heard(client)).toEqual(['a/1', '/1', 'b/2', 'c/1', 'a/2']);
});
