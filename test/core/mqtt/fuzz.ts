/**
 * Valid packets of both versions, spoilt at random, given to the decoder: whole, cut at random and byte by byte. A finding is a sentence about
 * what must never be; there is none where only packets and violations come out, the same ones however the bytes were cut and whatever lies
 * around them in memory, with no view beyond its packet and no more kept than the longest packet that is allowed. What is passed on of a
 * message must be fit to be sent: each PUBLISH that is read is written again and read again. One seed, one row of packets.
 */
import {
  Decoder,
  MqttViolation,
  packetWriter,
  type Level,
  type Packet,
} from '../../../src/core/mqtt/index.ts';
import { SimRandom } from '../../../src/simulator/time/sim-random.ts';
import { corpusFrom, mutated, type Corpus } from './mutations.ts';

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
