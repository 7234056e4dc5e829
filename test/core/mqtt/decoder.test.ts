import fc from 'fast-check';
import { generate, type Packet as LibraryPacket } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { NEVER_EXPIRES, NO_PROPERTIES, type Qos } from '../../../src/core/broker/index.ts';
import { Decoder, MqttViolation, type Ack, type Packet } from '../../../src/core/mqtt/index.ts';
import { ack, asked, connect, publish } from './packets.ts';

function decodeAll(chunks: readonly Buffer[], packetSizeMax = 1024): Packet[] {
  const decoder = new Decoder(packetSizeMax);
  const packets: Packet[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let packet = decoder.next(); packet !== null; packet = decoder.next()) packets.push(packet);
  }
  return packets;
}

function violationOf(hex: string, packetSizeMax = 1024): string {
  try {
    return `no violation: ${JSON.stringify(decodeAll([Buffer.from(hex.replaceAll(' ', ''), 'hex')], packetSizeMax))}`;
  } catch (failure) {
    if (!(failure instanceof MqttViolation)) throw failure;
    return `${failure.code} ${failure.message}`;
  }
}

const word = fc.string({
  unit: fc.constantFrom('a', 'ü', '漢', '😀', '\ufeff', '\ufffd', ' '),
  minLength: 1,
  maxLength: 6,
});
const packetId = fc.integer({ min: 1, max: 65_535 });
const payload = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const fromLibrary: fc.Arbitrary<[LibraryPacket, Packet]> = fc.oneof(
  fc
    .record({
      topic: word,
      payload,
      packetId,
      qos: fc.constantFrom<Qos>(0, 1, 2),
      retain: fc.boolean(),
    })
    .map(({ topic, payload: body, packetId: id, qos, retain }): [LibraryPacket, Packet] => [
      { cmd: 'publish', topic, payload: body, qos, retain, dup: false, messageId: id },
      publish({ topic, payload: body, qos, isRetained: retain, packetId: qos === 0 ? 0 : id }),
    ]),
  fc
    .record({
      packetId,
      filters: fc.array(fc.tuple(word, fc.constantFrom<Qos>(0, 1, 2)), { minLength: 1, maxLength: 4 }),
    })
    .map(({ packetId: id, filters }): [LibraryPacket, Packet] => [
      { cmd: 'subscribe', messageId: id, subscriptions: filters.map(([topic, qos]) => ({ topic, qos })) },
      {
        type: 'subscribe',
        packetId: id,
        subscriptions: filters.map(([filter, qos]) => asked(filter, qos)),
      },
    ]),
  fc
    .record({ packetId, filters: fc.array(word, { minLength: 1, maxLength: 4 }) })
    .map(({ packetId: id, filters }): [LibraryPacket, Packet] => [
      { cmd: 'unsubscribe', messageId: id, unsubscriptions: filters },
      { type: 'unsubscribe', packetId: id, filters: filters.map((filter) => ({ filter, group: null })) },
    ]),
  fc
    .tuple(fc.constantFrom<Ack['type'][]>('puback', 'pubrec', 'pubrel', 'pubcomp'), packetId)
    .map(([type, id]): [LibraryPacket, Packet] => [{ cmd: type, messageId: id }, ack(type, id)]),
  fc.constant<[LibraryPacket, Packet]>([{ cmd: 'pingreq' }, { type: 'pingreq' }]),
  fc
    .record({
      clientId: word,
      clean: fc.boolean(),
      keepalive: fc.nat(65_535),
      username: fc.option(word, { nil: undefined }),
      will: fc.option(
        fc.record({ topic: word, payload, qos: fc.constantFrom<Qos>(0, 1, 2), retain: fc.boolean() }),
      ),
    })
    .map(({ clientId, clean, keepalive, username, will }): [LibraryPacket, Packet] => [
      {
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clientId,
        clean,
        keepalive,
        ...(username === undefined ? {} : { username, password: Buffer.from('never kept') }),
        ...(will === null ? {} : { will }),
      },
      connect({
        clientId,
        isClean: clean,
        keepAliveSeconds: keepalive,
        userName: username ?? null,
        password: username === undefined ? null : Buffer.from('never kept'),
        expirySeconds: clean ? 0 : NEVER_EXPIRES,
        will:
          will === null
            ? null
            : {
                address: will.topic,
                payload: will.payload,
                qos: will.qos,
                isRetained: will.retain,
                properties: NO_PROPERTIES,
                expirySeconds: null,
                delaySeconds: 0,
              },
      }),
    ]),
);

test('packets that another implementation made are read as it meant them, however the network cuts them', () => {
  fc.assert(
    fc.property(
      fc.array(fromLibrary, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 })),
      (pairs, cuts) => {
        const bytes = Buffer.concat(pairs.map(([packet]) => generate(packet)));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(bytes.subarray(at));
        expect(decodeAll(chunks)).toEqual(pairs.map(([, packet]) => packet));
      },
    ),
    { numRuns: 300 },
  );
});

test('whatever comes, the decoder gives packets or a violation, and never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeAll([Buffer.from(bytes)]);
      } catch (failure) {
        expect(failure).toBeInstanceOf(MqttViolation);
      }
    }),
    { numRuns: 3000 },
  );
});

test('a packet that announces more than packetSizeMax is refused before its body has come', () => {
  // PUBLISH with a remaining length of 268435455.
  expect(violationOf('30 ffffff7f')).toMatch(
    /^LS_MQTT_PACKET_SIZE .*268435460 bytes, more than mqtt.packetSizeMax \(1024\)/,
  );
  expect(violationOf(`30 03 0001 61`, 5)).toMatch(/^no violation/);
  expect(violationOf(`30 04 0001 61 62`, 5)).toMatch(/^LS_MQTT_PACKET_SIZE/);
});

