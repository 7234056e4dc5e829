import fc from 'fast-check';
import { parser, type Packet as LibraryPacket } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { NO_PROPERTIES } from '../../../src/core/broker/index.ts';
import {
  packetWriter,
  PublishCopies,
  REASON,
  REASONS,
  type ConnackProperties,
  type Level,
  type PacketWriter,
  type PublishMarks,
  type Reason,
  type WriterParts,
} from '../../../src/core/mqtt/index.ts';
import { bytes, packetId, qosLevel, word } from './library.ts';

const writer = (level: Level, more: Partial<WriterParts> = {}): PacketWriter =>
  packetWriter({ level, packetSizeMax: null, wantsProblemInformation: true, copies: null, ...more });

const marks = (more: Partial<PublishMarks> = {}): PublishMarks => ({
  qos: 0,
  packetId: 0,
  isRetained: false,
  isDup: false,
  ids: [],
  alias: null,
  expirySeconds: null,
  ...more,
});

const content = (address: string, payload: string, properties = '') => ({
  address,
  payload: Buffer.from(payload),
  properties: Buffer.from(properties.replaceAll(' ', ''), 'hex'),
});

/** What another implementation makes of a packet. */
function asLibrary(packet: Buffer, level: Level): LibraryPacket {
  const packets: LibraryPacket[] = [];
  const reading = parser({ protocolVersion: level });
  reading.on('packet', (one) => packets.push(one));
  reading.on('error', (failure) => {
    throw failure;
  });
  expect(reading.parse(packet)).toBe(0);
  const [only] = packets;
  if (only === undefined || packets.length > 1) throw new Error(`${packets.length} packets in one`);
  return only;
}

const hex = (packet: Buffer | null): string | null => packet?.toString('hex') ?? null;

const reasonOf = (carrier: keyof typeof REASONS, ...never: readonly number[]): fc.Arbitrary<Reason> =>
  fc.constantFrom(...[...REASONS[carrier].keys()].filter((code) => !never.includes(code))).map(
    (code) => code as Reason, // keys of the table
  );

/** User properties as the library gives them: by name. */
const named = (pairs: readonly (readonly [string, string])[]): Record<string, string | string[]> => {
  const found: Record<string, string | string[]> = {};
  for (const [name, value] of pairs) {
    const before = found[name];
    found[name] = before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value];
  }
  return found;
};

