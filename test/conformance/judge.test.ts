/** The judge of the tests of conformance finds what a server may not send, and reads what it may. */
import { generate } from 'mqtt-packet';
import { expect, test } from 'vitest';
import {
  Breach,
  hex,
  judge,
  packet,
  propertiesBytes,
  text,
  u16,
  u8,
  v3,
  v5,
  words,
} from './harness/index.ts';

test.each<[string, 4 | 5, string, string]>([
  ['CONNACK with reserved flags', 4, '20 02 02 00', 'MQTT5-3.2.2-1: connect acknowledge flags 2'],
  [
    'CONNACK with flags in its fixed header',
    4,
    '21 02 00 00',
    'MQTT-2.2.2-1, MQTT5-2.1.3-1: connack with flags 1',
  ],
  [
    'a refusal with session present',
    4,
    '20 02 01 02',
    'MQTT-3.2.2-4, MQTT5-3.2.2-6: a refusal with session present',
  ],
  [
    'a return code that there is not',
    4,
    '20 02 00 06',
    'MQTT 3.1.1 §3.2.2.3, MQTT5-3.2.2-8: connack with code 6',
  ],
  ['SUBACK with QoS 3', 4, '90 03 0001 03', 'MQTT-3.9.3-2, MQTT5-3.9.3-2: suback with code 3'],
  ['PUBACK under 0', 4, '40 02 0000', 'MQTT-2.3.1-1, MQTT5-2.2.1-4: packet identifier 0'],
  ['PUBREL with flags 0000', 4, '60 02 0001', 'MQTT-2.2.2-1, MQTT5-2.1.3-1: pubrel with flags 0'],
  ['PUBLISH with QoS 3', 4, '36 05 0001 74 0001', 'MQTT-3.3.1-4, MQTT5-3.3.1-4: QoS 3'],
  ['PUBLISH with QoS 0 and DUP', 4, '38 03 0001 74', 'MQTT-3.3.1-2, MQTT5-3.3.1-2: DUP with QoS 0'],
  ['a wildcard in a topic', 4, '30 03 0001 2b', 'MQTT-3.3.2-2, MQTT5-3.3.2-2: a topic name with a wildcard'],
  ['no topic', 4, '30 02 0000', 'MQTT-4.7.3-1, MQTT5-4.7.3-1: an empty topic name'],
  ['ill-formed UTF-8', 4, '30 03 0001 ff', 'MQTT-1.5.3-1, MQTT5-1.5.4-1: ill-formed UTF-8'],
  ['a null character', 4, '30 03 0001 00', 'MQTT-1.5.3-2, MQTT5-1.5.4-2: a null character'],
  ['a packet that is not whole', 4, '40 02 00', 'MQTT 2.2.3: a packet that is not whole'],
  ['bytes behind PUBACK', 4, '40 03 0001 00', 'MQTT 2.2.3: puback with 1 bytes too many'],
  ['a client’s packet', 4, 'c0 00', 'MQTT 2.2.1: pingreq'],
  ['DISCONNECT to MQTT 3.1.1', 4, 'e0 00', 'MQTT 2.2.1: disconnect'],
  [
    'a length in more bytes than it needs',
    5,
    '20 83 00 00 00 00',
    'MQTT5-1.5.5-1: a number in more bytes than it needs',
  ],
  ['CONNACK without a property length', 5, '20 02 00 00', 'MQTT 2.2.3: a field that ends beyond its packet'],
  [
    'a property length beyond the packet',
    5,
    '20 03 00 00 09',
    'MQTT5-2.2.2-1: properties that end beyond their packet',
  ],
  [
    'a property that PUBACK has not',
    5,
    '40 06 0001 00 02 24 01',
    'MQTT5-3.14.2-2, MQTT 5.0 table 2-4: maximumQos in puback',
  ],
  [
    'a property twice',
    5,
    '20 09 00 00 06 21 0001 21 0002',
    'MQTT 5.0 §2.2.2.2: receiveMaximum twice in connack',
  ],
  ['a property that there is not', 5, '20 05 00 00 02 7e 00', 'MQTT 5.0 table 2-4: property 126'],
  [
    'a session expiry in DISCONNECT',
    5,
    'e0 07 00 05 11 00000001',
    'MQTT5-3.14.2-2, MQTT 5.0 table 2-4: sessionExpiry in disconnect',
  ],
  ['a reason code of another packet', 5, '40 03 0001 8e', 'MQTT5-3.4.2-1: puback with code 142'],
  ['topic alias 0', 5, '30 08 0001 74 03 23 0000 6d', 'MQTT5-3.3.2-8: topic alias 0'],
  ['no topic and no alias', 5, '30 03 0000 00', 'MQTT-4.7.3-1, MQTT5-4.7.3-1: an empty topic name'],
])('%s is a breach', (_, level, digits, words) => {
  const [statements = '', what = ''] = words.split(': ');
  const breach = new Breach(`${statements}: the server sent ${what}`);
  expect(() => judge(level, hex(digits))).toThrow(breach);
});

