/**
 * A state's parts filled anew from a store: all of it but what is queued, however much that is.
 * Source: PROTOCOL.md §1 (state).
 */
import { assert, present } from '../../base/index.ts';
import { ACCESS_KINDS } from '../access/index.ts';
import { DurableQueue } from './durable-queue.ts';
import type { Ledger } from './ledger.ts';
import type { Place } from './message.ts';
import type { Session } from './session.ts';
import type { State } from './state.ts';
import {
  counterFrom,
  endedFrom,
  firstKeyOf,
  groupFrom,
  handshakesFrom,
  KINDS,
  kindOf,
  placeIn,
  placeText,
  retainedFrom,
  sessionFrom,
  timeFrom,
  willFrom,
} from './stored.ts';

/** Fills an empty state with what its ledger's reader gives. */
export function restore(state: State): void {
  const { ledger, sessions: durable, retained, wills, time, access, groups, router } = state;
  const stored = new ByPlace<ReturnType<typeof sessionFrom>>();
  const sessions = new ByPlace<Session>();
  const queues = new ByPlace<DurableQueue>();
  eachOf(ledger, KINDS.session, (place, value) => stored.set(place, sessionFrom(value)));
  eachOf(ledger, KINDS.counter, (place, value) => {
    const queue = new DurableQueue(place, ledger, counterFrom(value));
    queues.set(place, queue);
    const terms = stored.find(place);
    // A group's, which follows.
    if (terms === null) return;
    const session = durable.restore(terms, queue);
    for (const subscription of terms.subscriptions) router.subscribe(session, subscription, null);
    sessions.set(place, session);
  });
  eachOf(ledger, KINDS.retained, (place, value) => retained.restore(place, retainedFrom(place, value)));
  eachOf(ledger, KINDS.will, (place, value) => wills.restore(place, willFrom(value)));
  eachOf(ledger, KINDS.handshakes, (place, value) =>
    durable.restoreHandshakes(sessions.get(place), handshakesFrom(value)),
  );
  eachOf(ledger, KINDS.group, (place, value) => groups.restoreDurable(groupFrom(value), queues.get(place)));
  eachOf(ledger, KINDS.time, (_, value) => time.restore(timeFrom(value)));
  for (const kind of Object.values(ACCESS_KINDS))
    eachOf(ledger, kind, (place, value) => access.restore(kind, place, value));
  eachOf(ledger, KINDS.ended, (place, value) => ledger.leftovers.restore(place, endedFrom(value)));
  assertKnown(ledger);
}

function eachOf({ reader }: Ledger, kind: number, put: (place: Place, value: Buffer) => void): void {
  for (const { key, value } of reader.range(firstKeyOf(kind), firstKeyOf(kind + 1))) put(placeIn(key), value);
}

/** Every kind that a store holds is one of ours; without a walk through any. */
function assertKnown({ reader }: Ledger): void {
  let from = 0;
  const known = [...Object.values(KINDS), ...Object.values(ACCESS_KINDS)].sort((a, b) => a - b);
  for (const kind of [...known, null]) {
    const end = kind === null ? null : firstKeyOf(kind);
    for (const { key } of reader.range(firstKeyOf(from), end))
      return assert(false, `a stored key of unknown kind ${kindOf(key)}`);
    from = (kind ?? 0) + 1;
  }
}

/** Sessions and queues by their places. */
class ByPlace<T> {
  readonly #items = new Map<string, T>();

  set(place: Place, item: T): void {
    this.#items.set(placeText(place), item);
  }

  find(place: Place): T | null {
    return this.#items.get(placeText(place)) ?? null;
  }

  get(place: Place): T {
    return present(this.find(place), `what is at ${placeText(place)}, and was stored before,`);
  }
}
