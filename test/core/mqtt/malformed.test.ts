import { expect, test } from 'vitest';
import { excessOf } from '../../../src/core/mqtt/index.ts';
import { violationOf } from './violations.ts';

/** Clause, what is wrong, packets. */
type Row = readonly [clause: string, what: string, hex: string];

const text = (value: string): string => {
  const bytes = Buffer.from(value);
  return `${bytes.length.toString(16).padStart(4, '0')}${bytes.toString('hex')}`;
};

/** A packet of pieces of hex, with its remaining length. */
function packet(first: string, ...pieces: readonly string[]): string {
  const body = pieces.join('').replaceAll(' ', '');
  const size = body.length / 2;
  const length = size < 0x80 ? [size] : [(size & 0x7f) | 0x80, size >> 7];
  return `${first}${Buffer.from(length).toString('hex')}${body}`;
}

/** Properties with their length. */
const properties = (hex: string): string => {
  const bytes = hex.replaceAll(' ', '');
  return `${(bytes.length / 2).toString(16).padStart(2, '0')}${bytes}`;
};

const CONNECT = '0004 4d515454 04';
const malformed: readonly Row[] = [
  ['MQTT-1.5.3-2', 'a null character in a topic', '30 04 0002 6100'],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 in a topic', '30 03 0001 ff'],
  ['MQTT-1.5.3-1', 'a surrogate in a topic', '30 05 0003 eda080'],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 beside a true U+FFFD', '30 06 0004 efbfbd c3'],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 in a client identifier', `10 0d ${CONNECT} 02 0000 0001 ff`],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 in a user name', `10 10 ${CONNECT} 82 0000 0001 61 0001 ff`],
  ['MQTT-3.3.2-2', 'a wildcard in a PUBLISH topic', '30 05 0003 612f23'],
  ['MQTT-4.7.3-1', 'an empty PUBLISH topic', '30 02 0000'],
  ['MQTT-2.3.1-1', 'packet identifier 0 in a PUBLISH', '32 05 0001 61 0000'],
  ['MQTT-2.3.1-1', 'packet identifier 0 in a SUBSCRIBE', '82 06 0000 0001 61 00'],
  ['MQTT-3.3.1-4', 'QoS 3', '36 05 0001 61 0001'],
  ['MQTT-3.3.1-2', 'DUP with QoS 0', '38 03 0001 61'],
  ['2.2.3', 'a topic that ends beyond its packet', '30 03 0005 61'],
  ['2.2.3', 'a PUBLISH without room for its packet identifier', '32 03 0001 61'],
  ['2.2.3', 'a remaining length of five bytes', '30 ffffffff01'],
  ['2.2.3', 'bytes behind a PUBACK', '40 03 0001 00'],
  ['2.2.3', 'bytes behind a PINGREQ', 'c0 01 00'],
  ['2.2.3', 'bytes behind a DISCONNECT', 'e0 01 00'],
  ['MQTT-2.2.2-2', 'wrong flags of PUBREL', '60 02 0001'],
  ['MQTT-2.2.2-2', 'wrong flags of PUBREC', '52 02 0001'],
  ['MQTT-2.3.1-1', 'packet identifier 0 in a PUBREL', '62 02 0000'],
  ['MQTT-2.2.2-2', 'wrong flags of SUBSCRIBE', '80 06 0001 0001 61 00'],
  ['MQTT-2.2.2-2', 'wrong flags of CONNECT', `11 0c ${CONNECT} 02 0000 0000`],
  ['MQTT-2.2.2-2', 'wrong flags of DISCONNECT', 'e1 00'],
  ['MQTT-3.8.3-3', 'a SUBSCRIBE without filters', '82 02 0001'],
  ['MQTT-3.8.3-4', 'a requested QoS of 3', '82 06 0001 0001 61 03'],
  ['MQTT-3.8.3-4', 'the options of MQTT 5 behind a filter', '82 06 0001 0001 61 04'],
  ['MQTT-4.7.1-2', '# not in last place', '82 08 0001 0003 232f61 00'],
  ['MQTT-4.7.1-2', '# not alone in its level', '82 07 0001 0002 6123 00'],
  ['MQTT-4.7.1-3', '+ not alone in its level', '82 07 0001 0002 612b 00'],
  ['MQTT-4.7.3-1', 'an empty filter', '82 05 0001 0000 00'],
  ['MQTT-3.10.3-2', 'an UNSUBSCRIBE without filters', 'a2 02 0001'],
  ['MQTT-3.1.2-1', 'another protocol name', '10 0c 0004 4d515455 04 02 0000 0000'],
  ['MQTT-3.1.2-3', 'the reserved connect flag', `10 0c ${CONNECT} 03 0000 0000`],
  ['MQTT-3.1.2-13', 'a will QoS without a will', `10 0c ${CONNECT} 0a 0000 0000`],
  ['MQTT-3.1.2-14', 'a will QoS of 3', `10 12 ${CONNECT} 1e 0000 0000 0001 77 0000 00`],
  ['MQTT-3.1.2-15', 'will retain without a will', `10 0c ${CONNECT} 22 0000 0000`],
  ['MQTT-3.1.2-22', 'a password without a user name', `10 0f ${CONNECT} 42 0000 0000 0001 70`],
  ['MQTT-3.3.2-2', 'a wildcard in a will topic', `10 11 ${CONNECT} 06 0000 0000 0001 2b 0000`],
  ['MQTT 5.0 4.8.2', 'a shared subscription without a name', packet('82', '0001', text('$share//a'), '00')],
  ['MQTT 5.0 4.8.2', 'a shared subscription without a filter', packet('a2', '0001', text('$share/g'))],
];

