/** Questions to the keeper, in the order in which they are asked. */
import type { Draft } from './draft.ts';
import type { Call } from '../world/world.ts';

/** What comes of an older one of the same kind is not told. */
export function ask(draft: Draft, call: Call): void {
  const { keeper } = draft.own;
  const isLook = (one: Call): boolean => one.type === 'read' && one.wants === 'look';
  const older = isLook(call) ? keeper.calls.filter((one) => !isLook(one)) : keeper.calls;
  const calls = draft.without('lastAnswer') ? older : older.map((one) => outdatedBy(call, one));
  draft.own.keeper = { ...keeper, calls: [...calls, call] };
}

const outdatedBy = (call: Call, older: Call): Call =>
  (older.type === 'lock' || older.type === 'write') && older.type === call.type && older.isLast
    ? { ...older, isLast: false }
    : older;
