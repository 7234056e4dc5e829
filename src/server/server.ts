/**
 * One server, built of its profile: store, replication, pair, clients' side, admin API. Only here are `io` and `runtime` brought together; what
 * was opened is closed in the opposite order, also when the start fails half-way.
 */
import { createHmac } from 'node:crypto';
import { openAdmin } from '../admin/index.ts';
import type { Log } from '../base/index.ts';
import { Broker, PAGING } from '../core/broker/index.ts';
import { incarnation, serves, stepPair, type PairFact } from '../core/pair/index.ts';
import { KeeperArbiter, keeperProgram, TcpGateway } from '../io/arbitration/index.ts';
import { WsChannel } from '../io/channel/index.ts';
import { NodeScrypt } from '../io/passwords/index.ts';
import { openStoreRoot } from '../io/store/index.ts';
import { SystemClock, SystemRandom } from '../io/system/index.ts';
import type { Transport } from '../ports/index.ts';
import type { Profile } from '../profile/index.ts';
import { AccessGate } from '../runtime/access/index.ts';
import { Connections } from '../runtime/connections/index.ts';
import { PairDriver } from '../runtime/pair/index.ts';
import { Replication } from '../runtime/replication/index.ts';
import { AccessOrders } from './access-orders.ts';
import { easeCollector } from './collector.ts';
import { clientSide } from './listeners.ts';
import { ServerOperations, version } from './operations.ts';
import { rehearse } from './rehearsal/index.ts';

/** A checkpoint at the latest after this, and after so many bytes applied. */
const CHECKPOINT = { intervalMs: 5_000, bytesMax: 64 * 1024 * 1024, freshBytesMax: 32 * 1024 * 1024 };
/** A last checkpoint and the keeper's farewell may take this long at a clean stop; then the process ends without. */
const STOP_MS_MAX = 20_000;

/** Often enough that what a takeover's steps look up has been seen. */
const THOUGHTS = 5;

/** Of `lockstep serve`; the table of all is the command line's. */
const ENDED = { done: 0, stopped: 7 } as const;

export type ServerRequest = Readonly<{
  profile: Profile;
  log: Log;
  /** The operator said `--new-pair`: a virgin server may found a pair alone. Source: PROTOCOL.md §2 None. */
  newPair: boolean;
}>;

export type RunningServer = Readonly<{
  /** Drains, tells the peer, releases the lock, closes the store. Safe to repeat. */
  stop: (why: string) => Promise<void>;
  /** Reads the certificates anew, and says on the console what came of it. */
  reload: (why: string) => Promise<void>;
  /** The exit code, once the server has ended, whatever ended it. */
  done: Promise<number>;
}>;

/** The server runs when it fulfils. Rejects with a coded error when it can't start; then nothing is left open. */
export async function runServer(request: ServerRequest): Promise<RunningServer> {
  const server = new Server(request);
  try {
    // A disk that fails meanwhile stops the server for good, and then its start may never come to an end.
    await Promise.race([server.start(), server.done]);
    return {
      stop: (why) => server.stop(why),
      reload: (why) => server.reload(why),
      done: server.done,
    };
  } catch (failure) {
    await server.closeAll();
    throw failure;
  }
}

