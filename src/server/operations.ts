/** What operators ask of this server, answered from its parts. Source: PROTOCOL.md §2 Force, §3 (switchover). */
import { createRequire } from 'node:module';
import type {
  AccessChange,
  AccessListing,
  AccessReport,
  ForceReport,
  ForceWord,
  Operations,
  Refusal,
  ReloadReport,
  ServerStatus,
  SwitchoverReport,
} from '../admin/index.ts';
import { verdict } from '../admin/index.ts';
import type { Clock, Log } from '../base/index.ts';
import {
  mayForce,
  otherServer,
  recordFits,
  serves,
  type ArbitrationRecord,
  type ServerName,
} from '../core/pair/index.ts';
import { NetFault, netFaults, type Certificates } from '../io/net/index.ts';
import type { Profile } from '../profile/index.ts';
import type { Connections } from '../runtime/connections/index.ts';
import type { PairDriver } from '../runtime/pair/index.ts';
import type { Replication } from '../runtime/replication/index.ts';
import type { PairSight } from '../runtime/sys/index.ts';
import type { AccessOrders } from './access-orders.ts';

/** dist/server and src/server are equally deep below package.json. */
export const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

export type OperationsParts = Readonly<{
  profile: Profile;
  pair: PairDriver;
  replication: Replication;
  connections: Connections;
  accessOrders: AccessOrders;
  /** Null: no listener uses TLS. */
  certificates: Certificates | null;
  clock: Clock;
  log: Log;
  stop: (why: string) => Promise<void>;
}>;

const NAMES: readonly ServerName[] = ['primary', 'secondary'];

