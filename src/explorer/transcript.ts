/** A run as people read it: one line for each step of a machine, and for each move that steps none. */
import type { Violation } from './explore.ts';
import type { Named } from './states/worlds.ts';

export function transcript({ sentence, what, trace }: Violation): string[] {
  return [`Broken after ${trace.length} moves: ${sentence}.`, `  ${what}`, '', ...trace.flatMap(linesOf)];
}

/** `12 primary    hears hello                    | channelUp: WAITING.met → WAITING.resting`. */
function linesOf(move: Named, n: number): string[] {
  const head = `${String(n + 1).padStart(4)} ${(move.server ?? '').padEnd(9)} ${move.isFault ? '✗' : ' '} ${move.what}`;
  const steps = move.told.map(({ server, fact, before, after }) => {
    const who = server === move.server ? '' : `${server} `;
    return `${who}${fact}: ${before}${before === after ? '' : ` → ${after}`}`;
  });
  if (steps.length === 0) return [head];
  return steps.map((step, at) => `${(at === 0 ? head : '').padEnd(64)} | ${step}`);
}
