/** PINGREQ, DISCONNECT, violations, and what an implementation owes as a whole. Source: MQTT 3.1.1 §3.12, §3.14, §4.8, §7. */
import { connect as connectTcp } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { portOf } from '../../contract/listener-fixture.ts';
import { judge, packet, serve, v3, words } from '../harness/index.ts';

test('each PINGREQ is answered [MQTT-3.12.4-1]', async () => {
  const server = await serve();
  const client = await server.connects(v3);
  expect(await client.says(v3.pingreq())).toEqual(['pingresp']);
  expect(await client.says(v3.pingreq(), v3.publish({ qos: 1 }), v3.pingreq())).toContain('pingresp');
  expect(await client.says(packet(0xc0, Buffer.from([0])))).toEqual(['closed']);
});

test('DISCONNECT closes the connection, if the client does not; nothing behind it is processed [MQTT-3.14.4-1, MQTT-3.14.4-2]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v3, { clientId: 'reader' }, ['#', 0]);
  const client = await server.connects(v3, { clientId: 'polite', clean: false, will: {} });
  expect(await client.says(v3.disconnect(), v3.publish(), v3.subscribe(1, [['t', 0]]), '0000')).toEqual([
    'closed',
  ]);
  expect(await reader.hears()).toEqual([]);
});

test('a violation closes its own connection and no other; what came whole before it counts [MQTT-4.8.0-1]', async () => {
  const server = await serve();
  const reader = await server.subscribes(v3, { clientId: 'reader' }, ['#', 1]);
  for (const wrong of [
    '00 00',
    '30 ff ff ff ff 01',
    v3.connect(),
    v3.publish({ topic: '' }),
    v3.subscribe(1, []),
  ]) {
    const client = await server.connects(v3, { clientId: 'bad' });
    const heard = await client.says(
      v3.publish({ qos: 1 }),
      wrong,
      v3.publish({ payload: 'behind', qos: 1, id: 2 }),
    );
    // The acknowledgement may be on its way when the connection closes.
    expect([['closed'], ['puback #1', 'closed']]).toContainEqual(heard);
    await reader.hears();
    expect(reader.heard.map(({ payload }) => payload.toString())).toEqual(['m']);
  }
  expect(await reader.says(v3.pingreq())).toEqual(['pingresp']);
});

test('acknowledgements that do not fit the QoS of what was sent close the connection [MQTT-4.8.0-1]', async () => {
  const server = await serve();
  const writer = await server.connects(v3, { clientId: 'writer' });
  for (const [qos, wrong] of [
    [1, v3.pubrec(1)],
    [1, v3.pubcomp(1)],
    [2, v3.puback(1)],
    [2, v3.pubcomp(1)],
  ] as const) {
    const reader = await server.subscribes(v3, { clientId: 'reader' }, ['t', 2]);
    await writer.says(v3.publish({ qos, id: 1 }), qos === 2 ? v3.pubrel(1) : '');
    await reader.hears();
    expect(await reader.says(wrong)).toEqual(['closed']);
  }
});

test('a server that can’t process what came, because it serves no longer, closes without an answer [MQTT-4.8.0-2]', async () => {
  const server = await serve();
  const client = await server.connects(v3);
  const { connections, proposals } = server.serving;
  client.posts(v3.publish({ qos: 1 }));
  // Proposed and not committed: whether it is kept is not known here.
  proposals.forget();
  await connections.close('the record has moved on');
  expect(await client.hears()).toEqual(['closed']);
});

test('packets come whole however the network cuts them, on TCP as on any stream of bytes [MQTT-7.1.1-1]', async () => {
  const server = await serve();
  const { events } = server.serving;
  if (events === null) throw new Error('no port is open');
  const { listener } = await portOf({ name: 'mqtt', transport: 'tcp', isProxied: false });
  await listener.open(events);
  onTestFinished(() => listener.close());
  const socket = connectTcp({ host: '127.0.0.1', port: listener.port ?? 0, noDelay: true });
  const got: Buffer[] = [];
  const heard = (): string[] => judge(4, Buffer.concat(got)).map((one) => words(4, one));
  const more = async (count: number): Promise<void> => {
    while (heard().length < count) {
      server.serving.proposals.commit();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  socket.on('data', (bytes: Buffer) => got.push(bytes));
  const bytes = Buffer.concat([
    v3.connect(),
    v3.subscribe(1, [['t', 1]]),
    v3.publish({ qos: 1, payload: 'x'.repeat(300) }),
  ]);
  for (const byte of bytes)
    await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
  await more(4);
  expect(heard()).toEqual(['connack 0', 'suback #1 1', 'puback #1', `t=${'x'.repeat(300)} q1 #1`]);
  socket.destroy();
});

test('nothing beyond the specification is needed: its bare packets are enough for every QoS both ways [MQTT-7.0.0-2]', async () => {
  const server = await serve();
  const client = await server.connects(v3);
  expect(await client.says(v3.subscribe(1, [['t', 2]]))).toEqual(['suback #1 2']);
  expect(await client.says(v3.publish())).toEqual(['t=m']);
  expect(await client.says(v3.publish({ qos: 1, id: 1 }))).toEqual(['puback #1', 't=m q1 #1']);
  expect(await client.says(v3.puback(1))).toEqual([]);
  expect(await client.says(v3.publish({ qos: 2, id: 1 }))).toEqual(['pubrec #1', 't=m q2 #2']);
  expect(await client.says(v3.pubrel(1))).toEqual(['pubcomp #1']);
  expect(await client.says(v3.pubrec(2))).toEqual(['pubrel #2']);
  expect(await client.says(v3.pubcomp(2), v3.unsubscribe(2, ['t']))).toEqual(['unsuback #2']);
  expect(await client.says(v3.disconnect())).toEqual(['closed']);
});
