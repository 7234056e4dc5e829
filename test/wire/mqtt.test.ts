import { expect, test } from 'vitest';
import { Serving } from '../runtime/serving.ts';

/** Lines of hexadecimal digits: `>` the client sends, `<` all that the server answers once committed, `x` the connection is closed. */
async function talk(lines: string): Promise<void> {
  const server = new Serving();
  await server.connections.open();
  const client = server.client();
  for (const line of lines.trim().split('\n')) {
    const [mark = '', ...rest] = line.trim().split('//')[0]?.trim().split(' ') ?? [];
    const hex = rest.join('');
    if (mark === '>') client.send(hex);
    server.proposals.commit();
    if (mark === '<') expect(client.received()).toBe(hex);
    if (mark === 'x') expect([client.isOpen, client.received()]).toEqual([false, '']);
  }
}

const CONNECT = '10 0d 0004 4d515454 04 02 003c 0001 63';

test('CONNECT, PINGREQ, DISCONNECT [MQTT-3.2.0-1, MQTT-3.12.4-1, MQTT-3.14.4-2]', () =>
  talk(`
    > ${CONNECT}
    < 20 02 00 00
    > c0 00
    < d0 00
    > e0 00
    x
  `));

test('the answers to packets sent in one go come in their order [MQTT-4.6.0-2]', () =>
  talk(`
    > ${CONNECT}
    < 20 02 00 00
    > 82 08 0001 0003 612f2b 00 32 07 0003 612f62 000a 32 07 0003 612f63 000b
    < 90 03 0001 00 40 02 000a 40 02 000b 30 05 0003 612f62 30 05 0003 612f63
  `));

test('a subscriber gets PUBLISH with QoS 0, without DUP and RETAIN [MQTT-3.3.1-2, MQTT-3.3.1-9]', () =>
  talk(`
    > ${CONNECT}
    < 20 02 00 00
    > 82 06 0001 0001 74 00
    < 90 03 0001 00
    > 31 05 0001 74 6d 6e      // retained, QoS 0
    < 30 05 0001 74 6d 6e
    > 82 06 0002 0001 74 00
    < 90 03 0002 00 31 05 0001 74 6d 6e
  `));

test('a subscriber gets PUBLISH with QoS 1 and its own packet identifiers [MQTT-2.3.1-4, MQTT-4.3.2-1]', () =>
  talk(`
    > ${CONNECT}
    < 20 02 00 00
    > 82 06 0001 0001 74 01
    < 90 03 0001 01
    > 32 06 0001 74 0009 6d
    < 40 02 0009 32 06 0001 74 0001 6d
    > 3a 06 0001 74 0009 6d    // sent again by its publisher: DUP is not passed on [MQTT-3.3.1-3]
    < 40 02 0009 32 06 0001 74 0002 6d
    > 40 02 0001 40 02 0002
    <
  `));

test('each filter is granted the QoS that it asks for [MQTT-3.9.3-1]', () =>
  talk(`
    > ${CONNECT}
    < 20 02 00 00
    > 82 0e 0001 0001 61 02 0001 62 00 0001 63 01
    < 90 05 0001 02 00 01
  `));

for (const [kind, connect] of [
  ['clean', CONNECT],
  ['durable', CONNECT.replace('04 02', '04 00')],
] as const) {
  test(`a message with QoS 2 from a ${kind} session: PUBREC, PUBCOMP; a repeat goes no further [MQTT-4.3.3-2]`, () =>
    talk(`
      > ${connect} 82 06 0001 0001 74 00
      < 20 02 00 00 90 03 0001 00
      > 34 06 0001 74 0009 6d
      < 50 02 0009 30 04 0001 74 6d
      > 3c 06 0001 74 0009 6d
      < 50 02 0009
      > 62 02 0009
      < 70 02 0009
      > 62 02 0009              // unknown by now: its PUBCOMP may have been lost
      < 70 02 0009
      > 34 06 0001 74 0009 6e   // the identifier is free again
      < 50 02 0009 30 04 0001 74 6e
    `));

  test(`a message with QoS 2 to a ${kind} session: PUBLISH, PUBREL; then its identifier is free [MQTT-4.3.3-1, MQTT-3.6.1-1]`, () =>
    talk(`
      > ${connect} 82 06 0001 0001 74 02
      < 20 02 00 00 90 03 0001 02
      > 34 06 0001 74 0009 6d 62 02 0009
      < 50 02 0009 70 02 0009 34 06 0001 74 0001 6d
      > 50 02 0001
      < 62 02 0001
      > 50 02 0001              // PUBREL was late: it is sent again, PUBLISH is not
      < 62 02 0001
      > 70 02 0001
      <
      > 50 02 0007              // never sent: the client is to get rid of it
      < 62 02 0007
      > 70 02 0007
      <
    `));

  test(`PUBACK for QoS 2, PUBREC for QoS 1, PUBCOMP before PUBREC close the connection of a ${kind} session [MQTT-4.8.0-1]`, async () => {
    for (const [subscribed, published, received, wrong] of [
      ['74 02', '34 06 0001 74 0009 6d', '50 02 0009 34 06 0001 74 0001 6d', '40 02 0001'],
      ['74 01', '32 06 0001 74 0009 6d', '40 02 0009 32 06 0001 74 0001 6d', '50 02 0001'],
      ['74 02', '34 06 0001 74 0009 6d', '50 02 0009 34 06 0001 74 0001 6d', '70 02 0001'],
    ] as const)
      await talk(`
        > ${connect} 82 06 0001 0001 ${subscribed}
        < 20 02 00 00 90 03 0001 ${subscribed.slice(3)}
        > ${published}
        < ${received}
        > ${wrong}
        x
      `);
  });
}

