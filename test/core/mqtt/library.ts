/**
 * Packets of another implementation of MQTT (mqtt-packet), made at random, each with what the decoder is to make of it; and how such packets
 * become bytes, whole and cut in pieces.
 */
import fc from 'fast-check';
import { generate, type Packet as LibraryPacket } from 'mqtt-packet';
import { NEVER_EXPIRES, NO_PROPERTIES, type Qos } from '../../../src/core/broker/index.ts';
import {
  Decoder,
  REASON,
  type Ack,
  type Level,
  type Packet,
  type Reason,
} from '../../../src/core/mqtt/index.ts';
import { ack, connect, disconnect, publish } from './packets.ts';

/** A packet as the library has it, and as the decoder gives it. */
export type Pair = readonly [LibraryPacket, Packet];

export const word = fc.string({
  unit: fc.constantFrom('a', 'ü', '漢', '😀', '\ufeff', '\ufffd', ' '),
  minLength: 1,
  maxLength: 6,
});
export const packetId = fc.integer({ min: 1, max: 65_535 });
export const bytes = fc.uint8Array({ maxLength: 200 }).map((value) => Buffer.from(value));
export const qosLevel = fc.constantFrom<Qos>(0, 1, 2);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const userProperties = fc
  .array(fc.tuple(word, fc.array(word, { minLength: 1, maxLength: 2 })), { minLength: 1, maxLength: 3 })
  .map((pairs) => Object.fromEntries(pairs));

/** Some of its keys, in any order: that is the order in which the library writes properties. */
const someOf = <T extends object>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<
  Partial<T>
> =>
  fc
    .tuple(fc.record(model), fc.shuffledSubarray(Object.keys(model)))
    .map(([all, keys]) => Object.fromEntries(keys.map((key) => [key, all[key as keyof T]])) as Partial<T>); // keys of the model

const explanation = someOf({ reasonString: word, userProperties });

type Said = Readonly<{
  payloadFormatIndicator: boolean;
  messageExpiryInterval: number;
  contentType: string;
  responseTopic: string;
  correlationData: Buffer;
  userProperties: Record<string, string[]>;
}>;

const said = {
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: u32,
  contentType: word,
  responseTopic: word,
  correlationData: bytes,
  userProperties,
};

const field = (value: string | Buffer): Buffer => {
  const body = Buffer.from(value as string); // either overload takes it
  return Buffer.concat([Buffer.from([body.length >> 8, body.length & 0xff]), body]);
};

/** What of them is passed on, as bytes in their order. */
function forwarded(properties: Partial<Said>): Uint8Array {
  const pieces = Object.entries(properties).flatMap(([name, value]): Buffer[] => {
    switch (name) {
      case 'payloadFormatIndicator':
        return [Buffer.from([0x01, value === true ? 1 : 0])];
      case 'contentType':
        return [Buffer.from([0x03]), field(value as string)];
      case 'responseTopic':
        return [Buffer.from([0x08]), field(value as string)];
      case 'correlationData':
        return [Buffer.from([0x09]), field(value as Buffer)];
      case 'userProperties':
        return Object.entries(value as Said['userProperties']).flatMap(([key, values]) =>
          values.flatMap((one) => [Buffer.from([0x26]), field(key), field(one)]),
        );
      default:
        return [];
    }
  });
  return pieces.length === 0 ? NO_PROPERTIES : Buffer.concat(pieces);
}

const acks: readonly Ack['type'][] = ['puback', 'pubrec', 'pubrel', 'pubcomp'];
const REASONS_OF: Readonly<Record<Ack['type'], readonly Reason[]>> = {
  puback: [REASON.success, REASON.noMatchingSubscribers, REASON.quotaExceeded],
  pubrec: [REASON.success, REASON.notAuthorized, REASON.packetIdentifierInUse],
  pubrel: [REASON.success, REASON.packetIdentifierNotFound],
  pubcomp: [REASON.success, REASON.packetIdentifierNotFound],
};

/** A filter, and the name of the group that shares it, if one does. */
type SharedFilter = Readonly<{ filter: string; group: string | null }>;

const topicFilter: fc.Arbitrary<SharedFilter> = fc.record({
  filter: fc
    .tuple(word, fc.constantFrom('', '/+', '/#', '//', '/+/#'))
    .map(([first, rest]) => `${first}${rest}`),
  group: fc.option(word),
});
const written = ({ filter, group }: SharedFilter): string =>
  group === null ? filter : `$share/${group}/${filter}`;

const filters = fc.array(topicFilter, { minLength: 1, maxLength: 4 });

