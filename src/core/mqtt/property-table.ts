/**
 * MQTT 5's properties as data: their identifiers, what their values are made of, and where a client may use them, each with the section that
 * says so. Source: MQTT 5.0 §2.2.2.2 table 2-4.
 */

export const PROPERTY = {
  payloadFormat: 0x01,
  messageExpiry: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionId: 0x0b,
  sessionExpiry: 0x11,
  assignedClientId: 0x12,
  serverKeepAlive: 0x13,
  authenticationMethod: 0x15,
  authenticationData: 0x16,
  requestProblemInformation: 0x17,
  willDelay: 0x18,
  requestResponseInformation: 0x19,
  responseInformation: 0x1a,
  serverReference: 0x1c,
  reasonString: 0x1f,
  receiveMax: 0x21,
  aliasMax: 0x22,
  alias: 0x23,
  qosMax: 0x24,
  retainAvailable: 0x25,
  userProperty: 0x26,
  packetSizeMax: 0x27,
  wildcardAvailable: 0x28,
  idAvailable: 0x29,
  sharedAvailable: 0x2a,
} as const;

/** `flag`: a byte that is 0 or 1. `some…`: a number that is not 0. */
export type PropertyForm =
  'flag' | 'u16' | 'u32' | 'someU16' | 'someU32' | 'someVarint' | 'text' | 'bytes' | 'pair';

/** What a client's properties are made of, but for those that go along with a message (`property-reader.ts`). */
export const FORMS: Readonly<Partial<Record<number, PropertyForm>>> = {
  [PROPERTY.subscriptionId]: 'someVarint',
  [PROPERTY.sessionExpiry]: 'u32',
  [PROPERTY.authenticationMethod]: 'text',
  [PROPERTY.authenticationData]: 'bytes',
  [PROPERTY.requestProblemInformation]: 'flag',
  [PROPERTY.requestResponseInformation]: 'flag',
  [PROPERTY.serverReference]: 'text',
  [PROPERTY.reasonString]: 'text',
  [PROPERTY.receiveMax]: 'someU16',
  [PROPERTY.aliasMax]: 'u16',
  [PROPERTY.userProperty]: 'pair',
  [PROPERTY.packetSizeMax]: 'someU32',
};

/** The properties that a kind of packet may carry, each with its section. */
export type Carried = Readonly<Partial<Record<number, string>>>;

const acknowledgement = (section: string): Carried => ({
  [PROPERTY.reasonString]: `${section}.2.2.2`,
  [PROPERTY.userProperty]: `${section}.2.2.3`,
});

export const CARRIED = {
  connect: {
    [PROPERTY.sessionExpiry]: '3.1.2.11.2',
    [PROPERTY.receiveMax]: '3.1.2.11.3',
    [PROPERTY.packetSizeMax]: '3.1.2.11.4',
    [PROPERTY.aliasMax]: '3.1.2.11.5',
    [PROPERTY.requestResponseInformation]: '3.1.2.11.6',
    [PROPERTY.requestProblemInformation]: '3.1.2.11.7',
    [PROPERTY.userProperty]: '3.1.2.11.8',
    [PROPERTY.authenticationMethod]: '3.1.2.11.9',
    [PROPERTY.authenticationData]: '3.1.2.11.10',
  },
  will: {
    [PROPERTY.willDelay]: '3.1.3.2.2',
    [PROPERTY.payloadFormat]: '3.1.3.2.3',
    [PROPERTY.messageExpiry]: '3.1.3.2.4',
    [PROPERTY.contentType]: '3.1.3.2.5',
    [PROPERTY.responseTopic]: '3.1.3.2.6',
    [PROPERTY.correlationData]: '3.1.3.2.7',
    [PROPERTY.userProperty]: '3.1.3.2.8',
  },
  publish: {
    [PROPERTY.payloadFormat]: '3.3.2.3.2',
    [PROPERTY.messageExpiry]: '3.3.2.3.3',
    [PROPERTY.alias]: '3.3.2.3.4',
    [PROPERTY.responseTopic]: '3.3.2.3.5',
    [PROPERTY.correlationData]: '3.3.2.3.6',
    [PROPERTY.userProperty]: '3.3.2.3.7',
    [PROPERTY.contentType]: '3.3.2.3.9',
  },
  puback: acknowledgement('3.4'),
  pubrec: acknowledgement('3.5'),
  pubrel: acknowledgement('3.6'),
  pubcomp: acknowledgement('3.7'),
  subscribe: { [PROPERTY.subscriptionId]: '3.8.2.1.2', [PROPERTY.userProperty]: '3.8.2.1.3' },
  unsubscribe: { [PROPERTY.userProperty]: '3.10.2.1.2' },
  disconnect: {
    [PROPERTY.sessionExpiry]: '3.14.2.2.2',
    [PROPERTY.reasonString]: '3.14.2.2.3',
    [PROPERTY.userProperty]: '3.14.2.2.4',
    [PROPERTY.serverReference]: '3.14.2.2.5',
  },
  auth: {
    [PROPERTY.authenticationMethod]: '3.15.2.2.2',
    [PROPERTY.authenticationData]: '3.15.2.2.3',
    [PROPERTY.reasonString]: '3.15.2.2.4',
    [PROPERTY.userProperty]: '3.15.2.2.5',
  },
} as const satisfies Readonly<Record<string, Carried>>;
