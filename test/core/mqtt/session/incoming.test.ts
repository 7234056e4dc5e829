import { expect, test } from 'vitest';
import { Handshakes } from '../../../../src/core/broker/handshakes.ts';
import { plainSubscription, type Outcome } from '../../../../src/core/broker/index.ts';
import { ack, asked, publish } from '../packets.ts';
import { answerOf, connected, content, NOW, opOf, v5, violationOf } from './conversation.ts';

const MATCHED: Outcome = { type: 'published', isMatched: true };
const UNMATCHED: Outcome = { type: 'published', isMatched: false };
const REFUSED: Outcome = { type: 'refused' };

const explained = (bytes: string): string => bytes.slice(0, 2) + bytes.slice(4, 10);

test('PUBACK comes with the commit of its message and never at once [MQTT-3.3.4-1] (PROTOCOL.md Ack)', () => {
  const session = connected();
  const effect = session.step(publish({ isRetained: true }), NOW);
  expect(effect).toEqual({
    type: 'propose',
    op: { type: 'publish', ...content, isRetained: true, from: 'c' },
    ask: { type: 'puback', packetId: 7, verdict: null },
  });
  expect(answerOf(session, effect, MATCHED)).toBe('40020007');
});

test('QoS 0 passes by, but a message to be retained is proposed [MQTT-3.3.1-7]', () => {
  const packet = publish({ qos: 0, packetId: 0 });
  expect(connected().step(packet, NOW)).toMatchObject({
    type: 'pass',
    content: { address: 't' },
    from: null,
  });
  const retained = connected().step(publish({ qos: 0, packetId: 0, isRetained: true }), NOW);
  expect(retained).toMatchObject({ type: 'propose', op: { qos: 0, isRetained: true }, ask: null });
});

test('QoS 2 of a durable session: the state knows what has come, so every PUBLISH and PUBREL is proposed [MQTT-4.3.3-2]', () => {
  for (const [level, unknown] of [
    [4, '70020007'],
    [5, '7003000792'],
  ] as const) {
    const session = connected({ level, isClean: false });
    const received = session.step(publish({ qos: 2 }), NOW);
    expect(opOf(received)).toEqual({ type: 'receive', clientId: 'c', packetId: 7, ...content, qos: 2 });
    expect(answerOf(session, received, MATCHED)).toBe('50020007');
    expect(session.step(publish({ qos: 2 }), NOW)).toEqual(received);
    const released = session.step(ack('pubrel', 7), NOW);
    expect(opOf(released)).toEqual({ type: 'release', clientId: 'c', packetId: 7 });
    expect(answerOf(session, released)).toBe('70020007');
    // One that nothing is known of is answered as well.
    expect(answerOf(session, session.step(ack('pubrel', 7), NOW), { type: 'absent' })).toBe(unknown);
  }
});

test('QoS 2 of a clean session: the conversation knows what has come, and a repeat is answered but not published [MQTT-4.3.3-2]', () => {
  for (const [level, unknown] of [
    [4, '70020007'],
    [5, '7003000792'],
  ] as const) {
    const session = connected({ level });
    const first = session.step(publish({ qos: 2 }), NOW);
    expect(opOf(first)).toEqual({ type: 'publish', ...content, qos: 2, from: null });
    const again = session.step(publish({ qos: 2, isDup: true }), NOW);
    expect(opOf(again)).toEqual({ type: 'barrier' });
    expect(answerOf(session, first, MATCHED)).toBe('50020007');
    expect(answerOf(session, again)).toBe('50020007');
    const release = () => session.step(ack('pubrel', 7), NOW);
    expect(opOf(release())).toEqual({ type: 'barrier' });
    expect(answerOf(session, release())).toBe(unknown);
    expect(opOf(session.step(publish({ qos: 2 }), NOW))).toMatchObject({ type: 'publish' });
  }
});

test('a message that nobody has subscribed to is acknowledged with 0x10 in MQTT 5', () => {
  const answers = (level: 4 | 5, qos: 1 | 2) => {
    const session = connected({ level });
    return answerOf(session, session.step(publish({ qos }), NOW), UNMATCHED);
  };
  expect([answers(5, 1), answers(5, 2), answers(4, 1), answers(4, 2)]).toEqual([
    '4003000710',
    '5003000710',
    '40020007',
    '50020007',
  ]);
});

