import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import { expect, test } from 'vitest';
import {
  Decoder,
  isUtf8,
  MqttViolation,
  REASON,
  reasonName,
  saysText,
  type Level,
} from '../../../src/core/mqtt/index.ts';
import { bytesOf, conversation, cut, decodeAll } from './library.ts';
import { violationOf } from './violations.ts';

const versions: readonly (readonly [string, Level])[] = [
  ['MQTT 3.1.1', 4],
  ['MQTT 5', 5],
];

for (const [version, level] of versions)
  test(`${version}: packets that another implementation made are read as it meant them, however the network cuts them`, () => {
    fc.assert(
      fc.property(
        conversation(level),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }),
        (pairs, sizes) => {
          const chunks = cut(bytesOf(pairs, level), sizes);
          expect(decodeAll(chunks)).toEqual(pairs.map(([, packet]) => packet));
        },
      ),
      { numRuns: 500 },
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

test('a packet that announces more than packetSizeMax is refused before its body has come, with 0x95 in MQTT 5', () => {
  // PUBLISH with a remaining length of 268435455.
  expect(violationOf('30 ffffff7f', { packetSizeMax: 1024 })).toMatch(
    /^LS_MQTT_PACKET_SIZE 0x95 .*268435460 bytes, more than mqtt.packetSizeMax \(1024\)/,
  );
  expect(violationOf(`30 03 0001 61`, { packetSizeMax: 5 })).toMatch(/^no violation/);
  expect(violationOf(`30 04 0001 61 62`, { packetSizeMax: 5 })).toMatch(/^LS_MQTT_PACKET_SIZE/);
});

test('a big packet in many chunks is kept until it is whole', () => {
  const body = Buffer.alloc(500_000, 7);
  const bytes = generate({ cmd: 'publish', topic: 't', payload: body, qos: 0, retain: false, dup: false });
  const chunks = Array.from({ length: 100 }, (_, n) => bytes.subarray(n * 5_001, (n + 1) * 5_001));
  const packets = decodeAll(chunks, { packetSizeMax: 1_000_000 });
  expect(packets.map((packet) => (packet.type === 'publish' ? packet.payload.equals(body) : null))).toEqual([
    true,
  ]);
});

test('of a packet that comes in single bytes no chunk is kept: each would be a hundred times as big as what it holds', () => {
  const size = 10_000;
  const whole = generate({
    cmd: 'publish',
    topic: 't',
    payload: Buffer.alloc(size, 7),
    qos: 0,
    retain: false,
    dup: false,
  });
  const decoder = new Decoder(2 * size);
  decoder.push(whole.subarray(0, 3));
  expect(decoder.next()).toBe(null);
  for (let at = 3; at < whole.length; at += 1) {
    expect(decoder.next()).toBe(null);
    const chunk = Buffer.from(whole.subarray(at, at + 1));
    decoder.push(chunk);
    expect(decoder.held).toBe(at + 1);
    chunk.fill(0xff);
  }
  const packet = decoder.next();
  expect(packet?.type === 'publish' && packet.payload.equals(Buffer.alloc(size, 7))).toBe(true);
  expect(decoder.held).toBe(0);
});

test('what goes along with a message tells whether its payload is text', () => {
  const saying = (hex: string): boolean => saysText(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  expect(saying('')).toBe(false);
  expect(saying('01 01')).toBe(true);
  expect(saying('01 00')).toBe(false);
  expect(saying('03 0001 61 26 0001 6b 0002 0101 09 0002 0101')).toBe(false);
  expect(saying('03 0001 61 26 0001 6b 0002 0101 09 0002 0101 01 01')).toBe(true);
});

test('a payload is UTF-8 if a decoder that refuses what is ill-formed takes it', () => {
  const strict = new TextDecoder('utf-8', { fatal: true });
  const isTaken = (bytes: Uint8Array): boolean => {
    try {
      strict.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const piece = fc.oneof(
    fc.constantFrom('a', '\0', 'ü', '漢', '😀', '\ufeff', '\ufffd').map((text) => Buffer.from(text)),
    fc.constantFrom('ff', 'c3', 'eda080', 'c080', 'f4908080', 'e6bc').map((text) => Buffer.from(text, 'hex')),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
      const bytes = Buffer.concat(pieces);
      expect(isUtf8(bytes)).toBe(isTaken(bytes));
    }),
    { numRuns: 1000 },
  );
});

test('a reason is called by number and name, and 0 by what it means in its packet', () => {
  expect(reasonName('connack', REASON.success)).toBe('0x00 Success');
  expect(reasonName('disconnect', REASON.normalDisconnection)).toBe('0x00 Normal disconnection');
  expect(reasonName('suback', REASON.grantedQos0)).toBe('0x00 Granted QoS 0');
  expect(reasonName('disconnect', REASON.sessionTakenOver)).toBe('0x8e Session taken over');
});
