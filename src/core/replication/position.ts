/**
 * A place between two entries of a journal, and what may follow there. Everybody who takes entries from elsewhere (disk, peer) goes
 * through `follow`: dense seq, running checksum, epochs that rise only with the entry of a claim.
 * Source: PROTOCOL.md §1 (journal), §2 Tail.
 */
import { noStamp, type EpochStart, type Stamp } from '../pair/index.ts';
import { claimIdIn, type Entry } from './entry.ts';

export type Position = Readonly<{
  /** The entry before this place. */
  last: Stamp;
  /** The running checksum after it. */
  chain: number;
  epochs: readonly EpochStart[];
}>;

/** Before the first entry ever. */
export const journalStart: Position = { last: noStamp, chain: 0, epochs: [] };

/** The place behind `entry`, or why it can't stand at `position`. */
export function follow(position: Position, entry: Entry): Position | string {
  const { last, chain, epochs } = position;
  if (entry.seq !== last.seq + 1) return `entry ${entry.seq} after entry ${last.seq}`;
  if (entry.before !== chain) return `entry ${entry.seq} follows another entry ${last.seq}`;
  const next: Stamp = { epoch: entry.epoch, seq: entry.seq };
  if (entry.kind === 'batch')
    return entry.epoch === last.epoch
      ? { last: next, chain: entry.chain, epochs }
      : `entry ${entry.seq} of epoch ${entry.epoch} in epoch ${last.epoch}, without a claim`;
  if (entry.epoch <= last.epoch) return `a claim of epoch ${entry.epoch} after epoch ${last.epoch}`;
  const start: EpochStart = { epoch: entry.epoch, claimId: claimIdIn(entry), firstSeq: entry.seq };
  return { last: next, chain: entry.chain, epochs: [...epochs, start] };
}