test('packets that another implementation made are read as it meant them', () => {
  const said = (level: 4 | 5, ...packets: Parameters<typeof generate>[0][]): string[] =>
    judge(level, Buffer.concat(packets.map((one) => generate(one, { protocolVersion: level })))).map((one) =>
      words(level, one),
    );
  expect(
    said(
      4,
      { cmd: 'connack', returnCode: 0, sessionPresent: true },
      { cmd: 'suback', messageId: 1, granted: [0, 1, 2, 128] },
      { cmd: 'publish', topic: 'a/b', payload: 'm', qos: 2, messageId: 7, dup: true, retain: true },
      { cmd: 'pubrel', messageId: 65_535 },
      { cmd: 'unsuback', messageId: 2, granted: [] },
      { cmd: 'pingresp' },
    ),
  ).toEqual([
    'connack 0 present',
    'suback #1 0,1,2,0x80',
    'a/b=m q2 #7 dup retained',
    'pubrel #65535',
    'unsuback #2',
    'pingresp',
  ]);
  expect(
    said(
      5,
      { cmd: 'connack', reasonCode: 0x87, sessionPresent: false, properties: { reasonString: 'no' } },
      { cmd: 'puback', messageId: 3, reasonCode: 0x10 },
      { cmd: 'unsuback', messageId: 4, granted: [0, 17] },
      { cmd: 'disconnect', reasonCode: 0x8e },
      { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'x' } },
    ),
  ).toEqual(['connack 0x87', 'puback #3 0x10', 'unsuback #4 0,17', 'disconnect 0x8e', 'auth 0x18']);
});

test('properties are read in their order, with their values', () => {
  const properties = [
    ['payloadFormat', 1],
    ['messageExpiry', 4_000_000_000],
    ['userProperty', ['a', 'b']],
    ['correlationData', hex('00ff')],
    ['subscriptionIdentifier', 268_435_455],
    ['userProperty', ['a', 'c']],
    ['topicAlias', 9],
  ] as const;
  const bytes = packet(0x30, text('t'), propertiesBytes(properties), Buffer.from('m'));
  expect(judge(5, bytes)[0]?.properties).toEqual(properties);
});

test('the builders make what another implementation makes', () => {
  const made = (level: 4 | 5, one: Parameters<typeof generate>[0]): string =>
    generate(one, { protocolVersion: level }).toString('hex');
  const connect = { cmd: 'connect', protocolId: 'MQTT', clientId: 'c', clean: true, keepalive: 60 } as const;
  const will = { topic: 'w', payload: Buffer.from('x'), qos: 2, retain: true } as const;
  expect(
    v3
      .connect({
        keepAlive: 60,
        will: { topic: 'w', payload: 'x', qos: 2, retain: true },
        username: 'u',
        password: 'p',
      })
      .toString('hex'),
  ).toBe(made(4, { ...connect, protocolVersion: 4, will, username: 'u', password: Buffer.from('p') }));
  expect(
    v5
      .connect({
        keepAlive: 60,
        properties: [['sessionExpiry', 9]],
        will: { topic: 'w', payload: 'x', qos: 2, retain: true, properties: [['willDelay', 3]] },
      })
      .toString('hex'),
  ).toBe(
    made(5, {
      ...connect,
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 9 },
      will: { ...will, properties: { willDelayInterval: 3 } },
    }),
  );
  expect(
    v5
      .subscribe(
        3,
        [['a/+', { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 }]],
        [['subscriptionIdentifier', 200]],
      )
      .toString('hex'),
  ).toBe(
    made(5, {
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: [{ topic: 'a/+', qos: 1, nl: true, rap: true, rh: 2 }],
      properties: { subscriptionIdentifier: 200 },
    }),
  );
  expect(
    v5.publish({ topic: 't', qos: 1, id: 2, payload: 'm', properties: [['topicAlias', 4]] }).toString('hex'),
  ).toBe(
    made(5, {
      cmd: 'publish',
      topic: 't',
      qos: 1,
      messageId: 2,
      payload: 'm',
      dup: false,
      retain: false,
      properties: { topicAlias: 4 },
    }),
  );
  expect(Buffer.concat([v3.pubrel(1), v3.unsubscribe(2, ['a', 'b']), v3.disconnect()]).toString('hex')).toBe(
    made(4, { cmd: 'pubrel', messageId: 1 }) +
      made(4, { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a', 'b'] }) +
      made(4, { cmd: 'disconnect' }),
  );
  expect(Buffer.concat([u8(1), u16(258)]).toString('hex')).toBe('010102');
});
