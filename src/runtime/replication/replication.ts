/**
 * All that one server replicates with, behind the few words that the pair uses: a replica, a pipeline while it serves, a sender or a joiner while
 * there is a session, checkpoints always. Source: PROTOCOL.md §2 (Ack, Claim, Grow, Fence, Tail), §5.
 */
import {
  seq,
  type ArbitrationRecord,
  type ClaimId,
  type Epoch,
  type Frame,
  type InSync,
  type PairFact,
  type SessionId,
  type ShareSight,
  type Stamp,
} from '../../core/pair/index.ts';
import type { Clock, Log } from '../../base/index.ts';
import type { Broker } from '../../core/broker/index.ts';
import type { StoreRoot } from '../../ports/index.ts';
import { Checkpointer, type CheckpointTimes } from './checkpointer.ts';
import { CommitPipeline, type PipelineTimes } from './commit-pipeline.ts';
import { Replica } from './replica.ts';
import { SessionJoiner } from './session-joiner.ts';
import { SessionSender } from './session-sender.ts';
import type { SyncView } from './sync-progress.ts';

export type ReplicationParts = Readonly<{
  root: StoreRoot;
  broker: Broker;
  clock: Clock;
  log: Log;
  times: PipelineTimes & Readonly<{ checkpoint: CheckpointTimes }>;
  hooks: Readonly<{
    tell: (fact: PairFact) => void;
    send: (frame: Frame) => void;
    seeShare: () => Promise<ShareSight>;
    /** For the mark in the lock file. */
    committed: (stamp: Stamp) => void;
    /** While this server serves: a batch was applied, deliver what it brought; or what was held back may go on. */
    applied: () => void;
  }>;
}>;

export class Replication {
  readonly #parts: ReplicationParts;
  readonly replica: Replica;
  readonly pipeline: CommitPipeline;
  readonly #checkpointer: Checkpointer;
  #sender: SessionSender | null = null;
  #joiner: SessionJoiner | null = null;
  #leaving: Promise<void> = Promise.resolve();
  /** The session to be joined once the former one has come to rest: on a slow disk another may be offered, and this one be over, before. */
  #wanted: SessionId | null = null;

  private constructor(parts: ReplicationParts, replica: Replica) {
    const { clock, times, hooks } = parts;
    this.#parts = parts;
    this.replica = replica;
    this.#checkpointer = new Checkpointer(replica, clock, times.checkpoint, () => this.#tellApplied());
    this.pipeline = new CommitPipeline(replica, clock, times, {
      written: () => this.#sender?.pump(),
      committed: (stamp) => {
        hooks.committed(stamp);
        this.#sender?.pump();
      },
      peerTooSlow: (why) => hooks.tell({ type: 'peerLost', why }),
      diskFailed: (why) => hooks.tell({ type: 'diskFailed', why }),
      isBehind: () => this.#checkpointer.isBehind(),
    });
  }

  /** Opens the store and loads its state. Rejects with a coded error when the store can't be had. */
  static async open(parts: ReplicationParts): Promise<Replication> {
    const { root, broker, log, hooks } = parts;
    // The replica tells of applied entries only once it is used, and by then the whole stands.
    const whole: { replication: Replication | null } = { replication: null };
    const replica = await Replica.open({
      root,
      broker,
      log,
      events: {
        applied: (entry, outcomes) => {
          whole.replication?.pipeline.applied(entry, outcomes);
          whole.replication?.afterApplying(entry.bytes.length);
        },
        diskFailed: (why) => hooks.tell({ type: 'diskFailed', why }),
      },
    });
    whole.replication = new Replication(parts, replica);
    return whole.replication;
  }

  /** An entry of `bytes` was applied and its proposers were told. */
  afterApplying(bytes: number): void {
    this.#checkpointer.applied(bytes);
    this.#tellApplied();
  }

  #tellApplied(): void {
    if (this.pipeline.isOpen) this.#parts.hooks.applied();
  }

  get sync(): SyncView | null {
    return this.#sender?.progress ?? this.#joiner?.progress ?? null;
  }

  get lag(): Readonly<{ entries: number; bytes: number }> | null {
    return this.#sender === null ? null : { entries: this.#sender.lagEntries, bytes: this.#sender.lagBytes };
  }

  /** Sessions end and the journal writer comes to rest: all that it holds is durable. */
  async rest(): Promise<void> {
    this.endSession();
    await this.leaveSession();
    await this.replica.rest();
  }

  openEpoch(claim: Readonly<{ epoch: Epoch; claimId: ClaimId; inSync: InSync }>): Promise<void> {
    return this.pipeline.open({ epoch: claim.epoch, claimId: claim.claimId }, claim.inSync);
  }

  /** Fulfils when all that the claim found in the journal is committed and applied: at once, unless the claim keeps the peer. */
  allOpened(): Promise<void> {
    return this.pipeline.opened;
  }

  closeEpoch(): void {
    this.pipeline.close();
  }

  require(confirmed: InSync, attempted: readonly InSync[]): void {
    this.pipeline.require(confirmed, attempted);
  }

  beginSession(session: SessionId, record: ArbitrationRecord): void {
    this.endSession();
    const { clock, log, hooks } = this.#parts;
    const { replica, pipeline } = this;
    pipeline.awaitPeer();
    this.#sender = new SessionSender(
      {
        replica,
        pipeline,
        clock,
        log,
        send: hooks.send,
        tell: hooks.tell,
        checkpoint: () => this.#checkpointer.checkpoint(),
      },
      session,
      record,
    );
  }

  endSession(): void {
    this.#sender?.end();
    this.#sender = null;
  }

  proveJoiner(): void {
    this.#sender?.proveJoiner();
  }

  awaitLevel(): void {
    this.#sender?.awaitLevel();
  }

  join(session: SessionId, record: ArbitrationRecord): void {
    const { clock, log, hooks, times } = this.#parts;
    const former = this.leaveSession();
    this.#wanted = session;
    const { replica } = this;
    void former.then(() => {
      if (this.#wanted !== session) return;
      this.#wanted = null;
      this.#joiner = new SessionJoiner(
        {
          replica,
          clock,
          log,
          send: hooks.send,
          tell: hooks.tell,
          seeShare: hooks.seeShare,
          diskTimeoutMs: times.diskTimeoutMs,
          room: () => this.#checkpointer.room(),
          adopt: async (next, keep) => {
            await this.#checkpointer.pause();
            await replica.adopt(next, keep);
            this.#checkpointer.resume();
          },
        },
        session,
        record,
      );
    });
  }

  /** Fulfils when what the session had under way has come to rest. */
  leaveSession(): Promise<void> {
    const joiner = this.#joiner;
    this.#joiner = null;
    this.#wanted = null;
    if (joiner !== null) this.#leaving = this.#leaving.then(() => joiner.leave());
    return this.#leaving;
  }

  heard(frame: Frame): void {
    this.#sender?.heard(frame);
    this.#joiner?.heard(frame);
  }

  /** A last checkpoint, so that the next start replays nothing; then the store is closed. */
  async close(): Promise<void> {
    await this.#checkpointer.checkpoint();
    await this.#checkpointer.pause();
    await this.replica.close();
  }

  get lastSeq(): number {
    return seq(this.replica.lastSeq);
  }
}
