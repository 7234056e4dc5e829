/** Handshakes of each QoS, their reason codes, and order. Source: MQTT 5.0 §3.4 to §3.7, §4.3, §4.6. */
import { describe, expect, test } from 'vitest';
import {
  leftWith,
  serve,
  v5,
  type ConnectFields,
  type Properties,
  type TestClient,
  type TestServer,
} from '../harness/index.ts';

describe.each([
  ['that ends with its connection', 0],
  ['that lasts', 600],
])('a session %s', (_, seconds) => {
  const session = (clientId: string): ConnectFields => ({
    clientId,
    clean: false,
    properties: [['sessionExpiry', seconds]],
  });

  async function readerAndWriter(options = {}): Promise<[TestServer, TestClient, TestClient]> {
    const server = await serve(options);
    const reader = await server.subscribes(v5, session('reader'), ['#', 2]);
    return [server, reader, await server.connects(v5, session('writer'))];
  }

  test('QoS 0 goes out once, with QoS 0, and is not waited for [MQTT5-4.3.1-1]', async () => {
    const [server, reader, writer] = await readerAndWriter();
    for (let n = 0; n < 300; n += 1) await writer.says(v5.publish({ payload: `${n}` }));
    expect(await reader.hears()).toEqual(Array.from({ length: 300 }, (__, n) => `t=${n}`));
    await reader.vanishes();
    const back = await server.connects(v5, session('reader'));
    expect(back.messages).toEqual([]);
  });

  test('QoS 1, sending: unacknowledged until PUBACK [MQTT5-4.3.2-3]', async () => {
    const [, reader, writer] = await readerAndWriter({ inFlightMax: 2 });
    for (let n = 1; n <= 4; n += 1) await writer.says(v5.publish({ payload: `${n}`, qos: 1, id: n }));
    expect(await reader.hears()).toEqual(['t=1 q1 #1', 't=2 q1 #2']);
    expect(await reader.says(v5.pingreq(), v5.puback(9))).toEqual(['pingresp']);
    expect(await reader.says(v5.puback(2, 0x10))).toEqual(['t=3 q1 #3']);
    expect(await reader.says(v5.puback(1), v5.puback(3))).toEqual(['t=4 q1 #4']);
  });

  test('QoS 1, receiving: PUBACK; and what comes under the identifier afterwards is new, with DUP or without [MQTT5-4.3.2-4, MQTT5-4.3.2-5]', async () => {
    const [, reader, writer] = await readerAndWriter();
    for (const dup of [false, true, false]) {
      expect(await writer.says(v5.publish({ qos: 1, id: 7, dup }))).toEqual(['puback #7']);
      await reader.hears();
      expect(reader.messages.map(({ payload }) => payload.toString())).toEqual(['m']);
    }
  });

  test('QoS 2, sending: PUBLISH until PUBREC, PUBREL until PUBCOMP, and no PUBLISH again after PUBREL [MQTT5-4.3.3-3, MQTT5-4.3.3-4, MQTT5-4.3.3-5, MQTT5-4.3.3-6]', async () => {
    const [, reader, writer] = await readerAndWriter({ inFlightMax: 1 });
    for (let n = 1; n <= 2; n += 1) await writer.says(v5.publish({ payload: `${n}`, qos: 2, id: n }));
    expect(await reader.hears()).toEqual(['t=1 q2 #1']);
    expect(await reader.says(v5.pubrec(1, 0x10))).toEqual(['pubrel #1']);
    // Again, because PUBREL was long in coming.
    expect(await reader.says(v5.pubrec(1))).toEqual(['pubrel #1']);
    expect(await reader.says(v5.pubcomp(1))).toEqual(['t=2 q2 #2']);
    expect(await reader.says(v5.pubrec(2), v5.pubcomp(2))).toEqual(['pubrel #2']);
  });

  test('QoS 2, receiving: PUBREC to each PUBLISH, onward once, PUBCOMP to PUBREL; then the identifier is new [MQTT5-4.3.3-8, MQTT5-4.3.3-10, MQTT5-4.3.3-11, MQTT5-4.3.3-12]', async () => {
    const [server, , writer] = await readerAndWriter();
    const reader = await server.subscribes(v5, { clientId: 'plain' }, ['t', 0]);
    for (const payload of ['a', 'b']) {
      for (const dup of [false, true, true])
        expect(await writer.says(v5.publish({ payload, qos: 2, id: 5, dup }))).toEqual(['pubrec #5']);
      expect(await reader.hears()).toEqual([`t=${payload}`]);
      expect(await writer.says(v5.pubrel(5))).toEqual(['pubcomp #5']);
    }
  });

  test('PUBREL of what is not known is answered, and so is PUBREC, each with a code that fits [MQTT5-3.7.2-1, MQTT5-3.6.2-1, MQTT5-4.3.3-11]', async () => {
    const [, , writer] = await readerAndWriter();
    expect(['pubcomp #9', 'pubcomp #9 0x92']).toContainEqual((await writer.says(v5.pubrel(9)))[0]);
    expect(['pubrel #8', 'pubrel #8 0x92']).toContainEqual((await writer.says(v5.pubrec(8)))[0]);
    expect(await writer.says(v5.pubcomp(8, 0x92))).toEqual([]);
    expect(await writer.says(v5.pubrel(7, 0x92))).toHaveLength(1);
    expect(writer.isOpen).toBe(true);
  });

  test('acknowledgements have codes of their own, taken in every form that says success [MQTT5-3.4.2-1, MQTT5-3.5.2-1, MQTT5-3.6.2-1, MQTT5-3.7.2-1]', async () => {
    const [, reader, writer] = await readerAndWriter({ inFlightMax: 1 });
    let id = 0;
    const reason = [
      ['reasonString', 'fine'],
      ['userProperty', ['a', 'b']],
    ] as const;
    const forms: readonly [number?, Properties?][] = [[], [0], [0x10], [0, []], [0, reason]];
    for (const form of forms) {
      id += 1;
      await writer.says(v5.publish({ qos: 1, id }));
      await reader.hears();
      await reader.says(v5.puback(reader.messages[0]?.id ?? 0, ...form));
      id += 1;
      await writer.says(v5.publish({ qos: 2, id }), v5.pubrel(id));
      await reader.hears();
      const number = reader.messages[0]?.id ?? 0;
      expect(await reader.says(v5.pubrec(number, ...form))).toEqual([`pubrel #${number}`]);
      await reader.says(v5.pubcomp(number, form[0] === 0x10 ? 0 : form[0], form[1]));
    }
    // Each has made room for the next one.
    await writer.says(v5.publish({ payload: 'last' }));
    expect(await reader.hears()).toEqual(['t=last']);
  });

  test.each([
    ['PUBACK', v5.puback(1, 0x92)],
    ['PUBREC', v5.pubrec(1, 0x01)],
    ['PUBREL', v5.pubrel(1, 0x10)],
    ['PUBCOMP', v5.pubcomp(1, 0x80)],
  ])('%s with a code that it does not have ends the connection [MQTT5-4.13.1-1]', async (__, wrong) => {
    const [, reader] = await readerAndWriter();
    leftWith(await reader.says(wrong), 0x81, 0x82);
  });

  test('messages of one publisher, topic and QoS come in their order; every topic is ordered [MQTT5-4.6.0-5, MQTT5-4.6.0-6]', async () => {
    const [, reader, writer] = await readerAndWriter({ inFlightMax: 3 });
    const sent: Record<string, string[]> = {};
    for (let n = 0; n < 60; n += 1) {
      const [topic, qos] = [`t${n % 4}`, n % 3];
      (sent[`${topic} ${qos}`] ??= []).push(`${n}`);
      await writer.says(v5.publish({ topic, payload: `${n}`, qos, id: n + 1 }));
    }
    const came: Record<string, string[]> = {};
    for (await reader.hears(); reader.heard.length > 0;) {
      const answers: Buffer[] = [];
      for (const { type, topic, payload, qos, id } of reader.heard) {
        if (type === 'publish') (came[`${topic} ${qos}`] ??= []).push(payload.toString());
        if (type === 'pubrel') answers.push(v5.pubcomp(id ?? 0));
        else if (qos > 0) answers.push(qos === 1 ? v5.puback(id ?? 0) : v5.pubrec(id ?? 0));
      }
      await reader.says(...answers);
    }
    expect(came).toEqual(sent);
  });
});

test('QoS 2, receiving: after a PUBREC that refuses, the identifier is new [MQTT5-4.3.3-9]', async () => {
  const server = await serve({ payloadCheck: 'on' });
  const reader = await server.subscribes(v5, { clientId: 'reader' }, ['t', 0]);
  const writer = await server.connects(v5, { clientId: 'writer' });
  const wrong = v5.publish({
    payload: Buffer.from([0xff]),
    qos: 2,
    id: 4,
    properties: [['payloadFormat', 1]],
  });
  const heard = await writer.says(wrong);
  if (heard[0] === 'pubrec #4 0x99') {
    expect(await writer.says(v5.publish({ payload: 'good', qos: 2, id: 4 }))).toEqual(['pubrec #4']);
    expect(await reader.hears()).toEqual(['t=good']);
  } else leftWith(heard, 0x99);
});