test('a message goes at the lower QoS of its own and the subscription [MQTT-3.8.4-6], retained ones too', () =>
  talk(`
    > ${CONNECT} 82 06 0001 0001 74 01
    < 20 02 00 00 90 03 0001 01
    > 35 06 0001 74 0009 6d 62 02 0009
    < 50 02 0009 70 02 0009 32 06 0001 74 0001 6d
    > 40 02 0001 82 06 0002 0001 74 02
    < 90 03 0002 02 35 06 0001 74 0002 6d
    > 50 02 0002 32 06 0001 74 000a 6e
    < 62 02 0002 40 02 000a 32 06 0001 74 0003 6e
  `));

test('a will with QoS 2 comes with QoS 2 [MQTT-3.1.2-8]', async () => {
  const server = new Serving();
  await server.connections.open();
  const watcher = server.connected('watcher', { isDurable: true });
  watcher.send('82 06 0001 0001 77 02');
  server.proposals.commit();
  watcher.received();
  const client = server.client();
  client.send('10 13 0004 4d515454 04 16 003c 0001 63 0001 77 0001 78');
  server.proposals.commit();
  client.lose();
  await Promise.resolve();
  server.proposals.commit();
  expect(watcher.packets()).toEqual(['w=x q2 #1']);
});

test('a remaining length of two bytes goes both ways [MQTT 2.2.3]', () => {
  const body = '6d'.repeat(200);
  return talk(`
    > ${CONNECT} 82 06 0001 0001 74 00
    < 20 02 00 00 90 03 0001 00
    > 30 cb01 0001 74 ${body}
    < 30 cb01 0001 74 ${body}
  `);
});

test('an empty message, and an empty client identifier with a clean session, are allowed [MQTT-3.1.3-6]', () =>
  talk(`
    > 10 0c 0004 4d515454 04 02 0000 0000
    < 20 02 00 00
    > 32 05 0001 74 0001
    < 40 02 0001
  `));

test('user name and password are taken and nothing is said of them', () =>
  talk(`
    > 10 13 0004 4d515454 04 c2 003c 0001 63 0001 75 0001 70
    < 20 02 00 00
  `));

test('an empty client identifier without a clean session: return code 2, then closed [MQTT-3.1.3-8]', () =>
  talk(`
    > 10 0c 0004 4d515454 04 00 0000 0000
    < 20 02 00 02
    x
  `));

test('MQTT 3.1 and unknown levels: their CONNACK, then closed [MQTT-3.1.2-2]', async () => {
  await talk(`
    > 10 0f 0006 4d5149736470 03 02 003c 0001 63
    < 20 02 00 01
    x
  `);
  await talk(`
    > 10 0d 0004 4d515454 84 02 003c 0001 63
    < 20 02 00 01
    x
  `);
});

test('MQTT 5: properties, and a reason in each answer [MQTT5-3.2.0-1, MQTT5-3.9.3-1]', () =>
  talk(`
    > 10 0e 0004 4d515454 05 02 003c 00 0001 63
    < 20 0b 00 00 08 27 00100000 22 0020   // takes packets of a MiB and 32 topic aliases
    > 32 07 0001 74 0001 00 6d
    < 40 03 0001 10                        // nobody has subscribed
    > 82 07 0002 00 0001 74 01
    < 90 04 0002 00 01
    > 32 07 0001 74 0003 00 6d
    < 40 02 0003 32 07 0001 74 0001 00 6d
    > e0 00
    x
  `));

test('another packet first, and a second CONNECT, close the connection [MQTT-3.1.0-1, MQTT-3.1.0-2]', async () => {
  await talk(`
    > c0 00
    x
  `);
  await talk(`
    > ${CONNECT}
    < 20 02 00 00
    > ${CONNECT}
    x
  `);
});
