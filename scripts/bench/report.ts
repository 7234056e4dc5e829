/**
 * What a benchmark has found, gathered run by run: for each point its figures, and beside them what every process took for it. Told as a Markdown
 * table and as JSON.
 */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { shown, spreadOf, type Spread } from './statistics.ts';

/** What one process, or several of one role, took during a run. */
export type Cost = Readonly<{ cpuSeconds: number; peakMiB: number }>;

/** One run of one point. */
export type Sample = Readonly<{
  /** By column. */
  figures: Readonly<Record<string, number>>;
  /** By role: active, passive, keepers, load … */
  processes?: Readonly<Record<string, Cost>>;
  /** To which the processor time is related. Without, it is told as it is. */
  messages?: number;
}>;

/** Columns of a benchmark and their units. */
export type Columns = Readonly<Record<string, string>>;

type Row = { readonly samples: Sample[]; readonly given: Record<string, Spread>; note: string | null };

export class Report {
  #columns: Columns;
  readonly #rows = new Map<string, Row>();

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  add(point: string, sample: Sample): void {
    for (const name of Object.keys(sample.figures))
      if (this.#columns[name] === undefined) throw new Error(`the benchmark has no column ${name}`);
    this.#row(point).samples.push(sample);
  }

  /** Further columns, where they are known only when it runs. */
  define(columns: Columns): void {
    this.#columns = { ...this.#columns, ...columns };
  }

  /** What a process of its own has measured so many times. */
  spread(point: string, column: string, spread: Spread): void {
    this.#row(point).given[column] = spread;
  }

  /** What is to be known of a point; of one without samples, why it was not measured. */
  note(point: string, text: string): void {
    this.#row(point).note = text;
  }

  get rows(): readonly Summary[] {
    return [...this.#rows].map(([point, row]) => summary(point, row));
  }

  /** Only the columns that somebody has filled. */
  markdown(): string {
    const rows = this.rows;
    const names = Object.keys(this.#columns).filter((name) => rows.some(({ figures }) => name in figures));
    const hasCosts = rows.some(({ processes }) => Object.keys(processes).length > 0);
    const perMessages = rows.some(({ isPerMessages }) => isPerMessages);
    const head = [
      'point',
      ...names.map((name) => (this.#columns[name] === '' ? name : `${name}, ${this.#columns[name] ?? ''}`)),
      ...(hasCosts ? [perMessages ? 'CPU s per 100,000 messages' : 'CPU s', 'peak resident MiB'] : []),
    ];
    const lines = rows.map(({ point, figures, processes, runs }) => {
      const of = (what: 'cpu' | 'peakMiB'): string =>
        Object.entries(processes)
          .map(([role, costs]) => `${role} ${shown(costs[what])}`)
          .join('<br>');
      const cells = names.map((name, n) => {
        const figure = figures[name];
        if (figure !== undefined) return shown(figure);
        return runs === 0 && n === 0 ? 'not measured' : '–';
      });
      return [point, ...cells, ...(hasCosts ? [of('cpu'), of('peakMiB')] : [])];
    });
    const notes = rows.flatMap(({ point, note }) => (note === null ? [] : [`${point}: ${note}`]));
    return [head, head.map((_, n) => (n === 0 ? '---' : '--:')), ...lines]
      .map((cells) => `| ${cells.join(' | ')} |`)
      .concat(notes.length === 0 ? [] : ['', notes.join('\n\n')])
      .join('\n');
  }

  #row(point: string): Row {
    const row = this.#rows.get(point) ?? { samples: [], given: {}, note: null };
    this.#rows.set(point, row);
    return row;
  }
}

export type Summary = Readonly<{
  point: string;
  runs: number;
  note: string | null;
  figures: Readonly<Record<string, Spread>>;
  processes: Readonly<Record<string, Readonly<{ cpu: Spread; peakMiB: Spread }>>>;
  isPerMessages: boolean;
}>;

function summary(point: string, { samples, given, note }: Row): Summary {
  const names = new Set(samples.flatMap(({ figures }) => Object.keys(figures)));
  const roles = new Set(samples.flatMap(({ processes }) => Object.keys(processes ?? {})));
  const each = (take: (sample: Sample) => number | undefined): Spread =>
    spreadOf(samples.flatMap((sample) => take(sample) ?? []).filter(Number.isFinite));
  const perMessages = ({ messages }: Sample, seconds: number): number =>
    messages === undefined ? seconds : (seconds / messages) * 100_000;
  return {
    point,
    runs: Math.max(samples.length, ...Object.values(given).map(({ runs }) => runs)),
    note,
    figures: {
      ...Object.fromEntries([...names].map((name) => [name, each(({ figures }) => figures[name])])),
      ...given,
    },
    processes: Object.fromEntries(
      [...roles].map((role) => [
        role,
        {
          cpu: each((sample) => {
            const cost = sample.processes?.[role];
            return cost === undefined ? undefined : perMessages(sample, cost.cpuSeconds);
          }),
          peakMiB: each(({ processes }) => processes?.[role]?.peakMiB),
        },
      ]),
    ),
    isPerMessages: samples.some(({ messages }) => messages !== undefined),
  };
}

/** What it was measured on. */
export function machine(): Readonly<Record<'processors' | 'memory' | 'kernel' | 'node' | 'load', string>> {
  const [load = ''] = readFileSync('/proc/loadavg', 'utf8').split(' ');
  return {
    processors: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / 1024 ** 3).toFixed(0)} GiB`,
    kernel: release(),
    node: process.versions.node,
    load,
  };
}

export const machineLine = (of: ReturnType<typeof machine>): string =>
  `${of.processors}, ${of.memory}, kernel ${of.kernel}, Node ${of.node}; load average before the first run ${of.load}`;
