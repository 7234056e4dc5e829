/** How long clients wait for the next acknowledgement when the active goes, by why it goes. */
import { otherServer, type ServerName } from '../../../src/core/pair/index.ts';
import { Backchannel } from '../../../test/system/network.ts';
import type { PairUnderTest } from '../../../test/system/pair.ts';
import type { Bench } from '../bench.ts';
import { endpoint, endpointsFrom, pairRoles, unstartedPair } from '../brokers.ts';
import { costOf, isSound, startLoad } from '../load.ts';
import { publishAll, subscribed } from '../mqtt-load.ts';
import { watch } from '../processes.ts';
import type { Sample } from '../report.ts';
import { after, type Session } from '../session.ts';

type Pair = Readonly<{ pair: PairUnderTest; backchannel: Backchannel; end: () => Promise<void> }>;
type Cause = Readonly<{
  name: string;
  /** How long clients wait for a server that says nothing. */
  patience?: (sessions: number) => readonly (string | number)[];
  befalls: (pair: Pair, active: ServerName) => Promise<void>;
  /** So that both can protect each other again. */
  undone: (pair: Pair, active: ServerName) => Promise<void>;
}>;

/** Started again, where it has ended. */
async function back({ pair }: Pair, name: ServerName): Promise<void> {
  const { process } = pair.server(name);
  if (process.exitCode === null && process.signalCode === null && (await pair.state(name)) !== null) return;
  await pair.server(name).ended;
  pair.start(name);
}

const CAUSES: readonly Cause[] = [
  {
    name: 'kill -9',
    befalls: async ({ pair }, active) => pair.server(active).kill('SIGKILL'),
    undone: back,
  },
  {
    name: 'SIGTERM',
    befalls: async ({ pair }, active) => pair.server(active).kill('SIGTERM'),
    undone: async ({ pair }, active) => {
      await pair.server(active).ended;
      pair.start(active);
    },
  },
  {
    name: 'switchover',
    befalls: async ({ pair }, active) => {
      await pair.client(active).switchover('benchmark');
    },
    undone: async () => undefined,
  },
  {
    name: 'frozen',
    // A frozen server's kernel accepts connections that nobody will ever answer.
    patience: (sessions) => ['--ack-timeout', 200, '--connect-ms', 20 + sessions / 10],
    befalls: async ({ pair }, active) => pair.server(active).kill('SIGSTOP'),
    undone: async (all, active) => {
      await all.pair.reaches(otherServer(active), 'STANDALONE');
      all.pair.server(active).kill('SIGCONT');
      // It finds out that it has been replaced, and joins or ends.
      await after(WAKING_MS);
      await back(all, active);
    },
  },
  {
    name: 'cut channel',
    befalls: async ({ backchannel }) => backchannel.cut('primary', 'secondary'),
    undone: async ({ backchannel }) => backchannel.heal(),
  },
];

const RATE = 500;
const WAKING_MS = 2_000;
const BEFORE_MS = 1_500;
const QUEUED_WINDOW = 500;

/** What there is beside the traffic. */
const LOADS = [
  { name: 'nothing queued', queued: 0, sessions: 0 },
  { name: '100k queued', queued: 100_000, sessions: 0 },
  { name: '1M queued', queued: 1_000_000, sessions: 0 },
  { name: '1k sessions', queued: 0, sessions: 1_000 },
] as const;

export const gap: Bench = {
  name: 'gap',
  question: 'How long do clients wait between two acknowledgements when the active server goes, by cause?',
  setup:
    'A pair with the times that are shipped; one publisher of QoS 1 (500 messages/s of 256 B, at most 64 unacknowledged) and one durable subscriber, both know both servers; a connection that breaks is replaced at once, and when the server is frozen one that acknowledges nothing for 200 ms is given up. Each run: traffic, the cause, traffic again, and acknowledged is held against delivered; then both protect each other again. Queued: waiting for a durable session that is away; sessions: durable and connected. Causes go in turn.',
  unit: 'ms, longest time between two acknowledgements (or deliveries) of a run',
  columns: { gap: 'ms', 'delivery gap': 'ms', lost: '', 'out of order': '' },
  needsBuild: true,
  takesOthers: false,
  runs: 30,
  options: {
    seconds: { default: '6', text: 'traffic of each run; a frozen server needs timing.peerTimeout of it' },
  },
  async run(session) {
    for (const { name, queued, sessions } of LOADS) {
      const point = (cause: Cause): string => `${cause.name}: ${name}`;
      const causes = CAUSES.filter((cause) => session.isWanted(point(cause)));
      if (causes.length === 0) continue;
      const all = await made(session);
      const { active } = await all.pair.startBoth();
      await fill(all.pair, active, Math.min(queued, session.either(queued, 10_000)));
      await session.alternate(
        causes.map((cause) => ({
          name: point(cause),
          measure: () => round(session, all, cause, sessions),
        })),
      );
      await all.end();
    }
  },
};

async function made(session: Session): Promise<Pair> {
  const { pair, end } = await unstartedPair(session);
  const backchannel = await Backchannel.between(pair);
  const endLine = session.closeLater(() => backchannel.close());
  return {
    pair,
    backchannel,
    end: async () => {
      await end();
      await endLine();
    },
  };
}

/** So many messages wait for a durable session that is away. */
async function fill(pair: PairUnderTest, active: ServerName, count: number): Promise<void> {
  if (count === 0) return;
  const port = pair.ports[active].mqtt;
  await subscribed(port, 'away', 'backlog');
  await publishAll(port, { topic: 'backlog', size: 256, count, window: QUEUED_WINDOW }, () => undefined);
}

async function round(session: Session, all: Pair, cause: Cause, sessions: number): Promise<Sample> {
  const { pair } = all;
  const { active, passive } = await pair.protected(120_000);
  const cost = watch(await pairRoles(pair, { active, passive }));
  const traffic = startLoad(session, {
    mode: 'failover',
    endpoints: endpointsFrom(pair, active),
    seconds: session.number('seconds'),
    rate: RATE,
    more: ['--idle', sessions, ...(cause.patience?.(sessions) ?? [])],
  });
  await flowing(pair, active, sessions);
  await cause.befalls(all, active);
  const found = await traffic.report;
  const processes = { ...cost(), load: costOf(found) };
  await cause.undone(all, active);
  if (!isSound(found)) process.exitCode = 1;
  return {
    figures: {
      gap: found.gapAckMs ?? NaN,
      'delivery gap': found.gapDelivMs ?? NaN,
      lost: found.lost,
      'out of order': found.order,
    },
    processes,
  };
}

/** Its clients are connected, and have been for a while. */
async function flowing(pair: PairUnderTest, active: ServerName, sessions: number): Promise<void> {
  const has = async (): Promise<true | null> => {
    const status = await pair.status(active);
    return (status?.clients ?? 0) >= sessions + 2 ? true : null;
  };
  await pair.until(`clients at ${endpoint(pair, active)}`, has, 60_000);
  await after(BEFORE_MS);
}
