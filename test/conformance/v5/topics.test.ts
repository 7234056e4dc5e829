/** Topic names and filters, and which match. Source: MQTT 5.0 §4.7. */
import { expect, test } from 'vitest';
import { leftWith, refusedWith, serve, v5 } from '../harness/index.ts';

/** The topics of these that a subscriber to the filter gets. */
/** All that the protocol allows. */
const ANY_TOPIC = { topicSizeMax: 65_535, topicLevelsMax: 65_536 };

async function matching(
  filter: string,
  topics: readonly string[],
  options: Parameters<typeof serve>[0] = {},
): Promise<string[]> {
  const server = await serve(options);
  const reader = await server.subscribes(v5, { clientId: 'reader' }, [filter, 0]);
  const writer = await server.connects(v5, { clientId: 'writer' });
  for (const topic of topics) await writer.says(v5.publish({ topic }));
  await reader.hears();
  return reader.messages.map(({ topic }) => topic);
}

test('# stands for what is above it and for all below, + for exactly one level, also an empty one [MQTT5-4.7.1-1, MQTT5-4.7.1-2]', async () => {
  const topics = ['a', 'a/', 'a/b', 'a/b/c', '/a', '/', 'b', 'b/a'];
  expect(await matching('#', topics)).toEqual(topics);
  expect(await matching('a/#', topics)).toEqual(['a', 'a/', 'a/b', 'a/b/c']);
  expect(await matching('+', topics)).toEqual(['a', 'b']);
  expect(await matching('a/+', topics)).toEqual(['a/', 'a/b']);
  expect(await matching('+/+', topics)).toEqual(['a/', 'a/b', '/a', '/', 'b/a']);
  expect(await matching('+/b/#', topics)).toEqual(['a/b', 'a/b/c']);
});

test.each([
  ['a#', 'MQTT5-4.7.1-1'],
  ['#/a', 'MQTT5-4.7.1-1'],
  ['a/#/b', 'MQTT5-4.7.1-1'],
  ['##', 'MQTT5-4.7.1-1'],
  ['a+', 'MQTT5-4.7.1-2'],
  ['a/b+/c', 'MQTT5-4.7.1-2'],
  ['++', 'MQTT5-4.7.1-2'],
  ['', 'MQTT5-4.7.3-1'],
  ['a\0b', 'MQTT5-4.7.3-2'],
])('the filter %j is not taken: the connection ends, or SUBACK says so [%s]', async (filter) => {
  const server = await serve();
  for (const wrong of [
    v5.subscribe(1, [
      ['t', 0],
      [filter, 0],
    ]),
    v5.unsubscribe(1, ['t', filter]),
  ]) {
    const client = await server.connects(v5);
    const heard = await client.says(wrong);
    if (heard.at(-1) === 'closed') leftWith(heard, 0x81, 0x82, 0x8f);
    else expect(['suback #1 0,0x8f', 'unsuback #1 17,0x8f']).toContainEqual(heard[0]);
  }
});

test.each([
  ['#', 'MQTT5-4.7.0-1'],
  ['a/+', 'MQTT5-4.7.0-1'],
  ['a/b#c', 'MQTT5-4.7.0-1'],
  ['', 'MQTT5-4.7.3-1'],
  ['a\0b', 'MQTT5-4.7.3-2'],
])('the topic name %j ends the connection that publishes to it or names it in a will [%s]', async (topic) => {
  const server = await serve();
  for (const qos of [0, 1, 2])
    leftWith(await (await server.connects(v5)).says(v5.publish({ topic, qos })), 0x81, 0x82, 0x90);
  refusedWith(await server.dials(v5).says(v5.connect({ will: { topic } })), 0x81, 0x82, 0x90);
});

test('a filter that begins with a wildcard does not match a topic that begins with $ [MQTT5-4.7.2-1]', async () => {
  const topics = ['$plant/a', '$plant', 'a/$plant', '$'];
  expect(await matching('#', topics)).toEqual(['a/$plant']);
  expect(await matching('+/a', topics)).toEqual([]);
  expect(await matching('$plant/#', topics)).toEqual(['$plant/a', '$plant']);
});

test('topic names and filters may be as long as their length field allows [MQTT5-4.7.3-3]', async () => {
  for (const topic of ['x'.repeat(65_535), 'ü'.repeat(32_767), `${'x'.repeat(9_000)}/`.repeat(7)])
    for (const filter of [topic, '#'])
      expect(await matching(filter, [topic, 'other'], ANY_TOPIC)).toContain(topic);
});

test('topics are compared as they are: case, spaces, slashes, composed and unusual characters [MQTT5-4.7.3-4]', async () => {
  const topics = [
    'café',
    'cafe\u0301',
    'CAFÉ',
    'caf\u00e9 ',
    '/café',
    'café/',
    'caf%C3%A9',
    'ﬁ',
    'fi',
    '\ue000',
    '\ufffd',
    '😀',
  ];
  for (const topic of topics) expect(await matching(topic, topics)).toEqual([topic]);
});
