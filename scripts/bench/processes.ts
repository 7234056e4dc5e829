/** What processes take, as the kernel counts it: processor time and the most resident memory. Linux. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Cost } from './report.ts';

let ticks: number | null = null;
/** Of processor time, a second. */
const ticksPerSecond = (): number =>
  (ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })));

/** User and system, of the process since it began; 0 for one that is gone. */
export function cpuSeconds(pid: number): number {
  const fields = textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond();
}

/** `VmRSS`, `VmHWM` (the peak), `RssAnon`, `RssFile`; 0 for a process that is gone. */
export function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM' | 'RssAnon' | 'RssFile'): number {
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** Process ids by what they do. */
export type Roles = Readonly<Record<string, readonly number[]>>;

/** From now on; what it gives says what each role took. Processes of one role are added up; a role whose processes have ended is left out. */
export function watch(roles: Roles): () => Record<string, Cost> {
  const before = new Map<number, number>();
  for (const pid of Object.values(roles).flat()) {
    forgetPeak(pid);
    before.set(pid, cpuSeconds(pid));
  }
  return () =>
    Object.fromEntries(
      Object.entries(roles)
        .filter(([, pids]) => pids.length > 0 && pids.every(isThere))
        .map(([role, pids]) => [
          role,
          {
            cpuSeconds: sum(pids.map((pid) => cpuSeconds(pid) - (before.get(pid) ?? 0))),
            peakMiB: sum(pids.map((pid) => memoryMiB(pid, 'VmHWM'))),
          },
        ]),
    );
}

const isThere = (pid: number): boolean => memoryMiB(pid, 'VmHWM') > 0;

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The peak counts anew. Where the kernel does not let us, it counts since the process began. */
function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    return;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
