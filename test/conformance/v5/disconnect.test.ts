/** PINGREQ, DISCONNECT both ways, and errors. Source: MQTT 5.0 §3.12, §3.14, §4.2, §4.13. */
import { expect, test } from 'vitest';
import { leftWith, packet, serve, u8, v5 } from '../harness/index.ts';

test('each PINGREQ is answered [MQTT5-3.12.4-1]', async () => {
  const server = await serve();
  const client = await server.connects(v5);
  expect(await client.says(v5.pingreq())).toEqual(['pingresp']);
  leftWith(await client.says(packet(0xc0, u8(0))), 0x81);
});

test('DISCONNECT closes the connection, if the client does not; nothing is answered and nothing behind it is processed [MQTT5-3.14.4-1, MQTT5-3.14.4-2]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['#', 0]);
  for (const farewell of [v5.disconnect(), v5.disconnect(0), v5.disconnect(0, [['reasonString', 'tired']])]) {
    const client = await server.connects(v5, { clientId: 'polite', will: {} });
    expect(await client.says(farewell, v5.publish(), '0000')).toEqual(['closed']);
  }
  expect(await reader.hears()).toEqual([]);
});

test.each([0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99])(
  'DISCONNECT with reason %i is a farewell [MQTT5-3.14.2-1]',
  async (reason) => {
    const server = await serve();
    expect(await (await server.connects(v5)).says(v5.disconnect(reason))).toEqual(['closed']);
  },
);

test.each([0x01, 0x10, 0x7f, 0x84, 0x85, 0xff])(
  'DISCONNECT with reason %i, which there is not, is malformed or a protocol error [MQTT5-3.14.2-1, MQTT5-4.13.1-1]',
  async (reason) => {
    const server = await serve();
    leftWith(await (await server.connects(v5)).says(v5.disconnect(reason)), 0x81, 0x82);
  },
);

test('what the server says last is its DISCONNECT, with a reason of its own, without a session expiry, and then it closes [MQTT5-3.14.2-1, MQTT5-3.14.2-2, MQTT5-3.14.4-1, MQTT5-3.14.4-2, MQTT5-4.13.2-1]', async () => {
  const server = await serve();
  const watcher = await server.subscribes(v5, { clientId: 'watcher' }, ['#', 0]);
  const session = { clean: false, properties: [['sessionExpiry', 600]] } as const;
  for (const wrong of ['00 00', v5.connect(), v5.publish({ topic: '' }), v5.subscribe(1, [])]) {
    const client = await server.subscribes(v5, session, ['#', 1]);
    // The judge refuses a session expiry, and whatever follows.
    leftWith(
      await client.says(v5.publish({ qos: 1 }), wrong, v5.publish({ payload: 'behind' }), v5.pingreq()),
      0x81,
      0x82,
    );
    await watcher.hears();
    expect(watcher.messages.map(({ payload }) => payload.toString())).toEqual(['m']);
  }
});

test('no DISCONNECT comes before CONNACK [MQTT5-3.14.0-1]', async () => {
  const server = await serve({ connectTimeout: 1_000 });
  const silent = server.dials(v5);
  await server.passes(1_000);
  expect(await silent.hears()).toEqual(['closed']);
  for (const wrong of [v5.pingreq(), v5.connect({ flags: 0x01 }), '00 00', v5.disconnect()])
    expect(await server.dials(v5).says(wrong)).not.toContainEqual(expect.stringMatching(/^disconnect/));
});

test('a malformed packet and a protocol error close their own connection, with the reason, and no other [MQTT5-4.13.1-1]', async () => {
  const server = await serve();
  const bystander = await server.connects(v5, { clientId: 'bystander' });
  for (const [wrong, reason] of [
    [packet(0x30), 0x81],
    [v5.publish({ properties: Buffer.from([9]) }), 0x81],
    [v5.connect(), 0x82],
    [v5.auth(0x19, [['authenticationMethod', 'x']]), 0x82],
    [v5.publish({ qos: 1, topic: '' }), 0x82],
  ] as const)
    leftWith(await (await server.connects(v5)).says(wrong), reason);
  expect(await bystander.says(v5.pingreq())).toEqual(['pingresp']);
});

test('acknowledgements that do not fit the QoS of what was sent end the connection [MQTT5-4.13.1-1]', async () => {
  const server = await serve();
  const writer = await server.connects(v5, { clientId: 'writer' });
  for (const [qos, wrong] of [
    [1, v5.pubrec(1)],
    [1, v5.pubcomp(1)],
    [2, v5.puback(1)],
    [2, v5.pubcomp(1)],
  ] as const) {
    const reader = await server.subscribes(v5, { clientId: 'reader' }, ['t', 2]);
    await writer.says(v5.publish({ qos, id: 1 }), qos === 2 ? v5.pubrel(1) : '');
    await reader.hears();
    leftWith(await reader.says(wrong), 0x82);
  }
});

test('a stream of bytes is all that a packet needs, however it is cut [MQTT5-4.2.0-1]', async () => {
  const server = await serve();
  const client = server.dials(v5);
  const bytes = Buffer.concat([
    v5.connect(),
    v5.subscribe(1, [['t', 1]]),
    v5.publish({ qos: 1, payload: 'x'.repeat(300) }),
  ]);
  const heard: string[] = [];
  for (const byte of bytes) {
    client.posts(u8(byte));
    if (byte % 7 === 0) heard.push(...(await client.hears()));
  }
  heard.push(...(await client.hears()));
  expect(heard).toEqual(['connack 0', 'suback #1 1', 'puback #1', `t=${'x'.repeat(300)} q1 #1`]);
});
