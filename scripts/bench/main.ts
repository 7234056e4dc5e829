/**
 * `npm run bench`: the benchmarks, each with its question. `npm run bench -- NAME [options]`: one of them; a Markdown table on standard output,
 * all figures as JSON by `--json`. They compare side by side in one run; they are no tests and gate nothing.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Bench } from './bench.ts';
import { build } from './build.ts';
import { PEERS } from './peers.ts';
import { BENCHES, COMMON_OPTIONS } from './registry.ts';
import { machine, machineLine, Report } from './report.ts';
import { Session } from './session.ts';

/** That it works is seen in the first run. */
const QUICK_RUNS = 1;

const [name, ...words] = process.argv.slice(2);
const bench = BENCHES.find((each) => each.name === name);
if (name === undefined || name === '--help') list();
else if (bench === undefined) {
  console.error(`no benchmark is called ${name}`);
  list();
  process.exitCode = 2;
} else await measured(bench);

function list(): void {
  console.log('npm run bench -- NAME [options]\n');
  for (const each of BENCHES) {
    console.log(`  ${each.name.padEnd(12)} ${each.question}`);
    for (const [key, option] of Object.entries(each.options ?? {}))
      console.log(`${' '.repeat(17)}--${key} ${option.default}: ${option.text}`);
  }
  console.log('\nOptions of all:\n');
  for (const [key, text] of Object.entries(COMMON_OPTIONS)) console.log(`  --${key}: ${text}`);
}

async function measured(chosen: Bench): Promise<void> {
  const values = parsed(chosen);
  if (values === null) return;
  const given = (key: string): string[] =>
    [values[key] ?? []].flat().filter((value) => typeof value === 'string');
  const many = (key: string): string[] => given(key).flatMap((value) => value.split(','));
  const text = (key: string): string | undefined => {
    const value = values[key];
    return typeof value === 'string' ? value : undefined;
  };
  const isQuick = values['quick'] === true;
  const strange = many('against').find((other) => !PEERS.some((peer) => peer === other));
  if (strange !== undefined) throw new Error(`no broker is called ${strange}; there are ${PEERS.join(', ')}`);
  if (many('against').length > 0 && !chosen.takesOthers)
    throw new Error(
      `${chosen.name} measures nothing of other brokers; --against is for throughput and latency`,
    );
  const runs = Number(text('runs') ?? (isQuick ? QUICK_RUNS : chosen.runs));
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs wants a number from 1 on');
  if (chosen.needsBuild) build();
  const report = new Report(chosen.columns);
  const on = machine();
  const session = new Session(
    {
      runs,
      isQuick,
      isAll: values['all'] === true,
      only: many('only'),
      against: many('against'),
      sets: given('set'),
      options: Object.fromEntries(
        Object.entries(chosen.options ?? {}).map(([key, option]) => [key, text(key) ?? option.default]),
      ),
    },
    report,
    text('directory'),
  );
  const stopped = (code: number) => (): void =>
    void session.close().finally(() => {
      print(chosen, report, on, runs);
      process.exit(code);
    });
  process.once('SIGINT', stopped(130));
  process.once('SIGTERM', stopped(143));
  try {
    await chosen.run(session);
  } catch (failure) {
    // What is closed beneath it fails; that was asked for.
    if (session.isClosing) return await session.close();
    process.exitCode = 1;
    console.error(failure);
  }
  await session.close();
  if (session.wanted === 0 && session.asked.only.length > 0) {
    console.error(`no point of ${chosen.name} is named so: ${session.asked.only.join(', ')}`);
    process.exitCode = 1;
  }
  print(chosen, report, on, runs);
  const file = text('json');
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(asJson(chosen, report, on), null, 2)}\n`);
}

function parsed(chosen: Bench): Record<string, unknown> | null {
  const options: NonNullable<ParseArgsConfig['options']> = {
    runs: { type: 'string' },
    only: { type: 'string', multiple: true },
    all: { type: 'boolean' },
    quick: { type: 'boolean' },
    against: { type: 'string', multiple: true },
    set: { type: 'string', multiple: true },
    json: { type: 'string' },
    directory: { type: 'string' },
    ...Object.fromEntries(Object.keys(chosen.options ?? {}).map((key) => [key, { type: 'string' as const }])),
  };
  try {
    return parseArgs({ args: words, options }).values;
  } catch (failure) {
    console.error(
      `${failure instanceof Error ? failure.message : String(failure)}; npm run bench says what there is`,
    );
    process.exitCode = 2;
    return null;
  }
}

function command(): string {
  return ['npm run bench --', name, ...words].join(' ');
}

function print(chosen: Bench, report: Report, on: ReturnType<typeof machine>, runs: number): void {
  const times = runs === 1 ? 'one run of each point, so no spread' : `median (least–most) of ${runs} runs`;
  console.log(`${chosen.question}\n\n    ${command()}\n`);
  console.log(`${chosen.setup} ${times}; ${machineLine(on)}.\n`);
  console.log(report.markdown());
}

function asJson(chosen: Bench, report: Report, on: ReturnType<typeof machine>): unknown {
  return {
    name: chosen.name,
    question: chosen.question,
    setup: chosen.setup,
    unit: chosen.unit,
    columns: chosen.columns,
    command: command(),
    machine: on,
    points: report.rows,
  };
}
