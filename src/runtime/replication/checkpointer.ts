/**
 * Brings the state of committed entries to disk now and then, and lets the journal go of what is no longer needed. What comes and goes between
 * two checkpoints never reaches the state's store. Source: PROTOCOL.md §1 (state), §5 (trimming).
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { Replica } from './replica.ts';

export type CheckpointTimes = Readonly<{ intervalMs: number; bytesMax: number }>;

export class Checkpointer {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #times: CheckpointTimes;
  #timer: Cancel | null = null;
  #underWay: Promise<void> | null = null;
  #bytes = 0;
  #isClosed = false;

  constructor(replica: Replica, clock: Clock, times: CheckpointTimes) {
    this.#replica = replica;
    this.#clock = clock;
    this.#times = times;
  }

  /** An entry of `bytes` was applied. */
  applied(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= this.#times.bytesMax) void this.checkpoint();
    else this.#timer ??= this.#clock.after(this.#times.intervalMs, () => void this.checkpoint());
  }

  /** Fulfils when a checkpoint of what is applied now is durable (or the disk's failure was told). One at a time. */
  checkpoint(): Promise<void> {
    this.#timer?.();
    this.#timer = null;
    this.#underWay ??= this.#write().finally(() => {
      this.#underWay = null;
      if (this.#bytes > 0 && !this.#isClosed) this.applied(0);
    });
    return this.#underWay;
  }

  /** No checkpoint is under way and none follows until `resume`: the store is about to be replaced or closed. */
  async pause(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.();
    this.#timer = null;
    await this.#underWay;
  }

  resume(): void {
    this.#isClosed = false;
  }

  async #write(): Promise<void> {
    if (this.#isClosed) return;
    const { store, broker } = this.#replica;
    // The changes and the seq belong together: both are taken within one turn.
    const at = this.#replica.appliedSeq;
    const changes = broker.changes();
    this.#bytes = 0;
    try {
      await store.state.checkpoint(changes, at);
      await store.journal.trim(this.#replica.trimmable(at));
    } catch (failure) {
      this.#replica.fail(failure);
    }
  }
}
