import mqtt from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { Client, serve } from './mqtt-clients.ts';

const v5 = { protocolVersion: 5 } as const;

test('QoS 0, 1 and 2 both ways, with all properties as they went', async () => {
  const { url } = await serve();
  const reader = await Client.connect(url, { ...v5, clientId: 'reader' });
  const properties = { subscriptionIdentifier: 7 };
  await reader.mqtt.subscribeAsync('plant/#', { qos: 2, properties });
  const writer = await Client.connect(url, { ...v5, clientId: 'writer' });
  const said = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Buffer.from([1, 2, 3]),
    userProperties: { a: ['1', '2'], b: '3' },
  };
  for (const qos of [0, 1, 2] as const)
    await writer.mqtt.publishAsync('plant', `q${qos}`, { qos, properties: said });
  expect(await reader.gotAll(3)).toEqual(['plant=q0 q0', 'plant=q1 q1', 'plant=q2 q2']);
  for (const packet of reader.packets) {
    const { userProperties, ...heard } = packet.properties ?? {};
    expect({ ...heard, userProperties: { ...userProperties } }).toEqual({ ...said, ...properties });
  }
});

test('clients of both versions share topics, and those of MQTT 3.1.1 go without properties', async () => {
  const { url } = await serve();
  const [old, young] = [await Client.connect(url, {}), await Client.connect(url, v5)];
  for (const client of [old, young]) await client.mqtt.subscribeAsync('t', { qos: 1 });
  await young.mqtt.publishAsync('t', 'a', { qos: 1, properties: { contentType: 'x' } });
  await old.mqtt.publishAsync('t', 'b', { qos: 1 });
  expect(await old.gotAll(2)).toEqual(['t=a q1', 't=b q1']);
  expect(await young.gotAll(2)).toEqual(['t=a q1', 't=b q1']);
});

test('CONNACK tells what the server takes and what it changed [MQTT5-3.2.2-16]', async () => {
  const { url } = await serve({ keepAliveMax: 20, sessionExpiryMax: 100, receiveMax: 50, topicAliasMax: 3 });
  const client = await Client.connect(url, {
    ...v5,
    clientId: '',
    keepalive: 60,
    properties: { sessionExpiryInterval: 1_000, requestResponseInformation: true },
  });
  const told = client.connack?.properties;
  expect(told).toMatchObject({
    sessionExpiryInterval: 100,
    serverKeepAlive: 20,
    receiveMaximum: 50,
    topicAliasMaximum: 3,
    maximumPacketSize: 1_048_576,
  });
  expect(told?.assignedClientIdentifier).toMatch(/^auto-/);
  expect(told?.responseInformation).toBe(`reply/${told?.assignedClientIdentifier ?? ''}/`);
});

test('a session lives as long as it was asked to, and not with an interval of 0 [MQTT5-3.1.2-23]', async () => {
  const { url, broker } = await serve();
  const session = (sessionExpiryInterval: number) =>
    ({ ...v5, clientId: 'c', clean: false, properties: { sessionExpiryInterval } }) as const;
  const first = await Client.connect(url, session(100));
  await first.mqtt.subscribeAsync('t', { qos: 1 });
  await first.mqtt.endAsync();
  const writer = await Client.connect(url, v5);
  await writer.mqtt.publishAsync('t', 'a', { qos: 1 });
  const second = await Client.connect(url, session(0));
  expect(second.sessionPresent).toBe(true);
  expect(await second.gotAll(1)).toEqual(['t=a q1']);
  await second.mqtt.endAsync();
  expect((await Client.connect(url, session(0))).sessionPresent).toBe(false);
  expect(broker.stats().durableSessions).toBe(0);
});

test('topic aliases both ways [MQTT5-3.3.2-7, MQTT5-3.3.2-12]', async () => {
  const { url } = await serve({ topicAliasMax: 5 });
  const reader = await Client.connect(url, { ...v5, properties: { topicAliasMaximum: 5 } });
  await reader.mqtt.subscribeAsync('a/long/topic', { qos: 1 });
  const writer = await Client.connect(url, { ...v5, autoAssignTopicAlias: true });
  for (const text of ['a', 'b', 'c']) await writer.mqtt.publishAsync('a/long/topic', text, { qos: 1 });
  expect(await reader.gotAll(3)).toEqual(['a', 'b', 'c'].map((text) => `a/long/topic=${text} q1`));
  expect(reader.packets.map(({ properties }) => properties?.topicAlias)).toEqual([1, 1, 1]);
});

test('a second client of the same name: the first is told that its session was taken over [MQTT5-3.1.4-3]', async () => {
  const { url } = await serve();
  const first = await Client.connect(url, { ...v5, clientId: 'c' });
  const told = first.disconnected();
  await Client.connect(url, { ...v5, clientId: 'c' });
  expect(await told).toBe(0x8e);
});

