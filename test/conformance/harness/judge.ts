/**
 * Reads what the server sends and refuses whatever the specification does not allow a server to send, with the number of the statement that it
 * breaks: every test judges every packet. mqtt-packet, which is not ours, must read the same.
 * Source: MQTT 3.1.1 §2, §3; MQTT 5.0 §2, §3.
 */
import { parser, type Packet as LibraryPacket } from 'mqtt-packet';
import { CODE_STATEMENTS, CODES, FLAGS } from './allowed.ts';
import { TYPES, type PacketType, type Properties, type PropertyName, type PropertyValue } from './fields.ts';
import type { Level } from './packets.ts';
import { Breach, demand, Reader } from './reader.ts';

/** What is not in a packet of the type is null, or empty. */
export type Heard = Readonly<{
  type: PacketType;
  /** Of the whole packet, in bytes. */
  size: number;
  id: number | null;
  /** Return and reason codes; of an acknowledgement that leaves it out, 0. */
  codes: readonly number[];
  isPresent: boolean;
  topic: string;
  payload: Buffer;
  qos: number;
  isDup: boolean;
  isRetained: boolean;
  properties: Properties;
}>;

/** All packets in `bytes`, which must be whole. */
export function judge(level: Level, bytes: Buffer): Heard[] {
  const heard: Heard[] = [];
  for (let at = 0; at < bytes.length;) {
    const reader = new Reader(bytes, at + 1, bytes.length);
    const size = reader.variable();
    const end = reader.at + size;
    demand(end <= bytes.length, 'MQTT 2.2.3', 'a packet that is not whole');
    const one = judgeOne(level, bytes.readUInt8(at), new Reader(bytes, reader.at, end), end - at);
    compare(one, secondOpinion(level, bytes.subarray(at, end)));
    heard.push(one);
    at = end;
  }
  return heard;
}

function judgeOne(level: Level, first: number, reader: Reader, size: number): Heard {
  const type = TYPES[first >> 4] ?? 'reserved';
  const blank: Heard = {
    type,
    size,
    id: null,
    codes: [],
    isPresent: false,
    topic: '',
    payload: Buffer.alloc(0),
    qos: 0,
    isDup: false,
    isRetained: false,
    properties: [],
  };
  if (type === 'publish') return judgePublish(level, first & 0x0f, reader, blank);
  const flags = FLAGS[type];
  demand(
    flags !== undefined && !(level === 4 && (type === 'disconnect' || type === 'auth')),
    'MQTT 2.2.1',
    type,
  );
  demand(flags === (first & 0x0f), 'MQTT-2.2.2-1, MQTT5-2.1.3-1', `${type} with flags ${first & 0x0f}`);
  const heard = level === 4 ? judge3(reader, blank) : judge5(reader, blank);
  demand(reader.left === 0, 'MQTT 2.2.3', `${type} with ${reader.left} bytes too many`);
  const codes = CODES[level][type];
  for (const code of heard.codes)
    demand(
      codes === undefined || codes.includes(code),
      CODE_STATEMENTS[type] ?? 'MQTT 5.0 §2.4',
      `${type} with code ${code}`,
    );
  if (type === 'connack' && heard.codes[0] !== 0)
    demand(!heard.isPresent, 'MQTT-3.2.2-4, MQTT5-3.2.2-6', 'a refusal with session present');
  return heard;
}