for (const [clause, what, hex] of malformed)
  test(`MQTT 3.1.1: ${what} is malformed [${clause}]`, () => {
    expect(violationOf(hex)).toMatch(/^LS_MQTT_MALFORMED 0x81 sent a packet that is not MQTT 3.1.1: /);
    expect(violationOf(hex)).toContain(`[${clause}]`);
  });

test('MQTT 3.1.1: packets that only a server sends, and AUTH, are unexpected [MQTT-4.8.0-1]', () => {
  for (const hex of ['20 02 0000', '90 03 0001 00', 'b0 02 0001', 'd0 00', '00 00', 'f0 00'])
    expect(violationOf(hex)).toMatch(
      /^LS_MQTT_UNEXPECTED 0x82 broke the rules of MQTT 3.1.1: .*MQTT-4.8.0-1/,
    );
});

/** A CONNECT of MQTT 5 that is in order. */
const HELLO = packet('10', text('MQTT'), '05 02 0000', '00', text('c'));
const connect5 = (flags: string, ...rest: readonly string[]): string =>
  packet('10', text('MQTT'), `05 ${flags} 0000`, ...rest);
const publish5 = (saying: string, first = '30'): string =>
  `${HELLO}${packet(first, text('t'), first === '30' ? '' : '0001', properties(saying), '6d')}`;
const after = (...pieces: Parameters<typeof packet>): string => `${HELLO}${packet(...pieces)}`;
const subscribe5 = (filter: string, options: string, saying = ''): string =>
  after('82', '0001', properties(saying), text(filter), options);

/** `MQTT5-` stands for the number that MQTT 5 has, which it writes like those of MQTT 3.1.1. */
const numberIn5 = (clause: string): string => clause.replace('MQTT5-', 'MQTT-');

