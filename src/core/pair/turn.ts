/**
 * Rule Turn: with the channel up and nobody serving, whose claim it is. One total function of both hellos, so both servers work out
 * the same. For speed only: lock and record decide. Source: PROTOCOL.md §2 Turn; REASONS.md B2.
 */
import { mayClaim, type Refusal } from './claim.ts';
import type { Hello } from './frames.ts';
import { grounds } from './none.ts';
import { isNewer, otherServer, type ServerName, type ShareReading } from './words.ts';

/** Those that may claim and reach the share, first the one whose turn it is; and why the others may not. */
export type TurnOrder = Readonly<{
  order: readonly ServerName[];
  refusals: Readonly<Partial<Record<ServerName, string>>>;
}>;

export function turnOrder(mine: Hello, theirs: Hello): TurnOrder {
  const hellos = { [mine.server]: mine, [theirs.server]: theirs } as Record<ServerName, Hello>;
  const refusals: Partial<Record<ServerName, string>> = {};
  const order: ServerName[] = [];
  for (const name of ['primary', 'secondary'] as const) {
    const refusal = refusalOf(hellos[name], hellos[otherServer(name)]);
    if (refusal === null) order.push(name);
    else refusals[name] = refusal;
  }
  // The primary stands first already; it stays there unless the secondary was PASSIVE (and it was not), or is newer.
  const goesFirst = (a: Hello, b: Hello): boolean =>
    a.wasPassive !== b.wasPassive ? a.wasPassive : isNewer(a.store.stamp, b.store.stamp);
  if (order.length === 2 && goesFirst(hellos.secondary, hellos.primary)) order.reverse();
  return { order, refusals };
}

function refusalOf(own: Hello, other: Hello): Refusal {
  if (own.share.kind === 'unreachable') return 'it does not reach the share';
  const reading = asReading(own);
  const base = grounds(own.store, reading, other.store, {
    isPrimary: own.server === 'primary',
    mayFoundAlone: false,
  });
  if (base.kind === 'nothing') return base.why;
  if (base.kind === 'found') return null;
  return mayClaim(own.server, own.store, base.record, null);
}

/** A hello's sight of the share, read as the rules read the share itself; which block is damaged, and the mark, it does not say. */
function asReading({ share }: Hello): ShareReading {
  switch (share.kind) {
    case 'record':
      return { kind: 'record', record: share.record, isSettled: share.isSettled, mark: null };
    case 'none':
      return { kind: 'none', mark: null };
    case 'damaged':
    case 'unreachable':
      return { kind: 'damaged', blocks: [], mark: null };
  }
}
