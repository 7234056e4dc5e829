/** Runs of the simulation one after the other: in this process, or shared among some that each get slices of the seeds and answer in lines. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { present } from '../base/index.ts';
import { simulate, type FaultName, type Run } from '../simulator/index.ts';

export type Wanted = Readonly<{
  from: number;
  seeds: number;
  /** Virtual, of faults, in each run. */
  seconds: number;
  /** Absent: as each seed has it. */
  faults?: readonly FaultName[];
}>;

/** Small enough that all processes end at about the same time, large enough that starting them costs nothing. */
const SLICE_SEEDS = { min: 10, max: 250 };

export async function runOf(
  seed: number,
  { seconds, faults }: Wanted,
  isVerbose: boolean,
): Promise<Readonly<{ run: Run; trace: readonly string[]; story: readonly string[] }>> {
  const before = process.cpuUsage();
  const verdict = await simulate(seed, { safetyMs: seconds * 1_000, faults: faults ?? null, isVerbose });
  const { user, system } = process.cpuUsage(before);
  const { trace, story, ...rest } = verdict;
  const cpuMs = (user + system) / 1_000;
  return { trace, story, run: { ...rest, story: verdict.broken === null ? null : story, cpuMs } };
}

export async function* runsHere(wanted: Wanted): AsyncGenerator<Run> {
  for (let seed = wanted.from; seed < wanted.from + wanted.seeds; seed += 1)
    yield (await runOf(seed, wanted, false)).run;
}

/** In whatever order they end. Rejects when a process fails. */
export async function* runsInProcesses(wanted: Wanted, jobs: number): AsyncGenerator<Run> {
  const slices = slicesOf(wanted, jobs);
  const ended: Run[] = [];
  let wake = (): void => undefined;
  let left = jobs;
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let slice = slices.shift(); slice !== undefined && failures.length === 0; slice = slices.shift())
      await sliceInProcess(slice, (run) => {
        ended.push(run);
        wake();
      });
  };
  for (let job = 0; job < jobs; job += 1)
    void work()
      .catch((failure: unknown) => void failures.push(failure))
      .finally(() => {
        left -= 1;
        wake();
      });
  while (left > 0 || ended.length > 0) {
    const run = ended.shift();
    if (run !== undefined) yield run;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
  if (failures.length > 0)
    throw new Error('a process with a slice of the seeds has failed', { cause: failures[0] });
}

export function slicesOf(wanted: Wanted, jobs: number): Wanted[] {
  const { min, max } = SLICE_SEEDS;
  const size = Math.min(max, Math.max(min, Math.ceil(wanted.seeds / (jobs * 4))));
  const end = wanted.from + wanted.seeds;
  const slices: Wanted[] = [];
  for (let from = wanted.from; from < end; from += size)
    slices.push({ ...wanted, from, seeds: Math.min(size, end - from) });
  return slices;
}

function sliceInProcess({ from, seeds, seconds, faults }: Wanted, ran: (run: Run) => void): Promise<void> {
  const program = present(process.argv[1], 'the path of this program');
  const numbers = ['--from', from, '--seeds', seeds, '--seconds', seconds].map(String);
  const only = faults === undefined ? [] : ['--faults', faults.join(',')];
  const child = spawn(
    process.execPath,
    [...process.execArgv, program, 'simulate', '--lines', ...numbers, ...only],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // What this very program writes with the same version of itself.
  createInterface({ input: child.stdout }).on('line', (line) => ran(JSON.parse(line) as Run));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(new Error(`the process with seeds from ${from} on has ended with ${signal ?? code ?? '?'}`));
    });
  });
}
