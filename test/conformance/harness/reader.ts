/** The fields of one packet from the server; whatever is not as the specification has it is a breach, with the number of the statement. */
import { MANY, MAY } from './allowed.ts';
import { PROPERTIES, type PacketType, type Properties, type PropertyName } from './fields.ts';

/** What the server broke. */
export class Breach extends Error {
  override name = 'Breach';
}

export const demand = (isSo: boolean, statement: string, what: string): void => {
  if (!isSo) throw new Breach(`${statement}: the server sent ${what}`);
};

export class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  at: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.at;
  }

  take(size: number): Buffer {
    demand(size <= this.left, 'MQTT 2.2.3', 'a field that ends beyond its packet');
    this.at += size;
    return this.#bytes.subarray(this.at - size, this.at);
  }

  rest = (): Buffer => this.take(this.left);
  u8 = (): number => this.take(1).readUInt8();
  u16 = (): number => this.take(2).readUInt16BE();
  u32 = (): number => this.take(4).readUInt32BE();
  binary = (): Buffer => this.take(this.u16());

  id(): number {
    const id = this.u16();
    demand(id !== 0, 'MQTT-2.3.1-1, MQTT5-2.2.1-4', 'packet identifier 0');
    return id;
  }

  text(): string {
    const bytes = this.binary();
    const value = bytes.toString();
    demand(Buffer.from(value).equals(bytes), 'MQTT-1.5.3-1, MQTT5-1.5.4-1', 'ill-formed UTF-8');
    demand(!value.includes('\0'), 'MQTT-1.5.3-2, MQTT5-1.5.4-2', 'a null character');
    return value;
  }

  variable(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      demand(shift <= 21, 'MQTT5-1.5.5-1', 'a number of more than four bytes');
      const byte = this.u8();
      value += (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      demand(byte > 0 || shift === 0, 'MQTT5-1.5.5-1', 'a number in more bytes than it needs');
      return value;
    }
  }

  connectFlags(): boolean {
    const flags = this.u8();
    demand((flags & 0xfe) === 0, 'MQTT5-3.2.2-1', `connect acknowledge flags ${flags}`);
    return flags === 1;
  }

  /** The code 0 may be left out where no properties follow, and the properties where there are none. */
  reason(type: PacketType): { codes: readonly number[]; properties: Properties } {
    if (this.left === 0) return { codes: [0], properties: [] };
    const codes = [this.u8()];
    return { codes, properties: this.left === 0 ? [] : this.properties(type) };
  }

  properties(type: PacketType): Properties {
    const size = this.variable();
    const end = this.at + size;
    demand(end <= this.#end, 'MQTT5-2.2.2-1', 'properties that end beyond their packet');
    const found: [PropertyName, Properties[number][1]][] = [];
    while (this.at < end) {
      const [name, value] = this.#property();
      demand(MAY[type]?.includes(name) === true, 'MQTT5-3.14.2-2, MQTT 5.0 table 2-4', `${name} in ${type}`);
      const isAgain = found.some(([former]) => former === name);
      demand(!isAgain || MANY.includes(name), 'MQTT 5.0 §2.2.2.2', `${name} twice in ${type}`);
      found.push([name, value]);
    }
    demand(this.at === end, 'MQTT5-2.2.2-1', 'a property length that cuts a property');
    return found;
  }

  #property(): [PropertyName, Properties[number][1]] {
    const identifier = this.variable();
    for (const [name, [number, form]] of Object.entries(PROPERTIES)) {
      if (number !== identifier) continue;
      const value = form === 'pair' ? ([this.text(), this.text()] as const) : this[form]();
      return [name as PropertyName, value]; // a key of the table
    }
    throw new Breach(`MQTT 5.0 table 2-4: the server sent property ${identifier}`);
  }
}
