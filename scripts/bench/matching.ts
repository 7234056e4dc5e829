/**
 * Does a publish cost what it matches, however many subscriptions there are, and a wildcard subscription what it finds, however much is
 * retained? And what do they take in memory, and to build? Each size in a process of its own, on the broker's own trees, without network or
 * disk. Prints Markdown tables; `--json` writes all figures.
 *
 *     npm run bench:matching -- [--sizes 1000,100000,1000000] [--runs 5] [--kinds subscriptions,publishes,retained] [--json file]
 *
 * Units: processor time (user and system, with the garbage collector's threads), so that what else the machine does counts little; median
 * of the runs, and in brackets the least and the most. Memory: heap in use after a full collection, without the filters' and addresses' own
 * texts, which sessions and messages hold anyway.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { isJob, KINDS, measure, type Figures, type Job, type Spread } from './matching/jobs.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,100000,1000000' },
    runs: { type: 'string', default: '5' },
    kinds: { type: 'string', default: KINDS.join(',') },
    json: { type: 'string' },
  },
});

if (process.send === undefined) await measureAll();
else
  process.once('message', (job) => {
    if (isJob(job)) process.send?.(measure(job), () => process.disconnect());
  });

async function measureAll(): Promise<void> {
  const runs = Number(values.runs);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`;
  const kinds = KINDS.filter((kind) => values.kinds.split(',').includes(kind));
  const all: { job: Job; figures: Figures }[] = [];
  for (const size of values.sizes.split(',').map(Number))
    for (const kind of kinds)
      for (const shape of kind === 'subscriptions'
        ? (['mixed', 'own', 'flat', 'shared'] as const)
        : (['mixed'] as const)) {
        const job: Job = { kind, shape, size, runs };
        console.error(`${kind} ${shape} ${size} …`);
        all.push({ job, figures: await inOwnProcess(job) });
        if (values.json !== undefined)
          writeFileSync(values.json, `${JSON.stringify({ machine, runs, all }, null, 2)}\n`);
      }
  for (const kind of kinds) print(all.filter(({ job }) => job.kind === kind));
  console.log(`${runs} runs each; ${machine}`);
}

async function inOwnProcess(job: Job): Promise<Figures> {
  const child = fork(new URL(import.meta.url).pathname, [], {
    execArgv: [...process.execArgv, '--expose-gc', '--max-old-space-size=8192'],
  });
  const answer = once(child, 'message');
  child.send(job);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${job.kind} ${job.shape} ${job.size}: ended with ${String(code)} before it answered`);
  });
  ended.catch(() => undefined);
  const [figures] = (await Promise.race([answer, ended])) as [Figures]; // what `measure` has made
  return figures;
}

/** One column for each size. */
function print(results: readonly { job: Job; figures: Figures }[]): void {
  const sizes = [...new Set(results.map(({ job }) => job.size))];
  const rows = new Map<string, string[]>();
  for (const { job, figures } of results)
    for (const [name, figure] of Object.entries(figures)) {
      const title = job.kind === 'subscriptions' ? `${job.shape}: ${name}` : name;
      const row = rows.get(title) ?? [];
      rows.set(title, [...row, shown(figure)]);
    }
  const cells = [
    [results[0]?.job.kind ?? '', ...sizes.map(digits)],
    ['---', ...sizes.map(() => '--:')],
  ];
  for (const [title, row] of rows) cells.push([title, ...row]);
  for (const row of cells) console.log(`| ${row.join(' | ')} |`);
  console.log('');
}

function shown({ median, min, max }: Spread): string {
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}

function digits(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-GB') : String(Number(value.toPrecision(3)));
}
