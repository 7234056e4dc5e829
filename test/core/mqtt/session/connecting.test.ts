import { expect, test } from 'vitest';
import { NEVER_EXPIRES } from '../../../../src/core/broker/index.ts';
import {
  MqttViolation,
  type Connect,
  type MqttSession,
  type Reason,
} from '../../../../src/core/mqtt/index.ts';
import { connect, publish } from '../packets.ts';
import {
  bytesOf,
  connected,
  content,
  fresh,
  NOW,
  opened,
  opOf,
  permitted,
  v5,
  violationOf,
  type More,
} from './conversation.ts';

/** What the client is told of a CONNECT that is committed: its CONNACK. */
function connackOf(packet: Partial<Connect>, more: More & Readonly<{ isPresent?: boolean }> = {}): string {
  const { isPresent = false, ...parts } = more;
  const session = fresh(parts);
  session.step(connect(packet), NOW);
  session.admitted(permitted());
  const isDurable = packet.isClean === false;
  return bytesOf(session.opened({ type: 'opened', isPresent, isDurable }, opened(isDurable)));
}

/** `27 00100000`: the maximum packet size, which every CONNACK of MQTT 5 tells. */
const SIZE = '2700100000';

const will = { ...content, address: 'w', expirySeconds: null, delaySeconds: 0 };

test('the first packet must be CONNECT [MQTT-3.1.0-1], and there is only one [MQTT-3.1.0-2]', () => {
  expect(violationOf(() => fresh().step({ type: 'pingreq' }, NOW))).toContain('MQTT-3.1.0-1');
  for (const level of [4, 5] as const) {
    const second = violationOf(() => connected({ level }).step(connect({ level }), NOW));
    expect(second).toContain('0x82');
    expect(second).toContain('MQTT-3.1.0-2');
  }
});

test('no packet is taken while a CONNECT waits for its commit (PROTOCOL.md Ack)', () => {
  const session = fresh();
  session.step(connect(), NOW);
  expect(session.mustWait).toBe(true);
  session.admitted(permitted());
  expect(session.mustWait).toBe(true);
  expect(() => session.step(publish(), NOW)).toThrow(/while a CONNECT waits/);
  session.opened({ type: 'opened', isPresent: false, isDurable: false }, opened(false));
  expect(session.mustWait).toBe(false);
});

test('CONNACK says whether a session was present [MQTT-3.2.2-2, MQTT-3.2.2-3]', () => {
  for (const isPresent of [false, true]) {
    expect(connackOf({ isClean: false }, { isPresent })).toBe(`2002${isPresent ? '01' : '00'}00`);
    expect(connackOf({ ...v5, isClean: false }, { isPresent })).toBe(
      `2008${isPresent ? '01' : '00'}0005${SIZE}`,
    );
  }
});

test('an empty client identifier gets a name with a clean session [MQTT-3.1.3-6] and 0x02 without [MQTT-3.1.3-8]', () => {
  const session = fresh();
  expect(session.step(connect({ clientId: '' }), NOW)).toMatchObject({
    type: 'authenticate',
    clientId: 'spare',
  });
  expect(opOf(session.admitted(permitted()))).toMatchObject({
    clientId: 'spare',
    isClean: true,
    expirySeconds: 0,
  });
  expect(bytesOf(fresh().step(connect({ clientId: '', isClean: false }), NOW))).toBe(
    '20020002 LS_MQTT_CLIENT_ID',
  );
});

test('an empty client identifier always gets a name in MQTT 5, and is told it [MQTT5-3.1.3-6, MQTT5-3.1.3-7, MQTT5-3.2.2-16]', () => {
  const name = `120005${Buffer.from('spare').toString('hex')}`;
  for (const isClean of [true, false]) {
    const told = connackOf({ ...v5, clientId: '', isClean });
    expect(told).toContain(name);
    expect(connackOf({ ...v5, isClean })).not.toContain('120001');
  }
});

