/**
 * What one server shows of itself, and what that means in plain words. Values only: the server fills them in, the admin API
 * carries them, `lockstep status` prints them. Source: PROTOCOL.md §3 (states), §1 (record).
 */
import {
  isNewer,
  otherServer,
  serves,
  type ServerName,
  type Stamp,
  type StateName,
} from '../core/pair/index.ts';

export type SyncProgress = Readonly<{ percent: number; megabytesPerSecond: number; entriesToGo: number }>;

export type ServerStatus = Readonly<{
  server: ServerName;
  state: StateName;
  /** Wall-clock milliseconds of the last change of state. */
  since: number;
  /** The reason of the last change of state, as on the console. */
  why: string;
  /** The peer as this server sees it, and since when (wall-clock milliseconds). */
  peer: Readonly<{ state: StateName | 'DEAD'; since: number }>;
  lock: Readonly<{ isHeld: boolean; path: string; isKeeperAlive: boolean }>;
  /** The epoch of the claim that is served or followed; 0 before the first. */
  epoch: number;
  /** Whose stores the record names, as last read or written. */
  inSync: readonly ServerName[];
  /** The record names this very store. */
  isNamed: boolean;
  /** The last entry of this server's journal. */
  stamp: Stamp;
  /** The stamp below which this store must not claim; null where the record has none for it. */
  floor: Stamp | null;
  /** What the passive has not stored yet; null when there is nobody to replicate to. */
  lag: Readonly<{ entries: number; bytes: number }> | null;
  /** A synchronisation under way; null when there is none. */
  sync: SyncProgress | null;
  clients: number;
  queuedMessages: number;
  share: Readonly<{ isReachable: boolean; recordVersion: number | null }>;
  gateway: Readonly<{
    hasEverAnswered: boolean;
    /** The last answer; null before the gateway was first asked. */
    lastAnswered: boolean | null;
  }>;
  version: string;
  pid: number;
  store: Readonly<{ path: string; storeId: string }>;
}>;

/**
 * `protected`: either server may fail and nobody notices. `alone`: one serves, and its failure stops service. `standby`: this
 * server does not serve and could not take over. `down`: neither serves. `unknown`: this server does not answer.
 */
export type VerdictKind = 'protected' | 'alone' | 'standby' | 'down' | 'unknown';
export type Verdict = Readonly<{ kind: VerdictKind; text: string }>;

/**
 * What an operator should think of `own`, in one line. `null` stands for a server that does not answer; the other's own status
 * tells a takeover that works from one that is only believed in.
 */
export function verdict(own: ServerStatus | null, peer: ServerStatus | null): Verdict {
  if (own === null)
    return { kind: 'unknown', text: 'does not answer: not running, or out of reach from here' };
  if (serves(own.state)) return servingVerdict(own);
  const peerServes = peer === null ? own.peer.state !== 'DEAD' && serves(own.peer.state) : serves(peer.state);
  if (own.state === 'PASSIVE' && own.isNamed) {
    return peerServes
      ? { kind: 'protected', text: 'protected' }
      : { kind: 'down', text: `about to take over: ${otherServer(own.server)} does not serve` };
  }
  const obstacle = whyNoTakeover(own);
  return peerServes
    ? { kind: 'standby', text: `would not take over: ${obstacle}` }
    : { kind: 'down', text: `not serving: ${obstacle}` };
}

/** What a stop of `own` would cost, for who asks for it; null where the other server takes over, or service does not depend on this one. */
export function costOfStop(own: ServerStatus, peer: ServerStatus | null): string | null {
  if (!serves(own.state)) return null;
  const other = verdict(peer, own);
  return other.kind === 'protected'
    ? null
    : `nobody serves once ${own.server} has stopped: ${otherServer(own.server)} ${other.text}`;
}

function servingVerdict(own: ServerStatus): Verdict {
  const other = otherServer(own.server);
  switch (own.state) {
    case 'ACTIVE':
      return own.lock.isHeld
        ? { kind: 'protected', text: 'protected' }
        : { kind: 'protected', text: 'protected, but without the lock: a second fault would stop service' };
    case 'ACTIVE_SYNC':
      return { kind: 'alone', text: `running alone until ${other} has caught up${progress(own)}` };
    default:
      return {
        kind: 'alone',
        text: `running alone since ${timeOfDay(own.since)}: ${other} is ${own.peer.state}`,
      };
  }
}

function whyNoTakeover(own: ServerStatus): string {
  if (own.state === 'STOPPED') return 'stopped';
  if (own.state === 'PASSIVE_SYNC') return `still catching up${progress(own)}`;
  if (!own.share.isReachable) return 'the share does not answer';
  if (own.floor !== null && isNewer(own.floor, own.stamp)) return 'store is behind the record';
  if (own.share.recordVersion !== null && !own.isNamed) return 'the record does not name this store';
  if (own.gateway.lastAnswered === false) return 'the gateway is silent';
  return own.why;
}

const progress = ({ sync }: ServerStatus): string =>
  sync === null ? '' : ` (${Math.floor(sync.percent)} %, ${sync.entriesToGo} entries to go)`;

/** Whether this server takes clients. */
export const isServing = (status: ServerStatus): boolean => serves(status.state);

/** `10:04`, in the time zone of whoever reads it. */
export const timeOfDay = (wall: number): string => {
  const date = new Date(wall);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
};
