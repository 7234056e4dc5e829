/**
 * One run of a benchmark: what was asked for, where its samples go, and what must be undone at its end, whatever ends it. Compared variants go
 * in turn (A B A B), so that noise of the machine hits them alike.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report, Sample } from './report.ts';

export type Asked = Readonly<{
  runs: number;
  /** Only to see that it works: one run, small counts. */
  isQuick: boolean;
  /** All points, not the chosen ones. */
  isAll: boolean;
  /** Parts of the names of points; none: all. */
  only: readonly string[];
  against: readonly string[];
  /** `key=value`, for the servers. */
  sets: readonly string[];
  /** The benchmark's own. */
  options: Readonly<Record<string, string>>;
}>;

export type Point = Readonly<{ name: string; measure: () => Promise<Sample> }>;

export class Session {
  readonly asked: Asked;
  readonly report: Report;
  /** Gone at the end. */
  readonly directory: string;
  #wanted = 0;
  readonly #closers: (() => Promise<void> | void)[] = [];
  #closing: Promise<void> | null = null;

  constructor(asked: Asked, report: Report, where = tmpdir()) {
    this.asked = asked;
    this.report = report;
    this.directory = mkdtempSync(join(where, 'lockstep-bench-'));
    // What the servers under test make goes there too.
    process.env.TMPDIR = this.directory;
  }

  number(name: string): number {
    const value = Number(this.option(name));
    if (!Number.isFinite(value)) throw new Error(`--${name} wants a number`);
    return value;
  }

  option(name: string): string {
    const value = this.asked.options[name];
    if (value === undefined) throw new Error(`the benchmark has no option --${name}`);
    return value;
  }

  /** The first in earnest, the second to see that it works. */
  either<T>(full: T, quick: T): T {
    return this.asked.isQuick ? quick : full;
  }

  /** `--only 16x64` will do for what is written with ×. */
  isWanted(name: string): boolean {
    const { only } = this.asked;
    const typed = name.replaceAll('×', 'x');
    const isWanted = only.length === 0 || only.some((part) => typed.includes(part.replaceAll('×', 'x')));
    if (isWanted) this.#wanted += 1;
    return isWanted;
  }

  /** How often something was. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Each point so many times, in turn. One that fails is noted and left out from then on. */
  async alternate(points: readonly Point[], runs = this.asked.runs): Promise<void> {
    const failed = new Set<string>();
    for (let run = 1; run <= runs; run += 1)
      for (const { name, measure } of points) {
        if (this.#closing !== null || failed.has(name) || !this.isWanted(name)) continue;
        this.tell(`${name}, run ${run} of ${runs}`);
        try {
          this.report.add(name, await measure());
        } catch (failure) {
          if (this.isClosing) return;
          failed.add(name);
          const [why = ''] = String(failure instanceof Error ? failure.message : failure).split('\n');
          this.report.note(name, why);
          console.error(failure);
        }
      }
  }

  /** Progress; figures go to standard output alone. */
  tell(text: string): void {
    console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
  }

  /** Done at the end, the last first. What it gives does it earlier, and only once. */
  closeLater(close: () => Promise<void> | void): () => Promise<void> {
    this.#closers.push(close);
    return async () => {
      const at = this.#closers.indexOf(close);
      if (at < 0) return;
      this.#closers.splice(at, 1);
      await close();
    };
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop())
        await Promise.resolve(close()).catch((failure: unknown) => console.error(failure));
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    })();
    return this.#closing;
  }
}

export const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