/** What can't be read: 0x81. */
const malformed5: readonly Row[] = [
  ['MQTT5-1.5.4-1', 'ill-formed UTF-8 in a topic', after('30', '0001 ff', '00')],
  ['MQTT5-1.5.4-1', 'a surrogate in a content type', publish5('03 0003 eda080')],
  ['MQTT5-1.5.4-1', 'ill-formed UTF-8 in a response topic', publish5('08 0001 ff')],
  ['MQTT5-1.5.4-1', 'ill-formed UTF-8 in the name of a user property', publish5('26 0001 ff 0000')],
  ['MQTT5-1.5.4-1', 'ill-formed UTF-8 in the value of a user property', publish5('26 0000 0001 ff')],
  ['MQTT5-1.5.4-1', 'ill-formed UTF-8 in a client identifier', connect5('02', '00', '0001 ff')],
  ['MQTT5-1.5.4-1', 'ill-formed UTF-8 in a user name', connect5('82', '00', text('c'), '0001 ff')],
  [
    'MQTT5-1.5.4-1',
    'ill-formed UTF-8 in an authentication method',
    connect5('02', '04 15 0001 ff', text('c')),
  ],
  ['MQTT5-1.5.4-1', 'ill-formed UTF-8 in a reason string', after('40', '0001 10', '04 1f 0001 ff')],
  ['MQTT5-1.5.4-2', 'a null character in a topic', after('30', '0002 6100', '00')],
  ['MQTT5-1.5.4-2', 'a null character in a user property', publish5('26 0001 00 0000')],
  ['MQTT5-1.5.4-2', 'a null character in a topic filter', after('82', '0001 00', '0001 00 00')],
  ['MQTT5-1.5.5-1', 'a remaining length with a byte too many', `${HELLO} c0 8000`],
  [
    'MQTT5-1.5.5-1',
    'a remaining length of a CONNECT with a byte too many',
    HELLO.replace(/^10(..)/, (_, size: string) => `10${(Number.parseInt(size, 16) | 0x80).toString(16)}00`),
  ],
  ['MQTT5-1.5.5-1', 'a property length with a byte too many', after('30', text('t'), '8000')],
  ['MQTT5-1.5.5-1', 'a subscription identifier with a byte too many', subscribe5('a', '00', '0b 8100')],
  ['1.5.5', 'a remaining length of five bytes', `${HELLO} 30 ffffffff01`],
  ['1.5.5', 'a property length of five bytes', after('30', text('t'), 'ffffffff01')],
  ['1.5.5', 'a subscription identifier of five bytes', subscribe5('a', '00', '0b ffffffff01')],
  ['2.1.4', 'a topic that ends beyond its packet', after('30', '0005 61')],
  ['2.1.4', 'a PUBLISH without properties', after('30', text('t'))],
  ['2.1.4', 'a SUBSCRIBE without properties', after('82', '0001')],
  ['2.1.4', 'a CONNECT without properties', connect5('02')],
  ['2.1.4', 'bytes behind a CONNECT', connect5('02', '00', text('c'), '00')],
  ['2.1.4', 'bytes behind a PINGREQ', after('c0', '00')],
  ['2.1.4', 'bytes behind the properties of a PUBACK', after('40', '0001 00 00 00')],
  ['2.1.4', 'bytes behind the properties of a DISCONNECT', after('e0', '00 00 00')],
  ['2.1.4', 'an AUTH without a reason', after('f0')],
  ['MQTT5-2.1.3-1', 'wrong flags of PUBREL', after('60', '0001')],
  ['MQTT5-2.1.3-1', 'wrong flags of SUBSCRIBE', after('80', '0001 00', text('a'), '00')],
  ['MQTT5-2.1.3-1', 'wrong flags of UNSUBSCRIBE', after('a0', '0001 00', text('a'))],
  ['MQTT5-2.1.3-1', 'wrong flags of DISCONNECT', after('e1')],
  ['MQTT5-2.1.3-1', 'wrong flags of AUTH', after('f2', '18 00')],
  ['2.2.2.1', 'a property length that goes beyond its packet', after('30', text('t'), '05')],
  ['2.2.2.1', 'a text that ends beyond the property length', publish5('03 0002 61')],
  ['2.2.2.1', 'a number that ends beyond the property length', publish5('02 000000')],
  ['2.2.2.1', 'correlation data that end beyond the property length', publish5('09 0001')],
  ['2.2.2.2', 'an unknown property', publish5('04 00')],
  ['2.2.2.2', 'a property identifier of two bytes', publish5('8101 00')],
  ['2.2.2.2', 'a session expiry in a PUBLISH', publish5('11 00000000')],
  ['2.2.2.2', 'a will delay in a PUBLISH', publish5('18 00000000')],
  ['2.2.2.2', 'a topic alias in a will', connect5('06', '00', text('c'), '03 23 0001', text('w'), '0000')],
  ['2.2.2.2', 'a message expiry in a CONNECT', connect5('02', '05 02 00000000', text('c'))],
  ['2.2.2.2', 'a server keep-alive in a CONNECT', connect5('02', '03 13 0000', text('c'))],
  ['2.2.2.2', 'an assigned client identifier in a CONNECT', connect5('02', '04 12 0001 61', text('c'))],
  ['2.2.2.2', 'a reason string in a CONNECT', connect5('02', '04 1f 0001 61', text('c'))],
  ['2.2.2.2', 'a topic alias in a SUBSCRIBE', subscribe5('a', '00', '23 0001')],
  ['2.2.2.2', 'a subscription identifier in an UNSUBSCRIBE', after('a2', '0001', '02 0b 01', text('a'))],
  ['2.2.2.2', 'a server reference in a PUBREC', after('50', '0001 00', '04 1c 0001 61')],
  ['2.2.2.2', 'an authentication method in a DISCONNECT', after('e0', '00', '04 15 0001 61')],
  ['2.2.2.2', 'a session expiry in an AUTH', after('f0', '18', '05 11 00000000')],
  ['MQTT5-3.1.2-3', 'the reserved connect flag', connect5('03', '00', text('c'))],
  ['MQTT5-3.1.2-11', 'a will QoS without a will', connect5('0a', '00', text('c'))],
  ['MQTT5-3.1.2-12', 'a will QoS of 3', connect5('1e', '00', text('c'), '00', text('w'), '0000')],
  ['MQTT5-3.1.2-13', 'will retain without a will', connect5('22', '00', text('c'))],
  ['MQTT5-3.3.1-2', 'DUP with QoS 0', after('38', text('t'), '00')],
  ['MQTT5-3.3.1-4', 'QoS 3', after('36', text('t'), '0001 00')],
  ['MQTT5-3.3.2-2', 'a wildcard in a PUBLISH topic', after('30', text('a/+'), '00')],
  ['MQTT5-3.3.2-2', 'a wildcard in a will topic', connect5('06', '00', text('c'), '00', text('#'), '0000')],
  ['MQTT5-3.3.2-14', 'a wildcard in a response topic', publish5('08 0001 2b')],
  [
    'MQTT5-3.3.2-14',
    'a wildcard in the response topic of a will',
    connect5('06', '00', text('c'), '04 08 0001 23', text('w'), '0000'),
  ],
  ['MQTT5-3.8.3-5', 'reserved bits in subscription options', subscribe5('a', '40')],
  ['MQTT5-3.8.3-5', 'the highest bit in subscription options', subscribe5('a', '80')],
  ['MQTT5-4.7.1-1', '# not in last place', subscribe5('#/a', '00')],
  ['MQTT5-4.7.1-1', '# not alone in its level', subscribe5('a#', '00')],
  ['MQTT5-4.7.1-2', '+ not alone in its level', subscribe5('a+', '00')],
  ['MQTT5-4.7.3-1', 'an empty filter', subscribe5('', '00')],
  ['MQTT5-4.7.3-1', 'an empty will topic', connect5('06', '00', text('c'), '00', '0000', '0000')],
  ['MQTT5-4.7.3-1', 'an empty response topic', publish5('08 0000')],
  ['MQTT5-4.8.2-1', 'a shared subscription without a name', subscribe5('$share//a', '00')],
  ['MQTT5-4.8.2-1', 'a shared subscription without anything', subscribe5('$share/', '00')],
  ['MQTT5-4.8.2-2', 'a shared subscription without a filter', subscribe5('$share/g', '00')],
  ['MQTT5-4.8.2-2', 'a shared subscription with an empty filter', subscribe5('$share/g/', '00')],
  ['MQTT5-4.8.2-2', '+ in the name of a shared subscription', subscribe5('$share/g+/a', '00')],
  ['MQTT5-4.8.2-2', '# in the name of a shared subscription', subscribe5('$share/#', '00')],
  ['MQTT5-4.7.1-2', '+ not alone in a level of a shared subscription', subscribe5('$share/g/a+', '00')],
];

