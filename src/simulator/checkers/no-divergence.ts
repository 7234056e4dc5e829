/** No store ever parts from the pair: no server has applied what was not committed, and no epoch has two claims. Rules Tail, Fence. */
import type { Checker } from './checker.ts';

const NEVER_SAID = ['LS_STORE_DIVERGED', 'LS_PAIR_TWO_HISTORIES'];

export function noDivergence(): Checker {
  return {
    promise: 'no store parts from the pair',
    said: ({ code, text }) => (code !== undefined && NEVER_SAID.includes(code) ? text : null),
  };
}
