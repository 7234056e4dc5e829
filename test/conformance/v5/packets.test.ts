/** Strings, numbers, fixed headers, packet identifiers and properties. Source: MQTT 5.0 §1.5, §2. */
import { expect, test } from 'vitest';
import {
  binary,
  hex,
  leftWith,
  packet,
  propertiesBytes,
  refusedWith,
  serve,
  text,
  u16,
  u8,
  v5,
  type TestServer,
} from '../harness/index.ts';

const MALFORMED = 0x81;
const PROTOCOL_ERROR = 0x82;

/** Bytes that are no UTF-8: a lone continuation, one cut short, surrogates, two too long, beyond U+10FFFF. */
const ILL_FORMED = ['80', 'c3', 'eda080', 'edbfbf', 'c080', 'e08080', 'f4908080', 'ff'];

const properties = (...bytes: Buffer[]): Buffer => binaryOfLength(Buffer.concat(bytes));
const binaryOfLength = (bytes: Buffer): Buffer => Buffer.concat([u8(bytes.length), bytes]);

/** One packet for each place of a string, with this one in it. */
const withString = (string: Buffer): Record<string, Buffer> => {
  const connect = (flags: number, ...rest: Buffer[]): Buffer =>
    packet(0x10, text('MQTT'), u8(5), u8(flags), u16(0), ...rest);
  return {
    'client identifier': connect(0x02, u8(0), string),
    'will topic': connect(0x06, u8(0), text('c'), u8(0), string, text('gone')),
    'content type of a will': connect(
      0x06,
      u8(0),
      text('c'),
      properties(u8(0x03), string),
      text('w'),
      text('gone'),
    ),
    'user name': connect(0x82, u8(0), text('c'), string),
    'authentication method': connect(0x02, properties(u8(0x15), string), text('c')),
    'name of a user property of CONNECT': connect(0x02, properties(u8(0x26), string, text('v')), text('c')),
    'topic name': packet(0x30, string, u8(0)),
    'content type': packet(0x30, text('t'), properties(u8(0x03), string)),
    'response topic': packet(0x30, text('t'), properties(u8(0x08), string)),
    'name of a user property': packet(0x30, text('t'), properties(u8(0x26), string, text('v'))),
    'value of a user property': packet(0x30, text('t'), properties(u8(0x26), text('n'), string)),
    'reason string': packet(0x40, u16(9), u8(0), properties(u8(0x1f), string)),
    'filter to subscribe': packet(0x82, u16(1), u8(0), string, u8(0)),
    'filter to unsubscribe': packet(0xa2, u16(1), u8(0), string),
  };
};

const isConnect = (bytes: Buffer): boolean => bytes.readUInt8() >> 4 === 1;

/** What a client hears that says it, in a connection of its own, connected where that is needed. */
async function says(server: TestServer, bytes: Buffer): Promise<string[]> {
  const client = isConnect(bytes) ? server.dials(v5) : await server.connects(v5);
  return client.says(bytes);
}

test.each([
  ['client identifier', 'MQTT5-3.1.3-4'],
  ['will topic', 'MQTT5-3.1.3-11'],
  ['content type of a will', 'MQTT5-1.5.4-1'],
  ['user name', 'MQTT5-3.1.3-12'],
  ['authentication method', 'MQTT5-1.5.4-1'],
  ['name of a user property of CONNECT', 'MQTT5-1.5.7-1'],
  ['topic name', 'MQTT5-3.3.2-1'],
  ['content type', 'MQTT5-3.3.2-19'],
  ['response topic', 'MQTT5-3.3.2-13'],
  ['name of a user property', 'MQTT5-1.5.7-1'],
  ['value of a user property', 'MQTT5-1.5.7-1'],
  ['reason string', 'MQTT5-1.5.4-1'],
  ['filter to subscribe', 'MQTT5-3.8.3-1'],
  ['filter to unsubscribe', 'MQTT5-3.10.3-1'],
])(
  'a %s that is not UTF-8, or has a null character, is malformed [MQTT5-1.5.4-1, MQTT5-1.5.4-2, %s]',
  async (place) => {
    const server = await serve();
    for (const digits of [...ILL_FORMED, '00', '6100', '610062']) {
      const wrong = withString(binary(hex(digits)))[place] ?? hex('');
      const heard = await says(server, wrong);
      if (isConnect(wrong)) refusedWith(heard, MALFORMED);
      else leftWith(heard, MALFORMED);
    }
  },
);

test('U+FEFF stays where it is, in topics, filters and properties [MQTT5-1.5.4-3]', async () => {
  const server = await serve();
  const marked = '\ufefft\ufeff';
  const reader = await server.subscribes(v5, { clientId: 'reader' }, [marked, 0]);
  const plain = await server.subscribes(v5, { clientId: 'plain' }, ['t', 0]);
  const writer = await server.connects(v5, { clientId: 'writer' });
  const sent = [
    ['contentType', marked],
    ['userProperty', [marked, marked]],
  ] as const;
  await writer.says(v5.publish({ topic: marked, properties: sent }));
  expect(await reader.hears()).toEqual([`${marked}=m`]);
  expect(reader.messages[0]?.properties).toEqual(sent);
  expect(await plain.hears()).toEqual([]);
});

