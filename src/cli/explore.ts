/** `lockstep explore`: every run of the pair within bounds. A run that breaks what must always hold is printed, the shortest there is. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  CLAUSES,
  Explorer,
  noBounds,
  rounds,
  transcript,
  wayBack,
  type Bounds,
  type Clause,
  type Exploration,
  type Progress,
  type Round,
  type Setting,
} from '../explorer/index.ts';
import { exitCode } from './exit-codes.ts';

type ExploreOptions = Readonly<{
  list: boolean;
  long: boolean;
  round: readonly Round[];
  start: Setting['start'];
  lock: Setting['lock'];
  copies: Setting['copies'];
  bounds?: Bounds;
  without: readonly Clause[];
  states: number;
  json: boolean;
}>;

export function addExplore(program: Command): void {
  program
    .command('explore')
    .description('walks through every run of the pair that a few faults can lead to')
    .option('--list', 'shows all rounds and walks none', false)
    .option('--long', 'the long rounds too; they take minutes', false)
    .option('--round <name>', 'this round only; may be repeated', toRounds, [])
    .option(
      '--bounds <list>',
      `one round of your own: ${Object.keys(noBounds).join(',')} as name=number or name=unlimited`,
      toBounds,
    )
    .addOption(
      new Option('--start <where>', 'of that round').choices(['new', 'protected']).default('protected'),
    )
    .addOption(
      new Option('--lock <kind>', 'of that round').choices(['exclusive', 'lying']).default('exclusive'),
    )
    .addOption(new Option('--copies <kind>', 'of that round').choices(['whole', 'torn']).default('whole'))
    .option(
      '--without <clause>',
      `leaves a clause out; may be repeated: ${Object.keys(CLAUSES).join(', ')}`,
      toClauses,
      [],
    )
    .option('--states <number>', 'ends a round that has met so many', toNumber, 300_000_000)
    .option('--json', 'a line of JSON for each round', false)
    .action((options: ExploreOptions) => {
      if (options.list) {
        for (const round of rounds)
          console.log(`${round.size.padEnd(6)} ${round.name.padEnd(18)} ${round.title}`);
        return;
      }
      const broken = roundsOf(options).filter((round) => !holds(round, options));
      if (!options.json)
        console.log(
          broken.length === 0
            ? 'Everything holds.'
            : `Broken: ${broken.map(({ title }) => title).join('; ')}.`,
        );
      if (broken.length > 0) process.exitCode = exitCode('fault');
    });
}

function roundsOf({ long, round, bounds, start, lock, copies, without }: ExploreOptions): readonly Round[] {
  const asked = rounds.filter(({ size }) => size === 'quick' || (long && size === 'long'));
  const own = (of: Bounds): Round => ({
    name: 'own',
    title: 'as told',
    size: 'long',
    setting: { start, lock, copies, bounds: of, without: new Set() },
    wantsWayBack: false,
  });
  const chosen = bounds !== undefined ? [own(bounds)] : round.length > 0 ? round : asked;
  return chosen.map((one) => ({ ...one, setting: { ...one.setting, without: new Set(without) } }));
}

/** Walks one round and tells what came of it. */
function holds(
  { name, title, setting, wantsWayBack }: Round,
  { states: statesMax, json }: ExploreOptions,
): boolean {
  const began = performance.now();
  const explorer = new Explorer(setting, wantsWayBack);
  const found = explorer.explore({ statesMax, onProgress: progressOf(title) });
  const back = found.isExhausted && wantsWayBack ? wayBack(explorer) : null;
  const broken = found.violation ?? back?.violation ?? null;
  const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
  const hasWayBack = back !== null && back.asked > 0;
  const verdict =
    broken !== null ? 'BROKEN' : `everything holds${hasWayBack ? ', and the way back is always there' : ''}`;
  if (json) {
    const { violation: _violation, ...figures } = found;
    console.log(JSON.stringify({ round: name, ...figures, seconds, verdict }));
  } else console.log(`${title}: ${figuresOf(found)}, ${seconds} s: ${verdict}`);
  if (broken !== null) console.log(transcript(broken).join('\n'));
  return broken === null;
}

const figuresOf = ({ states, depth, isExhausted, heldBack }: Exploration): string =>
  `${states} states (${isExhausted ? 'all there are' : 'not all'}${
    heldBack === 0 ? '' : `, ${heldBack} moves held back by full queues`
  }), ${depth} moves deep`;

const PROGRESS_EVERY_MS = 10_000;

/** A line now and then on the standard error, so that a round of hours can be watched. */
function progressOf(title: string): (progress: Progress) => void {
  let last = performance.now();
  let lastStates = 0;
  return ({ depth, states, expanded }) => {
    const now = performance.now();
    if (now - last < PROGRESS_EVERY_MS) return;
    const perSecond = Math.round(((states - lastStates) * 1000) / (now - last));
    const { rss } = process.memoryUsage();
    console.error(
      `${title}: ${depth} moves deep, ${states} states, ${states - expanded} still open, ${perSecond} a second, ${Math.round(rss / 1e6)} MB`,
    );
    last = now;
    lastStates = states;
  };
}

function toRounds(name: string, before: readonly Round[]): readonly Round[] {
  const found = rounds.find((round) => round.name === name);
  if (found === undefined) throw new InvalidArgumentError(`no round is called ${name}; see --list`);
  return [...before, found];
}

const COUNTED: readonly (keyof Bounds)[] = ['operations', 'claims', 'wipes'];

function toBounds(list: string): Bounds {
  const given = list.split(',').map((one) => {
    const [name = '', number = ''] = one.split('=');
    if (!Object.hasOwn(noBounds, name)) throw new InvalidArgumentError(`no bound is called ${name}`);
    if (number !== 'unlimited') return [name, toNumber(number)];
    if (COUNTED.some((counted) => counted === name))
      throw new InvalidArgumentError(`${name} can't be without a bound`);
    return [name, Infinity];
  });
  // Every name has just been found among the bounds.
  return { ...noBounds, rewrites: Infinity, ...(Object.fromEntries(given) as Partial<Bounds>) };
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
