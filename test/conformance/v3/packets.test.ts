/** Strings, fixed headers and packet identifiers. Source: MQTT 3.1.1 §1.5, §2. */
import { expect, test } from 'vitest';
import { hex, packet, serve, text, u16, u8, v3 } from '../harness/index.ts';

/** Bytes that are no UTF-8: a lone continuation, one cut short, a surrogate, one too long, beyond U+10FFFF. */
const ILL_FORMED = ['80', 'c3', 'eda080', 'edbfbf', 'c080', 'e08080', 'f4908080', 'ff'];

/** One packet for each place of a string, with these bytes in it. */
const withString = (bytes: Buffer): Record<string, Buffer> => {
  const string = Buffer.concat([u16(bytes.length), bytes]);
  const connect = (flags: number, ...rest: Buffer[]): Buffer =>
    packet(0x10, text('MQTT'), u8(4), u8(flags), u16(0), ...rest);
  return {
    'client identifier': connect(0x02, string),
    'will topic': connect(0x06, text('c'), string, text('gone')),
    'user name': connect(0x82, text('c'), string),
    'topic name': packet(0x30, string),
    'filter to subscribe': packet(0x82, u16(1), string, u8(0)),
    'filter to unsubscribe': packet(0xa2, u16(1), string),
  };
};

test.each([
  ['client identifier', 'MQTT-3.1.3-4'],
  ['will topic', 'MQTT-3.1.3-10'],
  ['user name', 'MQTT-3.1.3-11'],
  ['topic name', 'MQTT-3.3.2-1'],
  ['filter to subscribe', 'MQTT-3.8.3-1'],
  ['filter to unsubscribe', 'MQTT-3.10.3-1'],
])(
  'a %s that is not UTF-8, or has a null character, closes the connection [MQTT-1.5.3-1, MQTT-1.5.3-2, %s]',
  async (place) => {
    const server = await serve();
    for (const digits of [...ILL_FORMED, '00', '6100', '610062']) {
      const wrong = withString(hex(digits))[place] ?? hex('');
      const isConnect = wrong.readUInt8() === 0x10;
      const client = isConnect ? server.dials(v3) : await server.connects(v3);
      expect([digits, await client.says(wrong)]).toEqual([digits, ['closed']]);
    }
    // The same packet with a good string is taken.
    const good = withString(Buffer.from('ü/漢/😀'))[place] ?? hex('');
    const client = good.readUInt8() === 0x10 ? server.dials(v3) : await server.connects(v3);
    expect(await client.says(good)).not.toContain('closed');
  },
);

test('U+FEFF stays where it is, in topic names and filters [MQTT-1.5.3-3]', async () => {
  const server = await serve();
  const marked = '\ufefft\ufeff';
  const reader = await server.subscribes(v3, { clientId: 'reader' }, [marked, 0]);
  const plain = await server.subscribes(v3, { clientId: 'plain' }, ['t', 0]);
  const writer = await server.connects(v3, { clientId: 'writer' });
  await writer.says(v3.publish({ topic: marked }));
  expect(await reader.hears()).toEqual([`${marked}=m`]);
  expect(await plain.hears()).toEqual([]);
});

test('U+FEFF stays where it is, in client identifiers [MQTT-1.5.3-3]', async () => {
  const server = await serve();
  const marked = await server.connects(v3, { clientId: '\ufeffc' });
  await server.connects(v3, { clientId: 'c' });
  expect(marked.isOpen).toBe(true);
});

test.each([
  ['CONNECT', 0x10, 0, v3.connect(), 'MQTT-2.2.2-1, MQTT-2.2.2-2'],
  ['PUBACK', 0x40, 0, v3.puback(1), 'MQTT-2.2.2-1, MQTT-2.2.2-2'],
  ['PUBREC', 0x50, 0, v3.pubrec(1), 'MQTT-2.2.2-1, MQTT-2.2.2-2'],
  ['PUBREL', 0x60, 2, v3.pubrel(1), 'MQTT-3.6.1-1'],
  ['PUBCOMP', 0x70, 0, v3.pubcomp(1), 'MQTT-2.2.2-1, MQTT-2.2.2-2'],
  ['SUBSCRIBE', 0x80, 2, v3.subscribe(1, [['t', 0]]), 'MQTT-3.8.1-1'],
  ['UNSUBSCRIBE', 0xa0, 2, v3.unsubscribe(1, ['t']), 'MQTT-3.10.1-1'],
  ['PINGREQ', 0xc0, 0, v3.pingreq(), 'MQTT-2.2.2-1, MQTT-2.2.2-2'],
  ['DISCONNECT', 0xe0, 0, v3.disconnect(), 'MQTT-3.14.1-1'],
])(
  '%s with other flags than its own closes the connection, whatever they are (%s) [MQTT-2.2.2-2]',
  async (_, first, own, right) => {
    const server = await serve();
    for (let flags = 0; flags < 16; flags += 1) {
      if (flags === own) continue;
      const client = first === 0x10 ? server.dials(v3) : await server.connects(v3);
      expect([flags, await client.says(u8(first | flags), right.subarray(1))]).toEqual([flags, ['closed']]);
    }
  },
);

