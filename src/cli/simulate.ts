/** `lockstep simulate`: runs of the whole pair under faults drawn from seeds, on virtual time. A run that breaks a promise is told with the command that repeats it. */
import { InvalidArgumentError, type Command } from 'commander';
import { simulate, type FaultName, type Verdict } from '../simulator/index.ts';
import { exitCode } from './exit-codes.ts';

type SimulateOptions = Readonly<{
  seeds: number;
  from: number;
  seed?: number;
  seconds: number;
  verbose: boolean;
}>;

/** Of the trace of a run that failed: how it began to go wrong is most often near its end. */
const TRACE_LINES = 60;
const PROGRESS_EVERY_MS = 5_000;

export function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('runs the pair under faults drawn from seeds, on virtual time')
    .option('--seeds <number>', 'how many runs', whole, 50)
    .option('--from <seed>', 'the first seed', whole, 1)
    .option('--seed <seed>', 'this run only, with its whole trace', whole)
    .option('--seconds <number>', 'virtual seconds of faults in each run', whole, 120)
    .option('--verbose', "with --seed: also every step of the pair's machine", false)
    .action(async (options: SimulateOptions) => {
      const verdicts = options.seed === undefined ? await many(options) : [await one(options.seed, options)];
      console.log(summary(verdicts));
      if (verdicts.some(({ broken }) => broken !== null)) process.exitCode = exitCode('fault');
    });
}

type Tally = Verdict & Readonly<{ realMs: number }>;

async function one(seed: number, options: SimulateOptions): Promise<Tally> {
  const verdict = await timed(seed, options);
  console.log(verdict.trace.join('\n'));
  return verdict;
}

async function many({ seeds, from, ...options }: SimulateOptions): Promise<readonly Tally[]> {
  const verdicts: Tally[] = [];
  let toldAt = Date.now();
  for (let seed = from; seed < from + seeds; seed += 1) {
    const verdict = await timed(seed, { seeds, from, ...options });
    // A trace is kept only where somebody will read it.
    verdicts.push({ ...verdict, trace: [] });
    if (verdict.broken !== null) console.log(failure(verdict, options.seconds));
    if (Date.now() - toldAt < PROGRESS_EVERY_MS) continue;
    toldAt = Date.now();
    console.log(`${verdicts.length} of ${seeds} runs, ${verdicts.filter(isBroken).length} of them broken`);
  }
  return verdicts;
}

async function timed(seed: number, { seconds, verbose }: SimulateOptions): Promise<Tally> {
  const began = Date.now();
  const verdict = await simulate(seed, { safetyMs: seconds * 1_000, isVerbose: verbose });
  return { ...verdict, realMs: Date.now() - began };
}

const isBroken = ({ broken }: Verdict): boolean => broken !== null;

const failure = ({ seed, broken, trace }: Verdict, seconds: number): string =>
  [
    `Seed ${seed} breaks a promise: ${broken?.promise ?? ''}`,
    `  ${broken?.what ?? ''}`,
    ...trace.slice(-TRACE_LINES),
    `Repeat it: lockstep simulate --seed ${seed} --seconds ${seconds}`,
  ].join('\n');

function summary(verdicts: readonly Tally[]): string {
  const sum = (of: (tally: Tally) => number): number => verdicts.reduce((all, one) => all + of(one), 0);
  const hours = sum(({ virtualMs }) => virtualMs) / 3_600_000;
  const seconds = sum(({ realMs }) => realMs) / 1_000;
  const broken = verdicts.filter(isBroken);
  const faults = new Map<FaultName, number>();
  for (const one of verdicts)
    for (const [name, count] of one.faults) faults.set(name, (faults.get(name) ?? 0) + count);
  const histogram = [...faults].sort(([, a], [, b]) => b - a);
  return [
    ...histogram.map(([name, count]) => `${String(count).padStart(8)}  ${name}`),
    `${verdicts.length} runs, ${hours.toFixed(2)} virtual hours in ${seconds.toFixed(1)} s: ${(hours / seconds).toFixed(4)} hours a second`,
    `${sum(({ acknowledged }) => acknowledged)} messages acknowledged, ${sum(({ delivered }) => delivered)} delivered, ` +
      `whole again within ${Math.max(0, ...verdicts.map(({ healedMs }) => healedMs)).toFixed(0)} ms`,
    ...(verdicts.length === 1 ? [`trace ${verdicts[0]?.hash ?? ''}`] : []),
    broken.length === 0
      ? 'Every promise was kept.'
      : `${broken.length} runs broke a promise: seeds ${broken.map(({ seed }) => seed).join(', ')}`,
  ].join('\n');
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is wanted');
  return Number(text);
}
