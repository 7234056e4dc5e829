/** Handshakes of each QoS, and order. Source: MQTT 3.1.1 §4.3, §4.6. */
import { describe, expect, test } from 'vitest';
import { serve, v3, type TestClient, type TestServer } from '../harness/index.ts';

describe.each([
  ['clean', true],
  ['durable', false],
])('a %s session', (_, clean) => {
  async function readerAndWriter(options = {}): Promise<[TestServer, TestClient, TestClient]> {
    const server = await serve(options);
    const reader = await server.subscribes(v3, { clientId: 'reader', clean }, ['#', 2]);
    return [server, reader, await server.connects(v3, { clientId: 'writer', clean })];
  }

  test('QoS 0 goes out once, with QoS 0, and is not waited for [MQTT-4.3.1-1]', async () => {
    const [server, reader, writer] = await readerAndWriter();
    for (let n = 0; n < 300; n += 1) await writer.says(v3.publish({ payload: `${n}` }));
    expect(await reader.hears()).toEqual(Array.from({ length: 300 }, (__, n) => `t=${n}`));
    await reader.vanishes();
    const back = server.dials(v3);
    const connack = clean ? 'connack 0' : 'connack 0 present';
    expect(await back.says(v3.connect({ clientId: 'reader', clean }))).toEqual([connack]);
  });

  test('QoS 1, sending: unacknowledged until PUBACK; then its room is free [MQTT-4.3.2-1]', async () => {
    const [, reader, writer] = await readerAndWriter({ inFlightMax: 2 });
    for (let n = 1; n <= 4; n += 1) await writer.says(v3.publish({ payload: `${n}`, qos: 1, id: n }));
    expect(await reader.hears()).toEqual(['t=1 q1 #1', 't=2 q1 #2']);
    // Not by another packet, nor by a PUBACK for another one, nor by time.
    expect(await reader.says(v3.pingreq(), v3.puback(9))).toEqual(['pingresp']);
    expect(await reader.says(v3.puback(2))).toEqual(['t=3 q1 #3']);
    expect(await reader.says(v3.puback(1), v3.puback(3))).toEqual(['t=4 q1 #4']);
  });

  test('QoS 1, receiving: PUBACK; and what comes under the identifier afterwards is new, with DUP or without [MQTT-4.3.2-2]', async () => {
    const [, reader, writer] = await readerAndWriter();
    for (const dup of [false, true, false]) {
      expect(await writer.says(v3.publish({ qos: 1, id: 7, dup }))).toEqual(['puback #7']);
      await reader.hears();
      expect(reader.heard.map(({ payload }) => payload.toString())).toEqual(['m']);
    }
  });

  test('QoS 2, sending: PUBLISH until PUBREC, PUBREL until PUBCOMP, and no PUBLISH again after PUBREL [MQTT-4.3.3-1]', async () => {
    const [, reader, writer] = await readerAndWriter({ inFlightMax: 1 });
    for (let n = 1; n <= 2; n += 1) await writer.says(v3.publish({ payload: `${n}`, qos: 2, id: n }));
    expect(await reader.hears()).toEqual(['t=1 q2 #1']);
    expect(await reader.says(v3.pubrec(1))).toEqual(['pubrel #1']);
    // Again, because PUBREL was long in coming.
    expect(await reader.says(v3.pubrec(1))).toEqual(['pubrel #1']);
    expect(await reader.says(v3.pubcomp(1))).toEqual(['t=2 q2 #2']);
    // A second PUBCOMP is for nothing.
    expect(await reader.says(v3.pubcomp(1))).toEqual([]);
    expect(await reader.says(v3.pubrec(2), v3.pubcomp(2))).toEqual(['pubrel #2']);
  });

  test('QoS 2, receiving: PUBREC to each PUBLISH, onward once, PUBCOMP to PUBREL; then the identifier is new [MQTT-4.3.3-2]', async () => {
    const [server, , writer] = await readerAndWriter();
    const reader = await server.subscribes(v3, { clientId: 'plain' }, ['t', 0]);
    for (const payload of ['a', 'b']) {
      for (const dup of [false, true, true])
        expect(await writer.says(v3.publish({ payload, qos: 2, id: 5, dup }))).toEqual(['pubrec #5']);
      expect(await reader.hears()).toEqual([`t=${payload}`]);
      for (let time = 0; time < 2; time += 1) expect(await writer.says(v3.pubrel(5))).toEqual(['pubcomp #5']);
    }
    expect(await reader.hears()).toEqual([]);
  });

  test('PUBACKs and PUBRECs come in the order of their PUBLISHes, PUBRELs in that of their PUBRECs [MQTT-4.6.0-2, MQTT-4.6.0-3, MQTT-4.6.0-4]', async () => {
    const [, reader, writer] = await readerAndWriter();
    const ids = [9, 3, 7, 1, 8];
    const answers = (type: string): string[] => ids.map((id) => `${type} #${id}`);
    expect(await writer.says(...ids.map((id) => v3.publish({ qos: 1, id })))).toEqual(answers('puback'));
    expect(await writer.says(...ids.map((id) => v3.publish({ qos: 2, id })))).toEqual(answers('pubrec'));
    expect(await writer.says(...ids.map((id) => v3.pubrel(id)))).toEqual(answers('pubcomp'));
    await reader.hears();
    const exact = reader.heard.filter(({ qos }) => qos === 2).map(({ id }) => id ?? 0);
    const turned = [...exact].reverse();
    expect(await reader.says(...turned.map((id) => v3.pubrec(id)))).toEqual(
      turned.map((id) => `pubrel #${id}`),
    );
  });

  test('what comes again comes in the order of its first sending, and PUBRELs in that of their PUBRECs [MQTT-4.6.0-1, MQTT-4.6.0-4]', async () => {
    if (clean) return;
    const [server, reader, writer] = await readerAndWriter();
    for (let n = 1; n <= 6; n += 1) await writer.says(v3.publish({ payload: `${n}`, qos: 2, id: n }));
    await reader.hears();
    await reader.says(v3.pubrec(5), v3.pubrec(2));
    await reader.vanishes();
    const back = server.dials(v3);
    expect(await back.says(v3.connect({ clientId: 'reader', clean }))).toEqual([
      'connack 0 present',
      'pubrel #5',
      'pubrel #2',
      ...[1, 3, 4, 6].map((n) => `t=${n} q2 #${n} dup`),
    ]);
  });

  test('messages of one publisher, topic and QoS come in their order; every topic is ordered [MQTT-4.6.0-5, MQTT-4.6.0-6]', async () => {
    const [, reader, writer] = await readerAndWriter({ inFlightMax: 3 });
    const sent: Record<string, string[]> = {};
    for (let n = 0; n < 60; n += 1) {
      const [topic, qos] = [`t${n % 4}`, n % 3];
      (sent[`${topic} ${qos}`] ??= []).push(`${n}`);
      await writer.says(v3.publish({ topic, payload: `${n}`, qos, id: n + 1 }));
    }
    const came: Record<string, string[]> = {};
    for (await reader.hears(); reader.heard.length > 0;) {
      const answers: Buffer[] = [];
      for (const { type, topic, payload, qos, id } of reader.heard) {
        if (type === 'publish') (came[`${topic} ${qos}`] ??= []).push(payload.toString());
        if (type === 'pubrel') answers.push(v3.pubcomp(id ?? 0));
        else if (qos > 0) answers.push(qos === 1 ? v3.puback(id ?? 0) : v3.pubrec(id ?? 0));
      }
      await reader.says(...answers);
    }
    expect(came).toEqual(sent);
  });
});
