/**
 * Rule Ack: what is committed, and so may leave for a client. Source: PROTOCOL.md §2 Ack; REASONS.md A4, W2.
 */
import { assert } from '../../base/index.ts';
import { seq, type InSync, type Seq, type StoreId } from './words.ts';

/**
 * The stores on which an entry must be durable: those of the last record that this server has *written* in this claim, together with
 * those of every write it has attempted since, because an attempt may have landed, or may yet.
 */
export function requiredSet(confirmed: InSync, attempted: readonly InSync[]): ReadonlySet<StoreId> {
  const required = new Set<StoreId>();
  for (const inSync of [confirmed, ...attempted])
    for (const store of [inSync.primary, inSync.secondary]) if (store !== undefined) required.add(store);
  assert(required.size > 0, 'a serving server waits at least for itself');
  return required;
}

/**
 * The newest entry that is committed.
 *
 * `durable`: by store, the last entry whose fdatasync has returned, as told on the current session; a store never heard of counts as 0.
 */
export function committedSeq(durable: ReadonlyMap<StoreId, Seq>, required: ReadonlySet<StoreId>): Seq {
  let committed = Number.MAX_SAFE_INTEGER;
  for (const store of required) committed = Math.min(committed, durable.get(store) ?? 0);
  return seq(committed);
}
