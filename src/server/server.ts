/**
 * One server, built of its profile: store, replication, pair, clients' side, admin API. Only here are `io` and `runtime` brought together; what
 * is opened is closed in the opposite order, also when the start fails half-way.
 */
import type { Log } from '../base/index.ts';
import { openAdmin } from '../admin/index.ts';
import { Broker } from '../core/broker/index.ts';
import { incarnation, type PairFact, type ShareSight } from '../core/pair/index.ts';
import { KeeperArbiter, keeperProgram, TcpGateway } from '../io/arbitration/index.ts';
import { WsChannel } from '../io/channel/index.ts';
import { TcpListener } from '../io/net/index.ts';
import { openStoreRoot } from '../io/store/index.ts';
import { SystemClock, SystemRandom } from '../io/system/index.ts';
import type { Profile } from '../profile/index.ts';
import { Connections } from '../runtime/connections/index.ts';
import { PairDriver } from '../runtime/pair/index.ts';
import { Replication } from '../runtime/replication/index.ts';
import { ServerOperations } from './operations.ts';

/** A checkpoint at the latest after this, and after so many bytes applied. */
const CHECKPOINT = { intervalMs: 5_000, bytesMax: 64 * 1024 * 1024 };
/** A last checkpoint and the keeper's farewell may take this long at a clean stop; then the process ends without. */
const STOP_MS_MAX = 20_000;

export const exitCodes = { done: 0, stopped: 7 } as const;

export type ServerRequest = Readonly<{
  profile: Profile;
  log: Log;
  /** The operator said `--new-pair`: a virgin server may found a pair alone. Source: PROTOCOL.md §2 None. */
  newPair: boolean;
}>;

export type RunningServer = Readonly<{
  /** Drains, tells the peer, releases the lock, closes the store. Safe to repeat. */
  stop: (why: string) => Promise<void>;
  /** The exit code, once the server has ended, whatever ended it. */
  done: Promise<number>;
}>;

/** The server runs when it fulfils. Rejects with a coded error when it can't start; then nothing is left open. */
export async function runServer({ profile, log, newPair }: ServerRequest): Promise<RunningServer> {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.reverse().splice(0)) await close();
  };
  try {
    return await start();
  } catch (failure) {
    await closeAll();
    throw failure;
  }

  async function start(): Promise<RunningServer> {
    const { server: me, timing } = profile;
    // The parts know each other in a circle (what the arbiter loses the pair must hear); the circle is closed here, by `pair`.
    const late: { pair: PairDriver | null; connections: Connections | null } = {
      pair: null,
      connections: null,
    };
    const tell = (fact: PairFact): void => late.pair?.tell(fact);

    const listener = new TcpListener({ ...profile.listeners.mqtt });
    // A passive server binds no client port; that it could is found out now and not in the emergency.
    await listener.open({
      connected: () => ({ data: () => undefined, drained: () => undefined, closed: () => undefined }),
    });
    await listener.close();

    const root = openStoreRoot(profile.store.path, { random, log, journal: profile.journal });
    const arbiter = new KeeperArbiter({
      server: me,
      lockFile: profile.lock.file,
      storeDirectory: profile.store.path,
      timing,
      program: keeperProgram(),
      events: { lockLost: (why) => tell({ type: 'lockLost', why }) },
      log,
    });
    const broker = new Broker();
    const replication = await Replication.open({
      root,
      broker,
      clock,
      log,
      times: { ackTimeoutMs: timing.ackTimeout, diskTimeoutMs: timing.diskTimeout, checkpoint: CHECKPOINT },
      hooks: {
        tell,
        send: (frame) => late.pair?.send(frame),
        seeShare: (): Promise<ShareSight> =>
          late.pair?.outlook.see() ?? Promise.resolve({ kind: 'unreachable' }),
        committed: (stamp) => arbiter.committed(stamp),
        applied: () => late.connections?.applied(),
      },
    });
    opened.push(() => replication.close());

    const connections = new Connections({
      broker,
      proposals: replication.pipeline,
      listeners: [listener],
      clock,
      random,
      log,
      options: profile.mqtt,
    });
    late.connections = connections;

    let end: (code: number) => void = () => undefined;
    const done = new Promise<number>((resolve) => (end = resolve));
    let ending: Promise<void> | null = null;

    const channel = new WsChannel({
      server: me,
      incarnation: incarnation(random.id()),
      pairName: profile.pair.name,
      secret: profile.pair.secret,
      listen: { host: profile.backchannel.host, port: profile.backchannel.port },
      peer: { host: profile.peer.host, port: profile.peer.port },
      options: profile.backchannel,
      clock,
      random,
      log,
    });
    const pair = new PairDriver({
      me,
      incarnation: incarnation(random.id()),
      timing,
      mayFoundAlone: newPair,
      arbiter,
      gateway: new TcpGateway({
        ...profile.gateway,
        probes: timing.gatewayProbes,
        timeoutMs: timing.gatewayTimeout,
      }),
      channel,
      clock,
      random,
      log,
      replication,
      service: connections,
      events: {
        stepped: () => operations.stepped(),
        fatal: (why) => {
          log.say({
            level: 'error',
            code: 'LS_SERVER_STOPPED',
            text: `This server stops to protect the messages: ${why}`,
          });
          ending ??= Promise.race([pair.abandon(why), after(timing.keeperTimeout * 2)]).then(() =>
            end(exitCodes.stopped),
          );
        },
      },
    });
    late.pair = pair;

    const stop = (why: string): Promise<void> => {
      ending ??= (async () => {
        const began = clock.now();
        const clean = (async () => {
          await pair.stop(why);
          await closeAll();
        })();
        await Promise.race([clean, after(STOP_MS_MAX)]);
        log.say({
          level: 'info',
          text: `Stopped after ${Math.round(clock.now() - began)} ms: clients disconnected, lock released, store closed`,
        });
        end(exitCodes.done);
      })();
      return ending;
    };
    const operations = new ServerOperations({ profile, pair, replication, connections, broker, clock, stop });
    const admin = await openAdmin({ ...profile.admin, secret: profile.pair.secret, operations, log });
    opened.push(() => admin.close());
    await pair.start();
    return { stop, done };
  }

  function after(ms: number): Promise<void> {
    return new Promise((resolve) => clock.after(ms, resolve));
  }
}
