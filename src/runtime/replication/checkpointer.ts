/**
 * Brings the state of committed entries to disk now and then, and lets the journal go of what is no longer needed. What comes and goes between
 * two checkpoints never reaches the state's store. What is queued stays in memory until a checkpoint has it: when so much has come that one is
 * due, and the disk is not done with the last one for as much again, nothing more may come. Source: PROTOCOL.md §1 (state), §5 (trimming).
 */
import type { Cancel, Clock } from '../../base/index.ts';
import type { Replica } from './replica.ts';

export type CheckpointTimes = Readonly<{
  intervalMs: number;
  /** Of entries applied, and of what was read back of the state since it was loaded: that takes memory until the next one. */
  bytesMax: number;
  /** What queued messages may take in memory that no checkpoint has yet; twice as much while one is under way. */
  freshBytesMax: number;
}>;

/** While ended queues leave something to be taken away, checkpoints come so much sooner. */
const TIDYING_PART = 1 / 20;

export class Checkpointer {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #times: CheckpointTimes;
  /** It is not behind any more. */
  readonly #caughtUp: () => void;
  #timer: Cancel | null = null;
  #underWay: Promise<void> | null = null;
  /** The one after that, where somebody waits for it. */
  #following: Promise<void> | null = null;
  /** Of entries applied since the last one. */
  #bytes = 0;
  /** What of the state had been read by then. */
  #readAt = 0;
  #isClosed = false;
  #hasFailed = false;
  #wasBehind = false;
  #waiting: (() => void)[] = [];

  constructor(replica: Replica, clock: Clock, times: CheckpointTimes, caughtUp: () => void) {
    this.#replica = replica;
    this.#clock = clock;
    this.#times = times;
    this.#caughtUp = caughtUp;
    this.resume();
  }

  /** An entry of `bytes` was applied. */
  applied(bytes: number): void {
    this.#bytes += bytes;
    this.#schedule();
  }

  /** The disk does not keep up with what is applied: nothing more should come until `caughtUp`. */
  isBehind(): boolean {
    const { freshBytes } = this.#replica.broker;
    const isBehind = this.#underWay !== null && freshBytes >= 2 * this.#times.freshBytesMax;
    if (isBehind) this.#wasBehind = true;
    return isBehind;
  }

  /** Fulfils when it is not behind. */
  room(): Promise<void> {
    return this.isBehind() ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  /** Fulfils when a checkpoint of what is applied now is durable (or the disk's failure was told). One at a time. */
  checkpoint(): Promise<void> {
    if (this.#underWay === null) return this.#begin();
    // What is applied now may not be in the one under way.
    this.#following ??= this.#underWay.then(() => {
      this.#following = null;
      return this.#underWay ?? this.#begin();
    });
    return this.#following;
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
    this.#readAt = this.#replica.store.state.readBytes;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isClosed || this.#hasFailed) return;
    const { intervalMs, bytesMax, freshBytesMax } = this.#times;
    const { freshBytes, hasLeftovers } = this.#replica.broker;
    const bytes = this.#bytes + this.#replica.store.state.readBytes - this.#readAt;
    if (bytes >= bytesMax || freshBytes >= freshBytesMax) void (this.#underWay ?? this.#begin());
    else if (hasLeftovers) this.#after(intervalMs * TIDYING_PART);
    else if (this.#bytes > 0) this.#after(intervalMs);
  }

  #after(ms: number): void {
    this.#timer ??= this.#clock.after(ms, () => void (this.#underWay ?? this.#begin()));
  }

  #begin(): Promise<void> {
    this.#timer?.();
    this.#timer = null;
    const begun = this.#write().finally(() => {
      this.#underWay = null;
      this.#schedule();
      this.#catchUp();
    });
    this.#underWay = begun;
    return begun;
  }

  #catchUp(): void {
    if (!this.#wasBehind || this.isBehind()) return;
    this.#wasBehind = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#caughtUp();
  }

  async #write(): Promise<void> {
    if (this.#isClosed || this.#hasFailed) return;
    const { store, broker } = this.#replica;
    // The changes and the seq belong together: both are taken within one turn.
    const at = this.#replica.appliedSeq;
    const changes = broker.changes();
    this.#bytes = 0;
    this.#readAt = store.state.readBytes;
    try {
      await store.state.checkpoint(changes, at);
      broker.stored();
      await store.journal.trim(this.#replica.trimmable(at));
    } catch (failure) {
      // What it was to store has been taken: in any later one it would be missing. What is stored now, with the journal, is whole.
      this.#hasFailed = true;
      this.#replica.fail(failure);
    }
  }
}
