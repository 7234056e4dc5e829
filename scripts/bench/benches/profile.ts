/** What the servers' time goes to. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PairUnderTest, ServerUnderTest } from '../../../test/system/pair.ts';
import type { Bench } from '../bench.ts';
import { endpointsFrom, unstartedPair } from '../brokers.ts';
import { load } from '../load.ts';
import { partOf, stacksIn, type Span } from '../profiling/cpu-profile.ts';
import { flameGraph } from '../profiling/flame-graph.ts';
import type { Sample } from '../report.ts';
import type { Session } from '../session.ts';

const SHAPES = [
  { name: '256 B 16×64', payload: 256, clients: 16, window: 64 },
  { name: '256 B 1×1', payload: 256, clients: 1, window: 1 },
  { name: '16 KiB 16×64', payload: 16_384, clients: 16, window: 64 },
] as const;
type Shape = (typeof SHAPES)[number];

const ROLES = ['active', 'passive'] as const;
type Role = (typeof ROLES)[number];

export const profile: Bench = {
  name: 'profile',
  question: 'What does the time of both servers go to?',
  setup:
    'A pair under V8’s sampling profiler (`node --cpu-prof`), as many subscribers as publishers, each with its own topic; the main thread of each server while messages flow, after a warm-up. A stack’s time belongs to the innermost part of the product that is in it. The threads that write, sync and collect garbage beside the main one are not in it. With `--graphs` also as flame graphs.',
  unit: 'per cent of the time that was measured',
  columns: {
    core: '%',
    runtime: '%',
    clients: '%',
    journal: '%',
    state: '%',
    backchannel: '%',
    other: '%',
    node: '%',
    garbage: '%',
    idle: '%',
  },
  needsBuild: true,
  takesOthers: false,
  runs: 3,
  options: {
    seconds: { default: '5', text: 'profiled time of each run' },
    graphs: { default: '', text: 'a directory for flame graphs (SVG) of the last run' },
  },
  async run(session) {
    for (const shape of SHAPES) {
      const wanted = ROLES.filter((role) => session.isWanted(`${role}: ${shape.name}`));
      if (wanted.length === 0) continue;
      for (let run = 1; run <= session.asked.runs; run += 1) {
        session.tell(`${shape.name}, run ${run} of ${session.asked.runs}`);
        const found = await measured(session, shape);
        for (const role of wanted) session.report.add(`${role}: ${shape.name}`, found[role]);
      }
    }
  },
};

async function measured(session: Session, shape: Shape): Promise<Record<Role, Sample>> {
  const { pair, end } = await unstartedPair(session);
  const directory = join(pair.home, 'profiles');
  mkdirSync(directory);
  for (const place of ['primary', 'secondary'] as const)
    pair.places[place] = {
      ...pair.places[place],
      flags: ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=500'],
    };
  const { active, passive } = await pair.startBoth();
  const { payload, clients, window } = shape;
  const traffic = { endpoints: endpointsFrom(pair, active), payload, publishers: clients, window };
  await load(session, { ...traffic, subscribers: clients, seconds: session.either(4, 1) });
  const seconds = session.either(session.number('seconds'), 1);
  const from = now();
  await load(session, { ...traffic, subscribers: clients, seconds });
  const span = { from, to: now() };
  const servers = { active: pair.server(active), passive: pair.server(passive) };
  // A profile is written at a clean end.
  for (const role of ['passive', 'active'] as const) await ended(servers[role]);
  const samples = {
    active: sampled(session, `active, ${shape.name}`, written(pair, directory, servers.active), span),
    passive: sampled(session, `passive, ${shape.name}`, written(pair, directory, servers.passive), span),
  };
  await end();
  return samples;
}

async function ended(server: ServerUnderTest): Promise<void> {
  server.kill('SIGTERM');
  await server.ended;
}

/** The profile of the server's main thread; its keeper writes one too. */
function written(pair: PairUnderTest, directory: string, { pid }: ServerUnderTest): string {
  const name = readdirSync(directory).find((each) => each.includes(`.${pid}.0.`));
  if (name === undefined) throw new Error(`server ${pid} wrote no profile\n${pair.transcript()}`);
  return readFileSync(join(directory, name), 'utf8');
}

function sampled(session: Session, title: string, text: string, span: Span): Sample {
  const stacks = stacksIn(text, span);
  const all = stacks.reduce((sum, { us }) => sum + us, 0);
  const figures: Record<string, number> = Object.fromEntries(
    Object.keys(profile.columns).map((part) => [part, 0]),
  );
  for (const stack of stacks) {
    const part = partOf(stack);
    figures[part] = (figures[part] ?? 0) + (stack.us / all) * 100;
  }
  const graphs = session.option('graphs');
  if (graphs !== '') {
    mkdirSync(graphs, { recursive: true });
    const file = title
      .toLowerCase()
      .replaceAll('×', 'x')
      .replaceAll(/[^a-z0-9]+/g, '-');
    writeFileSync(join(graphs, `${file}.svg`), flameGraph(title, stacks));
  }
  return { figures };
}

/** Microseconds of the clock that profiles count by. */
const now = (): number => Number(process.hrtime.bigint() / 1000n);
