/** Topic names and filters, and which match. Source: MQTT 3.1.1 §4.7. */
import { expect, test } from 'vitest';
import { serve, v3 } from '../harness/index.ts';

/** The topics of these that a subscriber to the filter gets. */
/** All that the protocol allows. */
const ANY_TOPIC = { topicSizeMax: 65_535, topicLevelsMax: 65_536 };

async function matching(
  filter: string,
  topics: readonly string[],
  options: Parameters<typeof serve>[0] = {},
): Promise<string[]> {
  const server = await serve(options);
  const reader = await server.subscribes(v3, { clientId: 'reader' }, [filter, 0]);
  const writer = await server.connects(v3, { clientId: 'writer' });
  for (const topic of topics) await writer.says(v3.publish({ topic }));
  await reader.hears();
  return reader.heard.map(({ topic }) => topic);
}

test('# stands for what is above it and for all below, + for exactly one level, also an empty one [MQTT-4.7.1-2, MQTT-4.7.1-3]', async () => {
  const topics = ['a', 'a/', 'a/b', 'a/b/c', '/a', '/', 'b', 'b/a'];
  expect(await matching('#', topics)).toEqual(topics);
  expect(await matching('a/#', topics)).toEqual(['a', 'a/', 'a/b', 'a/b/c']);
  expect(await matching('+', topics)).toEqual(['a', 'b']);
  expect(await matching('a/+', topics)).toEqual(['a/', 'a/b']);
  expect(await matching('+/+', topics)).toEqual(['a/', 'a/b', '/a', '/', 'b/a']);
  expect(await matching('/+', topics)).toEqual(['/a', '/']);
  expect(await matching('+/a', topics)).toEqual(['/a', 'b/a']);
  expect(await matching('+/b/#', topics)).toEqual(['a/b', 'a/b/c']);
});

test.each([
  ['a#', 'MQTT-4.7.1-2'],
  ['a/b#', 'MQTT-4.7.1-2'],
  ['#/a', 'MQTT-4.7.1-2'],
  ['a/#/b', 'MQTT-4.7.1-2'],
  ['##', 'MQTT-4.7.1-2'],
  ['+#', 'MQTT-4.7.1-2'],
  ['a+', 'MQTT-4.7.1-3'],
  ['+a', 'MQTT-4.7.1-3'],
  ['a/b+/c', 'MQTT-4.7.1-3'],
  ['++', 'MQTT-4.7.1-3'],
  ['', 'MQTT-4.7.3-1'],
  ['a\0b', 'MQTT-4.7.3-2'],
])('the filter %j closes the connection that subscribes or unsubscribes with it [%s]', async (filter) => {
  const server = await serve();
  for (const wrong of [
    v3.subscribe(1, [
      ['t', 0],
      [filter, 0],
    ]),
    v3.unsubscribe(1, ['t', filter]),
  ]) {
    const client = await server.connects(v3);
    expect(await client.says(wrong)).toEqual(['closed']);
  }
});

test.each([
  ['#', 'MQTT-4.7.1-1'],
  ['a/+', 'MQTT-4.7.1-1'],
  ['a/b#c', 'MQTT-4.7.1-1'],
  ['', 'MQTT-4.7.3-1'],
  ['a\0b', 'MQTT-4.7.3-2'],
])(
  'the topic name %j closes the connection that publishes to it or names it in a will [%s]',
  async (topic) => {
    const server = await serve();
    for (const qos of [0, 1, 2]) {
      const client = await server.connects(v3);
      expect(await client.says(v3.publish({ topic, qos }))).toEqual(['closed']);
    }
    expect(await server.dials(v3).says(v3.connect({ will: { topic } }))).toEqual(['closed']);
  },
);

test('a filter that begins with a wildcard does not match a topic that begins with $ [MQTT-4.7.2-1]', async () => {
  const topics = ['$plant/a', '$plant', 'a/$plant', '$'];
  expect(await matching('#', topics)).toEqual(['a/$plant']);
  expect(await matching('+/a', topics)).toEqual([]);
  expect(await matching('+', topics)).toEqual([]);
  expect(await matching('$plant/#', topics)).toEqual(['$plant/a', '$plant']);
  expect(await matching('$plant/+', topics)).toEqual(['$plant/a']);
  expect(await matching('a/#', topics)).toEqual(['a/$plant']);
});

test('retained messages of topics that begin with $ come to nobody who subscribes with a wildcard first [MQTT-4.7.2-1]', async () => {
  const server = await serve();
  const client = await server.connects(v3);
  await client.says(v3.publish({ topic: '$plant/a', retain: true, qos: 1 }));
  expect(
    await client.says(
      v3.subscribe(1, [
        ['#', 0],
        ['+/a', 0],
      ]),
    ),
  ).toEqual(['suback #1 0,0']);
  await server.passes(1);
  expect(await client.says(v3.subscribe(2, [['$plant/#', 0]]))).toEqual([
    'suback #2 0',
    '$plant/a=m retained',
  ]);
});

test('topic names and filters may be as long as their length field allows [MQTT-4.7.3-3]', async () => {
  for (const topic of ['x'.repeat(65_535), 'ü'.repeat(32_767), `${'x'.repeat(9_000)}/`.repeat(7)])
    for (const filter of [topic, '#'])
      expect(await matching(filter, [topic, 'other'], ANY_TOPIC)).toContain(topic);
});

test('a topic of as many levels as its length allows is served, or costs its own connection and nothing else', async () => {
  for (const topic of ['/'.repeat(65_535), 'a/'.repeat(32_767)]) {
    const server = await serve(ANY_TOPIC);
    const reader = await server.connects(v3, { clientId: 'reader' });
    await reader.says(v3.subscribe(1, [[topic, 1]]));
    const writer = await server.connects(v3, { clientId: 'writer' });
    await writer.says(v3.publish({ topic, qos: 1, retain: true }));
    await reader.hears();
    if (reader.isOpen && writer.isOpen) expect(reader.heard.map((one) => one.topic)).toEqual([topic]);
    const bystander = await server.subscribes(v3, { clientId: 'bystander' }, ['#', 0]);
    expect(await bystander.says(v3.publish())).toContain('t=m');
  }
});

test('topics are compared as they are: case, spaces, slashes, composed and unusual characters [MQTT-4.7.3-4]', async () => {
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
  for (const filter of ['a//b', 'a/./b', 'a/../b'])
    expect(await matching(filter, ['a/b', 'a//b', 'a/./b', 'a/../b', 'b'])).toEqual([filter]);
});
