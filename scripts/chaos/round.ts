/**
 * One round: both start, clients work, faults strike, everything is healed, and what everybody saw is judged. A round that breaks a promise leaves
 * what both servers wrote, and its history, in a directory.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { otherServer } from '../../src/core/pair/index.ts';
import { doubleService } from './checkers/double-service.ts';
import { unequalStores } from './checkers/equal-stores.ts';
import type { Abilities } from './isolate.ts';
import { KINDS, serversOf } from './kinds.ts';
import { Load, type QueueVerdict } from './load.ts';
import { needsOf, planText, type Plan, type Step } from './plan.ts';
import { BOTH, Stage } from './stage.ts';
import { readStore, type StoreContents } from './stores.ts';

export type Strike = Readonly<{
  step: Step;
  at: number;
  servers: readonly string[];
  /** The longest time without an acknowledgement from here to the next fault, or to the end; null: no load yet. */
  gapMs: number | null;
}>;

export type RoundResult = Readonly<{
  plan: Plan;
  ms: number;
  strikes: readonly Strike[];
  /** Null: it did not come to a verdict. */
  queue: QueueVerdict | null;
  doubleService: readonly string[];
  /** Everything that breaks a promise, in words; empty: the round is good. */
  broken: readonly string[];
  /** Where the evidence is; null for a good round. */
  kept: string | null;
}>;

/** Bounds, and no promises: a machine with other work is slow, and a pair that comes back late has lost nothing. */
const START_MS = 120_000;
const RECOVERY_MS = 120_000;
const QUIET_MS = 60_000;
/** With a disk to fill, more of it is written. */
const RATE = { perSecond: 150, bytes: 64 };
const HEAVY = { perSecond: 200, bytes: 4_096 };

export async function playRound(plan: Plan, abilities: Abilities, keepIn: string): Promise<RoundResult> {
  const began = performance.now();
  const needs = needsOf(plan);
  const stage = await Stage.open(abilities, needs);
  const load = new Load(stage.pair, needs.disks ? HEAVY : RATE);
  const strikes: Omit<Strike, 'gapMs'>[] = [];
  const broken: string[] = [];
  let queue: QueueVerdict | null = null;
  let services: string[] = [];
  try {
    await reachMoment(stage, load, plan);
    for (const step of plan.steps) strikes.push(await strike(stage, step));
    await stage.recover(RECOVERY_MS);
    queue = await load.finish();
    await load.end();
    await quiet(stage);
    await stage.watch.end();
    await stage.kill();
    const [primary, secondary] = await Promise.all([
      contents(stage, 'primary'),
      contents(stage, 'secondary'),
    ]);
    services = doubleService({
      wire: load.wire,
      samples: stage.watch.samples,
      epochs: [primary.epochs, secondary.epochs],
      published: primary.published,
    });
    broken.push(...queueFaults(queue), ...services, ...unequalStores(primary, secondary));
  } catch (failure) {
    broken.push(failure instanceof Error ? (failure.message.split('\n')[0] ?? '') : String(failure));
  }
  broken.push(...stage.unasked);
  const kept = broken.length === 0 ? null : await keep(stage, load, { plan, strikes, broken, queue }, keepIn);
  await load.end();
  await stage.close();
  const acks = load.acknowledgements;
  return {
    plan,
    ms: performance.now() - began,
    strikes: strikes.map((one, n) => ({ ...one, gapMs: longestGap(acks, one.at, strikes[n + 1]?.at) })),
    queue,
    doubleService: services,
    broken,
    kept,
  };
}

async function reachMoment(stage: Stage, load: Load, { moment }: Plan): Promise<void> {
  for (const name of BOTH) stage.start(name);
  if (moment === 'starting') return;
  await stage.pair.protected(START_MS);
  await load.flowing;
  if (moment === 'load') return;
  const passive = otherServer(stage.watch.active);
  stage.signal(passive, 'SIGKILL');
  await stage.pair.reaches(otherServer(passive), 'STANDALONE');
  stage.start(passive);
}

async function strike(stage: Stage, step: Step): Promise<Omit<Strike, 'gapMs'>> {
  const { strike: act, heal } = KINDS[step.kind];
  await pause(step.afterMs);
  const at = performance.now();
  const servers = serversOf(step.role, stage.watch.active);
  // What is gone already can't be struck again.
  for (const name of servers) if (stage.isUp(name)) await act(stage, name);
  await pause(step.holdMs);
  if (step.isHealed) for (const name of servers) await heal(stage, name);
  return { step, at, servers };
}

/** Fulfils when the passive has stored everything that the active has. */
async function quiet({ pair }: Stage): Promise<void> {
  const look = async (): Promise<true | null> => {
    const [one, other] = await Promise.all(BOTH.map((name) => pair.status(name)));
    const [mine, theirs] = [one?.stamp, other?.stamp];
    return mine !== undefined && mine.seq === theirs?.seq && mine.epoch === theirs.epoch ? true : null;
  };
  await pair.until('two equal stamps', look, QUIET_MS);
}

const contents = ({ pair }: Stage, name: (typeof BOTH)[number]): Promise<StoreContents> =>
  readStore(pair.storePath(name));

function queueFaults({ lost, unexpected, order, retained }: QueueVerdict): string[] {
  return [
    ...(lost > 0 ? [`${lost} acknowledged messages are lost`] : []),
    ...(unexpected > 0 ? [`${unexpected} messages came that nobody sent`] : []),
    ...order,
    ...(retained === null ? [] : [retained]),
  ];
}

/** The longest time between two acknowledgements that overlaps [from, to). Null: none came before `from`. */
export function longestGap(times: readonly number[], from: number, to = Infinity): number | null {
  const before = times.findLastIndex((time) => time <= from);
  if (before === -1) return null;
  let longest = 0;
  for (let n = before; n + 1 < times.length && (times[n] ?? to) < to; n += 1)
    longest = Math.max(longest, (times[n + 1] ?? 0) - (times[n] ?? 0));
  return longest;
}

async function keep(
  stage: Stage,
  load: Load,
  { plan, ...seen }: Readonly<{ plan: Plan }> & Record<string, unknown>,
  keepIn: string,
): Promise<string> {
  const directory = join(keepIn, `seed-${plan.seed}-round-${plan.round}`);
  await mkdir(directory, { recursive: true });
  const { samples } = stage.watch;
  const { ends } = stage;
  const history = {
    text: planText(plan),
    plan,
    ...seen,
    ends,
    samples,
    received: load.received,
    wire: load.wire,
  };
  await writeFile(join(directory, 'history.json'), JSON.stringify(history, null, 1));
  await writeFile(join(directory, 'consoles.txt'), stage.pair.transcript());
  // A copy of what still runs is as good as a crash's.
  await cp(stage.pair.home, join(directory, 'home'), { recursive: true }).catch(() => undefined);
  return directory;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
