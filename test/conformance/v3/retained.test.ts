/** Retained messages. Source: MQTT 3.1.1 §3.3.1.3. */
import { expect, test } from 'vitest';
import { serve, v3, type TestClient, type TestServer } from '../harness/index.ts';

async function writing(): Promise<[TestServer, TestClient]> {
  const server = await serve();
  return [server, await server.connects(v3, { clientId: 'writer' })];
}

/** What a client gets that subscribes now, without its SUBACK. */
async function lateTo(server: TestServer, filter: string, qos = 2): Promise<string[]> {
  const late = await server.connects(v3, { clientId: 'late' });
  const [suback, ...heard] = await late.says(v3.subscribe(1, [[filter, qos]]));
  expect(suback).toBe(`suback #1 ${qos}`);
  return heard;
}

test('a message with RETAIN is kept with its QoS for later subscribers, who get it marked [MQTT-3.3.1-5, MQTT-3.3.1-6, MQTT-3.3.1-8]', async () => {
  const [server, writer] = await writing();
  for (const qos of [0, 1, 2])
    await writer.says(v3.publish({ topic: `kept/${qos}`, qos, id: 9, retain: true }));
  expect((await lateTo(server, 'kept/#')).sort()).toEqual([
    'kept/0=m retained',
    'kept/1=m q1 #1 retained',
    'kept/2=m q2 #2 retained',
  ]);
  expect((await lateTo(server, 'kept/#', 0)).sort()).toEqual(
    ['0', '1', '2'].map((n) => `kept/${n}=m retained`),
  );
});

test('the last one of each topic counts, and only of topics that match [MQTT-3.3.1-6]', async () => {
  const [server, writer] = await writing();
  for (const [topic, payload] of [
    ['a/b', 'old'],
    ['a/b', 'new'],
    ['a/c', 'c'],
    ['x', 'x'],
    ['a/b/c', 'deep'],
  ] as const)
    await writer.says(v3.publish({ topic, payload, retain: true, qos: 1 }));
  expect((await lateTo(server, 'a/+', 0)).sort()).toEqual(['a/b=new retained', 'a/c=c retained']);
  expect(await lateTo(server, 'y/#', 0)).toEqual([]);
});

test('a retained message with QoS 0 takes the place of the former one [MQTT-3.3.1-7]', async () => {
  const [server, writer] = await writing();
  await writer.says(v3.publish({ payload: 'former', retain: true, qos: 2 }));
  await writer.says(v3.publish({ payload: 'new', retain: true }));
  expect(await lateTo(server, 't')).toEqual(['t=new retained']);
});

test('who subscribed before gets it unmarked [MQTT-3.3.1-9]', async () => {
  const [server, writer] = await writing();
  const durable = await server.subscribes(v3, { clientId: 'durable', clean: false }, ['t', 1]);
  const clean = await server.subscribes(v3, { clientId: 'clean' }, ['t', 2]);
  await writer.says(v3.publish({ retain: true, qos: 1 }));
  expect(await clean.hears()).toEqual(['t=m q1 #1']);
  expect(await durable.hears()).toEqual(['t=m q1 #1']);
  // Also when it comes only after a while, from the queue.
  await durable.vanishes();
  await writer.says(v3.publish({ payload: 'queued', retain: true, qos: 1, id: 2 }));
  const back = server.dials(v3);
  expect(await back.says(v3.connect({ clientId: 'durable', clean: false }))).toEqual([
    'connack 0 present',
    't=m q1 #1 dup',
    't=queued q1 #2',
  ]);
});

test('an empty one removes what is retained, is delivered as any other, and is not kept itself [MQTT-3.3.1-10, MQTT-3.3.1-11]', async () => {
  const [server, writer] = await writing();
  for (const qos of [0, 1, 2]) {
    await writer.says(v3.publish({ payload: 'kept', retain: true, qos: 1 }));
    const reader = await server.connects(v3, { clientId: 'reader' });
    expect(await reader.says(v3.subscribe(1, [['t', 0]]))).toEqual(['suback #1 0', 't=kept retained']);
    await writer.says(v3.publish({ payload: '', retain: true, qos, id: 8 }), qos === 2 ? v3.pubrel(8) : '');
    expect(await reader.hears()).toEqual(['t=']);
    expect(await lateTo(server, 't')).toEqual([]);
    expect(server.serving.connections.stats().retainedMessages).toBe(0);
  }
});

test('a message without RETAIN is not kept, and leaves what is kept alone, empty or not [MQTT-3.3.1-12]', async () => {
  const [server, writer] = await writing();
  await writer.says(v3.publish({ topic: 'none', qos: 1 }));
  expect(await lateTo(server, 'none')).toEqual([]);
  await writer.says(v3.publish({ payload: 'kept', retain: true, qos: 1 }));
  for (const [n, payload] of ['new', ''].entries())
    await writer.says(v3.publish({ payload, qos: 1, id: n + 1 }), v3.publish({ payload }));
  expect(await lateTo(server, 't', 0)).toEqual(['t=kept retained']);
});