for (const [clause, what, hex] of malformed5)
  test(`MQTT 5: ${what} is malformed [${clause}]`, () => {
    expect(violationOf(hex)).toMatch(/^LS_MQTT_MALFORMED 0x81 sent a packet that is not MQTT 5: /);
    expect(violationOf(hex)).toContain(`[${numberIn5(clause)}]`);
  });

const twice = (value: string): string => `${value}${value}`;

/** What can be read and may not be said: 0x82. */
const unexpected5: readonly Row[] = [
  ['2.1.2', 'a CONNACK', after('20', '00 00 00')],
  ['2.1.2', 'a SUBACK', after('90', '0001 00 00')],
  ['2.1.2', 'an UNSUBACK', after('b0', '0001 00 00')],
  ['2.1.2', 'a PINGRESP', after('d0')],
  ['2.1.2', 'packet type 0', after('00')],
  ['MQTT5-2.2.1-3', 'packet identifier 0 in a PUBLISH', after('32', text('t'), '0000 00')],
  ['MQTT5-2.2.1-3', 'packet identifier 0 in a SUBSCRIBE', after('82', '0000 00', text('a'), '00')],
  ['MQTT5-2.2.1-3', 'packet identifier 0 in an UNSUBSCRIBE', after('a2', '0000 00', text('a'))],
  ['MQTT5-2.2.1-3', 'packet identifier 0 in a PUBCOMP', after('70', '0000')],
  ['3.1.2.11.2', 'a session expiry twice', connect5('02', properties(twice('11 00000001')), text('c'))],
  ['3.1.2.11.3', 'a receive maximum of 0', connect5('02', '03 21 0000', text('c'))],
  ['3.1.2.11.3', 'a receive maximum twice', connect5('02', properties(twice('21 0001')), text('c'))],
  ['3.1.2.11.4', 'a maximum packet size of 0', connect5('02', '05 27 00000000', text('c'))],
  ['3.1.2.11.4', 'a maximum packet size twice', connect5('02', properties(twice('27 00000001')), text('c'))],
  ['3.1.2.11.5', 'a topic alias maximum twice', connect5('02', properties(twice('22 0000')), text('c'))],
  ['3.1.2.11.6', 'a request for response information of 2', connect5('02', '02 19 02', text('c'))],
  [
    '3.1.2.11.6',
    'a request for response information twice',
    connect5('02', properties(twice('19 00')), text('c')),
  ],
  ['3.1.2.11.7', 'a request for problem information of 2', connect5('02', '02 17 02', text('c'))],
  [
    '3.1.2.11.7',
    'a request for problem information twice',
    connect5('02', properties(twice('17 01')), text('c')),
  ],
  [
    '3.1.2.11.9',
    'an authentication method twice',
    connect5('02', properties(twice('15 0001 61')), text('c')),
  ],
  [
    '3.1.2.11.10',
    'authentication data twice',
    connect5('02', properties(`15 0001 61${twice('16 0000')}`), text('c')),
  ],
  ['3.1.2.11.10', 'authentication data without a method', connect5('02', '04 16 0001 61', text('c'))],
  ...[
    ['2', 'a will delay', '18 00000001'],
    ['3', 'the payload format of a will', '01 00'],
    ['4', 'the message expiry of a will', '02 00000001'],
    ['5', 'the content type of a will', '03 0001 61'],
    ['6', 'the response topic of a will', '08 0001 61'],
    ['7', 'the correlation data of a will', '09 0001 61'],
  ].map(([n = '', what = '', value = '']): Row => [
    `3.1.3.2.${n}`,
    `${what} twice`,
    connect5('06', '00', text('c'), properties(twice(value)), text('w'), '0000'),
  ]),
  [
    '3.1.3.2.3',
    'the payload format of a will that is 2',
    connect5('06', '00', text('c'), '02 01 02', text('w'), '0000'),
  ],
  ['3.3.2.1', 'neither a topic name nor an alias', after('30', '0000 00')],
  ['3.3.2.3.2', 'a payload format of 2', publish5('01 02')],
  ...[
    ['2', 'a payload format', '01 01'],
    ['3', 'a message expiry', '02 00000001'],
    ['4', 'a topic alias', '23 0001'],
    ['5', 'a response topic', '08 0001 61'],
    ['6', 'correlation data', '09 0000'],
    ['9', 'a content type', '03 0000'],
  ].map(([n = '', what = '', value = '']): Row => [
    `3.3.2.3.${n}`,
    `${what} twice`,
    publish5(`${value} 26 0000 0000 ${value}`),
  ]),
  ['MQTT5-3.3.4-6', 'a subscription identifier in a PUBLISH', publish5('0b 01')],
  ['MQTT5-3.4.2-1', 'an unknown reason in a PUBACK', after('40', '0001 01')],
  ['3.4.2.2.2', 'a reason string twice in a PUBACK', after('40', '0001 00', properties(twice('1f 0000')))],
  ['MQTT5-3.5.2-1', 'a reason of SUBACK in a PUBREC', after('50', '0001 8f 00')],
  ['MQTT5-3.6.2-1', 'a reason of PUBACK in a PUBREL', after('62', '0001 10')],
  ['MQTT5-3.7.2-1', 'a reason of PUBACK in a PUBCOMP', after('70', '0001 91')],
  ['3.8.2.1.2', 'subscription identifier 0', subscribe5('a', '00', '0b 00')],
  ['3.8.2.1.2', 'a subscription identifier twice', subscribe5('a', '00', '0b 01 0b 02')],
  ['MQTT5-3.8.3-2', 'a SUBSCRIBE without filters', after('82', '0001 00')],
  ['3.8.3.1', 'a requested QoS of 3', subscribe5('a', '03')],
  ['3.8.3.1', 'a retain handling of 3', subscribe5('a', '30')],
  ['MQTT5-3.8.3-4', 'no local with a shared subscription', subscribe5('$share/g/a', '04')],
  ['MQTT5-3.10.3-2', 'an UNSUBSCRIBE without filters', after('a2', '0001 00')],
  ['MQTT5-3.14.2-1', 'an unknown reason in a DISCONNECT', after('e0', '03')],
  ['MQTT5-3.14.2-1', 'a reason that only a server has to disconnect', after('e0', '8e')],
  [
    '3.14.2.2.2',
    'a session expiry twice in a DISCONNECT',
    after('e0', '00', properties(twice('11 00000000'))),
  ],
  ['MQTT5-3.15.2-1', 'an AUTH of success from a client', after('f0', '00 04 15 0001 61')],
  ['3.15.2.2.2', 'an AUTH without a method', after('f0', '18 00')],
  ['3.15.2.2.2', 'an AUTH with a method twice', after('f0', '18', properties(twice('15 0001 61')))],
  ['3.15.2.2.3', 'an AUTH with data twice', after('f0', '18', properties(`15 0000${twice('16 0000')}`))],
];

