/**
 * One server process of the simulation: the shipped parts, put together as `server/server.ts` does it, behind simulated ports. One of
 * these for each run of the process; disk, share and network outlive it.
 */
import type { Clock, Log, Random } from '../../base/index.ts';
import { Broker, type PagingSizes } from '../../core/broker/index.ts';
import {
  incarnation,
  type PairFact,
  type PairOptions,
  type stepPair,
  type ServerName,
  type ShareSight,
  type Stamp,
} from '../../core/pair/index.ts';
import type { Arbiter, ArbiterEvents, Channel, Gateway, Listener, StoreRoot } from '../../ports/index.ts';
import { AccessGate } from '../../runtime/access/index.ts';
import { Connections, type ConnectionOptions } from '../../runtime/connections/index.ts';
import { PairDriver } from '../../runtime/pair/index.ts';
import { Replication } from '../../runtime/replication/index.ts';

/** A checkpoint at the latest after this, and after so many bytes applied: often enough to meet every fault. */
const CHECKPOINT = { intervalMs: 2_000, bytesMax: 32 * 1024, freshBytesMax: 8 * 1024 };
/** Pages so small, and so little memory for them, that what waits for a client is not in memory, mostly. */
const PAGING: PagingSizes = { pageMessages: 3, pageBytes: 512, memoryBytes: 2048, tidyMax: 40 };

/** What is retained comes to who subscribes in pieces so small that a server goes between them. */
const PIECES = { messages: 2, bytes: 4096, found: 1000 };

/** The simulated clients are anonymous: nothing is ever hashed. */
const anonymousOnly = (broker: Broker): AccessGate =>
  new AccessGate({
    state: () => broker.access,
    options: { anonymous: 'allow', certificateNames: 'ignore' },
    hashing: { scrypt: () => Promise.reject(new Error('no simulated client has a password')) },
    key: new Uint8Array(16),
    decoyKey: new Uint8Array(16),
    nonce: () => 'simulated',
  });

export type SimServerPorts = Readonly<{
  clock: Clock;
  random: Random;
  log: Log;
  root: StoreRoot;
  arbiter: (events: ArbiterEvents) => Arbiter;
  gateway: Gateway;
  channel: Channel;
  listener: Listener;
  /** The pair's machine; a planted fault puts another one in its place. */
  step: typeof stepPair;
}>;

export type SimServerEvents = Readonly<{
  /** The pair has taken a step. */
  stepped: (server: SimServer) => void;
  /** This server, serving, has found an entry committed. */
  committed: (server: SimServer, stamp: Stamp) => void;
  /** The process ends of itself. */
  ended: (why: string) => void;
}>;

export type SimServerRequest = Readonly<{
  me: ServerName;
  timing: PairOptions;
  mqtt: ConnectionOptions;
  newPair: boolean;
}>;

export class SimServer {
  #ending: Promise<void> | null = null;
  readonly me: ServerName;
  readonly pair: PairDriver;
  readonly replication: Replication;
  readonly connections: Connections;
  readonly broker: Broker;

  private constructor(
    me: ServerName,
    parts: Readonly<{
      pair: PairDriver;
      replication: Replication;
      connections: Connections;
      broker: Broker;
    }>,
  ) {
    this.me = me;
    this.pair = parts.pair;
    this.replication = parts.replication;
    this.connections = parts.connections;
    this.broker = parts.broker;
  }

  /** `built` is told as soon as the parts stand, before the pair enters WAITING. Rejects when the server can't start. */
  static async start(
    request: SimServerRequest,
    ports: SimServerPorts,
    events: SimServerEvents,
    built: (server: SimServer) => void,
  ): Promise<void> {
    const { me, timing, mqtt, newPair } = request;
    const { clock, random, log, root, gateway, channel, listener, step } = ports;
    // As in server.ts: the parts know each other in a circle, which is closed here.
    const late: { server: SimServer | null } = { server: null };
    const tell = (fact: PairFact): void => late.server?.pair.tell(fact);
    const arbiter = ports.arbiter({ lockLost: (why) => tell({ type: 'lockLost', why }) });
    const broker = new Broker(PAGING);
    const replication = await Replication.open({
      root,
      broker,
      clock,
      log,
      times: { ackTimeoutMs: timing.ackTimeout, diskTimeoutMs: timing.diskTimeout, checkpoint: CHECKPOINT },
      hooks: {
        tell,
        send: (frame) => late.server?.pair.send(frame),
        seeShare: (): Promise<ShareSight> =>
          late.server?.pair.outlook.see() ?? Promise.resolve({ kind: 'unreachable' }),
        committed: (stamp) => {
          if (late.server !== null) events.committed(late.server, stamp);
          arbiter.committed(stamp);
        },
        applied: () => late.server?.connections.applied(),
      },
    });
    const connections = new Connections({
      broker,
      proposals: replication.pipeline,
      access: anonymousOnly(broker),
      listeners: [listener],
      clock,
      random,
      log,
      options: mqtt,
      peerReference: () => null,
      pieces: PIECES,
      self: { version: 'simulated', heapBytes: () => 0, pair: () => null },
    });
    let isEnding = false;
    const pair = new PairDriver({
      me,
      incarnation: incarnation(random.id()),
      timing,
      mayFoundAlone: newPair,
      step,
      arbiter,
      gateway,
      channel,
      clock,
      random,
      log,
      replication,
      service: connections,
      events: {
        stepped: () => {
          if (late.server !== null) events.stepped(late.server);
        },
        fatal: (why) => {
          if (isEnding) return;
          isEnding = true;
          log.say({ level: 'error', code: 'LS_SERVER_STOPPED', text: why });
          const patience = new Promise<void>((resolve) => clock.after(timing.keeperTimeout * 2, resolve));
          void Promise.race([pair.abandon(why), patience]).then(() => events.ended(why));
        },
      },
    });
    late.server = new SimServer(me, { pair, replication, connections, broker });
    built(late.server);
    await pair.start();
  }

  /** A clean stop, as an operator asks for it; asked for again, it is the same one, as in `server/server.ts`. */
  stop(why: string): Promise<void> {
    this.#ending ??= this.pair.stop(why).then(() => this.replication.close());
    return this.#ending;
  }
}