function judgePublish(level: Level, flags: number, reader: Reader, blank: Heard): Heard {
  const qos = (flags >> 1) & 3;
  const isDup = (flags & 8) !== 0;
  demand(qos < 3, 'MQTT-3.3.1-4, MQTT5-3.3.1-4', 'QoS 3');
  demand(qos > 0 || !isDup, 'MQTT-3.3.1-2, MQTT5-3.3.1-2', 'DUP with QoS 0');
  const topic = reader.text();
  demand(!/[+#]/.test(topic), 'MQTT-3.3.2-2, MQTT5-3.3.2-2', 'a topic name with a wildcard');
  const id = qos === 0 ? null : reader.id();
  const properties = level === 5 ? reader.properties('publish') : [];
  const alias = properties.find(([name]) => name === 'topicAlias');
  demand(alias?.[1] !== 0, 'MQTT5-3.3.2-8', 'topic alias 0');
  demand(topic !== '' || alias !== undefined, 'MQTT-4.7.3-1, MQTT5-4.7.3-1', 'an empty topic name');
  return {
    ...blank,
    topic,
    id,
    qos,
    isDup,
    isRetained: (flags & 1) !== 0,
    properties,
    payload: reader.rest(),
  };
}

function judge3(reader: Reader, blank: Heard): Heard {
  switch (blank.type) {
    case 'connack':
      return { ...blank, isPresent: reader.connectFlags(), codes: [reader.u8()] };
    case 'suback':
      return { ...blank, id: reader.id(), codes: [...reader.rest()] };
    case 'pingresp':
      return blank;
    default:
      return { ...blank, id: reader.id() };
  }
}

function judge5(reader: Reader, blank: Heard): Heard {
  const { type } = blank;
  switch (type) {
    case 'connack': {
      const isPresent = reader.connectFlags();
      return { ...blank, isPresent, codes: [reader.u8()], properties: reader.properties(type) };
    }
    case 'suback':
    case 'unsuback': {
      const id = reader.id();
      return { ...blank, id, properties: reader.properties(type), codes: [...reader.rest()] };
    }
    case 'pingresp':
      return blank;
    case 'disconnect':
    case 'auth':
      return { ...blank, ...reader.reason(type) };
    default: {
      const id = reader.id();
      return { ...blank, id, ...reader.reason(type) };
    }
  }
}

function secondOpinion(level: Level, bytes: Buffer): LibraryPacket {
  const found: LibraryPacket[] = [];
  const other = parser({ protocolVersion: level });
  other.on('packet', (one) => found.push(one));
  other.on('error', (error: Error) => {
    throw new Breach(`mqtt-packet can't read ${bytes.toString('hex')}: ${error.message}`);
  });
  other.parse(bytes);
  const [packet] = found;
  if (packet === undefined || found.length > 1)
    throw new Breach(`mqtt-packet reads ${found.length} packets in ${bytes.toString('hex')}`);
  return packet;
}

function compare(heard: Heard, other: LibraryPacket): void {
  const same =
    other.cmd === heard.type &&
    (heard.id === null || other.messageId === heard.id) &&
    (other.cmd !== 'publish' ||
      (other.topic === heard.topic &&
        Buffer.from(other.payload).equals(heard.payload) &&
        other.qos === heard.qos &&
        other.dup === heard.isDup &&
        other.retain === heard.isRetained));
  if (!same) throw new Breach(`mqtt-packet reads ${heard.type} otherwise: ${JSON.stringify(other)}`);
}

/** The first one of that name; null: there is none. */
export const valueIn = ({ properties }: Heard, name: PropertyName): PropertyValue | null =>
  properties.find(([found]) => found === name)?.[1] ?? null;

/** All of that name, in their order. */
export const valuesIn = ({ properties }: Heard, name: PropertyName): PropertyValue[] =>
  properties.filter(([found]) => found === name).map(([, value]) => value);

const code = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;

/**
 * A packet in a few words: `connack 0`, `connack 0 present`, `puback #7`, `suback #1 0,128`, `t=m`, `t=m q1 #2 dup retained`, `pingresp`,
 * `disconnect 0x8e`. A reason code of an MQTT 5 acknowledgement stands there when it is not 0.
 */
export function words(level: Level, heard: Heard): string {
  const { type, id, codes } = heard;
  if (type === 'publish') {
    const marks = [
      heard.qos === 0 ? '' : ` q${heard.qos} #${id ?? 0}`,
      heard.isDup ? ' dup' : '',
      heard.isRetained ? ' retained' : '',
    ];
    return `${heard.topic}=${heard.payload.toString()}${marks.join('')}`;
  }
  const [first = 0] = codes;
  if (type === 'connack')
    return `connack ${level === 5 && first > 0 ? code(first) : first}${heard.isPresent ? ' present' : ''}`;
  if (type === 'disconnect' || type === 'auth') return `${type} ${code(first)}`;
  const number = id === null ? '' : ` #${id}`;
  if (type === 'suback' || type === 'unsuback')
    return `${type}${number}${codes.length === 0 ? '' : ` ${codes.map((one) => (one < 0x80 ? one : code(one))).join(',')}`}`;
  return `${type}${number}${first > 0 ? ` ${code(first)}` : ''}`;
}