test('other versions are refused with the code that their clients understand [MQTT-3.1.2-2]', () => {
  const bytesFor = (level: number, isMqisdp = false) =>
    bytesOf(fresh().step({ type: 'foreignConnect', level, isMqisdp }, NOW));
  expect(bytesFor(3, true)).toBe('20020001 LS_MQTT_VERSION');
  expect(bytesFor(6)).toBe('20020001 LS_MQTT_VERSION');
  expect(bytesFor(0x84)).toBe('20020001 LS_MQTT_VERSION');
});

test('silence is bounded by one and a half times the keep-alive [MQTT-3.1.2-24], and a will waits as long for its client', () => {
  const open = (packet: Partial<Connect>) => {
    const session = fresh();
    session.step(connect({ ...packet, will }), NOW);
    return session.admitted(permitted());
  };
  expect(open({ keepAliveSeconds: 10 })).toMatchObject({
    type: 'open',
    terms: { silenceMsMax: 15_000 },
    op: { will: { patienceMs: 15_000 } },
  });
  expect(open({ keepAliveSeconds: 0 })).toMatchObject({
    terms: { silenceMsMax: 0 },
    op: { will: { patienceMs: 60_000 } },
  });
});

test('a client of MQTT 5 that wants a longer keep-alive than the server, or none, is told the server’s [5.0 §3.1.2.10, §3.2.2.3.14]', () => {
  const parts = { limits: { keepAliveSecondsMax: 60 } };
  const silence = (packet: Partial<Connect>) => {
    const session = fresh(parts);
    session.step(connect(packet), NOW);
    return session.admitted(permitted());
  };
  for (const keepAliveSeconds of [0, 61]) {
    expect(connackOf({ ...v5, keepAliveSeconds }, parts)).toContain('13003c');
    expect(silence({ ...v5, keepAliveSeconds })).toMatchObject({ terms: { silenceMsMax: 90_000 } });
  }
  expect(connackOf({ ...v5, keepAliveSeconds: 60 }, parts)).toBe(`2008000005${SIZE}`);
  // MQTT 3.1.1 has no word for it.
  expect(silence({ keepAliveSeconds: 61 })).toMatchObject({ terms: { silenceMsMax: 91_500 } });
});

test('a session is kept no longer than the server keeps sessions, and a client of MQTT 5 is told so [MQTT5-3.1.2-23]', () => {
  const parts = { limits: { sessionExpirySecondsMax: 100 } };
  const opOfConnect = (packet: Partial<Connect>) => {
    const session = fresh(parts);
    session.step(connect(packet), NOW);
    return opOf(session.admitted(permitted()));
  };
  expect(opOfConnect({ ...v5, expirySeconds: 101 })).toMatchObject({ expirySeconds: 100 });
  expect(connackOf({ ...v5, expirySeconds: 101 }, parts)).toContain('1100000064');
  expect(connackOf({ ...v5, expirySeconds: 100 }, parts)).toBe(`2008000005${SIZE}`);
  expect(opOfConnect({ isClean: false, expirySeconds: NEVER_EXPIRES })).toMatchObject({ expirySeconds: 100 });
});

test('CONNACK tells what the server takes: receive maximum, packet size, topic aliases', () => {
  const told = connackOf(v5, {
    limits: { receiveMax: 20, aliasMax: 7, packetSizeMax: 2048 },
  });
  for (const property of ['210014', '220007', '2700000800']) expect(told).toContain(property);
  expect(connackOf(v5)).toBe(`2008000005${SIZE}`);
});

test('response information is told to who asks, and is a topic [MQTT5-3.1.2-28]', () => {
  const prefix = `1a0008${Buffer.from('reply/c/').toString('hex')}`;
  expect(connackOf({ ...v5, wantsResponseInformation: true })).toContain(prefix);
  expect(connackOf(v5)).not.toContain(prefix);
  for (const clientId of ['a+', '#', 'a/b'])
    expect(connackOf({ ...v5, clientId, wantsResponseInformation: true })).toBe(`2008000005${SIZE}`);
});

