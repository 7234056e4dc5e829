/**
 * The properties of MQTT 5, read and checked: each where it belongs, once where it may not repeat, with a value that it may have.
 * Source: MQTT 5.0 §2.2.2.
 */
import { NO_PROPERTIES } from '../broker/index.ts';
import type { Clause } from './clauses.ts';
import { malformed, unexpected } from './faults.ts';
import type { Authentication } from './packet.ts';
import { CARRIED, FORMS, PROPERTY, type Carried, type PropertyForm } from './property-table.ts';
import type { PacketReader } from './reader.ts';
import { REASON } from './reasons.ts';
import { checkTopicName } from './topics.ts';

/** What a packet says of itself; user properties and reason strings are looked at and not kept. */
export class PropertySet {
  readonly #numbers = new Map<number, number>();
  readonly #texts = new Map<number, string>();
  readonly #bytes = new Map<number, Buffer>();

  number(id: number): number | null {
    return this.#numbers.get(id) ?? null;
  }

  /** Null: there is no method, and so no data. */
  get authentication(): Authentication | null {
    const method = this.#texts.get(PROPERTY.authenticationMethod);
    if (method === undefined) return null;
    return { method, data: this.#bytes.get(PROPERTY.authenticationData) ?? null };
  }

  has(id: number): boolean {
    return this.#numbers.has(id) || this.#texts.has(id) || this.#bytes.has(id);
  }

  /** Takes the value of the next property. */
  take(id: number, form: PropertyForm, reader: PacketReader, section: string): void {
    switch (form) {
      case 'flag':
        return this.#take(id, atMostOne(reader.u8(), reader, section));
      case 'u16':
        return this.#take(id, reader.u16());
      case 'u32':
        return this.#take(id, reader.u32());
      case 'someU16':
        return this.#take(id, notZero(reader.u16(), reader, section));
      case 'someU32':
        return this.#take(id, notZero(reader.u32(), reader, section));
      case 'someVarint':
        return this.#take(id, notZero(reader.varint(), reader, section));
      case 'text':
        this.#texts.set(id, reader.text());
        return;
      case 'bytes':
        this.#bytes.set(id, reader.bytes());
        return;
      case 'pair':
        reader.skipText();
        return reader.skipText();
    }
  }

  #take(id: number, value: number): void {
    this.#numbers.set(id, value);
  }
}

/** Reads the properties of a packet that has no message. */
export function readProperties(reader: PacketReader, carried: Carried): PropertySet {
  const set = new PropertySet();
  reader.openProperties();
  while (reader.left > 0) {
    const id = reader.u8();
    const form = FORMS[id];
    const section = carried[id];
    if (form === undefined || section === undefined) throw misplaced(id, reader);
    if (form !== 'pair' && set.has(id)) throw repeated(id, reader, section);
    set.take(id, form, reader, section);
  }
  reader.closeProperties();
  return set;
}

/** What comes with a message beside its payload. */
export type MessageProperties = {
  /** Those that are passed on, as they are: a view, where nothing stood between them. `NO_PROPERTIES`: none. */
  forwarded: Uint8Array;
  expirySeconds: number | null;
  isText: boolean;
  /** 0: none. */
  alias: number;
  delaySeconds: number;
};

/** A wildcard in it is forbidden by a clause of its own. */
const RESPONSE_TOPIC: Clause = { 4: 'MQTT-3.3.2-14', 5: 'MQTT-3.3.2-14' };

/** Reads the properties of a PUBLISH or of a will. */
export function readMessageProperties(reader: PacketReader, carrier: 'publish' | 'will'): MessageProperties {
  const found: MessageProperties = {
    forwarded: NO_PROPERTIES,
    expirySeconds: null,
    isText: false,
    alias: 0,
    delaySeconds: 0,
  };
  reader.openProperties();
  if (reader.left > 0) readEach(reader, CARRIED[carrier], found);
  reader.closeProperties();
  return found;
}

function readEach(reader: PacketReader, carried: Carried, found: MessageProperties): void {
  /** Identifiers that have come, a bit each. */
  let seen = 0;
  /** Where the properties that are passed on began, since the last one that is not. */
  let from = reader.at;
  const runs: Buffer[] = [];
  while (reader.left > 0) {
    const start = reader.at;
    const id = reader.u8();
    const section = carried[id];
    if (section === undefined)
      throw id === PROPERTY.subscriptionId && carried === CARRIED.publish
        ? unexpected(reader.level, 'MQTT-3.3.4-6', 'a subscription identifier in a PUBLISH from a client')
        : misplaced(id, reader);
    if (id !== PROPERTY.userProperty) {
      // Those that a message carries are 1, 2, 3, 8, 9 and 24; the alias, 35, would fall on 3.
      const bit = id === PROPERTY.alias ? 1 << 4 : 1 << id;
      if ((seen & bit) !== 0) throw repeated(id, reader, section);
      seen |= bit;
    }
    if (readOne(id, reader, section, found)) continue;
    if (start > from) runs.push(reader.between(from, start));
    from = reader.at;
  }
  if (reader.at > from) runs.push(reader.since(from));
  const [only] = runs;
  if (only !== undefined) found.forwarded = runs.length === 1 ? only : Buffer.concat(runs);
}

/** Whether it is passed on. */
function readOne(id: number, reader: PacketReader, section: string, found: MessageProperties): boolean {
  switch (id) {
    case PROPERTY.messageExpiry:
      found.expirySeconds = reader.u32();
      return false;
    case PROPERTY.willDelay:
      found.delaySeconds = reader.u32();
      return false;
    case PROPERTY.alias:
      found.alias = reader.u16();
      if (found.alias === 0)
        throw unexpected(reader.level, 'MQTT-3.3.2-8', 'topic alias 0', REASON.topicAliasInvalid);
      return false;
    case PROPERTY.payloadFormat:
      found.isText = atMostOne(reader.u8(), reader, section) === 1;
      return true;
    case PROPERTY.responseTopic:
      checkTopicName(reader.level, reader.text(), RESPONSE_TOPIC);
      return true;
    case PROPERTY.correlationData:
      reader.bytes();
      return true;
    case PROPERTY.contentType:
      reader.skipText();
      return true;
    default:
      // User properties.
      reader.skipText();
      reader.skipText();
      return true;
  }
}

/** Whether what goes along with a message says that its payload is UTF-8. `properties`: as a `Content` has them. */
export function saysText(properties: Uint8Array): boolean {
  const size = (at: number): number => 2 + ((properties[at] ?? 0) << 8) + (properties[at + 1] ?? 0);
  for (let at = 0; at < properties.length;) {
    const id = properties[at];
    if (id === PROPERTY.payloadFormat) return properties[at + 1] === 1;
    const next = at + 1 + size(at + 1);
    at = id === PROPERTY.userProperty ? next + size(next) : next;
  }
  return false;
}

function notZero(value: number, { level }: PacketReader, section: string): number {
  if (value === 0) throw unexpected(level, section, 'a property with the value 0 that must not have it');
  return value;
}

function atMostOne(value: number, { level }: PacketReader, section: string): number {
  if (value > 1) throw unexpected(level, section, `a property with the value ${value} that must be 0 or 1`);
  return value;
}

const hex = (id: number): string => `0x${id.toString(16).padStart(2, '0')}`;

const misplaced = (id: number, { level }: PacketReader) =>
  malformed(level, '2.2.2.2', `property ${hex(id)} in a packet that has none such`);

const repeated = (id: number, { level }: PacketReader, section: string) =>
  unexpected(level, section, `property ${hex(id)} twice`);
