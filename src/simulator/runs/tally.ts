/** Many runs added up: how much was lived through, what befell it, and which of them broke a promise. The order in which runs come doesn't matter. */
import type { FaultName } from '../faults/index.ts';
import type { Verdict } from './simulate.ts';
import { Trace } from './trace.ts';

/** What is kept of a run; of one that broke a promise also its story. Plain JSON. */
export type Run = Omit<Verdict, 'trace' | 'story'> &
  Readonly<{
    story: readonly string[] | null;
    /** What it took of a processor. */
    cpuMs: number;
  }>;

export type Totals = Readonly<{
  runs: number;
  /** The runs that broke a promise, by seed. */
  broken: readonly Run[];
  /** Of all runs' hashes in the order of their seeds: the same for the same seeds on any machine. */
  hash: string;
  virtualHours: number;
  cpuSeconds: number;
  acknowledged: number;
  delivered: number;
  /** The longest that any run took to be whole and drained after its last fault. */
  healedMsMax: number;
  faults: Readonly<Partial<Record<FaultName, number>>>;
  states: Readonly<Partial<Record<string, number>>>;
}>;

export function totalsOf(unordered: readonly Run[]): Totals {
  const runs = [...unordered].sort((a, b) => a.seed - b.seed);
  const sum = (of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0);
  const trace = new Trace(() => 0);
  for (const { seed, hash } of runs) trace.note(`${seed} ${hash}\n`);
  return {
    runs: runs.length,
    broken: runs.filter(({ broken }) => broken !== null),
    hash: trace.hash,
    virtualHours: sum(({ virtualMs }) => virtualMs) / 3_600_000,
    cpuSeconds: sum(({ cpuMs }) => cpuMs) / 1_000,
    acknowledged: sum(({ acknowledged }) => acknowledged),
    delivered: sum(({ delivered }) => delivered),
    healedMsMax: Math.max(0, ...runs.map(({ healedMs }) => healedMs)),
    faults: counted(runs.map(({ faults }) => faults)),
    states: counted(runs.map(({ states }) => states)),
  };
}

/** Added up name by name, the most frequent first. */
function counted<Name extends string>(
  all: readonly Readonly<Partial<Record<Name, number>>>[],
): Readonly<Partial<Record<Name, number>>> {
  const sums = new Map<string, number>();
  for (const one of all)
    for (const [name, count] of Object.entries<number | undefined>(one))
      sums.set(name, (sums.get(name) ?? 0) + (count ?? 0));
  const ordered = [...sums].sort(([, a], [, b]) => b - a);
  // The names that came in, and no others.
  return Object.fromEntries(ordered) as Partial<Record<Name, number>>;
}
