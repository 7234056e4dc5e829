/** Topics and texts of what a server tells of itself: names and units as operators know them from Mosquitto, and the pair's own beside them. */
import { NO_PROPERTIES, type Content } from '../../core/broker/index.ts';
import type { Averages } from './load.ts';
import type { Traffic } from './traffic.ts';

/** The pair, as this server sees it. */
export type PairSight = Readonly<{
  server: string;
  state: string;
  epoch: number;
  peerState: string;
  inSync: readonly string[];
  isAlone: boolean;
  isLockHeld: boolean;
  /** Null: there is nobody to replicate to. */
  lag: Readonly<{ entries: number; bytes: number }> | null;
}>;

export type SysSnapshot = Readonly<{
  version: string;
  uptimeMs: number;
  clients: Readonly<{ connected: number; disconnected: number; maximum: number }>;
  traffic: Readonly<Traffic>;
  droppedMessages: number;
  subscriptions: number;
  retainedMessages: number;
  /** Retained and waiting. */
  stored: Readonly<{ messages: number; bytes: number }>;
  heap: Readonly<{ current: number; maximum: number }>;
  /** The last entry that is committed. */
  committed: number;
  /** Null: not known. */
  pair: PairSight | null;
}>;

/** What rises, below `load/`. */
export const loaded = ({ traffic, droppedMessages }: SysSnapshot): Readonly<Record<string, number>> => ({
  'messages/received': traffic.packetsIn,
  'messages/sent': traffic.packetsOut,
  'publish/dropped': droppedMessages,
  'publish/received': traffic.messagesIn,
  'publish/sent': traffic.messagesOut,
  'bytes/received': traffic.bytesIn,
  'bytes/sent': traffic.bytesOut,
  sockets: traffic.sockets,
  connections: traffic.connects,
});

const BROKER = '$SYS/broker';

/** Every topic with its text. */
export function sysTopics(
  snapshot: SysSnapshot,
  loads: ReadonlyMap<string, Averages>,
): ReadonlyMap<string, string> {
  const { clients, traffic, stored, heap, pair } = snapshot;
  const texts: Record<string, string | number> = {
    version: `lockstep version ${snapshot.version}`,
    uptime: `${Math.floor(snapshot.uptimeMs / 1000)} seconds`,
    'clients/connected': clients.connected,
    'clients/disconnected': clients.disconnected,
    'clients/total': clients.connected + clients.disconnected,
    'clients/maximum': clients.maximum,
    'messages/received': traffic.packetsIn,
    'messages/sent': traffic.packetsOut,
    'messages/stored': stored.messages,
    'publish/messages/received': traffic.messagesIn,
    'publish/messages/sent': traffic.messagesOut,
    'publish/messages/dropped': snapshot.droppedMessages,
    'publish/bytes/received': traffic.payloadIn,
    'publish/bytes/sent': traffic.payloadOut,
    'bytes/received': traffic.bytesIn,
    'bytes/sent': traffic.bytesOut,
    'retained messages/count': snapshot.retainedMessages,
    'subscriptions/count': snapshot.subscriptions,
    'store/messages/count': stored.messages,
    'store/messages/bytes': stored.bytes,
    'heap/current': heap.current,
    'heap/maximum': heap.maximum,
    ...(pair === null ? {} : pairTexts(pair)),
    'pair/committed': snapshot.committed,
  };
  for (const [name, averages] of loads)
    for (const [minutes, average] of Object.entries(averages))
      texts[`load/${name}/${minutes}min`] = average.toFixed(2);
  return new Map(Object.entries(texts).map(([name, text]) => [`${BROKER}/${name}`, String(text)]));
}

const pairTexts = (pair: PairSight): Record<string, string | number> => ({
  'pair/server': pair.server,
  'pair/state': pair.state,
  'pair/epoch': pair.epoch,
  'pair/peer/state': pair.peerState,
  'pair/in sync': pair.inSync.join(' '),
  'pair/alone': String(pair.isAlone),
  'pair/lock held': String(pair.isLockHeld),
  'pair/lag/entries': pair.lag?.entries ?? 0,
  'pair/lag/bytes': pair.lag?.bytes ?? 0,
});

/** As messages: retained, with QoS 0. */
export const sysContents = (topics: Iterable<readonly [string, string]>): readonly Content[] =>
  [...topics].map(([address, text]) => ({
    address,
    payload: Buffer.from(text),
    qos: 0,
    isRetained: true,
    properties: NO_PROPERTIES,
    expiresAt: null,
  }));