test.each([
  ['the remaining length', hex('c0 80 00')],
  ['the remaining length, once more', hex('c0 80 80 80 00')],
  ['a property length', packet(0x30, text('t'), hex('8000'), Buffer.from('m'))],
  ['a subscription identifier', packet(0x82, u16(1), hex('04 0b 81 80 00'), text('t'), u8(0))],
])('%s in more bytes than it needs is malformed [MQTT5-1.5.5-1]', async (_, wrong) => {
  const server = await serve();
  leftWith(await says(server, wrong), MALFORMED);
});

test.each([
  ['CONNECT', 0x10, 0, v5.connect(), 'MQTT5-2.1.3-1'],
  ['PUBACK', 0x40, 0, v5.puback(1), 'MQTT5-2.1.3-1'],
  ['PUBREC', 0x50, 0, v5.pubrec(1), 'MQTT5-2.1.3-1'],
  ['PUBREL', 0x60, 2, v5.pubrel(1), 'MQTT5-3.6.1-1'],
  ['PUBCOMP', 0x70, 0, v5.pubcomp(1), 'MQTT5-2.1.3-1'],
  ['SUBSCRIBE', 0x80, 2, v5.subscribe(1, [['t', 0]]), 'MQTT5-3.8.1-1'],
  ['UNSUBSCRIBE', 0xa0, 2, v5.unsubscribe(1, ['t']), 'MQTT5-3.10.1-1'],
  ['PINGREQ', 0xc0, 0, v5.pingreq(), 'MQTT5-2.1.3-1'],
  ['DISCONNECT', 0xe0, 0, v5.disconnect(), 'MQTT5-3.14.1-1'],
  ['AUTH', 0xf0, 0, v5.auth(0x19, [['authenticationMethod', 'x']]), 'MQTT5-3.15.1-1'],
])('%s with other flags than its own is malformed (%s) [MQTT5-2.1.3-1]', async (_, first, own, right) => {
  const server = await serve();
  for (let flags = 0; flags < 16; flags += 1) {
    if (flags === own) continue;
    const wrong = Buffer.concat([u8(first | flags), right.subarray(1)]);
    const heard = await says(server, wrong);
    if (isConnect(wrong)) refusedWith(heard, MALFORMED);
    else leftWith(heard, MALFORMED);
  }
});

test('packet types that a client must not send end the connection [MQTT5-4.13.1-1]', async () => {
  const server = await serve();
  for (const wrong of ['00 00', '20 03 00 00 00', '90 04 0001 00 00', 'b0 04 0001 00 00', 'd0 00'])
    leftWith(await says(server, hex(wrong)), MALFORMED, PROTOCOL_ERROR);
});

test.each([
  ['SUBSCRIBE', v5.subscribe(0, [['t', 0]])],
  ['UNSUBSCRIBE', v5.unsubscribe(0, ['t'])],
  ['PUBLISH with QoS 1', v5.publish({ qos: 1, id: 0 })],
  ['PUBLISH with QoS 2', v5.publish({ qos: 2, id: 0 })],
])('%s under packet identifier 0 ends the connection [MQTT5-2.2.1-3]', async (_, wrong) => {
  const server = await serve();
  leftWith(await says(server, wrong), MALFORMED, PROTOCOL_ERROR);
});

test('what follows the topic of a PUBLISH with QoS 0 are its properties, both ways [MQTT5-2.2.1-2]', async () => {
  const server = await serve();
  const client = await server.subscribes(v5, {}, ['t', 2]);
  await client.says(packet(0x30, text('t'), u8(0), u16(258)));
  expect(client.heard.map(({ id, payload }) => [id, [...payload]])).toEqual([[null, [1, 2]]]);
});

test('the server gives each message that waits an identifier of its own [MQTT5-2.2.1-4, MQTT5-4.3.2-1, MQTT5-4.3.3-1]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['t', 2]);
  const writer = await server.connects(v5, { clientId: 'writer' });
  for (let n = 0; n < 40; n += 1) await writer.says(v5.publish({ qos: 1 + (n % 2), id: n + 1 }));
  await reader.hears();
  expect(new Set(reader.messages.map(({ id }) => id)).size).toBe(40);
});

test('PUBACK, PUBREC, PUBREL and PUBCOMP have the identifier of their packets [MQTT5-2.2.1-5, MQTT5-4.3.2-4, MQTT5-4.3.3-8, MQTT5-4.3.3-11]', async () => {
  const server = await serve();
  await server.subscribes(v5, { clientId: 'somebody' }, ['t', 0]);
  const client = await server.connects(v5);
  for (const id of [1, 255, 256, 65_535]) {
    expect(await client.says(v5.publish({ qos: 1, id }))).toEqual([`puback #${id}`]);
    expect(await client.says(v5.publish({ qos: 2, id }))).toEqual([`pubrec #${id}`]);
    expect(await client.says(v5.pubrel(id))).toEqual([`pubcomp #${id}`]);
  }
});

