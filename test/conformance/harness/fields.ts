/**
 * The fields of MQTT's packets as bytes, right or wrong as the test wants them, and the tables that the tests judge by. Written from the
 * specifications and not from the server's code, which is what they judge. Source: MQTT 3.1.1 §1.5, §2.2; MQTT 5.0 §1.5, §2.2.2.
 */

export const u8 = (value: number): Buffer => Buffer.from([value]);
export const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** With its length in front. */
export const binary = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);
export const text = (value: string): Buffer => binary(Buffer.from(value));

/** Spaces are for the eye. */
export const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/** In the fewest bytes. */
export function variable(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    const rest = left >> 7;
    bytes.push((left & 0x7f) | (rest > 0 ? 0x80 : 0));
    left = rest;
  } while (left > 0);
  return Buffer.from(bytes);
}

/** First byte, remaining length, fields. */
export function packet(first: number, ...fields: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(fields);
  return Buffer.concat([u8(first), variable(body.length), body]);
}

type Form = 'u8' | 'u16' | 'u32' | 'variable' | 'text' | 'binary' | 'pair';

/** Identifier and form of each property. Source: MQTT 5.0 table 2-4. */
export const PROPERTIES = {
  payloadFormat: [0x01, 'u8'],
  messageExpiry: [0x02, 'u32'],
  contentType: [0x03, 'text'],
  responseTopic: [0x08, 'text'],
  correlationData: [0x09, 'binary'],
  subscriptionIdentifier: [0x0b, 'variable'],
  sessionExpiry: [0x11, 'u32'],
  assignedClientId: [0x12, 'text'],
  serverKeepAlive: [0x13, 'u16'],
  authenticationMethod: [0x15, 'text'],
  authenticationData: [0x16, 'binary'],
  requestProblem: [0x17, 'u8'],
  willDelay: [0x18, 'u32'],
  requestResponse: [0x19, 'u8'],
  responseInformation: [0x1a, 'text'],
  serverReference: [0x1c, 'text'],
  reasonString: [0x1f, 'text'],
  receiveMaximum: [0x21, 'u16'],
  topicAliasMaximum: [0x22, 'u16'],
  topicAlias: [0x23, 'u16'],
  maximumQos: [0x24, 'u8'],
  retainAvailable: [0x25, 'u8'],
  userProperty: [0x26, 'pair'],
  maximumPacketSize: [0x27, 'u32'],
  wildcardAvailable: [0x28, 'u8'],
  subscriptionIdentifierAvailable: [0x29, 'u8'],
  sharedAvailable: [0x2a, 'u8'],
} as const satisfies Readonly<Record<string, readonly [number, Form]>>;

export type PropertyName = keyof typeof PROPERTIES;
export type PropertyValue = number | string | Buffer | readonly [string, string];

/** In their order; a name may come more than once, whether it should or not. */
export type Properties = readonly (readonly [PropertyName, PropertyValue])[];

function propertyBytes(name: PropertyName, value: PropertyValue): Buffer {
  const [identifier, form] = PROPERTIES[name];
  if (typeof value === 'number') {
    const number = { u8, u16, u32, variable, text: u8, binary: u8, pair: u8 }[form](value);
    return Buffer.concat([u8(identifier), number]);
  }
  if (typeof value === 'string') return Buffer.concat([u8(identifier), text(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([u8(identifier), binary(value)]);
  return Buffer.concat([u8(identifier), text(value[0]), text(value[1])]);
}

/** With their length in front. A buffer stands for what no table has, and is taken as it is, length and all. */
export function propertiesBytes(properties: Properties | Buffer): Buffer {
  if (Buffer.isBuffer(properties)) return properties;
  const bytes = Buffer.concat(properties.map(([name, value]) => propertyBytes(name, value)));
  return Buffer.concat([variable(bytes.length), bytes]);
}

export const TYPES = [
  'reserved',
  'connect',
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  'auth',
] as const;

export type PacketType = (typeof TYPES)[number];

export const typeNumber = (type: PacketType): number => TYPES.indexOf(type);