test('a message that a full queue refuses: MQTT 5 says 0x97, MQTT 3.1.1 closes without an acknowledgement, so that the client keeps it', () => {
  for (const isClean of [true, false])
    for (const qos of [1, 2] as const) {
      const old = connected({ isClean });
      expect(answerOf(old, old.step(publish({ qos }), NOW), REFUSED)).toBe('none LS_MQTT_REFUSED');
      const session = connected({ ...v5, isClean });
      const effect = session.step(publish({ qos }), NOW);
      expect(explained(answerOf(session, effect, REFUSED))).toBe(qos === 1 ? '40000797' : '50000797');
      // Nothing is kept of it: under its identifier comes a new message.
      expect(opOf(session.step(publish({ qos }), NOW))?.type).toBe(
        qos === 2 && !isClean ? 'receive' : 'publish',
      );
    }
});

test('a repeat of a message that was refused meanwhile is refused as well', () => {
  const session = connected(v5);
  const [first, repeat] = [session.step(publish({ qos: 2 }), NOW), session.step(publish({ qos: 2 }), NOW)];
  expect(explained(answerOf(session, first, REFUSED))).toBe('50000797');
  expect(explained(answerOf(session, repeat))).toBe('50000797');
});

test('a client that may not publish to a topic is told 0x87 in MQTT 5, and that all is well in MQTT 3.1.1 [MQTT-3.3.5-2]', () => {
  const answers = (level: 4 | 5) => {
    const session = connected({ level }, { permissions: { mayPublish: () => false } });
    return ([0, 1, 2] as const).map((qos) => answerOf(session, session.step(publish({ qos }), NOW)));
  };
  expect(answers(4)).toEqual(['nothing', '40020007', '50020007']);
  expect(answers(5).map((bytes) => (bytes === 'nothing' ? bytes : explained(bytes)))).toEqual([
    'nothing',
    '40000787',
    '50000787',
  ]);
});

test('a repeat with QoS 2 is answered as such, whatever the client may do by now: its identifier is taken', () => {
  const handshakes = new Handshakes({ assignedThrough: 0, received: [7], releasing: [] });
  const permissions = { mayPublish: () => false };
  const session = connected({ ...v5, isClean: false }, { permissions, session: { handshakes } });
  expect(answerOf(session, session.step(publish({ qos: 2 }), NOW))).toBe('50020007');
});

test('what a client may not publish is never proposed, also where it takes the identifier of a message whose release waits for its commit [MQTT-3.3.5-2]', () => {
  const handshakes = new Handshakes({ assignedThrough: 0, received: [7], releasing: [] });
  const permissions = { mayPublish: (topic: string) => topic !== 'secret' };
  const session = connected({ ...v5, isClean: false }, { permissions, session: { handshakes } });
  session.step(ack('pubrel', 7), NOW);
  const proposed = (packet: Parameters<typeof publish>[0]) =>
    opOf(session.step(publish({ qos: 2, ...packet }), NOW))?.type;
  expect(proposed({ topic: 'secret' })).toBe('barrier');
  expect(proposed({ payload: Buffer.from([0xff]), isText: true })).toBe('barrier');
  expect(proposed({})).toBe('receive');
});

test('properties go along unaltered, and the expiry interval becomes a time [MQTT5-3.3.2-5]', () => {
  const properties = Buffer.from('260001610001 62'.replace(' ', ''), 'hex');
  const effect = connected(v5).step(publish({ properties, expirySeconds: 3 }), NOW);
  expect(opOf(effect)).toMatchObject({ properties, expiresAt: NOW + 3_000 });
});

test('no message lives longer than the server lets it', () => {
  const limits = { messageExpirySecondsMax: 10 };
  const expiresAt = (packet: { level?: 5 }, expirySeconds: number | null) =>
    opOf(connected(packet, { limits }).step(publish({ expirySeconds }), NOW));
  expect(expiresAt(v5, 3)).toMatchObject({ expiresAt: NOW + 3_000 });
  expect(expiresAt(v5, 30)).toMatchObject({ expiresAt: NOW + 10_000 });
  expect(expiresAt({}, null)).toMatchObject({ expiresAt: NOW + 10_000 });
});

test('a payload that is said to be UTF-8 and is not: 0x99, or the end of the connection with QoS 0 [5.0 §3.3.2.3.2]', () => {
  const payload = Buffer.from([0xff]);
  const packet = (qos: 0 | 1 | 2) => publish({ qos, payload, isText: true });
  const session = connected(v5);
  expect(explained(answerOf(session, session.step(packet(1), NOW)))).toBe('40000799');
  expect(explained(answerOf(session, session.step(packet(2), NOW)))).toBe('50000799');
  expect(violationOf(() => session.step(packet(0), NOW))).toContain('0x99');
  expect(session.step(publish({ payload: Buffer.from('ä'), isText: true }), NOW)).toMatchObject({
    type: 'propose',
  });
  expect(session.step(publish({ payload }), NOW)).toMatchObject({ type: 'propose' });
});

