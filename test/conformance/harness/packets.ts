/**
 * What clients send, as bytes, for both protocol levels: well-formed with what is left out, and as wrong as a test asks for.
 * Source: MQTT 3.1.1 §3, MQTT 5.0 §3.
 */
import { packet, propertiesBytes, text, typeNumber, u16, u8, binary, type Properties } from './fields.ts';

export type Level = 4 | 5;

/** A buffer instead of properties is sent as it is, with its length. */
type MaybeProperties = Properties | Buffer;

export type WillFields = Readonly<{
  topic?: string;
  payload?: string;
  qos?: number;
  retain?: boolean;
  properties?: MaybeProperties;
}>;

export type ConnectFields = Readonly<{
  clientId?: string;
  /** Clean session, clean start; true where it is left out. */
  clean?: boolean;
  keepAlive?: number;
  will?: WillFields;
  username?: string;
  password?: string;
  properties?: MaybeProperties;
  /** Instead of what follows from the others. */
  flags?: number;
  name?: string;
  level?: number;
  /** Behind the client identifier, instead of what follows from the others. */
  rest?: Buffer;
}>;

export type PublishFields = Readonly<{
  topic?: string;
  payload?: string | Buffer;
  qos?: number;
  /** 1 with QoS 1 and 2, where it is left out. */
  id?: number;
  dup?: boolean;
  retain?: boolean;
  properties?: MaybeProperties;
}>;

/** MQTT 5: beside the QoS. */
export type SubscriptionOptions = Readonly<{
  qos?: number;
  noLocal?: boolean;
  retainAsPublished?: boolean;
  retainHandling?: number;
}>;

export class Packets {
  readonly level: Level;

  constructor(level: Level) {
    this.level = level;
  }

  connect(fields: ConnectFields = {}): Buffer {
    const { clientId = 'c', clean = true, keepAlive = 0, will, username, password } = fields;
    const flags =
      (clean ? 0x02 : 0) |
      (will === undefined ? 0 : 0x04 | ((will.qos ?? 0) << 3) | (will.retain === true ? 0x20 : 0)) |
      (password === undefined ? 0 : 0x40) |
      (username === undefined ? 0 : 0x80);
    const payload = [
      ...(will === undefined ? [] : this.#will(will)),
      ...(username === undefined ? [] : [text(username)]),
      ...(password === undefined ? [] : [text(password)]),
    ];
    return packet(
      0x10,
      text(fields.name ?? 'MQTT'),
      u8(fields.level ?? this.level),
      u8(fields.flags ?? flags),
      u16(keepAlive),
      this.#properties(fields.properties),
      text(clientId),
      ...(fields.rest === undefined ? payload : [fields.rest]),
    );
  }

  publish(fields: PublishFields = {}): Buffer {
    const { topic = 't', payload = 'm', qos = 0, id = 1, dup = false, retain = false } = fields;
    return packet(
      0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
      text(topic),
      qos === 0 ? Buffer.alloc(0) : u16(id),
      this.#properties(fields.properties),
      typeof payload === 'string' ? Buffer.from(payload) : payload,
    );
  }

  puback = (id: number, code?: number, properties?: MaybeProperties): Buffer =>
    this.#answer(0x40, id, code, properties);
  pubrec = (id: number, code?: number, properties?: MaybeProperties): Buffer =>
    this.#answer(0x50, id, code, properties);
  pubrel = (id: number, code?: number, properties?: MaybeProperties): Buffer =>
    this.#answer(0x62, id, code, properties);
  pubcomp = (id: number, code?: number, properties?: MaybeProperties): Buffer =>
    this.#answer(0x70, id, code, properties);

  /** By filter: the QoS, or with MQTT 5 all options, or with either a whole options byte. */
  subscribe(
    id: number,
    filters: readonly (readonly [filter: string, options: number | SubscriptionOptions])[],
    properties?: MaybeProperties,
  ): Buffer {
    const fields = filters.flatMap(([filter, options]) => [text(filter), u8(optionsByte(options))]);
    return packet(0x82, u16(id), this.#properties(properties), ...fields);
  }

  unsubscribe(id: number, filters: readonly string[], properties?: MaybeProperties): Buffer {
    return packet(0xa2, u16(id), this.#properties(properties), ...filters.map(text));
  }

  pingreq = (): Buffer => packet(0xc0);

  disconnect(code?: number, properties?: MaybeProperties): Buffer {
    return packet(0xe0, ...this.#reason(code, properties));
  }

  auth(code?: number, properties?: MaybeProperties): Buffer {
    return packet(typeNumber('auth') << 4, ...this.#reason(code, properties));
  }

  #will({ topic = 'wills', payload = 'gone', properties }: WillFields): Buffer[] {
    return [this.#properties(properties), text(topic), binary(Buffer.from(payload))];
  }

  #answer(first: number, id: number, code?: number, properties?: MaybeProperties): Buffer {
    return packet(first, u16(id), ...this.#reason(code, properties));
  }

  /** Both may be left out where they say nothing. Source: MQTT 5.0 §3.4.2.1. */
  #reason(code?: number, properties?: MaybeProperties): Buffer[] {
    if (code === undefined && properties === undefined) return [];
    const reason = u8(code ?? 0);
    return properties === undefined ? [reason] : [reason, propertiesBytes(properties)];
  }

  #properties(properties: MaybeProperties = []): Buffer {
    return this.level === 5 ? propertiesBytes(properties) : Buffer.alloc(0);
  }
}

function optionsByte(options: number | SubscriptionOptions): number {
  if (typeof options === 'number') return options;
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = options;
  return qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
}

/** MQTT 3.1.1 and MQTT 5.0. */
export const v3 = new Packets(4);
export const v5 = new Packets(5);
