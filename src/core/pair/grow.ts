/**
 * Rule Grow: a joiner that has caught up is named in the record, after it has proved that it sees the same share.
 * Source: PROTOCOL.md §2 Grow; REASONS.md A4, A8, C8.
 */
import type { ShareSight } from './frames.ts';
import {
  otherServer,
  type ArbitrationRecord,
  type RecordDraft,
  type ServerName,
  type Stamp,
  type StoreId,
} from './words.ts';

/** What the joiner states of itself in this session. */
export type JoinerProof = Readonly<{
  storeId: StoreId;
  isComplete: boolean;
  durable: Stamp;
  share: ShareSight;
}>;

/** Null: proved. Otherwise why not, for the console. */
export function unproved(record: ArbitrationRecord, proof: JoinerProof): string | null {
  if (!proof.isComplete) return 'its store is not complete';
  switch (proof.share.kind) {
    case 'unreachable':
      return 'it does not reach the share';
    case 'none':
      return 'its lock file has no record: it looks at another share';
    case 'damaged':
      return 'a block on its share is damaged';
    case 'record':
      if (proof.share.lockId !== record.lockId) return 'it looks at another share (the lock file differs)';
      if (proof.share.version !== record.version) return 'it reads another version of the record';
      return null;
  }
}

/** The record that names both; the floors are what each had durably stored when it was drafted. */
export function growDraft(
  record: ArbitrationRecord,
  me: ServerName,
  own: Readonly<{ storeId: StoreId; stamp: Stamp }>,
  joiner: Readonly<{ storeId: StoreId; stamp: Stamp }>,
): RecordDraft {
  const { version: _replaced, ...rest } = record;
  return {
    ...rest,
    holder: me,
    inSync: { [me]: own.storeId, [otherServer(me)]: joiner.storeId },
    floor: { [own.storeId]: own.stamp, [joiner.storeId]: joiner.stamp },
  };
}