test('a big packet in many chunks is kept until it is whole', () => {
  const body = Buffer.alloc(500_000, 7);
  const bytes = generate({ cmd: 'publish', topic: 't', payload: body, qos: 0, retain: false, dup: false });
  const chunks = Array.from({ length: 100 }, (_, n) => bytes.subarray(n * 5_001, (n + 1) * 5_001));
  const packets = decodeAll(chunks, 1_000_000);
  expect(packets.map((packet) => (packet.type === 'publish' ? packet.payload.equals(body) : null))).toEqual([
    true,
  ]);
});

const CONNECT = '0004 4d515454 04';
const malformed: [string, string, string][] = [
  ['MQTT-1.5.3-2', 'a null character in a topic', '30 04 0002 6100'],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 in a topic', '30 03 0001 ff'],
  ['MQTT-1.5.3-1', 'a surrogate in a topic', '30 05 0003 eda080'],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 beside a true U+FFFD', '30 06 0004 efbfbd c3'],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 in a client identifier', `10 0d ${CONNECT} 02 0000 0001 ff`],
  ['MQTT-1.5.3-1', 'ill-formed UTF-8 in a user name', `10 10 ${CONNECT} 82 0000 0001 61 0001 ff`],
  ['MQTT-3.3.2-2', 'a wildcard in a PUBLISH topic', '30 05 0003 612f23'],
  ['MQTT-4.7.3-1', 'an empty PUBLISH topic', '30 02 0000'],
  ['MQTT-2.3.1-1', 'packet identifier 0 in a PUBLISH', '32 05 0001 61 0000'],
  ['MQTT-2.3.1-1', 'packet identifier 0 in a SUBSCRIBE', '82 06 0000 0001 61 00'],
  ['MQTT-3.3.1-4', 'QoS 3', '36 05 0001 61 0001'],
  ['MQTT-3.3.1-2', 'DUP with QoS 0', '38 03 0001 61'],
  ['2.2.3', 'a topic that ends beyond its packet', '30 03 0005 61'],
  ['2.2.3', 'a PUBLISH without room for its packet identifier', '32 03 0001 61'],
  ['2.2.3', 'a remaining length of five bytes', '30 ffffffff01'],
  ['2.2.3', 'bytes behind a PUBACK', '40 03 0001 00'],
  ['2.2.3', 'bytes behind a PINGREQ', 'c0 01 00'],
  ['MQTT-2.2.2-2', 'wrong flags of PUBREL', '60 02 0001'],
  ['MQTT-2.2.2-2', 'wrong flags of PUBREC', '52 02 0001'],
  ['MQTT-2.3.1-1', 'packet identifier 0 in a PUBREL', '62 02 0000'],
  ['MQTT-2.2.2-2', 'wrong flags of SUBSCRIBE', '80 06 0001 0001 61 00'],
  ['MQTT-2.2.2-2', 'wrong flags of CONNECT', `11 0c ${CONNECT} 02 0000 0000`],
  ['MQTT-2.2.2-2', 'wrong flags of DISCONNECT', 'e1 00'],
  ['MQTT-3.8.3-3', 'a SUBSCRIBE without filters', '82 02 0001'],
  ['MQTT-3.8.3-4', 'a requested QoS of 3', '82 06 0001 0001 61 03'],
  ['MQTT-4.7.1-2', '# not in last place', '82 08 0001 0003 232f61 00'],
  ['MQTT-4.7.1-2', '# not alone in its level', '82 07 0001 0002 6123 00'],
  ['MQTT-4.7.1-3', '+ not alone in its level', '82 07 0001 0002 612b 00'],
  ['MQTT-4.7.3-1', 'an empty filter', '82 05 0001 0000 00'],
  ['MQTT-3.10.3-2', 'an UNSUBSCRIBE without filters', 'a2 02 0001'],
  ['MQTT-3.1.2-1', 'another protocol name', '10 0c 0004 4d515455 04 02 0000 0000'],
  ['MQTT-3.1.2-3', 'the reserved connect flag', `10 0c ${CONNECT} 03 0000 0000`],
  ['MQTT-3.1.2-13', 'a will QoS without a will', `10 0c ${CONNECT} 0a 0000 0000`],
  ['MQTT-3.1.2-14', 'a will QoS of 3', `10 12 ${CONNECT} 1e 0000 0000 0001 77 0000 00`],
  ['MQTT-3.1.2-15', 'will retain without a will', `10 0c ${CONNECT} 22 0000 0000`],
  ['MQTT-3.1.2-22', 'a password without a user name', `10 0f ${CONNECT} 42 0000 0000 0001 70`],
  ['MQTT-3.3.2-2', 'a wildcard in a will topic', `10 11 ${CONNECT} 06 0000 0000 0001 2b 0000`],
];
for (const [clause, what, hex] of malformed)
  test(`${what} is malformed [${clause}]`, () => {
    expect(violationOf(hex)).toMatch(/^LS_MQTT_MALFORMED /);
    expect(violationOf(hex)).toContain(`[${clause}]`);
  });

test('packets that only a server sends are unexpected [MQTT-4.8.0-1]', () => {
  for (const hex of ['20 02 0000', '90 03 0001 00', 'b0 02 0001', 'd0 00', '00 00', 'f0 00'])
    expect(violationOf(hex)).toMatch(/^LS_MQTT_UNEXPECTED /);
});

test('a violation never repeats what the client sent: no topic, no password', () => {
  const topic = Buffer.from('secret+topic').toString('hex');
  expect(violationOf(`30 0e 000c ${topic}`)).not.toContain('secret');
});