test('reserved packet types, and those that only a server sends, close the connection [MQTT-4.8.0-1]', async () => {
  const server = await serve();
  for (const wrong of ['00 00', 'f0 00', '20 02 0000', '90 03 0001 00', 'b0 02 0001', 'd0 00']) {
    const client = await server.connects(v3);
    expect([wrong, await client.says(wrong)]).toEqual([wrong, ['closed']]);
  }
});

test.each([
  ['SUBSCRIBE', v3.subscribe(0, [['t', 0]])],
  ['UNSUBSCRIBE', v3.unsubscribe(0, ['t'])],
  ['PUBLISH with QoS 1', v3.publish({ qos: 1, id: 0 })],
  ['PUBLISH with QoS 2', v3.publish({ qos: 2, id: 0 })],
])('%s under packet identifier 0 closes the connection [MQTT-2.3.1-1]', async (_, wrong) => {
  const server = await serve();
  const client = await server.connects(v3);
  expect(await client.says(wrong)).toEqual(['closed']);
});

test('what follows the topic of a PUBLISH with QoS 0 is its message, both ways [MQTT-2.3.1-5]', async () => {
  const server = await serve();
  const client = await server.subscribes(v3, {}, ['t', 2]);
  await client.says(packet(0x30, text('t'), u16(258)));
  expect(client.heard.map(({ id, payload }) => [id, [...payload]])).toEqual([[null, [1, 2]]]);
});

test('PUBACK, PUBREC and PUBCOMP have the identifier of their packets, whatever it is [MQTT-2.3.1-6]', async () => {
  const server = await serve();
  const client = await server.connects(v3);
  for (const id of [1, 255, 256, 65_535]) {
    expect(await client.says(v3.publish({ qos: 1, id }))).toEqual([`puback #${id}`]);
    expect(await client.says(v3.publish({ qos: 2, id }))).toEqual([`pubrec #${id}`]);
    expect(await client.says(v3.pubrel(id))).toEqual([`pubcomp #${id}`]);
  }
});

test('PUBREL has the identifier of its PUBLISH [MQTT-2.3.1-6]', async () => {
  const server = await serve();
  const client = await server.subscribes(v3, {}, ['t', 2]);
  await client.says(v3.publish({ payload: 'a', qos: 2, id: 7 }), v3.publish({ payload: 'b', qos: 2, id: 8 }));
  const [a, b] = client.heard.filter(({ type }) => type === 'publish').map(({ id }) => id ?? 0);
  expect(await client.says(v3.pubrec(b ?? 0))).toEqual([`pubrel #${b ?? 0}`]);
  expect(await client.says(v3.pubrec(a ?? 0))).toEqual([`pubrel #${a ?? 0}`]);
  expect(a).not.toBe(b);
});

test('SUBACK and UNSUBACK have the identifier of their packets, whatever it is [MQTT-2.3.1-7, MQTT-3.8.4-2]', async () => {
  const server = await serve();
  const client = await server.connects(v3);
  for (const id of [1, 255, 256, 65_535]) {
    expect(await client.says(v3.subscribe(id, [['t', 0]]))).toEqual([`suback #${id} 0`]);
    expect(await client.says(v3.unsubscribe(id, ['t']))).toEqual([`unsuback #${id}`]);
  }
});

test('the server gives each message that waits an identifier of its own, and keeps it for what it sends again [MQTT-2.3.1-4]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v3, { clientId: 'reader', clean: false }, ['t', 2]);
  const writer = await server.connects(v3, { clientId: 'writer' });
  for (let n = 0; n < 40; n += 1)
    await writer.says(v3.publish({ payload: `${n}`, qos: 1 + (n % 2), id: n + 1 }));
  await reader.hears();
  const first = reader.heard.map(({ payload, id }) => `${payload.toString()} #${id ?? 0}`);
  expect(new Set(reader.heard.map(({ id }) => id)).size).toBe(40);
  await reader.vanishes();
  const again = await server.connects(v3, { clientId: 'reader', clean: false });
  const resent = again.heard.filter(({ type }) => type === 'publish');
  expect(resent.map(({ payload, id }) => `${payload.toString()} #${id ?? 0}`)).toEqual(first);
});
