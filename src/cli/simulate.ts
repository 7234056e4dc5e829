/** `lockstep simulate`: runs of the whole pair under faults drawn from seeds, on virtual time. A run that breaks a promise is told with the command that repeats it. */
import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { FAULT_NAMES, totalsOf, type FaultName } from '../simulator/index.ts';
import { exitCode } from './exit-codes.ts';
import { huntPlanted, plantChoices } from './planted.ts';
import { failureText, Progress, report, storyText, summary } from './simulate-report.ts';
import { runsHere, runsInProcesses, runOf, type Wanted } from './simulate-runs.ts';

type SimulateOptions = Wanted &
  Readonly<{
    seed?: number;
    jobs: number;
    json?: string;
    verbose: boolean;
    lines: boolean;
    plant?: string;
  }>;

export function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('runs the pair under faults drawn from seeds, on virtual time')
    .option('--seeds <number>', 'how many runs', whole, 50)
    .option('--from <seed>', 'the first seed', whole, 1)
    .option('--seed <seed>', 'this run only, with its story', whole)
    .option('--verbose', "with --seed: every line, and every step of the pair's machine", false)
    .option('--seconds <number>', 'virtual seconds of faults in each run', whole, 120)
    .option('--faults <list>', `only these: ${FAULT_NAMES.join(',')}`, toFaults)
    .option('--jobs <number>', 'how many processes share the runs', whole, 1)
    .option('--json <file>', 'writes the verdict, the range of seeds and all counts there')
    .addOption(new Option('--lines', 'a line of JSON for each run instead of a report').hideHelp())
    .addOption(
      new Option('--plant <name>', 'with this bug in it, until it is caught: a table').choices(plantChoices),
    )
    .action(async (options: SimulateOptions) => {
      if (options.plant !== undefined) return huntPlanted({ ...options, plant: options.plant });
      const areKept = await (options.seed === undefined ? many(options) : one(options.seed, options));
      if (!areKept) process.exitCode = exitCode('fault');
    });
}

/** Whether every promise was kept. */
async function one(seed: number, options: SimulateOptions): Promise<boolean> {
  const { run, trace, story } = await runOf(seed, options, options.verbose);
  console.log(options.verbose ? trace.join('\n') : storyText(story));
  console.log(summary(totalsOf([run])).join('\n'));
  return run.broken === null;
}

async function many(options: SimulateOptions): Promise<boolean> {
  if (options.lines) {
    for await (const run of runsHere(options)) console.log(JSON.stringify(run));
    return true;
  }
  const progress = new Progress(options.seeds);
  for await (const run of options.jobs > 1 ? runsInProcesses(options, options.jobs) : runsHere(options)) {
    if (run.broken !== null) console.log(failureText(run, options));
    progress.ran(run);
  }
  const totals = totalsOf(progress.runs);
  console.log(summary(totals, progress.seconds).join('\n'));
  if (options.json !== undefined)
    await writeFile(options.json, JSON.stringify(report(totals, options, progress.seconds), null, 2));
  return totals.broken.length === 0;
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is wanted');
  return Number(text);
}

function toFaults(list: string): readonly FaultName[] {
  return list.split(',').map((name) => {
    const fault = FAULT_NAMES.find((known) => known === name);
    if (fault === undefined) throw new InvalidArgumentError(`no fault is called ${name}`);
    return fault;
  });
}
