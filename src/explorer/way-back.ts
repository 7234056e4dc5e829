/**
 * From every world within the bounds, once faults stop, ACTIVE with PASSIVE can be reached. Found backwards, over the moves that are no
 * faults, in a walk that was exhausted. Source: PROTOCOL.md §3; REASONS.md B.
 */
import { assert } from '../base/index.ts';
import { LEDGER } from './states/parts.ts';
import { isProtected, type Explorer, type Violation } from './explore.ts';

export type WayBack = Readonly<{
  /** Worlds from which the way was looked for: those with claims to spare. */
  asked: number;
  violation: Violation | null;
}>;

/** A claim, and one that was in vain. */
const CLAIMS_TO_SPARE = 2;

export function wayBack(explorer: Explorer): WayBack {
  assert(explorer.expanded === explorer.states, 'the way back is looked for where all is known');
  const canReturn = returning(explorer);
  const { bounds } = explorer.model.setting;
  let asked = 0;
  for (let number = 0; number < explorer.states; number += 1) {
    if (claimsIn(explorer, number) > bounds.claims - CLAIMS_TO_SPARE) continue;
    asked += 1;
    if (canReturn[number] === 1) continue;
    const sentence = 'from every world ACTIVE with PASSIVE can be reached once faults stop';
    const what = 'from here it cannot';
    return { asked, violation: { sentence, what, trace: explorer.trace(number) } };
  }
  return { asked, violation: null };
}

const claimsIn = ({ worlds }: Explorer, number: number): number =>
  worlds.parts.ledgers.at(worlds.part(number, LEDGER)).happened.claims;

/** 1 for each world with a way to one where the pair is protected. */
function returning(explorer: Explorer): Uint8Array {
  const { states, ways, model } = explorer;
  const { starts, sources } = backwards(explorer);
  const found = new Uint8Array(states);
  const left: number[] = [];
  const find = (number: number): void => {
    if (found[number] === 1) return;
    found[number] = 1;
    left.push(number);
  };
  for (let number = 0; number < states; number += 1)
    if (isProtected(explorer.worlds, number, model)) find(number);
  for (let to = left.pop(); to !== undefined; to = left.pop())
    for (let n = starts[to] ?? 0; n < (starts[to + 1] ?? ways.to.length); n += 1) find(sources[n] ?? 0);
  return found;
}

/** For each world those that lead to it: `sources` from `starts[it]` up to `starts[it + 1]`. */
function backwards({ states, ways }: Explorer): { starts: Uint32Array; sources: Uint32Array } {
  const starts = new Uint32Array(states + 1);
  for (let n = 0; n < ways.to.length; n += 1) add(starts, ways.to.at(n) + 1);
  for (let n = 1; n <= states; n += 1) starts[n] = (starts[n] ?? 0) + (starts[n - 1] ?? 0);
  const next = starts.slice();
  const sources = new Uint32Array(ways.to.length);
  for (let n = 0; n < ways.to.length; n += 1) {
    const to = ways.to.at(n);
    sources[next[to] ?? 0] = ways.from.at(n);
    add(next, to);
  }
  return { starts, sources };
}

const add = (numbers: Uint32Array, at: number): void => {
  numbers[at] = (numbers[at] ?? 0) + 1;
};