const explanation = fc.record({
  reasonString: fc.option(word, { nil: undefined }),
  userProperties: fc.option(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 3 }), {
    nil: undefined,
  }),
});
const present = <T extends object>(value: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never; // the keys of T

const explained = ({
  reasonString,
  userProperties,
}: ReturnType<
  typeof present<{ reasonString: string | undefined; userProperties: [string, string][] | undefined }>
>) => ({
  ...(reasonString === undefined ? {} : { reasonString }),
  ...(userProperties === undefined ? {} : { userProperties: named(userProperties) }),
});

for (const level of [4, 5] as const) {
  const version = level === 4 ? 'MQTT 3.1.1' : 'MQTT 5';

  test(`${version}: a PUBLISH is read by another implementation as it was meant, and is as long as was said before`, () => {
    fc.assert(
      fc.property(
        fc.record({
          address: fc.oneof(
            word,
            word.map((one) => one.repeat(30)),
          ),
          payload: bytes,
          contentType: fc.option(word),
          qos: qosLevel,
          packetId,
          isRetained: fc.boolean(),
          isDup: fc.boolean(),
          ids: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
          alias: fc.option(fc.record({ number: fc.integer({ min: 1, max: 65_535 }), isNew: fc.boolean() })),
          expirySeconds: fc.option(fc.nat(0xffff_ffff)),
        }),
        ({ address, payload, contentType, ...more }) => {
          const type = Buffer.from(contentType ?? '');
          const message = {
            address,
            payload,
            properties:
              contentType === null
                ? NO_PROPERTIES
                : Buffer.concat([Buffer.from([0x03, 0, type.length]), type]),
          };
          const how = {
            ...marks(more),
            packetId: more.qos === 0 ? 0 : more.packetId,
            isDup: more.isDup && more.qos > 0,
            alias: level === 5 ? more.alias : null,
          };
          const packet = writer(level).publish(message, how);
          const { ids, alias, expirySeconds } = how;
          const library = asLibrary(packet, level);
          expect(library).toMatchObject({
            cmd: 'publish',
            topic: alias?.isNew === false ? '' : address,
            payload,
            qos: how.qos,
            retain: how.isRetained,
            dup: how.isDup,
            ...(how.qos === 0 ? {} : { messageId: how.packetId }),
          });
          const properties = {
            ...(contentType === null ? {} : { contentType }),
            ...(ids.length === 0 ? {} : { subscriptionIdentifier: ids.length === 1 ? ids[0] : ids }),
            ...(alias === null ? {} : { topicAlias: alias.number }),
            ...(expirySeconds === null ? {} : { messageExpiryInterval: expirySeconds }),
          };
          if (level === 5 && Object.keys(properties).length > 0)
            expect(library).toMatchObject({ properties });
          else expect(library).not.toHaveProperty('properties');
          expect(writer(level).publishSize(message, how)).toBe(packet.length);
          expect(Buffer.concat([writer(level).publishHead(message, how), payload]).equals(packet)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
}

test('packets for many clients are those that each would have been given alone', () => {
  const copies = new PublishCopies();
  const messages = Array.from({ length: 40 }, (_, n) => content(`a/${n % 7}`, 'm'.repeat(n * 110), '01 01'));
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          place: fc.nat(messages.length - 1),
          qos: qosLevel,
          packetId,
          isRetained: fc.boolean(),
          isDup: fc.boolean(),
          expirySeconds: fc.constantFrom(null, 1, 2),
          ids: fc.constantFrom<(readonly number[])[]>([], [], [5]),
          level: fc.constantFrom<Level[]>(4, 5),
        }),
      ),
      (drawn) => {
        for (const { place, level: of, ...more } of drawn) {
          const message = messages[place] ?? content('', '');
          const how = { ...marks(more), packetId: more.qos === 0 ? 0 : more.packetId };
          const alone = writer(of).publish(message, how);
          expect(hex(writer(of, { copies }).publish(message, how))).toBe(hex(alone));
        }
        copies.clear();
      },
    ),
    { numRuns: 200 },
  );
});
test('with QoS 0 all clients get the same bytes, until the messages are let go of', () => {
  const copies = new PublishCopies();
  const many = writer(5, { copies });
  const message = content('a', 'm');
  const first = many.publish(message, marks());
  expect(many.publish(message, marks())).toBe(first);
  expect(many.publish(message, marks({ ids: [1] }))).not.toBe(first);
  expect(many.publish(content('a', 'm'), marks())).not.toBe(first);
  copies.clear();
  expect(many.publish(message, marks())).not.toBe(first);
});

test('MQTT 5: acknowledgements are read by another implementation as they were meant', () => {
  fc.assert(
    fc.property(
      fc
        .constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp')
        .chain((type) => fc.tuple(fc.constant(type), packetId, reasonOf(type), explanation)),
      ([type, id, reason, given]) => {
        const said = present(given);
        const library = asLibrary(writer(5)[type](id, reason, said), 5);
        expect(library).toMatchObject({ cmd: type, messageId: id, reasonCode: reason });
        if (Object.keys(said).length > 0) expect(library).toMatchObject({ properties: explained(said) });
      },
    ),
  );
});

test('MQTT 5: SUBACK and UNSUBACK have a reason for each filter [MQTT5-3.9.3-1, MQTT5-3.11.3-1]', () => {
  for (const type of ['suback', 'unsuback'] as const)
    fc.assert(
      fc.property(
        packetId,
        fc.array(reasonOf(type), { minLength: 1, maxLength: 200 }),
        explanation,
        (id, reasons, given) => {
          const said = present(given);
          const library = asLibrary(writer(5)[type](id, reasons, said), 5);
          expect(library).toMatchObject({ cmd: type, messageId: id, granted: reasons });
          if (Object.keys(said).length > 0) expect(library).toMatchObject({ properties: explained(said) });
        },
      ),
    );
});

test('MQTT 5: a CONNACK says all that a server may say of itself', () => {
  const all: ConnackProperties = {
    expirySeconds: 4_000_000_000,
    receiveMax: 10,
    qosMax: 1,
    isRetainAvailable: false,
    packetSizeMax: 100_000,
    assignedClientId: 'n',
    aliasMax: 20,
    isWildcardAvailable: true,
    isIdAvailable: true,
    isSharedAvailable: false,
    keepAliveSeconds: 30,
    responseInformation: 'r/',
    serverReference: 'other:1883',
    authentication: { method: 'SCRAM-SHA-256', data: Buffer.from('d') },
    reasonString: 'why',
    userProperties: [
      ['k', '1'],
      ['k', '2'],
    ],
  };
  expect(asLibrary(writer(5).connack(true, all), 5)).toMatchObject({
    cmd: 'connack',
    sessionPresent: true,
    reasonCode: 0,
    properties: {
      sessionExpiryInterval: 4_000_000_000,
      receiveMaximum: 10,
      maximumQoS: 1,
      retainAvailable: false,
      maximumPacketSize: 100_000,
      assignedClientIdentifier: 'n',
      topicAliasMaximum: 20,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: true,
      sharedSubscriptionAvailable: false,
      serverKeepAlive: 30,
      responseInformation: 'r/',
      serverReference: 'other:1883',
      authenticationMethod: 'SCRAM-SHA-256',
      authenticationData: Buffer.from('d'),
      reasonString: 'why',
      userProperties: { k: ['1', '2'] },
    },
  });
  const refusal = writer(5).refusal(REASON.useAnotherServer, { serverReference: 'other' });
  expect(hex(refusal)).toBe('200b009c081c00056f74686572');
});

test('MQTT 5: DISCONNECT and AUTH carry their reason and what belongs to it', () => {
  expect(
    asLibrary(
      bytesOf(writer(5).disconnect(REASON.serverMoved, { serverReference: 'b', reasonString: 'r' })),
      5,
    ),
  ).toMatchObject({
    cmd: 'disconnect',
    reasonCode: 0x9d,
    properties: { serverReference: 'b', reasonString: 'r' },
  });
  const authentication = { method: 'm', data: Buffer.from('d') };
  expect(asLibrary(writer(5).auth(REASON.continueAuthentication, authentication), 5)).toMatchObject({
    cmd: 'auth',
    reasonCode: 0x18,
    properties: { authenticationMethod: 'm', authenticationData: Buffer.from('d') },
  });
  expect(hex(writer(5).auth(REASON.success, { method: 'm', data: null }))).toBe('f00600041500016d');
});

const bytesOf = (packet: Buffer | null): Buffer => packet ?? Buffer.alloc(0);

test('short packets, byte for byte', () => {
  const [old, five] = [writer(4), writer(5)];
  expect(hex(old.connack(true))).toBe('20020100');
  expect(hex(five.connack(true))).toBe('2003010000');
  expect(hex(old.puback(0x102, REASON.success))).toBe('40020102');
  expect(hex(five.puback(0x102, REASON.success))).toBe('40020102');
  expect(hex(five.puback(0x102, REASON.noMatchingSubscribers))).toBe('4003010210');
  expect(hex(five.puback(0x102, REASON.success, {}))).toBe('4003010200');
  expect(hex(five.puback(0x102, REASON.success, { reasonString: 'r' }))).toBe('4008010200041f000172');
  expect(hex(old.pubrec(7, REASON.success))).toBe('50020007');
  // MQTT-3.6.1-1
  expect(hex(old.pubrel(7, REASON.success))).toBe('62020007');
  expect(hex(five.pubrel(7, REASON.packetIdentifierNotFound))).toBe('6203000792');
  expect(hex(old.pubcomp(7, REASON.success))).toBe('70020007');
  expect(hex(old.unsuback(7, [REASON.success]))).toBe('b0020007');
  expect(hex(five.unsuback(7, [REASON.success, REASON.noSubscriptionExisted]))).toBe('b0050007000011');
  expect(hex(old.pingresp())).toBe('d000');
  expect(hex(five.pingresp())).toBe('d000');
  expect(hex(five.disconnect(REASON.sessionTakenOver))).toBe('e0028e00');
});

test('MQTT 3.1.1 is told what it has numbers for [MQTT-3.2.2-6, MQTT-3.9.3-2], and goes without the rest', () => {
  const old = writer(4);
  const code = (reason: Reason): string | null => hex(old.refusal(reason));
  expect(code(REASON.unsupportedProtocolVersion)).toBe('20020001');
  expect(code(REASON.clientIdentifierNotValid)).toBe('20020002');
  expect(code(REASON.serverUnavailable)).toBe('20020003');
  expect(code(REASON.useAnotherServer)).toBe('20020003');
  expect(code(REASON.badUserNameOrPassword)).toBe('20020004');
  expect(code(REASON.notAuthorized)).toBe('20020005');
  expect(code(REASON.banned)).toBe('20020005');
  expect(code(REASON.malformedPacket)).toBe(null);
  expect(hex(old.suback(7, [REASON.grantedQos0, REASON.grantedQos2, REASON.quotaExceeded]))).toBe(
    '90050007000280',
  );
  expect(old.disconnect(REASON.serverShuttingDown)).toBe(null);
  expect(hex(old.puback(7, REASON.notAuthorized, { reasonString: 'r' }))).toBe('40020007');
  const all = marks({ ids: [1], expirySeconds: 5 });
  expect(hex(old.publish(content('t', 'm', '03 0001 61'), all))).toBe('30040001746d');
});

test('reason strings and user properties are left out for who does not want them [MQTT5-3.1.2-29]', () => {
  const silent = writer(5, { wantsProblemInformation: false });
  const why = { reasonString: 'because', userProperties: [['k', 'v']] } as const;
  expect(hex(silent.puback(7, REASON.quotaExceeded, why))).toBe('4003000797');
  expect(hex(silent.suback(7, [REASON.quotaExceeded], why))).toBe('900400070097');
  expect(hex(silent.disconnect(REASON.quotaExceeded, why))).toBe('e0029700');
  // What is told to be acted on stays.
  expect(hex(silent.disconnect(REASON.serverMoved, { ...why, serverReference: 'b' }))).toBe(
    'e0069d041c000162',
  );
});

test('they are left out where the packet would be longer than the client takes [MQTT5-3.4.2-2, MQTT5-3.4.2-3], user properties first', () => {
  const why = { reasonString: 'because', userProperties: [['k', 'v']] } as const;
  const sizes = [5, 15, 16, 22, 23].map((packetSizeMax) => {
    const packet = writer(5, { packetSizeMax }).puback(7, REASON.quotaExceeded, why);
    const { properties = {} } = asLibrary(packet, 5) as { properties?: object }; // a PUBACK
    return [packetSizeMax, packet.length, Object.keys(properties)];
  });
  expect(sizes).toEqual([
    [5, 5, []],
    [15, 5, []],
    [16, 16, ['reasonString']],
    [22, 16, ['reasonString']],
    [23, 23, ['reasonString', 'userProperties']],
  ]);
});

test('a text that is longer than a packet can say is left out', () => {
  const long = 'x'.repeat(65_536);
  expect(hex(writer(5).puback(7, REASON.quotaExceeded, { reasonString: long }))).toBe('4003000797');
  expect(asLibrary(writer(5).connack(false, { responseInformation: long, receiveMax: 5 }), 5)).toMatchObject({
    properties: { receiveMaximum: 5 },
  });
});

test('a reason that the packet can not carry is a fault of this program', () => {
  expect(() => writer(5).puback(7, REASON.serverMoved)).toThrow(/acknowledgement/);
  expect(() => writer(5).suback(7, [REASON.noMatchingSubscribers])).toThrow(/each filter/);
  expect(() => writer(5).disconnect(REASON.disconnectWithWill)).toThrow(/a server may give/);
  expect(() => writer(5).refusal(REASON.success)).toThrow(/a reason to refuse/);
});
