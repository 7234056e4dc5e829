/** What a run of rounds comes to, for people (Markdown) and for machines (JSON). Pure. */
import { KINDS, type KindName } from './kinds.ts';
import { MOMENTS, planText, type Plan } from './plan.ts';
import type { RoundResult, Strike } from './round.ts';

export type Run = Readonly<{
  seed: number;
  results: readonly RoundResult[];
  /** What this machine doesn't allow, in words. */
  missing: readonly string[];
  /** The options that draw the same rounds again. */
  repeat: string;
}>;

export type Totals = Readonly<{
  rounds: number;
  broken: number;
  acknowledged: number;
  lost: number;
  unexpected: number;
  duplicates: number;
  order: number;
  unknown: number;
  still: number;
  doubleService: number;
}>;

export function totals(results: readonly RoundResult[]): Totals {
  const sum = (of: (result: RoundResult) => number): number =>
    results.reduce((all, result) => all + of(result), 0);
  return {
    rounds: results.length,
    broken: sum(({ broken }) => (broken.length > 0 ? 1 : 0)),
    acknowledged: sum(({ queue }) => queue?.acknowledged ?? 0),
    lost: sum(({ queue }) => queue?.lost ?? 0),
    unexpected: sum(({ queue }) => queue?.unexpected ?? 0),
    duplicates: sum(({ queue }) => queue?.duplicates ?? 0),
    order: sum(({ queue }) => queue?.order.length ?? 0),
    unknown: sum(({ queue }) => queue?.unknown ?? 0),
    still: sum(({ queue }) => queue?.still ?? 0),
    doubleService: sum(({ doubleService }) => doubleService.length),
  };
}

export const repeatCommand = ({ round }: Plan, repeat: string): string =>
  `npm run chaos -- ${repeat} --only ${round}`;

export const jsonReport = (run: Run): string =>
  `${JSON.stringify({ ...run, totals: totals(run.results) }, null, 1)}\n`;

export function markdownReport(run: Run): string {
  const all = totals(run.results);
  const minutes = run.results.reduce((sum, { ms }) => sum + ms, 0) / 60_000;
  const bad = run.results.filter(({ broken }) => broken.length > 0);
  return [
    '# Chaos on a real pair',
    '',
    `${all.rounds} rounds (seed ${run.seed}, ${minutes.toFixed(1)} minutes): ${all.acknowledged} messages acknowledged, **${all.lost} lost**, ` +
      `${all.unexpected} unexpected, **${all.doubleService} of double service**, ${all.order} out of order, ${all.duplicates} duplicates; ` +
      `${all.unknown} never acknowledged (${all.still} clients stopped sending of themselves); **${all.broken} rounds broke a promise**.`,
    ...run.missing.map((what) => `\nLeft out: ${what}.`),
    '',
    'A round has one to three faults and counts for each of them; a gap is the longest time without an acknowledgement from one fault to the',
    'next, or to the end, with the time that the fault was left in place.',
    '',
    '| fault | of | struck | rounds | lost | duplicates | order faults | gap median ms | gap p99 ms |',
    '|---|---|--:|--:|--:|--:|--:|--:|--:|',
    ...faultRows(run.results),
    '',
    `Rounds by moment: ${MOMENTS.map((moment) => `${moment} ${run.results.filter(({ plan }) => plan.moment === moment).length}`).join(', ')}.`,
    '',
    ...kindLines(run.results),
    ...bad.flatMap((result) => badRound(result, run.repeat)),
    '',
  ].join('\n');
}

function faultRows(results: readonly RoundResult[]): string[] {
  const rows = new Map<string, { strikes: Strike[]; rounds: Set<RoundResult> }>();
  for (const result of results)
    for (const strike of result.strikes) {
      const name = `${strike.step.kind} | ${strike.step.role}`;
      const row = rows.get(name) ?? { strikes: [], rounds: new Set() };
      row.strikes.push(strike);
      row.rounds.add(result);
      rows.set(name, row);
    }
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { strikes, rounds }]) => {
      const { lost, duplicates, order } = totals([...rounds]);
      const gaps = strikes.flatMap(({ gapMs }) => gapMs ?? []).sort((a, b) => a - b);
      const cells = [strikes.length, rounds.size, lost, duplicates, order, at(gaps, 0.5), at(gaps, 0.99)];
      return `| ${name} | ${cells.join(' | ')} |`;
    });
}

const at = (sorted: readonly number[], share: number): string =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(0) ?? '';

function kindLines(results: readonly RoundResult[]): string[] {
  const used = new Set(results.flatMap(({ plan }) => plan.steps.map(({ kind }) => kind)));
  return [...used].sort().map((kind: KindName) => `- \`${kind}\`: ${KINDS[kind].says}`);
}

const badRound = ({ plan, broken, kept }: RoundResult, repeat: string): string[] => [
  '',
  `## Round ${plan.round} broke a promise`,
  '',
  `Faults: ${planText(plan)}`,
  '',
  ...broken.map((what) => `- ${what}`),
  '',
  `Kept in ${kept ?? 'nothing'}. Repeat it: \`${repeatCommand(plan, repeat)}\``,
];
