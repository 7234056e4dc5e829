/** The parts of the state, as they belong together from one load to the next. */
import { AccessState } from '../access/index.ts';
import { DurableSessions } from './durable-sessions.ts';
import { FilterTree } from './filter-tree.ts';
import { Groups, type Subscriber } from './groups.ts';
import { Ledger } from './ledger.ts';
import { LocalQueues } from './local-queues.ts';
import { PairTime } from './pair-time.ts';
import type { PagingSizes } from './paging.ts';
import { Ready } from './ready.ts';
import { Retained } from './retained.ts';
import { Router } from './router.ts';
import type { StateReader } from './state-reader.ts';
import type { Subscription } from './subscription.ts';
import { Wills } from './wills.ts';

export type State = Readonly<{
  ledger: Ledger;
  sessions: DurableSessions;
  retained: Retained;
  wills: Wills;
  time: PairTime;
  access: AccessState;
  ready: Ready;
  locals: LocalQueues;
  groups: Groups;
  router: Router;
}>;

/** What of the queues is in memory. `localBytesMax`: of all that are there alone. */
export type MemorySizes = Readonly<{ paging: PagingSizes; localBytesMax: number }>;

/** An empty one. What it stores is read back from `reader`. */
export function emptyState(reader: StateReader, { paging, localBytesMax }: MemorySizes): State {
  const ledger = new Ledger(reader, paging);
  const ready = new Ready();
  // Who gets messages, sessions and groups, is found by one tree of filters.
  const tree = new FilterTree<Subscriber, Subscription | null>();
  const locals = new LocalQueues(localBytesMax);
  const groups = new Groups({ ledger, ready, tree, locals });
  return {
    ledger,
    sessions: new DurableSessions(ledger),
    retained: new Retained(ledger),
    wills: new Wills(ledger),
    time: new PairTime(ledger),
    access: new AccessState(ledger),
    ready,
    locals,
    groups,
    router: new Router({ tree, groups, ready, locals }),
  };
}