test('retain handling, retain as published and no local [MQTT5-3.8.3-3, MQTT5-3.3.1-9, MQTT5-3.3.1-10, MQTT5-3.3.1-11, MQTT5-3.3.1-12, MQTT5-3.3.1-13]', async () => {
  const { url } = await serve();
  const client = await Client.connect(url, { ...v5, clientId: 'c' });
  await client.mqtt.publishAsync('kept', 'old', { qos: 1, retain: true });
  await client.mqtt.subscribeAsync('kept', { qos: 1, rh: 2, rap: true });
  await client.mqtt.publishAsync('kept', 'new', { qos: 1, retain: true });
  expect(await client.gotAll(1)).toEqual(['kept=new q1 r']);
  await client.mqtt.subscribeAsync('kept', { qos: 1, rh: 1, nl: true });
  await client.mqtt.publishAsync('kept', 'mine', { qos: 1 });
  await client.mqtt.subscribeAsync('kept', { qos: 1, rh: 0 });
  expect(await client.gotAll(2)).toEqual(['kept=new q1 r', 'kept=new q1 r']);
});

test('requests and answers find each other', async () => {
  const { url } = await serve();
  const server = await Client.connect(url, { ...v5, clientId: 'server' });
  await server.mqtt.subscribeAsync('work', { qos: 1 });
  server.mqtt.on('message', (_, __, { properties }) => {
    const { responseTopic, correlationData } = properties ?? {};
    if (responseTopic === undefined || correlationData === undefined) return;
    server.mqtt.publish(responseTopic, 'done', { qos: 1, properties: { correlationData } });
  });
  const client = await Client.connect(url, {
    ...v5,
    clientId: 'client',
    properties: { requestResponseInformation: true },
  });
  const responseTopic = `${client.connack?.properties?.responseInformation ?? ''}1`;
  await client.mqtt.subscribeAsync(responseTopic, { qos: 1 });
  const correlationData = Buffer.from('42');
  await client.mqtt.publishAsync('work', 'do', { qos: 1, properties: { responseTopic, correlationData } });
  expect(await client.gotAll(1)).toEqual(['reply/client/1=done q1']);
  expect(client.packets[0]?.properties?.correlationData).toEqual(correlationData);
});

test('a shared subscription’s messages go to one of its members each', async () => {
  const { url } = await serve();
  const members = [await Client.connect(url, v5), await Client.connect(url, v5)];
  for (const member of members) await member.mqtt.subscribeAsync('$share/g/jobs', { qos: 1 });
  const writer = await Client.connect(url, v5);
  const texts = Array.from({ length: 20 }, (_, n) => String(n));
  await Promise.all(texts.map((text) => writer.mqtt.publishAsync('jobs', text, { qos: 1 })));
  await Promise.all(members.map((member) => member.gotAll(10)));
  const got = members.flatMap((member) => member.got).sort();
  expect(got).toEqual(texts.map((text) => `jobs=${text} q1`).sort());
});

test('a client with an authentication method that is not known is told so [MQTT5-4.12.0-1]', async () => {
  const { url } = await serve();
  const properties = { authenticationMethod: 'KERBEROS', authenticationData: Buffer.from('x') };
  const client = mqtt.connect(url, { ...v5, reconnectPeriod: 0, properties });
  onTestFinished(() => void client.end(true));
  expect(await new Promise((resolve) => client.once('error', resolve))).toMatchObject({ code: 0x8c });
});

test('a thousand messages with QoS 2 arrive once each and in order in a receive maximum of 3, and leave nothing behind', async () => {
  const { url, broker } = await serve();
  const session = { sessionExpiryInterval: 100 };
  const options = { ...v5, clean: false } as const;
  const properties = { ...session, receiveMaximum: 3 };
  const reader = await Client.connect(url, { ...options, clientId: 'r', properties });
  await reader.mqtt.subscribeAsync('t', { qos: 2 });
  const writer = await Client.connect(url, { ...options, clientId: 'w', properties: session });
  const texts = Array.from({ length: 1000 }, (_, n) => String(n));
  await Promise.all(texts.map((text) => writer.mqtt.publishAsync('t', text, { qos: 2 })));
  expect(await reader.gotAll(1000)).toEqual(texts.map((text) => `t=${text} q2`));
  await reader.mqtt.endAsync();
  const [taken, sent] = [broker.sessionOf('w')?.handshakes, broker.sessionOf('r')?.handshakes];
  expect([taken?.received.size, sent?.releasing.size, broker.stats().queuedMessages]).toEqual([0, 0, 0]);
});
