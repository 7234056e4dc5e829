/** MQTT 5's reason codes as data. Source: MQTT 5.0 §2.4 table 2-6. */

/** By name. Three names for 0: what it means depends on the packet. */
export const REASON = {
  success: 0x00,
  normalDisconnection: 0x00,
  grantedQos0: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

export type Reason = (typeof REASON)[keyof typeof REASON];

/** From here on a reason code means that something failed. */
export const isFailure = (reason: Reason): boolean => reason >= 0x80;

type Carrier =
  'connack' | 'puback' | 'pubrec' | 'pubrel' | 'pubcomp' | 'suback' | 'unsuback' | 'disconnect' | 'auth';

const ACKS = ['puback', 'pubrec'] as const;

/** Their names in the specification, and the packets that carry them. Source: table 2-6; §3.2.2.2 for 0x90, 0x99 and 0x9A to 0x9F of CONNACK. */
const TABLE: readonly (readonly [Reason, string, readonly Carrier[]])[] = [
  [0x00, 'Success', ['connack', ...ACKS, 'pubrel', 'pubcomp', 'unsuback', 'auth']],
  [0x00, 'Normal disconnection', ['disconnect']],
  [0x00, 'Granted QoS 0', ['suback']],
  [0x01, 'Granted QoS 1', ['suback']],
  [0x02, 'Granted QoS 2', ['suback']],
  [0x04, 'Disconnect with Will Message', ['disconnect']],
  [0x10, 'No matching subscribers', ACKS],
  [0x11, 'No subscription existed', ['unsuback']],
  [0x18, 'Continue authentication', ['auth']],
  [0x19, 'Re-authenticate', ['auth']],
  [0x80, 'Unspecified error', ['connack', ...ACKS, 'suback', 'unsuback', 'disconnect']],
  [0x81, 'Malformed Packet', ['connack', 'disconnect']],
  [0x82, 'Protocol Error', ['connack', 'disconnect']],
  [0x83, 'Implementation specific error', ['connack', ...ACKS, 'suback', 'unsuback', 'disconnect']],
  [0x84, 'Unsupported Protocol Version', ['connack']],
  [0x85, 'Client Identifier not valid', ['connack']],
  [0x86, 'Bad User Name or Password', ['connack']],
  [0x87, 'Not authorized', ['connack', ...ACKS, 'suback', 'unsuback', 'disconnect']],
  [0x88, 'Server unavailable', ['connack']],
  [0x89, 'Server busy', ['connack', 'disconnect']],
  [0x8a, 'Banned', ['connack']],
  [0x8b, 'Server shutting down', ['disconnect']],
  [0x8c, 'Bad authentication method', ['connack', 'disconnect']],
  [0x8d, 'Keep Alive timeout', ['disconnect']],
  [0x8e, 'Session taken over', ['disconnect']],
  [0x8f, 'Topic Filter invalid', ['suback', 'unsuback', 'disconnect']],
  [0x90, 'Topic Name invalid', ['connack', ...ACKS, 'disconnect']],
  [0x91, 'Packet Identifier in use', [...ACKS, 'suback', 'unsuback']],
  [0x92, 'Packet Identifier not found', ['pubrel', 'pubcomp']],
  [0x93, 'Receive Maximum exceeded', ['disconnect']],
  [0x94, 'Topic Alias invalid', ['disconnect']],
  [0x95, 'Packet too large', ['connack', 'disconnect']],
  [0x96, 'Message rate too high', ['disconnect']],
  [0x97, 'Quota exceeded', ['connack', ...ACKS, 'suback', 'disconnect']],
  [0x98, 'Administrative action', ['disconnect']],
  [0x99, 'Payload format invalid', ['connack', ...ACKS, 'disconnect']],
  [0x9a, 'Retain not supported', ['connack', 'disconnect']],
  [0x9b, 'QoS not supported', ['connack', 'disconnect']],
  [0x9c, 'Use another server', ['connack', 'disconnect']],
  [0x9d, 'Server moved', ['connack', 'disconnect']],
  [0x9e, 'Shared Subscriptions not supported', ['suback', 'disconnect']],
  [0x9f, 'Connection rate exceeded', ['connack', 'disconnect']],
  [0xa0, 'Maximum connect time', ['disconnect']],
  [0xa1, 'Subscription Identifiers not supported', ['suback', 'disconnect']],
  [0xa2, 'Wildcard Subscriptions not supported', ['suback', 'disconnect']],
];

/** Of those that both sides may carry, which one of them alone may send. Source: tables 3-10 and 3-11. */
const CLIENT_ONLY: Readonly<Partial<Record<Carrier, readonly number[]>>> = {
  disconnect: [0x04],
  auth: [0x19],
};
const SERVER_ONLY: Readonly<Partial<Record<Carrier, readonly number[]>>> = {
  disconnect: [
    0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
  auth: [0x00],
};

/** Return codes that MQTT 3.1.1 has for them; for others it has none. Source: MQTT 3.1.1 table 3.1. */
const RETURN_CODES: Readonly<Partial<Record<Reason, number>>> = {
  [REASON.success]: 0,
  [REASON.unsupportedProtocolVersion]: 1,
  [REASON.clientIdentifierNotValid]: 2,
  [REASON.serverUnavailable]: 3,
  [REASON.serverBusy]: 3,
  [REASON.quotaExceeded]: 3,
  [REASON.useAnotherServer]: 3,
  [REASON.serverMoved]: 3,
  [REASON.connectionRateExceeded]: 3,
  [REASON.badUserNameOrPassword]: 4,
  [REASON.notAuthorized]: 5,
  [REASON.banned]: 5,
  [REASON.badAuthenticationMethod]: 5,
};

/** Null: MQTT 3.1.1 has no return code for it. */
export const returnCode = (reason: Reason): number | null => RETURN_CODES[reason] ?? null;

const carried = (carrier: Carrier): ReadonlyMap<number, string> =>
  new Map(TABLE.filter(([, , carriers]) => carriers.includes(carrier)).map(([code, name]) => [code, name]));

/** Codes and names, by packet. */
export const REASONS: Readonly<Record<Carrier, ReadonlyMap<number, string>>> = {
  connack: carried('connack'),
  puback: carried('puback'),
  pubrec: carried('pubrec'),
  pubrel: carried('pubrel'),
  pubcomp: carried('pubcomp'),
  suback: carried('suback'),
  unsuback: carried('unsuback'),
  disconnect: carried('disconnect'),
  auth: carried('auth'),
};

/** As the specification calls it, with its number: for logs. */
export const reasonName = (carrier: Carrier, reason: Reason): string =>
  `0x${reason.toString(16).padStart(2, '0')} ${REASONS[carrier].get(reason) ?? 'an unknown reason'}`;

/** Whether a byte that a client has sent may be the reason of such a packet. */
export const isClientReason = (carrier: Carrier, byte: number): byte is Reason =>
  REASONS[carrier].has(byte) && SERVER_ONLY[carrier]?.includes(byte) !== true;

/** Whether this server may give it with such a packet. */
export const isServerReason = (carrier: Carrier, reason: Reason): boolean =>
  REASONS[carrier].has(reason) && CLIENT_ONLY[carrier]?.includes(reason) !== true;
