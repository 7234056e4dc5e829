import { expect, test } from 'vitest';
import {
  NEVER_EXPIRES,
  NO_PROPERTIES,
  plainSubscription,
  type Content,
} from '../../../src/core/broker/index.ts';
import {
  MqttSession,
  MqttViolation,
  type Connect,
  type Effect,
  type Packet,
  type Permissions,
} from '../../../src/core/mqtt/index.ts';
import { ack, asked, connect, disconnect, publish } from './packets.ts';

const content: Content = {
  address: 't',
  payload: Buffer.from('m'),
  qos: 1,
  isRetained: false,
  properties: NO_PROPERTIES,
  expiresAt: null,
};

const fresh = (): MqttSession =>
  new MqttSession({ spareClientId: 'spare', queue: { messages: 5, bytes: 1e9, whenFull: 'dropOldest' } });

const ALL: Permissions = {
  user: null,
  mustBeClean: false,
  mayPublish: () => true,
  maySubscribe: () => true,
};

/** A CONNECT, and what follows when its client is admitted. */
function connecting(session: MqttSession, more: Partial<Connect> = {}, permissions = ALL): Effect {
  const effect = session.step(connect(more));
  return effect.type === 'authenticate' ? session.admitted(effect.connect, permissions) : effect;
}

function connected(more: Partial<Connect> = {}, permissions = ALL): MqttSession {
  const session = fresh();
  connecting(session, more, permissions);
  session.opened({ isPresent: false, isDurable: more.isClean === false });
  return session;
}

function violationOf(act: () => unknown): string {
  try {
    act();
  } catch (failure) {
    if (failure instanceof MqttViolation) return `${failure.code} ${failure.message}`;
  }
  return 'none';
}

const opOf = (effect: Effect) => (effect.type === 'open' || effect.type === 'propose' ? effect.op : null);

test('the first packet must be CONNECT [MQTT-3.1.0-1], and there is only one [MQTT-3.1.0-2]', () => {
  expect(violationOf(() => fresh().step({ type: 'pingreq' }))).toContain('MQTT-3.1.0-1');
  expect(violationOf(() => connected().step(connect()))).toContain('MQTT-3.1.0-2');
  expect(
    violationOf(() => connected().step({ type: 'foreignConnect', level: 6, isMqisdp: false })),
  ).toContain('MQTT-3.1.0-2');
});

test('CONNACK says whether a session was present [MQTT-3.2.2-2, MQTT-3.2.2-3]', () => {
  for (const isPresent of [false, true]) {
    const session = fresh();
    connecting(session, { isClean: false });
    expect(session.isOpening).toBe(true);
    expect([...session.opened({ isPresent, isDurable: true })]).toEqual([0x20, 2, isPresent ? 1 : 0, 0]);
    expect(session.isOpening).toBe(false);
  }
});

test('no packet is taken while a CONNECT waits for its commit (PROTOCOL.md Ack)', () => {
  const session = fresh();
  session.step(connect());
  expect(() => session.step(publish())).toThrow(/waits for its commit/);
});

test('an empty client identifier gets a name with a clean session [MQTT-3.1.3-6] and 0x02 without [MQTT-3.1.3-8]', () => {
  expect(opOf(connecting(fresh(), { clientId: '' }))).toMatchObject({
    clientId: 'spare',
    isClean: true,
    expirySeconds: 0,
  });
  const refusal = connecting(fresh(), { clientId: '', isClean: false });
  expect(refusal).toMatchObject({
    type: 'refuse',
    code: 'LS_MQTT_CLIENT_ID',
    bytes: Buffer.from([0x20, 2, 0, 2]),
  });
});

test('other versions are refused with the code that their clients understand [MQTT-3.1.2-2]', () => {
  const bytesFor = (packet: Packet) => {
    const effect = fresh().step(packet);
    return effect.type === 'refuse' ? [effect.code, effect.bytes.toString('hex')] : [];
  };
  const foreign = { type: 'foreignConnect', isMqisdp: false } as const;
  expect(bytesFor({ ...foreign, level: 3, isMqisdp: true })).toEqual(['LS_MQTT_VERSION', '20020001']);
  expect(bytesFor(connect({ level: 5 }))).toEqual(['LS_MQTT_VERSION', '2003008400']);
  expect(bytesFor({ ...foreign, level: 0x84 })).toEqual(['LS_MQTT_VERSION', '20020001']);
});

