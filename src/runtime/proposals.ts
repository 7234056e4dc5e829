/**
 * How anything gets into the replicated state: it is proposed, becomes part of a journal entry, is committed (rule Ack), is applied,
 * and only then is its proposer told. There is no other way to an acknowledgement. Source: PROTOCOL.md §2 Ack.
 */
import type { Op, Outcome } from '../core/broker/index.ts';

export interface Proposals {
  /**
   * Takes an operation into the next batch. `done` is called once it is committed and applied, in the order of proposing; never,
   * when this server stops serving first (then nothing may be told to anybody). Many operations share one entry and one sync.
   */
  propose(op: Op, done: ((outcome: Outcome) => void) | null): void;
  /** Bytes proposed and not yet committed: the measure for pausing those who propose. */
  pendingBytes(): number;
  /** What is committed comes faster than the disk keeps it: nothing more should be proposed for now. */
  isBehind(): boolean;
}