export class ServerOperations implements Operations {
  readonly #parts: OperationsParts;
  readonly #watchers = new Set<() => void>();
  #peer: { state: string; since: number };

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    this.#peer = { state: 'DEAD', since: parts.clock.wall() };
  }

  /** The pair has taken a step: whoever waits for something looks again. */
  stepped(): void {
    const { pair, clock } = this.#parts;
    if (pair.peerState !== this.#peer.state) this.#peer = { state: pair.peerState, since: clock.wall() };
    for (const watcher of this.#watchers) watcher();
  }

  status(): ServerStatus {
    const { profile, pair, replication, connections } = this.#parts;
    const { server } = profile;
    const store = replication.replica.view();
    const share = pair.outlook.shareView;
    const record = newest(share.kind === 'record' ? share.record : null, store.recordSeen);
    const { clients, queuedMessages } = connections.stats();
    const { sync } = replication;
    return {
      server,
      state: pair.state,
      since: pair.since,
      why: pair.memory.why,
      peer: { state: pair.peerState, since: this.#peer.since },
      lock: {
        isHeld: pair.memory.hold !== null,
        path: profile.lock.file,
        isKeeperAlive: share.kind !== 'unreachable',
      },
      epoch: pair.memory.claim?.epoch ?? record?.epoch ?? 0,
      inSync: record === null ? [] : NAMES.filter((name) => record.inSync[name] !== undefined),
      isNamed: record?.inSync[server] === store.storeId,
      stamp: store.stamp,
      floor: record?.floor[store.storeId] ?? null,
      lag: replication.lag,
      sync:
        sync === null
          ? null
          : {
              percent: sync.percent ?? 0,
              megabytesPerSecond: sync.megabytesPerSecond,
              entriesToGo: sync.entriesLeft,
            },
      clients,
      queuedMessages,
      share: { isReachable: share.kind !== 'unreachable', recordVersion: record?.version ?? null },
      gateway: {
        hasEverAnswered: pair.outlook.gatewayView.hasAnswered,
        lastAnswered:
          pair.outlook.gatewayView.last === 'neverAsked'
            ? null
            : pair.outlook.gatewayView.last === 'answered',
      },
      version,
      pid: process.pid,
      store: { path: profile.store.path, storeId: store.storeId },
    };
  }

  /** The same, for clients: as far as it says something of the pair. */
  pairSight(): PairSight {
    const status = this.status();
    const { server, state, epoch, peer, inSync, lag, lock } = status;
    return {
      server,
      state,
      epoch,
      peerState: peer.state,
      inSync,
      isAlone: verdict(status, null).kind === 'alone',
      isLockHeld: lock.isHeld,
      lag,
    };
  }

  async switchover(why: string): Promise<SwitchoverReport> {
    const { profile, pair, clock } = this.#parts;
    const { handoverTimeout, claimTimeout } = profile.timing;
    const other = otherServer(profile.server);
    const began = clock.now();
    const isHere = pair.state === 'PASSIVE';
    if (pair.state !== 'ACTIVE' && !isHere)
      return refused(
        `this server is ${pair.state}; a switchover needs one that is ACTIVE and one that is PASSIVE`,
      );
    pair.askSwitchover(why);
    const hasServed = isHere ? () => serves(pair.state) : () => pair.peerServes;
    const isDone = await this.#until(hasServed, handoverTimeout * 2 + claimTimeout);
    if (isDone)
      return {
        kind: 'done',
        clientsWaitedMs: Math.round(clock.now() - began),
        nowServing: isHere ? profile.server : other,
      };
    return {
      kind: 'failed',
      code: 'LS_SWITCHOVER_FAILED',
      why: `the ${isHere ? profile.server : other} does not serve after ${Math.round(clock.now() - began)} ms; this server is ${pair.state}: ${pair.memory.why}`,
    };
  }

  stop(why: string): Promise<void> {
    return this.#parts.stop(why);
  }

  access(): AccessListing {
    return this.#parts.accessOrders.listing();
  }

  changeAccess(change: AccessChange): Promise<AccessReport> {
    return this.#parts.accessOrders.change(change);
  }

  async reload(why: string): Promise<ReloadReport> {
    const { certificates, log } = this.#parts;
    log.say({ level: 'info', text: `Reading certificates anew: ${why}` });
    try {
      if (certificates === null) throw new NetFault('LS_TLS_NOT_USED', netFaults.LS_TLS_NOT_USED());
      await certificates.reread();
      return { kind: 'done' };
    } catch (error) {
      if (!(error instanceof NetFault)) throw error;
      log.say({ level: 'warn', code: error.code, text: `Nothing has changed: ${error.message}` });
      return { kind: 'refused', code: error.code, why: error.message };
    }
  }

  async forceActive(word: ForceWord): Promise<ForceReport> {
    const { profile, pair, replication, clock } = this.#parts;
    if (serves(pair.state)) return refused('this server serves already');
    if (pair.state !== 'WAITING')
      return refused(`this server is ${pair.state}; only one that is WAITING can be forced`);
    const refusal = mayForce(replication.replica.view(), pair.peerServes);
    if (refusal !== null) return refused(refusal);
    const at = new Date(clock.wall()).toISOString();
    const known = replication.replica.view().recordSeen;
    if (
      known !== null &&
      !recordFits({ ...known, forced: [...known.forced, { ...word, at, epoch: known.epoch }] })
    )
      return refused('who and why do not fit into the record any more; say it shorter');
    pair.tell({ type: 'forceAsked', word: { ...word, at } });
    const { claimTimeout, keeperTimeout } = profile.timing;
    await this.#until(
      () => serves(pair.state) || pair.memory.force === null,
      claimTimeout + 3 * keeperTimeout,
    );
    await this.#until(() => serves(pair.state) || !pair.isClaiming, claimTimeout);
    if (serves(pair.state))
      return { kind: 'done', epoch: pair.memory.claim?.epoch ?? 0, nowServing: profile.server };
    return { kind: 'failed', code: 'LS_FORCE_FAILED', why: pair.memory.why };
  }

  /** Whether it came true within `ms`; looked at after every step of the pair. */
  #until(isSo: () => boolean, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#watchers.delete(look);
        cancel();
        resolve(isSo());
      };
      const look = (): void => {
        if (isSo()) end();
      };
      const cancel = this.#parts.clock.after(ms, end);
      this.#watchers.add(look);
      look();
    });
  }
}

/** What this server read last, or kept: whichever says more. */
const newest = (a: ArbitrationRecord | null, b: ArbitrationRecord | null): ArbitrationRecord | null =>
  a === null ? b : b === null || a.version >= b.version ? a : b;

const refused = (why: string): Refusal => ({ kind: 'refused', code: 'LS_ORDER_REFUSED', why });
