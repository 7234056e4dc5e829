/**
 * Valid packets of both versions, spoilt at random, given to the decoder: whole, cut at random and byte by byte. A finding is a sentence about
 * what must never be; there is none where only packets and violations come out, the same ones however the bytes were cut and whatever lies
 * around them in memory, with no view beyond its packet and no more kept than the longest packet that is allowed. What is passed on of a
 * message must be fit to be sent: each PUBLISH that is read is written again and read again. One seed, one row of packets.
 */
import fc from 'fast-check';
import { generate } from 'mqtt-packet';
import {
  Decoder,
  MqttViolation,
  packetWriter,
  type Level,
  type Packet,
} from '../../../src/core/mqtt/index.ts';
import { SimRandom } from '../../../src/simulator/time/sim-random.ts';
import { afterConnect, connected, type Pair } from './library.ts';

/** Longer than most valid packets, so that both sides of it are visited. */
const PACKET_SIZE_MAX = 400;

export type FuzzTally = {
  /** Mutated packets that were decoded, each three times at least. */
  packets: number;
  /** Came out as packets none the less. */
  accepted: number;
  /** What was said of the others: by code and clause, how often. */
  violations: Map<string, number>;
  /** Each with the bytes that show it, in hexadecimal. */
  findings: string[];
};

type Corpus = readonly Readonly<{ level: Level; hello: readonly Buffer[]; others: readonly Buffer[] }>[];

/** Packets that another implementation makes. */
function corpusFrom(seed: number): Corpus {
  return ([4, 5] as const).map((level) => {
    const bytes = (arbitrary: fc.Arbitrary<Pair>, numRuns: number): Buffer[] =>
      fc.sample(arbitrary, { seed, numRuns }).map(([packet]) => generate(packet, { protocolVersion: level }));
    return { level, hello: bytes(connected(level), 200), others: bytes(afterConnect(level), 1000) };
  });
}

/** Decodes `packets` mutated packets. `progress`: told now and then. */
export function fuzz(
  seed: number,
  packets: number,
  progress: (tally: FuzzTally) => void = () => undefined,
): FuzzTally {
  const random = new SimRandom(seed);
  const tally: FuzzTally = { packets: 0, accepted: 0, violations: new Map(), findings: [] };
  let corpus = corpusFrom(seed);
  while (tally.packets < packets && tally.findings.length < 10) {
    if (tally.packets % 20_000 === 0 && tally.packets > 0) {
      corpus = corpusFrom(seed + tally.packets);
      progress(tally);
    }
    tryOne(random, corpus, tally);
    tally.packets += 1;
  }
  return tally;
}

function tryOne(random: SimRandom, corpus: Corpus, tally: FuzzTally): void {
  const { hello, others } = random.oneOf(corpus);
  const first = random.oneOf(hello);
  const isFirst = random.chance(0.2);
  const spoilt = mutated(isFirst ? first : random.oneOf(others), random.oneOf(others), random);
  const parts = isFirst ? [spoilt, random.oneOf(others)] : [first, spoilt, random.oneOf(others)];
  const stream = Buffer.concat(parts);
  try {
    const whole = decode([among(stream, 0x00)]);
    const faults = [
      ...whole.faults,
      ...differences('lying among other bytes', whole, decode([among(stream, 0xff)])),
      ...differences('cut at random', whole, decode(pieces(stream, random))),
      ...differences('byte by byte', whole, decode(singleBytes(stream))),
    ];
    for (const fault of faults) tally.findings.push(`${fault}: ${stream.toString('hex')}`);
    const last = whole.said.at(-1) ?? '';
    if (!last.startsWith('LS_')) tally.accepted += 1;
    else {
      const [code = ''] = last.split(' ');
      const kind = `${code} ${/\[(.*)\]$/.exec(last)?.[1] ?? ''}`.trim();
      tally.violations.set(kind, (tally.violations.get(kind) ?? 0) + 1);
    }
  } catch (failure) {
    tally.findings.push(`${String(failure)}: ${stream.toString('hex')}`);
  }
}

type Outcome = Readonly<{ said: readonly string[]; faults: readonly string[] }>;

