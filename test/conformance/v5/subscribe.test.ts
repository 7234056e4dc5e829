/** SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, and the options of a subscription. Source: MQTT 5.0 §3.8 to §3.11. */
import { describe, expect, test } from 'vitest';
import {
  hex,
  leftWith,
  packet,
  serve,
  text,
  u16,
  u8,
  v3,
  v5,
  type ConnectFields,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

/** Of both kinds of sessions, since one is in the state of both servers and the other is not. */
describe.each([
  ['that ends with its connection', 0],
  ['that lasts', 600],
])('a session %s', (_, seconds) => {
  const fields: ConnectFields = {
    clientId: 'reader',
    clean: false,
    properties: [['sessionExpiry', seconds]],
  };

  async function readerAndWriter(): Promise<[TestServer, TestClient, TestClient]> {
    const server = await serve();
    const reader = await server.connects(v5, fields);
    return [server, reader, await server.connects(v5, { clientId: 'writer' })];
  }

  test('SUBSCRIBE is answered with SUBACK, under its identifier, with the granted QoS of each filter in their order [MQTT5-3.8.4-1, MQTT5-3.8.4-2, MQTT5-3.8.4-6, MQTT5-3.8.4-7, MQTT5-3.9.3-1, MQTT5-3.9.3-2]', async () => {
    const [, reader] = await readerAndWriter();
    const filters = [
      ['a', 2],
      ['b', 0],
      ['c/+', 1],
      ['#', 2],
      ['a', 1],
    ] as const;
    expect(await reader.says(v5.subscribe(513, filters))).toEqual(['suback #513 2,0,1,2,1']);
    const many = Array.from({ length: 500 }, (__, n) => [`f/${n}`, n % 3] as const);
    expect(await reader.says(v5.subscribe(2, many))).toEqual([
      `suback #2 ${many.map(([, qos]) => qos).join(',')}`,
    ]);
  });

  test('several filters count as several SUBSCRIBEs, also one that stands there twice [MQTT5-3.8.4-5]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(
      v5.subscribe(1, [
        ['a', 2],
        ['b', 1],
        ['a', 0],
      ]),
    );
    await writer.says(v5.publish({ topic: 'a', qos: 1 }), v5.publish({ topic: 'b', qos: 1, id: 2 }));
    expect((await reader.hears()).sort()).toEqual(['a=m', 'b=m q1 #1']);
  });

  test('the same filter again replaces the subscription and its options [MQTT5-3.8.4-3]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(v5.subscribe(1, [['t', { qos: 2, retainAsPublished: true }]]));
    await reader.says(v5.subscribe(2, [['t', { qos: 0 }]]));
    await writer.says(v5.publish({ qos: 1, retain: true }));
    expect(await reader.hears()).toEqual(['t=m']);
    await reader.says(v5.unsubscribe(3, ['t']));
    await writer.says(v5.publish({ qos: 1 }));
    expect(await reader.hears()).toEqual([]);
  });

  test('with retain handling 0 retained messages come again then, and no message is missed [MQTT5-3.8.4-4]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await writer.says(v5.publish({ payload: 'kept', retain: true, qos: 1 }));
    for (const id of [1, 2])
      expect(await reader.says(v5.subscribe(id, [['t', 0]]))).toEqual([`suback #${id} 0`, 't=kept retained']);
    const got: string[] = [];
    for (let n = 1; n <= 10; n += 1) {
      // In one turn: neither waits for the other to be answered.
      const publishing = writer.says(v5.publish({ payload: `${n}`, qos: 1, id: n }));
      await reader.says(v5.subscribe(n, [['t', { qos: 1, retainHandling: 2 }]]));
      got.push(...reader.messages.map(({ payload }) => payload.toString()));
      await publishing;
    }
    await reader.hears();
    got.push(...reader.messages.map(({ payload }) => payload.toString()));
    expect(got).toEqual(Array.from({ length: 10 }, (__, n) => `${n + 1}`));
  });

  test('retain handling: 0 always, 1 with a new subscription, 2 never [MQTT5-3.3.1-9, MQTT5-3.3.1-10, MQTT5-3.3.1-11]', async () => {
    const [server, reader, writer] = await readerAndWriter();
    await writer.says(
      v5.publish({ topic: 'a/1', retain: true }),
      v5.publish({ topic: 'a/2', retain: true }),
      v5.publish({ topic: 'b', retain: true }),
    );
    const asks = async (retainHandling: number): Promise<string[]> => {
      const [, ...heard] = await reader.says(v5.subscribe(1, [['a/+', { retainHandling }]]));
      await server.passes(1);
      return heard.sort();
    };
    const both = ['a/1=m retained', 'a/2=m retained'];
    expect(await asks(2)).toEqual([]);
    expect(await asks(1)).toEqual([]);
    expect(await asks(0)).toEqual(both);
    expect(await asks(0)).toEqual(both);
    await reader.says(v5.unsubscribe(2, ['a/+']));
    expect(await asks(1)).toEqual(both);
    expect(await asks(1)).toEqual([]);
  });

  test('retain as published: RETAIN as it came; without it, none [MQTT5-3.3.1-12, MQTT5-3.3.1-13]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(
      v5.subscribe(1, [
        ['as/#', { qos: 1, retainAsPublished: true }],
        ['no/#', 1],
      ]),
    );
    for (const [n, topic] of ['as/1', 'no/1'].entries())
      for (const retain of [true, false]) await writer.says(v5.publish({ topic, retain, qos: 1, id: n + 1 }));
    await reader.hears();
    expect(reader.messages.map(({ topic, isRetained }) => [topic, isRetained])).toEqual([
      ['as/1', true],
      ['as/1', false],
      ['no/1', false],
      ['no/1', false],
    ]);
  });

  test('retained messages of a new subscription are marked, whatever retain as published says [MQTT5-3.3.1-9]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await writer.says(v5.publish({ retain: true }));
    for (const retainAsPublished of [false, true])
      expect(await reader.says(v5.subscribe(1, [['t', { retainAsPublished }]]))).toEqual([
        'suback #1 0',
        't=m retained',
      ]);
  });

  test('no local: a client does not get what it published itself, and all others do [MQTT5-3.8.3-3]', async () => {
    const [server, reader, writer] = await readerAndWriter();
    await reader.says(v5.subscribe(1, [['t', { qos: 2, noLocal: true }]]));
    await writer.says(v5.subscribe(1, [['t', { qos: 2 }]]));
    for (const qos of [0, 1, 2]) {
      await reader.says(v5.publish({ payload: `${qos}`, qos, id: 5 }), qos === 2 ? v5.pubrel(5) : '');
      expect(reader.messages).toEqual([]);
      await writer.hears();
      expect(writer.messages.map(({ payload }) => payload.toString())).toEqual([`${qos}`]);
    }
    await writer.says(v5.publish({ payload: 'other' }));
    expect(await reader.hears()).toEqual(['t=other']);
    // By client identifier: on its next connection it is the same publisher.
    if (seconds === 0) return;
    await reader.says(v5.publish({ payload: 'mine', qos: 1, id: 6 }));
    await reader.vanishes();
    const back = server.dials(v5, fields);
    expect(await back.says(v5.connect(fields))).toEqual(['connack 0 present']);
  });

  test('a message comes at the lower of its own QoS and the granted one [MQTT5-3.8.4-8]', async () => {
    const [, reader, writer] = await readerAndWriter();
    for (const granted of [0, 1, 2]) {
      await reader.says(v5.subscribe(1, [['t', granted]]));
      for (const qos of [0, 1, 2]) {
        await writer.says(v5.publish({ qos, id: 9 }), qos === 2 ? v5.pubrel(9) : '');
        await reader.hears();
        expect(reader.messages.map((one) => one.qos)).toEqual([Math.min(granted, qos)]);
      }
    }
  });

  test.each<[string, string, Buffer]>([
    ['bit 6 of the options', 'MQTT5-3.8.3-5', v5.subscribe(1, [['t', 0x40]])],
    [
      'bit 7 of the options of the second filter',
      'MQTT5-3.8.3-5',
      v5.subscribe(1, [
        ['t', 1],
        ['u', 0x81],
      ]),
    ],
    ['a QoS of 3', 'MQTT5-4.13.1-1', v5.subscribe(1, [['t', 3]])],
    ['retain handling 3', 'MQTT5-4.13.1-1', v5.subscribe(1, [['t', 0x30]])],
    ['no filter in SUBSCRIBE', 'MQTT5-3.8.3-2', v5.subscribe(1, [])],
    ['a filter without its options', 'MQTT5-3.8.3-2', packet(0x82, u16(1), u8(0), text('t'))],
    ['no filter in UNSUBSCRIBE', 'MQTT5-3.10.3-2', v5.unsubscribe(1, [])],
    [
      'bytes between the filters of UNSUBSCRIBE',
      'MQTT5-3.10.3-1',
      packet(0xa2, u16(1), u8(0), text('t'), u8(0), text('u')),
    ],
    ['a filter that ends beyond UNSUBSCRIBE', 'MQTT5-3.10.3-1', packet(0xa2, u16(1), u8(0), hex('0009 74'))],
  ])('%s ends the connection, and nothing is subscribed [%s]', async (__, ___, wrong) => {
    const [server, reader, writer] = await readerAndWriter();
    leftWith(await reader.says(wrong), 0x81, 0x82);
    await writer.says(v5.publish({ qos: 1 }));
    expect(server.serving.connections.stats()).toMatchObject({ queuedMessages: 0, messagesOut: 0 });
  });

  test('UNSUBSCRIBE ends the subscription whose filter is the same, character by character, and no other [MQTT5-3.10.4-1, MQTT5-3.10.4-2]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(
      v5.subscribe(1, [
        ['a/b', 1],
        ['x/+', 1],
      ]),
    );
    for (const other of ['a/+', 'a/#', '#', 'A/b', 'a/b/', 'a', 'x/y', 'x/#'])
      expect(await reader.says(v5.unsubscribe(2, [other]))).toEqual(['unsuback #2 17']);
    await writer.says(v5.publish({ topic: 'a/b' }), v5.publish({ topic: 'x/y' }));
    expect(await reader.hears()).toEqual(['a/b=m', 'x/y=m']);
    expect(await reader.says(v5.unsubscribe(3, ['x/+']))).toEqual(['unsuback #3 0']);
    await writer.says(v5.publish({ topic: 'a/b' }), v5.publish({ topic: 'x/y' }));
    expect(await reader.hears()).toEqual(['a/b=m']);
  });

  test('deliveries that had begun are completed after UNSUBSCRIBE [MQTT5-3.10.4-3]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(v5.subscribe(1, [['t', 2]]));
    for (const [n, qos] of [1, 2, 2].entries())
      await writer.says(v5.publish({ payload: `${n}`, qos, id: n + 1 }));
    expect(await reader.hears()).toEqual(['t=0 q1 #1', 't=1 q2 #2', 't=2 q2 #3']);
    await reader.says(v5.pubrec(3));
    expect(await reader.says(v5.unsubscribe(2, ['t']))).toEqual(['unsuback #2 0']);
    expect(await reader.says(v5.puback(1), v5.pubrec(2), v5.pubcomp(2), v5.pubcomp(3))).toEqual([
      'pubrel #2',
    ]);
    await writer.says(v5.publish({ payload: 'after', qos: 2, id: 4 }));
    expect(await reader.hears()).toEqual([]);
  });

  test('UNSUBACK has a code for each filter in their order, and comes where nothing was subscribed, too [MQTT5-3.10.4-4, MQTT5-3.10.4-5, MQTT5-3.10.4-6, MQTT5-3.11.3-1, MQTT5-3.11.3-2]', async () => {
    const [, reader, writer] = await readerAndWriter();
    await reader.says(
      v5.subscribe(1, [
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ]),
    );
    expect(await reader.says(v5.unsubscribe(2, ['a', 'never', 'c', 'a']))).toEqual(['unsuback #2 0,17,0,17']);
    for (const topic of ['a', 'b', 'c']) await writer.says(v5.publish({ topic }));
    expect(await reader.hears()).toEqual(['b=m']);
    expect(await reader.says(v5.unsubscribe(3, ['never']))).toEqual(['unsuback #3 17']);
  });
});

test('the options of MQTT 5 mean nothing to a client of MQTT 3.1.1, whose subscriptions are as they were [MQTT5-3.3.1-12]', async () => {
  const server = await serve();
  const old = await server.subscribes(v3, { clientId: 'old' }, ['t', 1]);
  expect(await old.says(v3.publish({ retain: true, qos: 1 }))).toEqual(['puback #1', 't=m q1 #1']);
});
