/** `lockstep simulate --plant`: runs with a planted fault until it is caught, each against its control; the table that they make is Markdown. */
import { hunt, PLANT_NAMES, PLANTED, type Hunt, type PlantName } from '../simulator/index.ts';
import { exitCode } from './exit-codes.ts';

export const plantChoices: readonly string[] = ['all', ...PLANT_NAMES];

type HuntOptions = Readonly<{ plant: string; from: number; seed?: number; seeds: number; seconds: number }>;

export async function huntPlanted(options: HuntOptions): Promise<void> {
  const { plant, from, seed, seeds, seconds } = options;
  const names = PLANT_NAMES.filter((name) => plant === 'all' || plant === name);
  const where = { from: seed ?? from, seeds: seed === undefined ? seeds : 1, safetyMs: seconds * 1_000 };
  console.log(row(['planted', 'what is wrong', 'caught by', 'seed', 'at', 'runs']));
  console.log(row(['---', '---', '---', '---:', '---:', '---:']));
  for (const name of names) {
    const found = await hunt(name, where);
    console.log(rowOf(name, found));
    if (found.caught === null) process.exitCode = exitCode('fault');
  }
}

const rowOf = (name: PlantName, { caught, tried, unclean }: Hunt): string =>
  row([
    `\`${name}\``,
    PLANTED[name].wrong,
    caught?.promise ?? `nobody; the control fails for ${unclean.length}`,
    String(caught?.seed ?? '-'),
    caught === null ? '-' : `${(caught.atMs / 1_000).toFixed(1)} s`,
    String(tried),
  ]);

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
