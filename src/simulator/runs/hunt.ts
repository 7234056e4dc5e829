/**
 * The hunt for a planted fault: seed after seed until a promise is broken, and then the same seed and setting without the plant, which must keep
 * them all. What is caught only where the control fails too is not caught.
 */
import { PLANTED, plainSetting, type Planted, type PlantName } from '../planted/index.ts';
import { simulate, type Verdict } from './simulate.ts';

export type Hunt = Readonly<{
  name: PlantName;
  /** The first seed that breaks a promise with the plant and none without it; null: none of those tried. */
  caught: Readonly<{ seed: number; promise: string; what: string; atMs: number }> | null;
  tried: number;
  /** Seeds that break a promise in the same setting without the plant. */
  unclean: readonly number[];
}>;

export type HuntOptions = Readonly<{ from: number; seeds: number; safetyMs: number }>;

/** One run with the plant, and in its setting. */
export function plantedRun(name: PlantName, seed: number, safetyMs: number): Promise<Verdict> {
  const { plant, setting = plainSetting }: Planted = PLANTED[name];
  return simulate(seed, { safetyMs, setting, plant: plant() });
}

/** The same run without the plant: its control. */
export function controlRun(name: PlantName, seed: number, safetyMs: number): Promise<Verdict> {
  const { setting = plainSetting }: Planted = PLANTED[name];
  return simulate(seed, { safetyMs, setting });
}

export async function hunt(name: PlantName, { from, seeds, safetyMs }: HuntOptions): Promise<Hunt> {
  const unclean: number[] = [];
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { broken } = await plantedRun(name, seed, safetyMs);
    if (broken === null) continue;
    const control = await controlRun(name, seed, safetyMs);
    if (control.broken === null)
      return { name, caught: { seed, ...broken }, tried: seed - from + 1, unclean };
    unclean.push(seed);
  }
  return { name, caught: null, tried: seeds, unclean };
}