const published = (level: Level): fc.Arbitrary<Pair> =>
  fc
    .record({
      topic: word,
      payload: bytes,
      packetId,
      qos: qosLevel,
      isRetained: fc.boolean(),
      isDup: fc.boolean(),
      properties:
        level === 5 ? someOf({ ...said, topicAlias: fc.integer({ min: 1, max: 0xffff }) }) : fc.constant({}),
      isNamed: fc.boolean(),
    })
    .map(({ packetId: id, isDup, isNamed, properties, ...more }): Pair => {
      const {
        messageExpiryInterval,
        topicAlias,
        payloadFormatIndicator,
      }: Partial<Said & { topicAlias: number }> = properties;
      const topic = isNamed || topicAlias === undefined ? more.topic : '';
      const dup = isDup && more.qos > 0;
      return [
        {
          cmd: 'publish',
          topic,
          payload: more.payload,
          qos: more.qos,
          retain: more.isRetained,
          dup,
          messageId: id,
          properties,
        },
        publish({
          ...more,
          topic,
          isDup: dup,
          packetId: more.qos === 0 ? 0 : id,
          alias: topicAlias ?? 0,
          properties: forwarded(properties),
          expirySeconds: messageExpiryInterval ?? null,
          isText: payloadFormatIndicator ?? false,
        }),
      ];
    });