test('a topic alias stands for the topic it came with, on this connection [MQTT5-3.3.2-7, 5.0 §3.3.4]', () => {
  const session = connected(v5, { limits: { aliasMax: 2 } });
  const topicOf = (topic: string, alias: number) =>
    opOf(session.step(publish({ topic, alias }), NOW)) ?? { address: null };
  expect(topicOf('a', 1)).toMatchObject({ address: 'a' });
  expect(topicOf('b', 2)).toMatchObject({ address: 'b' });
  expect(topicOf('', 1)).toMatchObject({ address: 'a' });
  expect(topicOf('c', 1)).toMatchObject({ address: 'c' });
  expect(topicOf('', 1)).toMatchObject({ address: 'c' });
  const other = connected(v5, { limits: { aliasMax: 2 } });
  expect(violationOf(() => other.step(publish({ topic: '', alias: 1 }), NOW))).toContain('0x82');
});

test('a topic alias beyond what CONNACK allowed is 0x94 [MQTT5-3.3.2-9]', () => {
  for (const aliasMax of [0, 2]) {
    const session = connected(v5, { limits: { aliasMax } });
    const beyond = () => session.step(publish({ topic: 'a', alias: aliasMax + 1 }), NOW);
    expect(violationOf(beyond)).toContain('0x94');
  }
});

test('more messages than the receive maximum before any is acknowledged end the connection with 0x93 [MQTT5-3.3.4-7, MQTT5-3.3.4-9]', () => {
  const session = connected(v5, { limits: { receiveMax: 2 } });
  const [one, two] = [
    session.step(publish({ packetId: 1 }), NOW),
    session.step(publish({ packetId: 2, qos: 2 }), NOW),
  ];
  // QoS 0 and repeats do not count.
  session.step(publish({ packetId: 0, qos: 0 }), NOW);
  session.step(publish({ packetId: 2, qos: 2, isDup: true }), NOW);
  answerOf(session, one, MATCHED);
  session.step(publish({ packetId: 3 }), NOW);
  answerOf(session, two, MATCHED);
  // PUBREC leaves it to wait for PUBCOMP.
  expect(violationOf(() => session.step(publish({ packetId: 4 }), NOW))).toContain('0x93');
});

test('PUBCOMP and a PUBREC that refuses make room in the receive maximum again [5.0 §4.9]', () => {
  const session = connected(v5, { limits: { receiveMax: 1 } });
  answerOf(session, session.step(publish({ packetId: 1, qos: 2 }), NOW), MATCHED);
  answerOf(session, session.step(ack('pubrel', 1), NOW));
  answerOf(session, session.step(publish({ packetId: 2, qos: 2 }), NOW), REFUSED);
  expect(session.step(publish({ packetId: 3 }), NOW)).toMatchObject({ type: 'propose' });
});

test('a client of MQTT 3.1.1 knows no receive maximum', () => {
  const session = connected({}, { limits: { receiveMax: 1 } });
  for (const packetId of [1, 2, 3])
    expect(session.step(publish({ packetId }), NOW)).toMatchObject({ type: 'propose' });
});

test('messages name their publisher only where it has asked not to get its own [MQTT5-3.8.3-3]', () => {
  const noLocal = { ...plainSubscription('a', 1), isNoLocal: true };
  const fromOf = (session: ReturnType<typeof connected>) => {
    const passed = session.step(publish({ qos: 0, packetId: 0 }), NOW);
    const proposed = opOf(session.step(publish(), NOW));
    return [passed.type === 'pass' && passed.from, proposed?.type === 'publish' && proposed.from];
  };
  expect(fromOf(connected(v5))).toEqual([null, null]);
  const session = connected(v5);
  session.step({ type: 'subscribe', packetId: 1, subscriptions: [asked('a', 1, { isNoLocal: true })] }, NOW);
  expect(fromOf(session)).toEqual(['c', 'c']);
  const subscriptions = new Map([['a', noLocal]]);
  expect(fromOf(connected({ ...v5, isClean: false }, { session: { subscriptions } }))).toEqual(['c', 'c']);
});