test('a refused client is told why in the words of its version, with no session present [MQTT-3.2.2-4, MQTT5-3.2.2-6]', () => {
  const refused = (packet: Partial<Connect>, reason: 0x86 | 0x87 | 0x89) => {
    const session = fresh();
    session.step(connect(packet), NOW);
    return bytesOf(session.refused({ reason, code: 'LS_ACCESS', text: 'text' }));
  };
  expect(refused({}, 0x86)).toBe('20020004 LS_ACCESS');
  expect(refused({}, 0x87)).toBe('20020005 LS_ACCESS');
  expect(refused({}, 0x89)).toBe('20020003 LS_ACCESS');
  expect(refused(v5, 0x86)).toBe('2003008600 LS_ACCESS');
});

test('a client that takes no packet as long as its CONNACK gets none [MQTT5-3.1.2-24]', () => {
  expect(connackOf({ ...v5, packetSizeMax: 9 })).toBe('none LS_MQTT_ANSWER_SIZE');
  expect(connackOf({ ...v5, packetSizeMax: 10 })).toBe(`2008000005${SIZE}`);
});

test('before CONNACK a client is sent away for what it did with CONNACK, after it with DISCONNECT, and MQTT 3.1.1 knows the first only', () => {
  const text = (session: MqttSession, reason: Reason) => session.lastWord(reason)?.toString('hex') ?? null;
  expect(text(fresh(), 0x81)).toBe(null);
  const opening = fresh();
  opening.step(connect(v5), NOW);
  expect(text(opening, 0x81)).toBe('2003008100');
  expect(text(opening, 0x98)).toBe('2003008000');
  expect(text(connected(v5), 0x98)).toBe('e0029800');
  expect(text(connected(), 0x98)).toBe(null);
});

test('a client that did nothing wrong is told so only after its CONNACK: many take a refused CONNECT for good', () => {
  const text = (session: MqttSession) => session.farewell(0x8e)?.toString('hex') ?? null;
  const opening = fresh();
  opening.step(connect(v5), NOW);
  expect([text(fresh()), text(opening), text(connected())]).toEqual([null, null, null]);
  expect(text(connected(v5))).toBe('e0028e00');
});

test('a CONNECT that can’t be read is answered with CONNACK where it is known to be of MQTT 5 [MQTT5-3.1.4-1, §4.13]', () => {
  const violation = (level: 4 | 5 | null) => new MqttViolation('LS_MQTT_MALFORMED', 0x81, 'text', level);
  expect(fresh().violated(violation(5))?.toString('hex')).toBe('2003008100');
  for (const level of [4, null] as const) expect(fresh().violated(violation(level))).toBe(null);
});

test('a will that is said to be UTF-8 and is not is refused with 0x99 [5.0 §3.1.3.2.3]', () => {
  const willOf = (payload: Buffer, properties: Buffer) => {
    const session = fresh();
    const packet = connect({ ...v5, will: { ...will, payload, properties } });
    return violationOf(() => session.step(packet, NOW)) + (session.lastWord(0x99)?.toString('hex') ?? '');
  };
  const isText = Buffer.from('0101', 'hex');
  expect(willOf(Buffer.from([0xff]), isText)).toMatch(/0x99.*2003009900$/);
  expect(willOf(Buffer.from('ä'), isText)).toMatch(/^none/);
  expect(willOf(Buffer.from([0xff]), Buffer.from('0100', 'hex'))).toMatch(/^none/);
});

test('what is known of a client’s session comes from its CONNECT: clean by rule where it was another user’s', () => {
  const session = fresh();
  session.step(connect({ ...v5, isClean: false, expirySeconds: 7 }), NOW);
  const open = session.admitted(permitted({ user: 'u', mustBeClean: true }));
  expect(opOf(open)).toMatchObject({ clientId: 'c', user: 'u', isClean: true, expirySeconds: 7 });
});
