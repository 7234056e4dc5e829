/** Clients of MQTT 5 in memory: packets made and read by mqtt-packet, which is not ours. */
import { generate, parser, type IConnectPacket, type Packet } from 'mqtt-packet';
import type { MemoryClient, Serving } from './serving.ts';

const VERSION = { protocolVersion: 5 } as const;

export const bytesOf = (packet: Packet): Buffer => generate(packet, VERSION);

export type ConnectMore = Partial<Omit<IConnectPacket, 'cmd' | 'protocolId' | 'protocolVersion'>>;

export const connect = (clientId: string, more: ConnectMore = {}): Buffer =>
  bytesOf({ cmd: 'connect', protocolId: 'MQTT', ...VERSION, clientId, clean: true, keepalive: 0, ...more });

export const disconnect = (reasonCode = 0, sessionExpiryInterval?: number): Buffer =>
  bytesOf({
    cmd: 'disconnect',
    reasonCode,
    ...(sessionExpiryInterval === undefined ? {} : { properties: { sessionExpiryInterval } }),
  });

type Publish = Extract<Packet, { cmd: 'publish' }>;

export const publish = (topic: string, payload: string, more: Partial<Publish> = {}): Buffer =>
  bytesOf({
    cmd: 'publish',
    topic,
    payload,
    qos: more.messageId === undefined ? 0 : 1,
    retain: false,
    dup: false,
    ...more,
  });

type Subscribe = Extract<Packet, { cmd: 'subscribe' }>;

export const subscribe = (
  messageId: number,
  topic: string,
  more: Partial<Subscribe['subscriptions'][number]> = {},
): Buffer =>
  bytesOf({
    cmd: 'subscribe',
    messageId,
    subscriptions: [{ topic, qos: 1, nl: false, rap: false, rh: 0, ...more }],
  });

export const unsubscribe = (messageId: number, topic: string): Buffer =>
  bytesOf({ cmd: 'unsubscribe', messageId, unsubscriptions: [topic] });

export const ack = (
  cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  messageId: number,
  reasonCode = 0,
): Buffer => bytesOf({ cmd, messageId, reasonCode });

/** All packets that have arrived since the last look. */
export function packetsOf(client: MemoryClient): Packet[] {
  const found: Packet[] = [];
  const reading = parser(VERSION);
  reading.on('packet', (packet) => void found.push(packet));
  reading.on('error', (failure) => {
    throw failure;
  });
  reading.parse(Buffer.from(client.received(), 'hex'));
  return found;
}

/** The same as texts: `puback #1 0x10`; of a message `topic=payload`, with q1 or q2, r and d as they are marked. */
export const heardBy = (client: MemoryClient): string[] => packetsOf(client).map(textOf);

function textOf(packet: Packet): string {
  if (packet.cmd === 'publish') {
    const { topic, payload, qos, messageId, retain, dup } = packet;
    const marks = [qos === 0 ? '' : ` q${qos} #${messageId ?? 0}`, retain ? ' r' : '', dup ? ' d' : ''];
    return `${topic}=${payload.toString()}${marks.join('')}`;
  }
  const id = packet.messageId === undefined ? '' : ` #${packet.messageId}`;
  const codes = codesOf(packet).map((code) => ` 0x${code.toString(16).padStart(2, '0')}`);
  const present = packet.cmd === 'connack' && packet.sessionPresent ? ' present' : '';
  return `${packet.cmd}${id}${codes.join('')}${present}`;
}

function codesOf(packet: Packet): number[] {
  switch (packet.cmd) {
    case 'suback':
    case 'unsuback':
      return packet.granted.map(Number);
    case 'pingresp':
    case 'pingreq':
      return [];
    default:
      return 'reasonCode' in packet && isCode(packet.reasonCode) ? [packet.reasonCode] : [];
  }
}

/** The library's types promise more than its packets have. */
const isCode = (value: unknown): value is number => typeof value === 'number';

/** A client of MQTT 5 whose CONNECT is committed and whose CONNACK has been read. */
export function connected(server: Serving, clientId: string, more: ConnectMore = {}): MemoryClient {
  const client = server.client();
  client.send(connect(clientId, more));
  server.proposals.commit();
  client.received();
  return client;
}

/** The same, subscribed to one filter. */
export function subscribed(
  server: Serving,
  clientId: string,
  filter: string,
  more: ConnectMore & Readonly<{ wishes?: Parameters<typeof subscribe>[2] }> = {},
): MemoryClient {
  const { wishes = {}, ...rest } = more;
  const client = connected(server, clientId, rest);
  client.send(subscribe(1, filter, wishes));
  server.proposals.commit();
  client.received();
  return client;
}

/** With a session that outlives its connection by so many seconds. */
export const lasting = (sessionExpiryInterval: number, more: ConnectMore = {}): ConnectMore => ({
  clean: false,
  ...more,
  properties: { ...more.properties, sessionExpiryInterval },
});