for (const [clause, what, hex] of unexpected5)
  test(`MQTT 5: ${what} is a protocol error [${clause}]`, () => {
    expect(violationOf(hex)).toMatch(/^LS_MQTT_UNEXPECTED 0x82 broke the rules of MQTT 5: /);
    expect(violationOf(hex)).toContain(`[${numberIn5(clause)}]`);
  });

test('MQTT 5: topic alias 0 is an invalid topic alias: 0x94 [MQTT5-3.3.2-8]', () => {
  const violation = violationOf(publish5('23 0000'));
  expect(violation).toMatch(/^LS_MQTT_UNEXPECTED 0x94 /);
  expect(violation).toContain(`[${numberIn5('MQTT5-3.3.2-8')}]`);
});

test('MQTT 5: what may repeat, may be missing, may be 0 or may be empty is taken', () => {
  const fine = [
    publish5(twice('26 0001 6b 0000')),
    publish5('02 00000000 01 00 03 0000 09 0000'),
    connect5('42', '00', text('c'), '0001 70'), // a password without a user name
    connect5('02', '0a 11 ffffffff 19 01 22 0000', '0000'),
    after('40', '0001'),
    after('40', '0001 10'),
    after('62', '0001 92 00'),
    after('e0'),
    after('e0', '04'),
    after('e0', '00', '09 11 00000005 1c 0001 61'),
    subscribe5('$share/g//a', '28', '0b ffffff7f 26 0000 0000'),
    subscribe5('$share', '04'), // an ordinary filter
  ];
  for (const hex of fine) expect(violationOf(hex)).toMatch(/^no violation/);
});

test('MQTT 3.1.1 takes a remaining length with bytes too many, which only MQTT 5 forbids [MQTT5-1.5.5-1]', () => {
  expect(violationOf('c0 8000')).toMatch(/^no violation/);
});

test('lengths and levels are counted in UTF-8 and by slashes; what is within the limits is named by nobody', () => {
  const limits = { bytesMax: 5, levelsMax: 2 };
  expect(excessOf('aaa/bb', limits)).toMatch(/^names a topic of 6 bytes, and mqtt.topicSizeMax is 5;/);
  expect(excessOf('a/b/c', limits)).toMatch(/^names a topic of 3 levels, and mqtt.topicLevelsMax is 2;/);
  expect(excessOf('üüü', limits)).toMatch(/^names a topic of 6 bytes/);
  expect([excessOf('ab/cd', limits), excessOf('/', limits), excessOf('üü', limits)]).toEqual([
    null,
    null,
    null,
  ]);
});

test('a violation never repeats what the client sent: no topic, no password', () => {
  const topic = Buffer.from('secret+topic').toString('hex');
  expect(violationOf(`30 0e 000c ${topic}`)).not.toContain('secret');
  expect(violationOf(after('82', '0001 00', text('secret#'), '00'))).not.toContain('secret');
});
