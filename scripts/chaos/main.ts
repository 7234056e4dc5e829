/**
 * The same faults on real processes: two real servers and real clients under load; each round draws faults from a seed, heals, and checks that
 * nothing acknowledged was lost, that never two acknowledged, and that both stores are equal. Ctrl-C ends after the round that runs.
 *
 *     npm run chaos -- [--rounds 20] [--minutes 60] [--seed 1] [--faults kill,freeze] [--only 7] [--quick] [--here] [--out run/chaos]
 *
 * `--only`: one round of those alone. `--quick`: short faults that need nothing of the machine. `--here`: without namespaces of its own, on
 * loopback. Exit code 1: a promise was broken.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { abilities, INSIDE, isolated, mayIsolate } from './isolate.ts';
import { KIND_NAMES, KINDS, possibleKinds, type KindName } from './kinds.ts';
import { planRound, planText, type Choice } from './plan.ts';
import { jsonReport, markdownReport, repeatCommand, totals, type Run } from './report.ts';
import { playRound, type RoundResult } from './round.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: KIND_NAMES.join(',') },
    only: { type: 'string' },
    out: { type: 'string', default: 'run/chaos' },
    quick: { type: 'boolean', default: false },
    here: { type: 'boolean', default: false },
    [INSIDE.slice(2)]: { type: 'boolean', default: false },
  },
});
const isInside = process.argv.includes(INSIDE);
process.exitCode = !isInside && !values.here && mayIsolate() ? await isolated() : await run();

async function run(): Promise<number> {
  const able = abilities(isInside);
  const asked = values.faults.split(',');
  const strange = asked.filter((name) => !KIND_NAMES.some((known) => known === name));
  if (strange.length > 0) throw new Error(`no such fault: ${strange.join(', ')} (${KIND_NAMES.join(', ')})`);
  const wanted = (name: KindName): boolean => asked.includes(name) && (!values.quick || KINDS[name].isQuick);
  const choice: Choice = {
    kinds: possibleKinds(able).filter(wanted),
    holdMsMax: values.quick ? 1_500 : 10_000,
    stepsMax: values.quick ? 2 : 3,
  };
  const seed = Number(values.seed);
  const out = resolve(values.out);
  await mkdir(out, { recursive: true });
  const repeat = [
    `--seed ${seed}`,
    ...(values.faults === KIND_NAMES.join(',') ? [] : [`--faults ${values.faults}`]),
    ...(values.quick ? ['--quick'] : []),
    ...(values.here ? ['--here'] : []),
  ].join(' ');
  for (const what of able.missing) console.log(`Left out: ${what}`);

  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
  const results: RoundResult[] = [];
  const last = performance.now() + Number(values.minutes) * 60_000;
  const rounds =
    values.only === undefined
      ? Array.from({ length: Number(values.rounds) }, (_, n) => n + 1)
      : [Number(values.only)];
  for (const round of rounds) {
    if (interrupted.signal.aborted || performance.now() > last) break;
    const plan = planRound(seed, round, choice);
    console.log(`${round}  ${planText(plan)}`);
    const result = await playRound(plan, able, out);
    results.push(result);
    console.log(`   ${told(result, repeat)}`);
    const written: Run = { seed, results, missing: able.missing, repeat };
    await writeFile(join(out, 'report.json'), jsonReport(written));
    await writeFile(join(out, 'report.md'), markdownReport(written));
  }
  const { broken, lost, doubleService } = totals(results);
  console.log(
    `${results.length} rounds, ${broken} broke a promise, ${lost} messages lost, ${doubleService} of double service. Report: ${join(out, 'report.md')}`,
  );
  return broken === 0 ? 0 : 1;
}

function told({ ms, queue, strikes, broken, kept, plan }: RoundResult, repeat: string): string {
  const gaps = strikes.map(({ gapMs }) => gapMs?.toFixed(0) ?? '-').join(', ');
  const counts =
    queue === null
      ? 'no verdict'
      : `${queue.acknowledged} acknowledged, ${queue.lost} lost, ${queue.duplicates} duplicates`;
  const head = `${(ms / 1000).toFixed(1)} s, gaps ${gaps} ms, ${counts}`;
  if (broken.length === 0) return head;
  return [
    head,
    ...broken.map((what) => `BROKEN: ${what}`),
    `Kept in ${kept ?? 'nothing'}. Repeat it: ${repeatCommand(plan, repeat)}`,
  ].join('\n   ');
}