test('silence is bounded by one and a half times the keep-alive [MQTT-3.1.2-24], and a will waits as long for its client', () => {
  const will = { ...content, address: 'w', expirySeconds: null, delaySeconds: 0 };
  const open = connecting(fresh(), { keepAliveSeconds: 10, will });
  expect(open).toMatchObject({ type: 'open', keepAliveMs: 15_000, op: { will: { patienceMs: 15_000 } } });
  const silent = connecting(fresh(), { keepAliveSeconds: 0, will });
  expect(silent).toMatchObject({ type: 'open', keepAliveMs: 0, op: { will: { patienceMs: 60_000 } } });
});

test('PUBACK comes with the commit of its message and never at once [MQTT-3.3.4-1] (PROTOCOL.md Ack)', () => {
  expect(connected().step(publish({ isRetained: true }))).toEqual({
    type: 'propose',
    op: { type: 'publish', ...content, isRetained: true, from: null },
    reply: Buffer.from([0x40, 2, 0, 7]),
  });
});

test('QoS 0 passes by, but a message to be retained is proposed [MQTT-3.3.1-7]', () => {
  const packet = publish({ qos: 0, packetId: 0 });
  expect(connected().step(packet)).toMatchObject({ type: 'pass', content: { address: 't' } });
  const retained = connected().step(publish({ qos: 0, packetId: 0, isRetained: true }));
  expect(retained).toMatchObject({ type: 'propose', op: { qos: 0, isRetained: true }, reply: null });
});

test('QoS 2 of a durable session: the state knows what has come, so every PUBLISH and PUBREL is proposed [MQTT-4.3.3-2]', () => {
  const session = connected({ isClean: false });
  const received = {
    type: 'propose',
    op: {
      type: 'receive',
      clientId: 'c',
      packetId: 7,
      ...content,
      qos: 2,
    },
    reply: Buffer.from('50020007', 'hex'),
  };
  expect(session.step(publish({ qos: 2 }))).toEqual(received);
  expect(session.step(publish({ qos: 2 }))).toEqual(received);
  const released = {
    type: 'propose',
    op: { type: 'release', clientId: 'c', packetId: 7 },
    reply: Buffer.from('70020007', 'hex'),
  };
  expect(session.step(ack('pubrel', 7))).toEqual(released);
  // One that nothing is known of is answered as well.
  expect(session.step(ack('pubrel', 7))).toEqual(released);
});

test('QoS 2 of a clean session: the conversation knows what has come, and a repeat is answered but not published [MQTT-4.3.3-2]', () => {
  const session = connected();
  const op = { type: 'publish', ...content, qos: 2, from: null };
  const [pubrec, pubcomp] = [Buffer.from('50020007', 'hex'), Buffer.from('70020007', 'hex')];
  const barrier = { type: 'barrier' };
  expect(session.step(publish({ qos: 2 }))).toEqual({ type: 'propose', op, reply: pubrec });
  expect(session.step(publish({ qos: 2 }))).toEqual({ type: 'propose', op: barrier, reply: pubrec });
  const release = ack('pubrel', 7);
  expect(session.step(release)).toEqual({ type: 'propose', op: barrier, reply: pubcomp });
  expect(session.step(release)).toEqual({ type: 'propose', op: barrier, reply: pubcomp });
  expect(session.step(publish({ qos: 2 }))).toEqual({ type: 'propose', op, reply: pubrec });
});

test('SUBACK has one code for each filter [MQTT-3.8.4-5] and UNSUBACK the same identifier [MQTT-3.10.4-4]', () => {
  const session = connected({ isClean: false });
  const subscribed = session.step({
    type: 'subscribe',
    packetId: 0x102,
    subscriptions: [asked('a', 1), asked('b', 0)],
  });
  expect(subscribed).toMatchObject({
    type: 'propose',
    op: {
      type: 'subscribe',
      clientId: 'c',
      subscriptions: [plainSubscription('a', 1), plainSubscription('b', 0)],
    },
  });
  expect(subscribed).toMatchObject({ reply: Buffer.from('900401020100', 'hex') });
  const unsubscribed = session.step({
    type: 'unsubscribe',
    packetId: 3,
    filters: [{ filter: 'a', group: null }],
  });
  expect(unsubscribed).toMatchObject({ type: 'propose', reply: Buffer.from('b0020003', 'hex') });
});

