/** What `lockstep simulate` says: progress, the story of a run that broke a promise, and the sum of all. */
import { LIVENESS_MS, type Run, type Totals } from '../simulator/index.ts';
import type { Wanted } from './simulate-runs.ts';

/** Of a story: how a run began to go wrong is most often near its end. */
const STORY_LINES = 40;
const PROGRESS_EVERY_MS = 5_000;
const BAR_WIDTH = 30;

/** Tells now and then how far the runs have come. */
export class Progress {
  readonly runs: Run[] = [];
  readonly #wanted: number;
  readonly #began = performance.now();
  #toldAt = this.#began;
  #broken = 0;
  #virtualMs = 0;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1_000;
  }

  ran(run: Run): void {
    this.runs.push(run);
    this.#virtualMs += run.virtualMs;
    if (run.broken !== null) this.#broken += 1;
    const now = performance.now();
    if (now - this.#toldAt < PROGRESS_EVERY_MS) return;
    this.#toldAt = now;
    console.log(
      `${this.runs.length} of ${this.#wanted} runs, ${this.#broken} of them broken; ` +
        speed(this.runs.length, this.#virtualMs / 3_600_000, this.seconds),
    );
  }
}

const speed = (runs: number, virtualHours: number, seconds: number): string =>
  `${(runs / seconds).toFixed(1)} runs a second, ${(virtualHours / seconds).toFixed(3)} virtual hours a second`;

const repeat = (seed: number, { seconds, faults }: Wanted): string =>
  [
    `lockstep simulate --seed ${seed} --seconds ${seconds}`,
    ...(faults === undefined ? [] : [`--faults ${faults.join(',')}`]),
  ].join(' ');

export const storyText = (story: readonly string[]): string => story.slice(-STORY_LINES).join('\n');

export const failureText = (run: Run, wanted: Wanted): string =>
  [
    `Seed ${run.seed} breaks a promise: ${run.broken?.promise ?? ''}`,
    `  ${run.broken?.what ?? ''}`,
    `The last lines of its story:`,
    storyText(run.story ?? []),
    `Repeat it:        ${repeat(run.seed, wanted)}`,
    `All of its lines: ${repeat(run.seed, wanted)} --verbose`,
  ].join('\n');

/** `seconds`: what it took by the clock on the wall, where that means anything. */
export function summary(totals: Totals, seconds: number | null = null): string[] {
  const { runs, broken, hash, virtualHours, cpuSeconds, acknowledged, delivered, healedMsMax } = totals;
  const entered = Object.entries(totals.states).map(([state, count]) => `${state} ${count}`);
  return [
    ...histogram(totals.faults),
    `States entered: ${entered.join(', ')}`,
    `${runs} runs, ${virtualHours.toFixed(2)} virtual hours, ${cpuSeconds.toFixed(1)} s of processor time` +
      (seconds === null ? '' : `, ${seconds.toFixed(1)} s: ${speed(runs, virtualHours, seconds)}`),
    `${acknowledged} messages acknowledged, ${delivered} delivered; whole again within ${healedMsMax.toFixed(0)} ms (bound: ${LIVENESS_MS})`,
    `Trace ${hash}`,
    broken.length === 0
      ? 'Every promise was kept.'
      : `${broken.length} runs broke a promise: seeds ${broken.map(({ seed }) => seed).join(', ')}`,
  ];
}

function histogram(faults: Totals['faults']): string[] {
  const counts = Object.entries(faults);
  const most = Math.max(1, ...counts.map(([, count]) => count));
  return counts.map(
    ([name, count]) =>
      `${String(count).padStart(8)}  ${name.padEnd(20)} ${'█'.repeat(Math.ceil((count / most) * BAR_WIDTH))}`,
  );
}

/** The same for programs. */
export const report = ({ broken, ...totals }: Totals, wanted: Wanted, seconds: number): unknown => ({
  from: wanted.from,
  seeds: wanted.seeds,
  seconds: wanted.seconds,
  faultsWanted: wanted.faults ?? null,
  isKept: broken.length === 0,
  broken: broken.map((run) => ({ seed: run.seed, ...run.broken, repeat: repeat(run.seed, wanted) })),
  ...totals,
  livenessMs: LIVENESS_MS,
  realSeconds: seconds,
  node: process.version,
});