class Server {
  readonly #request: ServerRequest;
  readonly #clock = new SystemClock();
  readonly #random = new SystemRandom();
  readonly #opened: (() => Promise<void>)[] = [];
  /** The parts know each other in a circle (what the keeper loses the pair must hear); these two close it. */
  #pair: PairDriver | null = null;
  #connections: Connections | null = null;
  #operations: ServerOperations | null = null;
  #hasThought = false;
  #end: (code: number) => void = () => undefined;
  readonly done: Promise<number> = new Promise((resolve) => (this.#end = resolve));
  #ending: Promise<void> | null = null;

  constructor(request: ServerRequest) {
    this.#request = request;
  }

  async start(): Promise<void> {
    const { profile, log } = this.#request;
    const leaveCollector = easeCollector(this.#clock);
    this.#opened.push(() => Promise.resolve(leaveCollector()));
    const { listeners, certificates } = await clientSide({ profile, clock: this.#clock, log });
    const arbiter = this.#arbiter();
    const broker = new Broker(PAGING, profile.mqtt.localQueuesSizeMax);
    const replication = await this.#replication(broker, arbiter);
    this.#opened.push(() => replication.close());
    const connections = new Connections({
      broker,
      proposals: replication.pipeline,
      access: this.#access(broker),
      listeners,
      clock: this.#clock,
      random: this.#random,
      log,
      options: profile.mqtt,
      peerReference: (transport) => peerReference(profile.peer, transport),
      self: {
        version,
        // Messages are in buffers, which are not in the heap of V8.
        heapBytes: () => {
          const { heapUsed, external } = process.memoryUsage();
          return heapUsed + external;
        },
        pair: () => this.#operations?.pairSight() ?? null,
      },
    });
    this.#connections = connections;
    const pair = this.#driver({
      arbiter,
      replication,
      connections,
      stepped: () => {
        this.#operations?.stepped();
        this.#thinkAsPassive();
      },
    });
    this.#pair = pair;
    const operations = new ServerOperations({
      profile,
      pair,
      replication,
      connections,
      accessOrders: new AccessOrders({
        me: profile.server,
        broker,
        replication,
        pair,
        clock: this.#clock,
        log,
      }),
      certificates,
      clock: this.#clock,
      log,
      stop: (why) => this.stop(why),
    });
    this.#operations = operations;
    const admin = await openAdmin({ ...profile.admin, secret: profile.pair.secret, operations, log });
    this.#opened.push(() => admin.close());
    await pair.start();
    // In the time that it takes to find its peer; and no longer.
    const goesOn = (): boolean => this.#ending === null && !serves(pair.state);
    if (!goesOn()) return;
    const rehearsed = rehearse({ profile, goesOn, clock: this.#clock, random: this.#random, log });
    // Its scratch stores are gone before this server is.
    this.#opened.push(() => rehearsed.then(() => undefined));
  }

  stop(why: string): Promise<void> {
    this.#ending ??= this.#stopCleanly(why);
    return this.#ending;
  }

  async reload(why: string): Promise<void> {
    await this.#operations?.reload(why);
  }

  async closeAll(): Promise<void> {
    for (const close of this.#opened.reverse().splice(0)) await close();
  }

  async #stopCleanly(why: string): Promise<void> {
    const began = this.#clock.now();
    const clean = (async () => {
      await this.#pair?.stop(why);
      await this.closeAll();
    })();
    await Promise.race([clean, this.#after(STOP_MS_MAX)]);
    this.#request.log.say({
      level: 'info',
      text: `Stopped after ${Math.round(this.#clock.now() - began)} ms: clients disconnected, lock released, store closed`,
    });
    this.#end(ENDED.done);
  }

  /** Nothing can go on in this process: the lock is let go, and the store is left as it is. */
  #stopForGood(why: string): void {
    const { log, profile } = this.#request;
    log.say({
      level: 'error',
      code: 'LS_SERVER_STOPPED',
      text: `This server stops to protect the messages: ${why}`,
    });
    const abandoned = this.#pair?.abandon(why) ?? Promise.resolve();
    this.#ending ??= Promise.race([abandoned, this.#after(profile.timing.keeperTimeout * 2)]).then(() =>
      this.#end(ENDED.stopped),
    );
  }

  #access(broker: Broker): AccessGate {
    const { profile } = this.#request;
    return new AccessGate({
      state: () => broker.access,
      options: profile.access,
      hashing: new NodeScrypt(),
      key: Buffer.from(this.#random.id() + this.#random.id(), 'hex'),
      decoyKey: createHmac('sha256', profile.pair.secret).update('lockstep scram 1').digest(),
      nonce: () => this.#random.id(),
    });
  }

  #arbiter(): KeeperArbiter {
    const { profile, log } = this.#request;
    return new KeeperArbiter({
      server: profile.server,
      lockFile: profile.lock.file,
      storeDirectory: profile.store.path,
      timing: profile.timing,
      program: keeperProgram(),
      events: { lockLost: (why) => this.#tell({ type: 'lockLost', why }) },
      log,
    });
  }

  #replication(broker: Broker, arbiter: KeeperArbiter): Promise<Replication> {
    const { profile, log } = this.#request;
    const { store, journal, timing } = profile;
    return Replication.open({
      root: openStoreRoot(store.path, { random: this.#random, log, journal }),
      broker,
      clock: this.#clock,
      log,
      times: { ackTimeoutMs: timing.ackTimeout, diskTimeoutMs: timing.diskTimeout, checkpoint: CHECKPOINT },
      hooks: {
        tell: (fact) => this.#tell(fact),
        send: (frame) => this.#pair?.send(frame),
        seeShare: () => this.#pair?.outlook.see() ?? Promise.resolve({ kind: 'unreachable' }),
        committed: (stamp) => arbiter.committed(stamp),
        applied: () => this.#connections?.applied(),
      },
    });
  }

  #driver(parts: {
    arbiter: KeeperArbiter;
    replication: Replication;
    connections: Connections;
    stepped: () => void;
  }): PairDriver {
    const { profile, log, newPair } = this.#request;
    const { server, timing, gateway } = profile;
    const run = incarnation(this.#random.id());
    return new PairDriver({
      me: server,
      incarnation: run,
      timing,
      mayFoundAlone: newPair,
      step: stepPair,
      arbiter: parts.arbiter,
      gateway: new TcpGateway({ ...gateway, probes: timing.gatewayProbes, timeoutMs: timing.gatewayTimeout }),
      channel: this.#channel(run),
      clock: this.#clock,
      random: this.#random,
      log,
      replication: parts.replication,
      service: parts.connections,
      events: { stepped: parts.stepped, fatal: (why) => this.#stopForGood(why) },
    });
  }

  #channel(run: ReturnType<typeof incarnation>): WsChannel {
    const { profile, log } = this.#request;
    const { server, pair, backchannel, peer } = profile;
    return new WsChannel({
      server,
      incarnation: run,
      pairName: pair.name,
      secret: pair.secret,
      listen: { host: backchannel.host, port: backchannel.port },
      peer: { host: peer.host, port: peer.port },
      options: backchannel,
      clock: this.#clock,
      random: this.#random,
      log,
    });
  }

  /** Once: whoever may have to take over at any moment. A turn for each, since its active waits for its answers. */
  #thinkAsPassive(): void {
    const pair = this.#pair;
    if (this.#hasThought || pair?.state !== 'PASSIVE') return;
    this.#hasThought = true;
    const { log } = this.#request;
    const think = (round: number): void => {
      if (round === THOUGHTS || pair.state !== 'PASSIVE') return;
      try {
        pair.takeoverInThought();
        setImmediate(think, round + 1);
      } catch (failure) {
        // What is only thought must not end what runs.
        log.say({ level: 'debug', text: `A takeover in thought failed: ${String(failure)}` });
      }
    };
    setImmediate(think, 0);
  }

  #tell(fact: PairFact): void {
    this.#pair?.tell(fact);
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.after(ms, resolve));
  }
}

/** Where clients that came by `transport` find the other server, as MQTT 5 writes it. Source: MQTT 5.0 §4.11. */
function peerReference(peer: Profile['peer'], transport: Transport): string {
  const host = peer.clientHost === '' ? peer.host : peer.clientHost;
  const ports: Readonly<Record<Transport, number>> = {
    tcp: peer.clientPort,
    tls: peer.clientMqttsPort,
    ws: peer.clientWsPort,
    wss: peer.clientWssPort,
  };
  return `${host.includes(':') ? `[${host}]` : host}:${ports[transport]}`;
}
