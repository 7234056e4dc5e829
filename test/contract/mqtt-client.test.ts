import { expect, test } from 'vitest';
import { Client, serve } from './mqtt-clients.ts';

test('QoS 1 both ways, with wildcards, QoS 0 beside it', async () => {
  const { url } = await serve();
  const reader = await Client.connect(url, { clientId: 'reader' });
  const granted = await reader.mqtt.subscribeAsync({
    'plant/+/heat': { qos: 1 },
    'plant/#': { qos: 0 },
    two: { qos: 2 },
  });
  expect(granted.map(({ qos }) => qos)).toEqual([1, 0, 2]);
  const writer = await Client.connect(url, { clientId: 'writer' });
  await writer.mqtt.publishAsync('plant/1/heat', 'a', { qos: 1 });
  await writer.mqtt.publishAsync('plant/1', 'b', { qos: 1 });
  await writer.mqtt.publishAsync('elsewhere', 'c', { qos: 1 });
  await writer.mqtt.publishAsync('plant/2/heat', 'd', { qos: 0 });
  expect(await reader.gotAll(3)).toEqual(['plant/1/heat=a q1', 'plant/1=b q0', 'plant/2/heat=d q0']);
});

test('a durable session keeps its subscriptions and what came meanwhile; a clean one ends it [MQTT-3.1.2-4, MQTT-3.1.2-6]', async () => {
  const { url, broker } = await serve();
  const first = await Client.connect(url, { clientId: 'r', clean: false });
  expect(first.sessionPresent).toBe(false);
  await first.mqtt.subscribeAsync('t', { qos: 1 });
  await first.mqtt.endAsync();
  const writer = await Client.connect(url, { clientId: 'w' });
  for (const text of ['a', 'b', 'c']) await writer.mqtt.publishAsync('t', text, { qos: 1 });
  const second = await Client.connect(url, { clientId: 'r', clean: false });
  expect(second.sessionPresent).toBe(true);
  expect(await second.gotAll(3)).toEqual(['t=a q1', 't=b q1', 't=c q1']);
  await second.mqtt.endAsync();
  const clean = await Client.connect(url, { clientId: 'r', clean: true });
  expect(clean.sessionPresent).toBe(false);
  expect(broker.stats()).toMatchObject({ durableSessions: 0, queuedMessages: 0 });
});

test('retained messages come with the subscription, and are cleared by an empty one [MQTT-3.3.1-6, MQTT-3.3.1-10]', async () => {
  const { url } = await serve();
  const writer = await Client.connect(url, { clientId: 'w' });
  await writer.mqtt.publishAsync('state/a', 'on', { qos: 1, retain: true });
  await writer.mqtt.publishAsync('state/b', 'off', { qos: 1, retain: true });
  await writer.mqtt.publishAsync('state/b', '', { qos: 1, retain: true });
  const reader = await Client.connect(url, { clientId: 'r' });
  await reader.mqtt.subscribeAsync('state/#', { qos: 1 });
  expect(await reader.gotAll(1)).toEqual(['state/a=on q1 r']);
  await writer.mqtt.publishAsync('state/c', 'new', { qos: 1, retain: true });
  expect(await reader.gotAll(2)).toEqual(['state/a=on q1 r', 'state/c=new q1']);
});

test('a will is published when the connection breaks and not after DISCONNECT [MQTT-3.1.2-8, MQTT-3.14.4-3]', async () => {
  const { url } = await serve();
  const watcher = await Client.connect(url, { clientId: 'watcher' });
  await watcher.mqtt.subscribeAsync('wills/#', { qos: 1 });
  const will = (name: string) =>
    ({ topic: `wills/${name}`, payload: Buffer.from('gone'), qos: 1, retain: false }) as const;
  const polite = await Client.connect(url, { clientId: 'polite', will: will('polite') });
  await polite.mqtt.endAsync();
  const rude = await Client.connect(url, { clientId: 'rude', will: will('rude') });
  rude.mqtt.stream.destroy();
  expect(await watcher.gotAll(1)).toEqual(['wills/rude=gone q1']);
});

test('a second client of the same name takes the session over, and the first is closed [MQTT-3.1.4-2]', async () => {
  const { url } = await serve();
  const first = await Client.connect(url, { clientId: 'c', clean: false });
  await first.mqtt.subscribeAsync('t', { qos: 1 });
  const closed = first.closed();
  const second = await Client.connect(url, { clientId: 'c', clean: false });
  await closed;
  expect(second.sessionPresent).toBe(true);
  await second.mqtt.publishAsync('t', 'm', { qos: 1 });
  expect(await second.gotAll(1)).toEqual(['t=m q1']);
  expect(first.got).toEqual([]);
});

test('a thousand messages with QoS 1 arrive once each and in order, however the window moves', async () => {
  const { url } = await serve();
  const reader = await Client.connect(url, { clientId: 'r', clean: false });
  await reader.mqtt.subscribeAsync('t', { qos: 1 });
  const writer = await Client.connect(url, { clientId: 'w' });
  const texts = Array.from({ length: 1000 }, (_, n) => String(n));
  await Promise.all(texts.map((text) => writer.mqtt.publishAsync('t', text, { qos: 1 })));
  expect(await reader.gotAll(1000)).toEqual(texts.map((text) => `t=${text} q1`));
});

test('a thousand messages with QoS 2 arrive once each, and their handshakes leave nothing behind', async () => {
  const { url, broker } = await serve();
  const reader = await Client.connect(url, { clientId: 'r', clean: false });
  await reader.mqtt.subscribeAsync('t', { qos: 2 });
  const writer = await Client.connect(url, { clientId: 'w', clean: false });
  const texts = Array.from({ length: 1000 }, (_, n) => String(n));
  await Promise.all(texts.map((text) => writer.mqtt.publishAsync('t', text, { qos: 2 })));
  expect(await reader.gotAll(1000)).toEqual(texts.map((text) => `t=${text} q2`));
  await reader.mqtt.endAsync();
  const [taken, sent] = [broker.sessionOf('w')?.handshakes, broker.sessionOf('r')?.handshakes];
  expect([taken?.received.size, sent?.releasing.size, broker.stats().queuedMessages]).toEqual([0, 0, 0]);
});
