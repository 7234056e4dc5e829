/** SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK. Source: MQTT 3.1.1 §3.8 to §3.11. */
import { describe, expect, test } from 'vitest';
import { hex, packet, serve, text, u16, u8, v3, type TestClient, type TestServer } from '../harness/index.ts';

/** Of both kinds of sessions, since one is in the state of both servers and the other is not. */
describe.each([
  ['clean', true],
  ['durable', false],
])('a %s session', (_, clean) => {
  async function readerAndWriter(): Promise<[TestServer, TestClient, TestClient]> {
    const server = await serve({ topicSizeMax: 65_535 });
    const reader = await server.connects(v3, { clientId: 'reader', clean });
    return [server, reader, await server.connects(v3, { clientId: 'writer' })];
  }

  test('SUBSCRIBE is answered with SUBACK, under its identifier, with a code for each filter in their order [MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-5, MQTT-3.9.3-1]', async () => {
    const [, reader] = await readerAndWriter();
    const filters = [
      ['a', 2],
      ['b', 0],
      ['c/+', 1],
      ['#', 2],
      ['a', 1],
    ] as const;
    expect(await reader.says(v3.subscribe(513, filters))).toEqual(['suback #513 2,0,1,2,1']);
    const many = Array.from({ length: 500 }, (__, n) => [`f/${n}`, n % 3] as const);
    expect(await reader.says(v3.subscribe(2, many))).toEqual([
      `suback #2 ${many.map(([, qos]) => qos).join(',')}`,
    ]);
  });

  test('several filters count as several SUBSCRIBEs, also one that stands there twice [MQTT-3.8.4-4]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await writer.says(v3.publish({ topic: 'a', payload: 'kept', retain: true }));
    expect(
      await reader.says(
        v3.subscribe(1, [
          ['a', 2],
          ['b', 1],
          ['a', 0],
        ]),
      ),
    ).toEqual(['suback #1 2,1,0', 'a=kept retained', 'a=kept retained']);
    await writer.says(v3.publish({ topic: 'a', qos: 1 }), v3.publish({ topic: 'b', qos: 1, id: 2 }));
    expect(await reader.hears()).toEqual(['a=m', 'b=m q1 #1']);
  });

  test('the same filter again replaces the subscription, brings what is retained again, and interrupts nothing [MQTT-3.8.4-3]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await writer.says(v3.publish({ payload: 'kept', retain: true, qos: 1 }));
    expect(await reader.says(v3.subscribe(1, [['t', 1]]))).toEqual(['suback #1 1', 't=kept q1 #1 retained']);
    expect(await reader.says(v3.subscribe(2, [['t', 0]]))).toEqual(['suback #2 0', 't=kept retained']);
    await writer.says(v3.publish({ payload: 'after', qos: 1, id: 2 }));
    expect(await reader.hears()).toEqual(['t=after']);
    // What was on its way at the former QoS is not lost.
    expect(await reader.says(v3.puback(1))).toEqual([]);
  });

  test('messages around a replaced subscription all come, once and in order [MQTT-3.8.4-3]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(v3.subscribe(1, [['t', 1]]));
    for (let n = 1; n <= 10; n += 1) {
      // In one turn: neither waits for the other to be answered.
      const publishing = writer.says(v3.publish({ payload: `${n}`, qos: 1, id: n }));
      await reader.says(v3.subscribe(n + 1, [['t', 1]]));
      await publishing;
    }
    await reader.hears();
    await writer.says(v3.publish({ payload: 'last', qos: 1, id: 11 }));
    expect(await reader.hears()).toEqual(['t=last q1 #11']);
  });

  test('a message comes at the lower of its own QoS and the granted one [MQTT-3.8.4-6]', async () => {
    const [, reader, writer] = await readerAndWriter();
    for (const granted of [0, 1, 2]) {
      await reader.says(v3.subscribe(1, [['t', granted]]));
      for (const qos of [0, 1, 2]) {
        await writer.says(v3.publish({ qos, id: 9 }), qos === 2 ? v3.pubrel(9) : '');
        await reader.hears();
        expect(reader.heard.map((one) => one.qos)).toEqual([Math.min(granted, qos)]);
      }
    }
  });

  test.each([
    ['a QoS of 3', 'MQTT-3.8.3-4', v3.subscribe(1, [['t', 3]])],
    ['bit 2 beside the QoS', 'MQTT-3.8.3-4', v3.subscribe(1, [['t', 0x04]])],
    ['bit 7 beside the QoS', 'MQTT-3.8.3-4', v3.subscribe(1, [['t', 0x81]])],
    [
      'reserved bits in the second filter',
      'MQTT-3.8.3-4',
      v3.subscribe(1, [
        ['t', 1],
        ['u', 0x10],
      ]),
    ],
    ['no filter in SUBSCRIBE', 'MQTT-3.8.3-3', v3.subscribe(1, [])],
    ['a SUBSCRIBE without a payload and identifier', 'MQTT-3.8.3-3', packet(0x82)],
    ['a filter without its QoS', 'MQTT-3.8.3-4', packet(0x82, u16(1), text('t'))],
    ['no filter in UNSUBSCRIBE', 'MQTT-3.10.3-2', v3.unsubscribe(1, [])],
    [
      'bytes between the filters of UNSUBSCRIBE',
      'MQTT-3.10.3-1',
      packet(0xa2, u16(1), text('t'), u8(0), text('u')),
    ],
    ['a filter that ends beyond UNSUBSCRIBE', 'MQTT-3.10.3-1', packet(0xa2, u16(1), hex('0009 74'))],
  ])('%s closes the connection, and nothing is subscribed [%s]', async (__, ___, wrong) => {
    const [server, reader, writer] = await readerAndWriter();
    expect(await reader.says(wrong)).toEqual(['closed']);
    await writer.says(v3.publish({ qos: 1 }));
    expect(server.serving.connections.stats()).toMatchObject({ queuedMessages: 0, messagesOut: 0 });
  });

  test('every QoS that may be asked for is granted, so that no code but 0, 1 and 2 comes [MQTT-3.9.3-2]', async () => {
    const [, reader] = await readerAndWriter();
    for (const filter of ['t', '#', '+', '$SYS/#', '/', 'x'.repeat(65_535)])
      for (const qos of [0, 1, 2])
        expect(await reader.says(v3.subscribe(1, [[filter, qos]]))).toContain(`suback #1 ${qos}`);
  });

  test('UNSUBSCRIBE ends the subscription whose filter is the same, character by character, and no other [MQTT-3.10.4-1, MQTT-3.10.4-2]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(
      v3.subscribe(1, [
        ['a/b', 1],
        ['x/+', 1],
      ]),
    );
    for (const other of ['a/+', 'a/#', '#', 'A/b', 'a/b/', 'a', 'x/y', 'x/#'])
      expect(await reader.says(v3.unsubscribe(2, [other]))).toEqual(['unsuback #2']);
    await writer.says(v3.publish({ topic: 'a/b' }), v3.publish({ topic: 'x/y' }));
    expect(await reader.hears()).toEqual(['a/b=m', 'x/y=m']);
    expect(await reader.says(v3.unsubscribe(3, ['x/+']))).toEqual(['unsuback #3']);
    await writer.says(v3.publish({ topic: 'a/b' }), v3.publish({ topic: 'x/y' }));
    expect(await reader.hears()).toEqual(['a/b=m']);
  });

  test('deliveries that had begun are completed after UNSUBSCRIBE [MQTT-3.10.4-3]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(v3.subscribe(1, [['t', 2]]));
    for (const [n, qos] of [1, 2, 2].entries())
      await writer.says(v3.publish({ payload: `${n}`, qos, id: n + 1 }));
    expect(await reader.hears()).toEqual(['t=0 q1 #1', 't=1 q2 #2', 't=2 q2 #3']);
    await reader.says(v3.pubrec(3));
    expect(await reader.says(v3.unsubscribe(2, ['t']))).toEqual(['unsuback #2']);
    expect(await reader.says(v3.puback(1), v3.pubrec(2), v3.pubcomp(2), v3.pubcomp(3))).toEqual([
      'pubrel #2',
    ]);
    await writer.says(v3.publish({ payload: 'after', qos: 2, id: 4 }));
    expect(await reader.hears()).toEqual([]);
  });

  test('UNSUBSCRIBE is answered with UNSUBACK, also where nothing was subscribed [MQTT-3.10.4-4, MQTT-3.10.4-5]', async () => {
    const [, reader] = await readerAndWriter();
    expect(await reader.says(v3.unsubscribe(1, ['never']))).toEqual(['unsuback #1']);
    await reader.says(v3.subscribe(2, [['t', 1]]));
    for (const id of [3, 4])
      expect(await reader.says(v3.unsubscribe(id, ['t']))).toEqual([`unsuback #${id}`]);
  });

  test('several filters count as several UNSUBSCRIBEs with one answer [MQTT-3.10.4-6]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(
      v3.subscribe(1, [
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ]),
    );
    expect(await reader.says(v3.unsubscribe(2, ['a', 'never', 'c', 'a']))).toEqual(['unsuback #2']);
    for (const topic of ['a', 'b', 'c']) await writer.says(v3.publish({ topic }));
    expect(await reader.hears()).toEqual(['b=m']);
  });
});
