/** How long a server that was away needs to protect again, and what clients feel of it. */
import { rm } from 'node:fs/promises';
import type { ServerName } from '../../../src/core/pair/index.ts';
import type { PairUnderTest, ServerUnderTest } from '../../../test/system/pair.ts';
import type { Bench } from '../bench.ts';
import { pairRoles, startedPair } from '../brokers.ts';
import { costOf, isSound, startLoad, type LoadReport } from '../load.ts';
import { publishAll, subscribed } from '../mqtt-load.ts';
import { watch } from '../processes.ts';
import type { Sample } from '../report.ts';
import { after, type Session } from '../session.ts';

const SERIES_MS = 50;
const PUBLISHERS = 4;
const WINDOW = 64;
const BEFORE_MS = 4_000;
/** After this a checkpoint is over, and the journal holds little of what the state has. */
const RESTING_MS = 7_000;
const BULK_BYTES = 16_384;
const BULK_WINDOW = 200;
/** Whatever the load's end, it has come before. */
const LOAD_SECONDS_MAX = 3_600;
const SYNC_MS_MAX = 1_800_000;
const MIB = 1024 * 1024;

export const sync: Bench = {
  name: 'sync',
  question:
    'How fast is a server brought back that was away or has lost its store, and what do clients feel of it?',
  setup:
    'A pair, and 4 publishers of QoS 1 with 64 messages of 256 B each under way, as fast as they are acknowledged, to 4 durable subscribers, all the time. Delta: the passive is killed and comes back after ten seconds. Full: 1 GiB waits in the state (16 KiB each, for a session that is away), the journal keeps nothing beyond the state, and the passive comes back without its store.',
  unit: 'seconds, MB/s as the servers say, acknowledged messages a second',
  columns: {
    'protected after': 's from its start',
    synchronised: 's',
    size: 'MB',
    speed: 'MB/s',
    'clients before': '1/s',
    'clients, peer away': '1/s',
    'clients meanwhile': '1/s',
    'kept of before': '%',
    lost: '',
  },
  needsBuild: true,
  takesOthers: false,
  runs: 5,
  options: {
    away: { default: '10', text: 'seconds for which the passive is away (delta)' },
    state: { default: '1024', text: 'MiB of state (full)' },
  },
  async run(session) {
    await session.alternate([
      { name: 'delta', measure: () => delta(session) },
      { name: 'full', measure: () => full(session) },
    ]);
  },
};

async function delta(session: Session): Promise<Sample> {
  const { pair, active, passive, end } = await startedPair(session, ['journal.retain=100 GiB']);
  const sample = await measured(session, { pair, active, passive }, async () => {
    await after(session.either(session.number('away') * 1000, 2_000));
  });
  await end();
  return sample;
}

async function full(session: Session): Promise<Sample> {
  const { pair, active, passive, end } = await startedPair(session, ['journal.retain=0']);
  const port = pair.ports[active].mqtt;
  const count = (session.either(session.number('state'), 200) * MIB) / BULK_BYTES;
  await subscribed(port, 'away', 'bulk');
  session.tell('filling the state');
  const bulk = { topic: 'bulk', size: BULK_BYTES, count, window: BULK_WINDOW };
  await publishAll(port, bulk, () => undefined);
  await after(RESTING_MS);
  const sample = await measured(session, { pair, active, passive }, async () => {
    await rm(pair.storePath(passive), { recursive: true });
  });
  await end();
  return sample;
}

type Parts = Readonly<{ pair: PairUnderTest; active: ServerName; passive: ServerName }>;

/** Under load: the passive is killed, `meanwhile` happens, it is started again, and both protect each other. */
async function measured(
  session: Session,
  { pair, active, passive }: Parts,
  meanwhile: () => Promise<void>,
): Promise<Sample> {
  const traffic = startLoad(session, {
    endpoints: [`${pair.places[active].host}:${pair.ports[active].mqtt}`],
    publishers: PUBLISHERS,
    subscribers: PUBLISHERS,
    window: WINDOW,
    seconds: LOAD_SECONDS_MAX,
    more: ['--series', SERIES_MS],
  });
  await pair.until('clients', async () =>
    ((await pair.status(active))?.clients ?? 0) >= 2 * PUBLISHERS ? true : null,
  );
  await after(1_000);
  const before = process.hrtime.bigint();
  await after(session.either(BEFORE_MS, 1_000));
  const killed = process.hrtime.bigint();
  pair.server(passive).kill('SIGKILL');
  await pair.server(passive).ended;
  await pair.reaches(active, 'STANDALONE');
  const alone = process.hrtime.bigint();
  await meanwhile();
  const started = process.hrtime.bigint();
  // The active counts what it sends; of a delta the other does not know how much is to come.
  const server = pair.server(active);
  const from = server.lines.length;
  pair.start(passive);
  const cost = watch(await pairRoles(pair, { active, passive }));
  await told(pair, server, from, /ynchronisation .*begins/);
  const begun = process.hrtime.bigint();
  const line = await told(pair, server, from, /ynchronisation .*has ended/);
  const ended = process.hrtime.bigint();
  await pair.protected(SYNC_MS_MAX);
  const protectedAt = process.hrtime.bigint();
  const processes = cost();
  const found = await traffic.finish();
  if (!isSound(found)) process.exitCode = 1;
  const [, megabytes = NaN, seconds = NaN] = (/has ended: ([\d.]+) MB in ([\d.]+) s/.exec(line) ?? []).map(
    Number,
  );
  const rates = { before: rate(found, before, killed), meanwhile: rate(found, begun, ended) };
  return {
    figures: {
      'protected after': Number(protectedAt - started) / 1e9,
      synchronised: seconds,
      size: megabytes,
      // The line rounds to tenths of a second.
      speed: megabytes / Math.max(seconds, Number(ended - begun) / 1e9),
      'clients before': rates.before,
      'clients, peer away': rate(found, alone, started),
      'clients meanwhile': rates.meanwhile,
      'kept of before': (rates.meanwhile / rates.before) * 100,
      lost: found.lost,
    },
    processes: { ...processes, load: costOf(found) },
  };
}

const told = (pair: PairUnderTest, server: ServerUnderTest, from: number, pattern: RegExp): Promise<string> =>
  pair.until(
    `a line ${String(pattern)}`,
    async () => server.lines.slice(from).find((line) => pattern.test(line)) ?? null,
    SYNC_MS_MAX,
  );

/** Acknowledgements a second between two moments. */
function rate({ series = [], beginNs = '0' }: LoadReport, from: bigint, to: bigint): number {
  const index = (at: bigint): number => Number(at - BigInt(beginNs)) / 1e6 / SERIES_MS;
  const [first, last] = [
    Math.floor(index(from)),
    Math.max(Math.floor(index(from)) + 1, Math.ceil(index(to))),
  ];
  const acked = series.slice(first, last).reduce((a, b) => a + b, 0);
  return acked / (((last - first) * SERIES_MS) / 1000);
}
