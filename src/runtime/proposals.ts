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
  /**
   * The same for what nobody waits for, and what may be done again where this server is lost: it goes along with the next batch, or makes one of
   * its own after a while, so that no client's message waits for the sync that it would have cost.
   */
  proposeLater(op: Op, done: (outcome: Outcome) => void): void;
  /** What waits for the next batch makes one now. */
  hurry(): void;
  /** Bytes proposed and not yet committed: the measure for pausing those who propose. */
  pendingBytes(): number;
  /** What is committed comes faster than the disk keeps it: nothing more should be proposed for now. */
  isBehind(): boolean;
}
