/** One round drawn from a seed: when it begins, and one to three faults, each on its own, over another, or right after its healing. Pure. */
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import { KINDS, type KindName, type Role } from './kinds.ts';
import type { StageNeeds } from './stage.ts';

/** While both start; under load; while the passive, which was away, catches up. */
export const MOMENTS = ['starting', 'load', 'synchronising'] as const;
export type Moment = (typeof MOMENTS)[number];

export type Step = Readonly<{
  kind: KindName;
  role: Role;
  /** Waits so long before it strikes: after the moment, or after what came before. */
  afterMs: number;
  holdMs: number;
  /** False: it lasts on while the next one strikes, and is healed at the end. */
  isHealed: boolean;
}>;

export type Plan = Readonly<{ round: number; seed: number; moment: Moment; steps: readonly Step[] }>;

export type Choice = Readonly<{
  kinds: readonly KindName[];
  /** The longest that a fault may last. */
  holdMsMax: number;
  stepsMax: number;
}>;

/** Rounds are drawn apart, so that any one of them can be repeated alone. */
export function planRound(seed: number, round: number, choice: Choice): Plan {
  const random = new SimRandom(Math.imul(seed, 0x9e3779b1) + round);
  const among = <T>(items: readonly [T, ...T[]]): T => items[random.below(items.length)] ?? items[0];
  // The first fault of a round goes through the kinds in turn, so that a run of some length has them all.
  const [first, ...others] = choice.kinds;
  if (first === undefined) throw new Error('no kind of fault to draw from');
  const moment = among<Moment>(['starting', 'load', 'load', 'load', 'synchronising']);
  const count = 1 + random.below(choice.stepsMax);
  const clock = { kind: null as KindName | null };
  const steps = Array.from({ length: count }, (_, number): Step => {
    const drawn =
      number === 0 ? (choice.kinds[round % choice.kinds.length] ?? first) : among([first, ...others]);
    // A server has one kind of clock for the whole round.
    const kind = KINDS[drawn].clock === undefined ? drawn : (clock.kind ??= drawn);
    const { roles, holdMs } = KINDS[kind];
    const [shortest, longest] = holdMs;
    const span = Math.max(0, Math.min(longest, choice.holdMsMax) - shortest);
    return {
      kind,
      role: roles[random.below(roles.length)] ?? 'active',
      afterMs: random.below(number === 0 ? 1_000 : 800),
      holdMs: shortest + random.below(span + 1),
      isHealed: random.chance(0.6),
    };
  });
  return { round, seed, moment, steps };
}

export const needsOf = ({ steps }: Plan): StageNeeds => ({
  disks: steps.some(({ kind }) => KINDS[kind].needs === 'disks'),
  clock: steps.map(({ kind }) => KINDS[kind].clock).find((clock) => clock !== undefined) ?? null,
});

export const planText = ({ moment, steps }: Plan): string =>
  `${moment}: ${steps
    .map(({ kind, role, afterMs, holdMs, isHealed }) => {
      const end = isHealed ? 'healed' : 'left';
      return `${kind} ${role} after ${afterMs} ms, for ${holdMs} ms, ${end}`;
    })
    .join('; ')}`;