test('what only this server knows is not proposed: subscriptions of a clean session', () => {
  const session = connected();
  const subscriptions = [asked('a', 1)];
  expect(session.step({ type: 'subscribe', packetId: 1, subscriptions })).toMatchObject({
    type: 'subscribeLocal',
  });
  expect(
    session.step({ type: 'unsubscribe', packetId: 1, filters: [{ filter: 'a', group: null }] }),
  ).toMatchObject({
    type: 'unsubscribeLocal',
  });
});

test('PINGREQ is answered [MQTT-3.12.4-1]; DISCONNECT ends [MQTT-3.14.4-3]; PUBACK settles, PUBREC releases, PUBCOMP completes', () => {
  expect(connected().step({ type: 'pingreq' })).toEqual({ type: 'reply', bytes: Buffer.from('d000', 'hex') });
  expect(connected().step(disconnect())).toEqual({ type: 'end' });
  expect(connected().step(ack('puback', 9))).toEqual({ type: 'settle', packetId: 9 });
  expect(connected().step(ack('pubrec', 9))).toEqual({ type: 'release', packetId: 9 });
  expect(connected().step(ack('pubcomp', 9))).toEqual({ type: 'complete', packetId: 9 });
});

test('a CONNECT waits until it is known who sent it; its session belongs to that user', () => {
  const session = fresh();
  const asked = session.step(connect({ userName: 'ann', password: Buffer.from('secret'), isClean: false }));
  expect(asked).toMatchObject({ type: 'authenticate', clientId: 'c', connect: { userName: 'ann' } });
  expect(session.isOpening).toBe(true);
  expect(opOf(session.admitted(connect({ isClean: false }), { ...ALL, user: 'ann' }))).toMatchObject({
    user: 'ann',
    isClean: false,
  });
});

test('of a session whose user is no more nothing goes to the next, who gets one of his own', () => {
  const op = opOf(connecting(fresh(), { isClean: false }, { ...ALL, user: 'bob', mustBeClean: true }));
  expect(op).toMatchObject({ isClean: true, expirySeconds: NEVER_EXPIRES });
});

test.each([
  ['badCredentials', 4],
  ['notAuthorized', 5],
  ['busy', 3],
] as const)('a client that is not let in (%s) is told so with code %i [MQTT-3.2.2-4]', (reason, code) => {
  const session = fresh();
  session.step(connect());
  const fault = { code: 'LS_TEST', text: 'why' };
  expect(session.refused(reason, fault)).toEqual({
    type: 'refuse',
    bytes: Buffer.from([0x20, 2, 0, code]),
    ...fault,
  });
});

test('a message that must not be published is acknowledged and goes no further [MQTT-3.3.5-2]', () => {
  for (const isClean of [true, false]) {
    const session = connected({ isClean }, { ...ALL, mayPublish: (topic) => topic !== 't' });
    expect(session.step(publish({ qos: 0, packetId: 0 }))).toEqual({ type: 'nothing' });
    expect(session.step(publish({ qos: 0, packetId: 0, isRetained: true }))).toEqual({ type: 'nothing' });
    for (const [qos, reply] of [
      [1, '40020007'],
      [2, '50020007'],
    ] as const) {
      const effect = session.step(publish({ qos }));
      expect(effect).toMatchObject({ type: 'propose', op: { type: 'barrier' } });
      expect(effect.type === 'propose' && effect.reply?.toString('hex')).toBe(reply);
    }
    expect(opOf(session.step(publish({ topic: 'u' })))).toMatchObject({ type: 'publish', address: 'u' });
  }
});

test('filters that must not be subscribed to get 0x80, in their places, and the others are granted [MQTT-3.9.3-1]', () => {
  const permissions = { ...ALL, maySubscribe: (filter: string) => filter.startsWith('a') };
  const filters = ['a', 'b', 'ab'];
  const subscriptions = filters.map((filter) => asked(filter, 1));
  for (const isClean of [true, false]) {
    const session = connected({ isClean }, permissions);
    const effect = session.step({ type: 'subscribe', packetId: 7, subscriptions });
    const granted = ['a', 'ab'].map((filter) => plainSubscription(filter, 1));
    if (isClean) expect(effect).toMatchObject({ type: 'subscribeLocal', subscriptions: granted });
    else expect(opOf(effect)).toMatchObject({ type: 'subscribe', subscriptions: granted });
    expect('reply' in effect && effect.reply?.toString('hex')).toBe('90050007018001');
    expect(
      session.step({ type: 'subscribe', packetId: 8, subscriptions: subscriptions.slice(1, 2) }),
    ).toEqual({
      type: 'reply',
      bytes: Buffer.from('9003000880', 'hex'),
    });
  }
});