const subscribed = (level: Level): fc.Arbitrary<Pair> =>
  fc
    .record({
      packetId,
      id: level === 5 ? fc.option(fc.integer({ min: 1, max: 268_435_455 })) : fc.constant(null),
      asked: fc.array(
        fc.record({
          shared: topicFilter,
          qos: qosLevel,
          nl: fc.boolean(),
          rap: fc.boolean(),
          rh: fc.constantFrom(0, 1, 2),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    })
    .map(({ packetId: messageId, id, asked }): Pair => {
      const wishes = asked.map(({ shared, qos, nl, rap, rh }) => ({
        shared,
        qos,
        nl: level === 5 && nl && shared.group === null,
        rap: level === 5 && rap,
        rh: level === 5 ? rh : 0,
      }));
      return [
        {
          cmd: 'subscribe',
          messageId,
          ...(id === null ? {} : { properties: { subscriptionIdentifier: id } }),
          subscriptions: wishes.map(({ shared, ...wish }) => ({ topic: written(shared), ...wish })),
        },
        {
          type: 'subscribe',
          packetId: messageId,
          subscriptions: wishes.map(({ shared, qos, nl, rap, rh }) => ({
            ...shared,
            qos,
            isNoLocal: nl,
            isRetainAsPublished: rap,
            retainHandling: rh === 0 ? 'send' : rh === 1 ? 'sendIfNew' : 'keepBack',
            id: id ?? 0,
          })),
        },
      ];
    });

const unsubscribed = (level: Level): fc.Arbitrary<Pair> =>
  fc
    .record({ packetId, filters, properties: level === 5 ? someOf({ userProperties }) : fc.constant({}) })
    .map(({ packetId: id, filters: asked, properties }): Pair => [
      { cmd: 'unsubscribe', messageId: id, unsubscriptions: asked.map(written), properties },
      { type: 'unsubscribe', packetId: id, filters: asked },
    ]);

const acknowledged = (level: Level): fc.Arbitrary<Pair> =>
  fc
    .constantFrom(...acks)
    .chain((type) =>
      fc.tuple(
        fc.constant(type),
        packetId,
        level === 5 ? fc.constantFrom(...REASONS_OF[type]) : fc.constant(REASON.success),
        level === 5 ? explanation : fc.constant({}),
      ),
    )
    .map(([type, id, reason, properties]): Pair => [
      { cmd: type, messageId: id, reasonCode: reason, properties },
      ack(type, id, { reason }),
    ]);

const plain: fc.Arbitrary<Pair> = fc.constantFrom<Pair[]>(
  [{ cmd: 'pingreq' }, { type: 'pingreq' }],
  [{ cmd: 'disconnect' }, disconnect()],
);

const farewell: fc.Arbitrary<Pair> = fc
  .record({
    reason: fc.constantFrom(REASON.normalDisconnection, REASON.disconnectWithWill, REASON.packetTooLarge),
    properties: someOf({ sessionExpiryInterval: u32, reasonString: word, userProperties }),
  })
  .map(({ reason, properties }): Pair => [
    { cmd: 'disconnect', reasonCode: reason, properties },
    disconnect({ reason, expirySeconds: properties.sessionExpiryInterval ?? null }),
  ]);

const proof: fc.Arbitrary<Pair> = fc
  .record({
    reason: fc.constantFrom(REASON.continueAuthentication, REASON.reAuthenticate),
    method: word,
    data: fc.option(bytes),
  })
  .map(({ reason, method, data }): Pair => [
    {
      cmd: 'auth',
      reasonCode: reason,
      properties: {
        authenticationMethod: method,
        ...(data === null ? {} : { authenticationData: data }),
      },
    },
    { type: 'auth', reason, authentication: { method, data } },
  ]);

const willOf = (level: Level) =>
  fc.record({
    topic: word,
    payload: bytes,
    qos: qosLevel,
    retain: fc.boolean(),
    properties: level === 5 ? someOf({ ...said, willDelayInterval: u32 }) : fc.constant({}),
  });

type LibraryWill = ReturnType<typeof willOf> extends fc.Arbitrary<infer Value> ? Value : never;

export const connected = (level: Level): fc.Arbitrary<Pair> =>
  fc
    .record({
      clientId: word,
      clean: fc.boolean(),
      keepalive: u16,
      username: fc.option(word),
      password: fc.option(bytes),
      will: fc.option(willOf(level)),
      properties:
        level === 5
          ? someOf({
              sessionExpiryInterval: u32,
              receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
              maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
              topicAliasMaximum: u16,
              requestResponseInformation: fc.boolean(),
              requestProblemInformation: fc.boolean(),
              userProperties,
              authenticationMethod: word,
              authenticationData: bytes,
            })
          : fc.constant({}),
    })
    .map((drawn): Pair => {
      const { clientId, clean, keepalive, username, will } = drawn;
      const properties: Parameters<typeof connectedAs>[2] = { ...drawn.properties };
      if (properties.authenticationMethod === undefined) delete properties.authenticationData;
      // The library knows no password without a user name.
      const password = username === null ? null : drawn.password;
      return [
        {
          cmd: 'connect',
          protocolId: 'MQTT',
          protocolVersion: level,
          clientId,
          clean,
          keepalive,
          ...(username === null ? {} : { username }),
          ...(password === null ? {} : { password }),
          ...(will === null ? {} : { will }),
          properties,
        },
        connectedAs(
          level,
          {
            clientId,
            isClean: clean,
            keepAliveSeconds: keepalive,
            userName: username,
            password,
            will: will === null ? null : willAs(will),
          },
          properties,
        ),
      ];
    });

function connectedAs(
  level: Level,
  more: Parameters<typeof connect>[0] & { isClean: boolean },
  properties: {
    sessionExpiryInterval?: number;
    receiveMaximum?: number;
    maximumPacketSize?: number;
    topicAliasMaximum?: number;
    requestResponseInformation?: boolean;
    requestProblemInformation?: boolean;
    authenticationMethod?: string;
    authenticationData?: Buffer;
  },
): Packet {
  const { authenticationMethod: method, authenticationData: data } = properties;
  return connect({
    ...more,
    level,
    expirySeconds: properties.sessionExpiryInterval ?? (level === 4 && !more.isClean ? NEVER_EXPIRES : 0),
    receiveMax: properties.receiveMaximum ?? 65_535,
    packetSizeMax: properties.maximumPacketSize ?? null,
    aliasMax: properties.topicAliasMaximum ?? 0,
    wantsResponseInformation: properties.requestResponseInformation ?? false,
    wantsProblemInformation: properties.requestProblemInformation ?? true,
    authentication: method === undefined ? null : { method, data: data ?? null },
  });
}

function willAs({ topic, payload, qos, retain, properties }: LibraryWill) {
  const { messageExpiryInterval, willDelayInterval }: Partial<Said & { willDelayInterval: number }> =
    properties;
  return {
    address: topic,
    payload,
    qos,
    isRetained: retain,
    properties: forwarded(properties),
    expirySeconds: messageExpiryInterval ?? null,
    delaySeconds: willDelayInterval ?? 0,
  };
}

/** Any packet but CONNECT. */
export const afterConnect = (level: Level): fc.Arbitrary<Pair> =>
  level === 5
    ? fc.oneof(published(5), subscribed(5), unsubscribed(5), acknowledged(5), plain, farewell, proof)
    : fc.oneof(published(4), subscribed(4), unsubscribed(4), acknowledged(4), plain);

/** What a client sends: a CONNECT, then other packets. */
export const conversation = (level: Level): fc.Arbitrary<Pair[]> =>
  fc
    .tuple(connected(level), fc.array(afterConnect(level), { maxLength: 8 }))
    .map(([first, more]) => [first, ...more]);

export const bytesOf = (pairs: readonly Pair[], level: Level): Buffer =>
  Buffer.concat(pairs.map(([packet]) => generate(packet, { protocolVersion: level })));

/** `sizes`: of the pieces; the rest is the last one. */
export function cut(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(whole.subarray(at, at + size));
    at += size;
  }
  chunks.push(whole.subarray(at));
  return chunks;
}

export function decodeAll(
  chunks: readonly Buffer[],
  { packetSizeMax = 4096 }: { packetSizeMax?: number } = {},
): Packet[] {
  const decoder = new Decoder(packetSizeMax);
  const packets: Packet[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let packet = decoder.next(); packet !== null; packet = decoder.next()) packets.push(packet);
  }
  return packets;
}
