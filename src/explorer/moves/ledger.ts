/** How often what is bounded has happened. What may happen without end is not counted, so that worlds after it are the same. */
import type { Bounds, Setting } from '../setting.ts';
import type { Ledger } from '../world/world.ts';

export const isLeft = (ledger: Ledger, { bounds }: Setting, what: keyof Bounds): boolean =>
  ledger.happened[what] < bounds[what];

/** One more has happened. */
export function counted(ledger: Ledger, { bounds }: Setting, what: keyof Bounds): Ledger {
  if (bounds[what] === Infinity) return ledger;
  return { ...ledger, happened: { ...ledger.happened, [what]: ledger.happened[what] + 1 } };
}
