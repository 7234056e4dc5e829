/** `lockstep explore`: every run of the pair within bounds. A run that breaks what must always hold is printed, the shortest there is. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  CLAUSES,
  Explorer,
  longRounds,
  noBounds,
  quickRounds,
  transcript,
  wayBack,
  type Bounds,
  type Clause,
  type Round,
  type Setting,
  type Violation,
} from '../explorer/index.ts';
import { exitCode } from './exit-codes.ts';

type ExploreOptions = Readonly<{
  long: boolean;
  start: Setting['start'];
  lock: Setting['lock'];
  bounds?: Bounds;
  without: readonly Clause[];
  states: number;
}>;

export function addExplore(program: Command): void {
  program
    .command('explore')
    .description('walks through every run of the pair that a few faults can lead to')
    .option('--long', 'the long rounds too; they take minutes', false)
    .option(
      '--bounds <list>',
      `one round of your own: ${Object.keys(noBounds).join(',')} as name=number`,
      toBounds,
    )
    .addOption(
      new Option('--start <where>', 'of that round').choices(['new', 'protected']).default('protected'),
    )
    .addOption(
      new Option('--lock <kind>', 'of that round').choices(['exclusive', 'lying']).default('exclusive'),
    )
    .option(
      '--without <clause>',
      `leaves a clause out; may be repeated: ${Object.keys(CLAUSES).join(', ')}`,
      toClauses,
      [],
    )
    .option('--states <number>', 'ends a round that has met so many', toNumber, 20_000_000)
    .action((options: ExploreOptions) => {
      const broken = roundsOf(options).filter((round) => !holds(round, options.states));
      console.log(
        broken.length === 0 ? 'Everything holds.' : `Broken: ${broken.map(({ title }) => title).join('; ')}.`,
      );
      if (broken.length > 0) process.exitCode = exitCode('fault');
    });
}

function roundsOf({ long, bounds, start, lock, without }: ExploreOptions): readonly Round[] {
  const rounds: readonly Round[] =
    bounds === undefined
      ? [...quickRounds, ...(long ? longRounds : [])]
      : [{ title: 'as told', setting: { start, lock, bounds, without: new Set() }, wantsWayBack: false }];
  return rounds.map((round) => ({ ...round, setting: { ...round.setting, without: new Set(without) } }));
}

/** Walks one round and tells what came of it. */
function holds({ title, setting, wantsWayBack }: Round, statesMax: number): boolean {
  const began = performance.now();
  const explorer = new Explorer(setting, wantsWayBack);
  const { states, depth, isExhausted, violation } = explorer.explore({ statesMax });
  const back = isExhausted && wantsWayBack ? wayBack(explorer) : null;
  const broken = violation ?? back?.violation ?? null;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const end = isExhausted ? 'all there are' : 'not all';
  console.log(
    `${title}: ${states} states (${end}), ${depth} moves deep, ${seconds} s: ${verdict(broken, back !== null)}`,
  );
  if (broken !== null) console.log(transcript(broken).join('\n'));
  return broken === null;
}

const verdict = (broken: Violation | null, hasWayBack: boolean): string =>
  broken !== null
    ? 'BROKEN'
    : hasWayBack
      ? 'everything holds, and the way back is always there'
      : 'everything holds';

function toBounds(list: string): Bounds {
  const given = list.split(',').map((one) => {
    const [name = '', number = ''] = one.split('=');
    if (!Object.hasOwn(noBounds, name)) throw new InvalidArgumentError(`no bound is called ${name}`);
    return [name, toNumber(number)];
  });
  // Every name has just been found among the bounds.
  return { ...noBounds, ...(Object.fromEntries(given) as Partial<Bounds>) };
}

function toClauses(name: string, before: readonly Clause[]): readonly Clause[] {
  const clause = Object.keys(CLAUSES).find((one): one is Clause => one === name);
  if (clause === undefined) throw new InvalidArgumentError(`no clause is called ${name}`);
  return [...before, clause];
}

function toNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is wanted');
  return Number(text);
}