test('SUBACK and UNSUBACK have the identifier of their packets [MQTT5-2.2.1-6, MQTT5-3.8.4-2, MQTT5-3.10.4-5]', async () => {
  const server = await serve();
  const client = await server.connects(v5);
  for (const id of [1, 255, 256, 65_535]) {
    expect(await client.says(v5.subscribe(id, [['t', 0]]))).toEqual([`suback #${id} 0`]);
    expect(await client.says(v5.unsubscribe(id, ['t']))).toEqual([`unsuback #${id} 0`]);
  }
});

test('a packet without properties has a property length of zero, both ways [MQTT5-2.2.2-1]', async () => {
  const server = await serve();
  // Without the length the topic of the will, the payload or the filter would be taken for it.
  leftWith(await says(server, packet(0x30, text('t'))), MALFORMED);
  leftWith(await says(server, packet(0x82, u16(1))), MALFORMED, PROTOCOL_ERROR);
  const client = await server.subscribes(v5, {}, ['t', 1]);
  await client.says(packet(0x30, text('t'), u8(0)));
  expect(client.messages.map((one) => [one.size, one.properties])).toEqual([[6, []]]);
});

const twice = (name: 'u8' | 'u16' | 'u32', identifier: number): Buffer => {
  const value = { u8: '00', u16: '0001', u32: '00000001' }[name];
  return hex(`${identifier.toString(16).padStart(2, '0')} ${value}`.repeat(2));
};

test.each([
  ['CONNECT', 'receive maximum', twice('u16', 0x21)],
  ['CONNECT', 'session expiry', twice('u32', 0x11)],
  ['CONNECT', 'request problem information', twice('u8', 0x17)],
  ['PUBLISH', 'payload format', twice('u8', 0x01)],
  ['PUBLISH', 'message expiry', twice('u32', 0x02)],
  ['PUBLISH', 'content type', hex('03 0001 61 03 0001 61')],
  ['PUBLISH', 'topic alias', twice('u16', 0x23)],
  ['SUBSCRIBE', 'subscription identifier', hex('0b 01 0b 01')],
])('%s with its %s twice is a protocol error [MQTT5-4.13.1-1]', async (type, _, bytes) => {
  const server = await serve({ topicAliasMax: 5 });
  const field = binaryOfLength(bytes);
  const wrong = {
    CONNECT: v5.connect({ properties: field }),
    PUBLISH: v5.publish({ properties: field }),
    SUBSCRIBE: v5.subscribe(1, [['t', 0]], field),
  }[type];
  const heard = await says(server, wrong ?? hex(''));
  if (type === 'CONNECT') refusedWith(heard, PROTOCOL_ERROR, MALFORMED);
  else leftWith(heard, PROTOCOL_ERROR, MALFORMED);
});

test.each<[string, Buffer]>([
  ['a property that there is not', v5.publish({ properties: hex('02 7e 00') })],
  [
    'a property of another packet in PUBLISH',
    v5.publish({ properties: propertiesBytes([['receiveMaximum', 9]]) }),
  ],
  ['a property of another packet in SUBSCRIBE', v5.subscribe(1, [['t', 0]], [['topicAlias', 1]])],
  ['a property of another packet in PUBACK', v5.puback(1, 0, [['contentType', 'x']])],
  ['properties that end beyond the packet', packet(0x30, text('t'), u8(9), hex('01 00'))],
  ['a property that ends beyond the properties', v5.publish({ properties: hex('03 02 0000') })],
  ['a payload format that there is not', v5.publish({ properties: [['payloadFormat', 2]] })],
])('%s is malformed, or a protocol error [MQTT5-4.13.1-1]', async (_, wrong) => {
  const server = await serve();
  leftWith(await says(server, wrong), MALFORMED, PROTOCOL_ERROR);
});

test.each<[string, Buffer]>([
  ['receive maximum 0', v5.connect({ properties: [['receiveMaximum', 0]] })],
  ['maximum packet size 0', v5.connect({ properties: [['maximumPacketSize', 0]] })],
  ['request problem information 2', v5.connect({ properties: [['requestProblem', 2]] })],
  ['request response information 2', v5.connect({ properties: [['requestResponse', 2]] })],
  ['authentication data without a method', v5.connect({ properties: [['authenticationData', hex('00')]] })],
  ['a topic alias', v5.connect({ properties: [['topicAlias', 1]] })],
  ['a will delay beside the will', v5.connect({ properties: [['willDelay', 1]] })],
  ['a topic alias of the will', v5.connect({ will: { properties: [['topicAlias', 1]] } })],
])('CONNECT with %s is refused [MQTT5-3.1.4-1]', async (_, wrong) => {
  const server = await serve();
  refusedWith(await server.dials(v5).says(wrong), PROTOCOL_ERROR, MALFORMED);
});
