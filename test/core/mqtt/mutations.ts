/**
 * Packets of another implementation, and what may be done to a packet so that it is one no more: for whatever is tried with spoilt packets.
 */
import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import type { Level } from '../../../src/core/mqtt/index.ts';
import type { SimRandom } from '../../../src/simulator/time/sim-random.ts';
import { afterConnect, connected, type Pair } from './library.ts';

export type Corpus = readonly Readonly<{
  level: Level;
  hello: readonly Buffer[];
  others: readonly Buffer[];
}>[];

/** Packets that another implementation makes. */
export function corpusFrom(seed: number): Corpus {
  return ([4, 5] as const).map((level) => {
    const bytes = (arbitrary: fc.Arbitrary<Pair>, numRuns: number): Buffer[] =>
      fc.sample(arbitrary, { seed, numRuns }).map(([packet]) => generate(packet, { protocolVersion: level }));
    return { level, hello: bytes(connected(level), 200), others: bytes(afterConnect(level), 1000) };
  });
}

const TELLING = [0x00, 0x01, 0x02, 0x04, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xff];

/** One thing or more is done to it. Mostly its length is set right again, or all that is looked at would be the length. */
export function mutated(packet: Buffer, other: Buffer, random: SimRandom): Buffer {
  let bytes = random.chance(0.3) ? withProperty(packet, random) : packet;
  const times = bytes !== packet || random.chance(0.5) ? random.below(2) : random.below(4);
  for (let n = bytes === packet ? -1 : 0; n < times; n += 1) bytes = mutatedOnce(bytes, other, random);
  return random.chance(0.7) ? withLength(bytes) : bytes;
}

function mutatedOnce(bytes: Buffer, other: Buffer, random: SimRandom): Buffer {
  const place = (): number => random.below(bytes.length + 1);
  const [from, to] = [place(), place()].sort((a, b) => a - b) as [number, number]; // two of them
  const changed = Buffer.from(bytes);
  const at = Math.min(from, bytes.length - 1);
  switch (random.below(9)) {
    case 0: // a bit
      if (at >= 0) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
      return changed;
    case 1: // a byte
      if (at >= 0) changed[at] = random.oneOf(TELLING);
      return changed;
    case 2: // a lie about a length
      if (at >= 0) changed[at] = (changed[at] ?? 0) + random.oneOf([-2, -1, 1, 2, 16]);
      return changed;
    case 3: // cut off
      return changed.subarray(0, from);
    case 4: // cut out
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 5: // put in
      return Buffer.concat([
        bytes.subarray(0, from),
        Buffer.from(Array.from({ length: 1 + random.below(5) }, () => random.below(256))),
        bytes.subarray(from),
      ]);
    case 6: // said twice
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    case 7: // the end of another
      return Buffer.concat([bytes.subarray(0, from), other.subarray(random.below(other.length))]);
    default: // a piece of another
      return Buffer.concat([
        bytes.subarray(0, from),
        other.subarray(random.below(other.length)).subarray(0, 1 + random.below(12)),
        bytes.subarray(from),
      ]);
  }
}

/** Properties in order, of every identifier there is and of some there are not, with values that are at the edge of what is allowed. */
function property(random: SimRandom): Buffer {
  const text = random.oneOf([
    [0, 0],
    [0, 1, 0x61],
    [0, 1, 0x2b],
    [0, 1, 0xff],
    [0, 3, 0xe6, 0xbc, 0xa2],
  ]);
  const number = (size: number): number[] => {
    const value = random.oneOf([0, 0, 1, 2, 0xff]);
    return Array.from({ length: size }, (_, n) => (n === size - 1 || value === 0xff ? value : 0));
  };
  const id = random.below(0x2c);
  if ([0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a].includes(id)) return Buffer.from([id, ...number(1)]);
  if ([0x13, 0x21, 0x22, 0x23].includes(id)) return Buffer.from([id, ...number(2)]);
  if ([0x02, 0x11, 0x18, 0x27].includes(id)) return Buffer.from([id, ...number(4)]);
  if (id === 0x0b) return Buffer.from([id, random.oneOf([0, 1, 0x7f])]);
  return Buffer.from(id === 0x26 ? [id, ...text, ...text] : [id, ...text]);
}

/** Where the property length stands in a packet of MQTT 5 with a remaining length of one byte; null: nowhere. */
function propertiesAt(packet: Buffer): number | null {
  const first = packet[0] ?? 0;
  switch (first >> 4) {
    case 1:
      return 12;
    case 3:
      return 4 + ((packet[2] ?? 0) << 8) + (packet[3] ?? 0) + ((first & 6) === 0 ? 0 : 2);
    case 4:
    case 5:
    case 6:
    case 7:
      return 5;
    case 8:
    case 10:
      return 4;
    case 14:
    case 15:
      return 3;
    default:
      return null;
  }
}

/** With one or two properties more; in a packet of MQTT 3.1.1 that is mostly nonsense. */
function withProperty(packet: Buffer, random: SimRandom): Buffer {
  const at = propertiesAt(packet);
  const length = at === null ? undefined : packet[at];
  if (at === null || length === undefined || (packet[1] ?? 0) >= 0x80) return packet;
  const one = property(random);
  const more = Buffer.concat(random.oneOf([[one], [one, one], [one, property(random)]]));
  if (length + more.length >= 0x80) return packet;
  return withLength(
    Buffer.concat([
      packet.subarray(0, at),
      Buffer.from([length + more.length]),
      more,
      packet.subarray(at + 1),
    ]),
  );
}

/** What follows the first byte and a length of one byte becomes the body. */
function withLength(bytes: Buffer): Buffer {
  const body = bytes.subarray(2);
  const size = body.length;
  const length = size < 0x80 ? [size] : [(size & 0x7f) | 0x80, size >> 7];
  return Buffer.concat([bytes.subarray(0, 1), Buffer.from(length), body]);
}
