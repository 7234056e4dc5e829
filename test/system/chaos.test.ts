/**
 * A few rounds of chaos on a real pair, quick faults only: nothing acknowledged is lost, never two acknowledge, both stores are equal in the end.
 * `npm run chaos` plays more of them, with more kinds. Source: PROTOCOL.md §2 Ack, Claim; REASONS.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { abilities } from '../../scripts/chaos/isolate.ts';
import { KIND_NAMES, KINDS } from '../../scripts/chaos/kinds.ts';
import { planRound, planText } from '../../scripts/chaos/plan.ts';
import { playRound } from '../../scripts/chaos/round.ts';

const SEED = 2026;
const choice = { kinds: KIND_NAMES.filter((name) => KINDS[name].isQuick), holdMsMax: 800, stepsMax: 2 };
const plans = choice.kinds.map((_, n) => planRound(SEED, n, choice));

test.each(plans.map((plan) => [planText(plan), plan] as const))(
  'nothing acknowledged is lost, one acknowledges, the stores are equal: %s (Ack, Claim)',
  async (_text, plan) => {
    const out = await mkdtemp(join(tmpdir(), 'lockstep-chaos-'));
    const { broken, queue, kept } = await playRound(plan, abilities(false), out);
    // What a failed round has left is worth looking at.
    onTestFinished(() => (kept === null ? rm(out, { recursive: true }) : undefined));
    expect(broken, kept ?? '').toEqual([]);
    expect(queue?.acknowledged).toBeGreaterThan(50);
  },
);
