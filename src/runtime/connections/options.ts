/** Profile section `mqtt`: what one client may take of this server. */
import { choice, count, milliseconds, seconds, size, type Options } from '../../base/index.ts';
import type { QueueBounds } from '../../core/broker/index.ts';
import type { SessionLimits } from '../../core/mqtt/index.ts';

const MIB = 1024 * 1024;
/** As MQTT 5 writes it. */
const NEVER_EXPIRES = 0xffff_ffff;

export const connectionOptions = {
  connectionsMax: count(
    20_000,
    'How many connections there are at once, at all listeners together, those counted that have not said CONNECT yet. One more is reset as soon as it is accepted, before TLS. The operating system must allow as many open files (ulimit -n) and some hundred more.',
    { min: 1, max: 1_000_000 },
  ),
  connectionRateMax: count(
    500,
    'How many connections one address may open within a second; behind a load balancer with PROXY protocol the address of the client. One more is reset as soon as it is accepted, before TLS. Raise it where many clients share one address and come back together. 0: any number.',
    { min: 0, max: 1_000_000 },
  ),
  connectionRushTime: milliseconds(
    10_000,
    'How long mqtt.connectionRateMax does not hold after a server has begun to serve: after a failover all clients come back at once, many of them perhaps from one address.',
    { min: 0, max: 600_000 },
  ),
  packetSizeMax: size(
    MIB,
    'The longest packet that a client may send, message and topic included. A client that announces more is disconnected before it can fill the memory.',
    // A journal entry holds whole packets and must pass the backchannel, whose frames end at 64 MiB.
    { min: 1024, max: 32 * MIB },
  ),
  topicSizeMax: size(
    4096,
    'The longest topic name, filter or name of a shared subscription, in bytes of UTF-8. A longer one is refused (MQTT 5 with QoS 1 and 2, and every subscription) or costs the connection.',
    { min: 64, max: 65_535 },
  ),
  topicLevelsMax: count(
    128,
    'How many levels a topic name or filter may have: one more than it has slashes. With more it is refused as one that is too long.',
    { min: 1, max: 65_536 },
  ),
  subscriptionsMax: count(
    5_000,
    'How many subscriptions one client may have. One more is refused in its SUBACK. All subscriptions of a durable session are stored together, whenever one of them changes.',
    { min: 1, max: 1_000_000 },
  ),
  retainedMessagesMax: count(
    1_000_000,
    'How many messages are retained at most. One for a further topic is refused: its publisher is told that a quota is exceeded (MQTT 5) or disconnected (MQTT 3.1.1), so that it keeps the message; with QoS 0 it is passed on and not kept. What is on its way just then still comes on top. The same on both servers.',
    { min: 0, max: 100_000_000 },
  ),
  retainedSizeMax: size(
    1024 * MIB,
    'How much is retained at most: topics, payloads and properties. More is refused as above. The same on both servers.',
    { min: 0, max: 1024 * 1024 * MIB },
  ),
  retainedPerClientMax: count(
    100_000,
    'How many of the retained messages one client may have published, by its client identifier. More are refused as above. The same on both servers.',
    { min: 0, max: 100_000_000 },
  ),
  queueMessagesMax: count(
    1_000_000,
    'How many messages wait for one client at most. When its queue is full, the oldest message goes, with a warning, but none that may be on its way with QoS 2. The same on both servers.',
    { min: 1, max: 100_000_000 },
  ),
  queueSizeMax: size(1024 * MIB, 'How much waits for one client at most, payloads and properties counted.', {
    min: MIB,
    max: 1024 * 1024 * MIB,
  }),
  localQueuesSizeMax: size(
    256 * MIB,
    'How much waits in memory for all clients together whose sessions end with their connections, and for shared subscriptions that only such clients have. Where it is more, the longest of these queues lets its oldest messages go, with a warning. What waits for durable sessions is on disk.',
    { min: 16 * MIB, max: 1024 * 1024 * MIB },
  ),
  queueWhenFull: choice(
    'dropOldest',
    ['dropOldest', 'refuse'],
    'What becomes of a message for which the queue of a client with a durable session has no room. dropOldest: the oldest ones make way for it. refuse: it goes to nobody, and its publisher is told that a quota is exceeded (MQTT 5) or disconnected (MQTT 3.1.1), so that it keeps the message; a will, whose publisher is gone, goes to everybody who has room.',
  ),
  inFlightMax: count(
    100,
    'How many messages are sent to one client before it has acknowledged any of them, with QoS 1 and 2 together.',
    { min: 1, max: 65_535 },
  ),
  receiveMax: count(
    65_535,
    'How many messages with QoS 1 and 2 a client of MQTT 5 may send before any of them is acknowledged. It is told so; one that sends more is disconnected.',
    { min: 1, max: 65_535 },
  ),
  topicAliasMax: count(
    32,
    'How many topics of one connection have a number in their place, each way (MQTT 5). Each costs as much memory as its topic is long.',
    { min: 0, max: 65_535 },
  ),
  sessionExpiryMax: seconds(
    NEVER_EXPIRES,
    'How long a session is kept after its client has gone, whatever the client asks for; a client of MQTT 5 is told so. 4294967295: for ever, which clients of MQTT 3.1.1 with durable sessions ask for.',
    { min: 0, max: NEVER_EXPIRES },
  ),
  messageExpiryMax: seconds(
    0,
    'How long a message lives, also a retained one, whatever its publisher says. 0: as its publisher says, which is for ever in MQTT 3.1.1.',
    { min: 0, max: NEVER_EXPIRES },
  ),
  keepAliveMax: seconds(
    0,
    'The longest keep-alive: a client of MQTT 5 that wants a longer one, or none, is told to use this. A client is taken for lost after one and a half of its keep-alive. 0: as the client says.',
    { min: 0, max: 65_535 },
  ),
  stallTimeout: milliseconds(
    60_000,
    'How long a client for which mqtt.backlogSizeMax waits may read nothing of it before it is disconnected.',
    { min: 1_000, max: 3_600_000 },
  ),
  connectTimeout: milliseconds(
    10_000,
    'How long a client may take from opening its connection to its CONNECT packet.',
    { min: 100, max: 600_000 },
  ),
  backlogSizeMax: size(
    MIB,
    'How much waits for the network of one client that does not read; it gets nothing more, and nothing more is read from it, until it has read.',
    { min: 64 * 1024, max: 256 * MIB },
  ),
  sysInterval: milliseconds(
    10_000,
    'How often what this server tells of itself below $SYS/ is looked at, and sent to who has subscribed where it has changed. 0: nothing is told there.',
    { min: 0, max: 3_600_000 },
  ),
  pendingSizeMax: size(
    16 * MIB,
    'How much may wait for disks and the other server together before publishers are slowed down.',
    { min: 64 * 1024, max: 1024 * MIB },
  ),
} as const;

export type ConnectionOptions = Options<typeof connectionOptions>;

/** What clients are held to, and told. */
export const limitsOf = (options: ConnectionOptions): SessionLimits => ({
  packetSizeMax: options.packetSizeMax,
  receiveMax: options.receiveMax,
  aliasMax: options.topicAliasMax,
  sessionExpirySecondsMax: options.sessionExpiryMax,
  messageExpirySecondsMax: options.messageExpiryMax,
  keepAliveSecondsMax: options.keepAliveMax,
  topic: { bytesMax: options.topicSizeMax, levelsMax: options.topicLevelsMax },
  subscriptionsMax: options.subscriptionsMax,
  retained: {
    messages: options.retainedMessagesMax,
    bytes: options.retainedSizeMax,
    perClient: options.retainedPerClientMax,
  },
});

/** How much waits for one client. */
export const boundsOf = ({
  queueMessagesMax,
  queueSizeMax,
  queueWhenFull,
}: ConnectionOptions): QueueBounds => ({
  messages: queueMessagesMax,
  bytes: queueSizeMax,
  whenFull: queueWhenFull,
});