const differences = (how: string, one: Outcome, other: Outcome): string[] => {
  const same = one.said.length === other.said.length && one.said.every((text, n) => text === other.said[n]);
  return [...(same ? [] : [`${how} it was read otherwise`]), ...other.faults];
};

/** The packets as texts, and the violation, if there was one, with its code in front. Anything else that is thrown goes on. */
function decode(chunks: readonly Buffer[]): Outcome {
  const decoder = new Decoder(PACKET_SIZE_MAX);
  const said: string[] = [];
  const faults: string[] = [];
  let level: Level = 4;
  let pushed = 0;
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      pushed += chunk.length;
      while (true) {
        const start = pushed - decoder.held;
        const packet = decoder.next();
        if (packet === null) break;
        if (packet.type === 'connect') level = packet.level;
        // Views can be told from copies, and placed, as long as all came in one chunk.
        if (chunks.length === 1) faults.push(...outsiders(packet, chunk, start, pushed - decoder.held));
        said.push(textOf(packet));
        if (packet.type === 'publish' && packet.topic !== '') faults.push(...rewritten(packet, level));
      }
      if (decoder.held > PACKET_SIZE_MAX) faults.push(`${decoder.held} bytes are kept`);
    }
  } catch (failure) {
    if (!(failure instanceof MqttViolation)) throw failure;
    said.push(`${failure.code} ${failure.reason} ${failure.level ?? ''} ${failure.message}`);
  }
  return { said, faults };
}

const textOf = (packet: Packet): string =>
  JSON.stringify(packet, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );

/** Views into the chunk that lie elsewhere than in their packet, which is from `start` to `end`. */
function outsiders(packet: Packet, chunk: Buffer, start: number, end: number): string[] {
  const views: (Uint8Array | null)[] = [];
  if (packet.type === 'publish') views.push(packet.payload, packet.properties);
  if (packet.type === 'connect')
    views.push(packet.password, packet.will?.payload ?? null, packet.will?.properties ?? null);
  if (packet.type === 'connect' || packet.type === 'auth') views.push(packet.authentication?.data ?? null);
  const isOutside = (view: Uint8Array | null): boolean => {
    if (view === null || view.length === 0 || view.buffer !== chunk.buffer) return false;
    const at = view.byteOffset - chunk.byteOffset;
    return at < start || at + view.length > end;
  };
  return views.some(isOutside) ? [`a ${packet.type} shows bytes beyond it`] : [];
}

/** What a subscriber of the same version would be sent is as well-formed as what came. */
function rewritten(packet: Extract<Packet, { type: 'publish' }>, level: Level): string[] {
  const writer = packetWriter({ level, packetSizeMax: null, wantsProblemInformation: true, copies: null });
  const { topic, payload, properties, qos, packetId, isRetained, isDup, expirySeconds } = packet;
  const decoder = new Decoder(2 * PACKET_SIZE_MAX);
  if (level === 5) {
    decoder.push(Buffer.from('100d00044d5154540502000000000000', 'hex').subarray(0, 15));
    decoder.next();
  }
  decoder.push(
    writer.publish(
      { address: topic, payload, properties },
      { qos, packetId, isRetained, isDup, ids: [], alias: null, expirySeconds },
    ),
  );
  const again = decoder.next();
  return again !== null && textOf(again) === textOf({ ...packet, alias: 0 })
    ? []
    : ['a PUBLISH that was read can not be sent on as it is'];
}

/** The same bytes in a greater piece of memory, full of others. */
function among(stream: Buffer, filling: number): Buffer {
  const memory = Buffer.alloc(stream.length + 64, filling);
  stream.copy(memory, 32);
  return memory.subarray(32, 32 + stream.length);
}

const singleBytes = (stream: Buffer): Buffer[] =>
  Array.from({ length: stream.length }, (_, at) => stream.subarray(at, at + 1));

function pieces(stream: Buffer, random: SimRandom): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < stream.length;) {
    const end = at + 1 + random.below(random.chance(0.5) ? 4 : 60);
    found.push(stream.subarray(at, end));
    at = end;
  }
  return found;
}

const TELLING = [0x00, 0x01, 0x02, 0x04, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xff];

/** One thing or more is done to it. Mostly its length is set right again, or all that is looked at would be the length. */
function mutated(packet: Buffer, other: Buffer, random: SimRandom): Buffer {
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
