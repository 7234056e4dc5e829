/** Profile section `mqtt`: what one client may take of this server. */
import { choice, count, milliseconds, size, type Options } from '../../base/index.ts';

const MIB = 1024 * 1024;

export const connectionOptions = {
  packetSizeMax: size(
    MIB,
    'The longest packet that a client may send, message and topic included. A client that announces more is disconnected before it can fill the memory.',
    // A journal entry holds whole packets and must pass the backchannel, whose frames end at 64 MiB.
    { min: 1024, max: 32 * MIB },
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
  queueWhenFull: choice(
    'dropOldest',
    ['dropOldest', 'refuse'],
    'What becomes of a message for which the queue of a client with a durable session has no room. dropOldest: the oldest ones make way for it. refuse: it goes to nobody, and its publisher is told that a quota is exceeded (MQTT 5) or disconnected (MQTT 3.1.1), so that it keeps the message.',
  ),
  inFlightMax: count(
    100,
    'How many messages are sent to one client before it has acknowledged any of them, with QoS 1 and 2 together.',
    { min: 1, max: 65_535 },
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
  pendingSizeMax: size(
    16 * MIB,
    'How much may wait for disks and the other server together before publishers are slowed down.',
    { min: 64 * 1024, max: 1024 * MIB },
  ),
} as const;

export type ConnectionOptions = Options<typeof connectionOptions>;
