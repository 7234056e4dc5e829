/**
 * The joining side of a replication session: says what it has, cuts what the pair does not share or installs a snapshot, then stores every entry
 * and says so after its own sync, and applies what it is told is committed. Frames are taken one after the other.
 * Source: PROTOCOL.md §2 Grow, Fence, Tail; §5; REASONS.md A6, A11.
 */
import type { Clock, Log } from '../../base/index.ts';
import {
  isVirgin,
  sameSession,
  seenEpoch,
  seq,
  type ArbitrationRecord,
  type Frame,
  type PairFact,
  type Seq,
  type SessionId,
  type ShareSight,
} from '../../core/pair/index.ts';
import { readEntries, type Entry } from '../../core/replication/index.ts';
import type { Store } from '../../ports/index.ts';
import { unlessAnswered } from './patience.ts';
import type { Replica } from './replica.ts';
import { SyncProgress, type SyncView } from './sync-progress.ts';

export type JoinerParts = Readonly<{
  replica: Replica;
  clock: Clock;
  log: Log;
  send: (frame: Frame) => void;
  tell: (fact: PairFact) => void;
  /** What this server sees on the share now; a settled record is kept as `recordSeen` on the way. */
  seeShare: () => Promise<ShareSight>;
  /** The installed store takes the former one's place; `keep`: why that one is kept aside, or null. */
  adopt: (next: Store, keep: string | null) => Promise<void>;
  diskTimeoutMs: number;
  /** Fulfils when what is applied is not more than the disk keeps up with. */
  room: () => Promise<void>;
}>;

/** Installed in one transaction, which holds up everything else for as long as its pairs are put in. */
const CHUNKS_TOGETHER_MAX = 8;

type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;

export class SessionJoiner {
  readonly #parts: JoinerParts;
  readonly #session: SessionId;
  readonly #record: ArbitrationRecord;
  #isOver = false;
  /** Frames that change the store, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #received: Buffer[] = [];
  #isAppending = false;
  /** Chunks that have come and wait to be installed together: one transaction and one sync for all of them. */
  #chunks: FrameOf<'chunk'>[] | null = null;
  #committed: Seq = seq(0);
  /** From here on this journal is a part of the serving one. Before, its end may be a tail, of which the session's commit index says nothing. */
  #isAligned = false;
  #next: { store: Store; keep: string | null; taken: number } | null = null;
  #wantsFull: string | null = null;
  #progress: SyncProgress | null = null;

  constructor(parts: JoinerParts, session: SessionId, record: ArbitrationRecord) {
    this.#parts = parts;
    this.#session = session;
    this.#record = record;
    this.#queue(() => this.#join());
  }

  get progress(): SyncView | null {
    return this.#progress?.view() ?? null;
  }

  /** Nothing of this session is taken any more. Fulfils when what was under way has come to rest. */
  async leave(): Promise<void> {
    this.#isOver = true;
    this.#progress?.end('the session ended');
    this.#progress = null;
    this.#received = [];
    await this.#work;
    const next = this.#next;
    this.#next = null;
    if (next !== null) await this.#parts.replica.abandonInstall(next.store);
  }

  /** A frame from the serving side. One of another session is dropped (rule Fence). */
  heard(frame: Frame): void {
    if (this.#isOver || !('session' in frame) || !sameSession(frame.session, this.#session)) return;
    switch (frame.type) {
      case 'delta':
        return this.#queue(() => this.#delta(frame));
      case 'full':
        this.#chunks = null;
        return this.#queue(() => this.#full(frame));
      case 'chunk':
        if (this.#chunks === null || this.#chunks.length >= CHUNKS_TOGETHER_MAX) {
          const chunks: FrameOf<'chunk'>[] = [];
          this.#chunks = chunks;
          this.#queue(() => this.#install(chunks));
        }
        this.#chunks.push(frame);
        return;
      case 'chunksEnd':
        return this.#queue(() => this.#chunksEnd());
      case 'entries':
        this.#received.push(asBuffer(frame.body));
        this.#committed = seq(Math.max(this.#committed, frame.committed));
        if (!this.#isAppending) {
          this.#isAppending = true;
          // Till there is room nothing is said to be durable, and the serving side waits.
          this.#queue(() => this.#answered(this.#parts.room()));
          this.#queue(() => this.#append());
        }
        return;
      case 'committed':
        this.#committed = seq(Math.max(this.#committed, frame.committed));
        return this.#apply();
      case 'proofWanted':
        return this.#queue(() => this.#prove());
      case 'named':
        return this.#queue(async () => {
          this.#hasCaughtUp();
          this.#parts.tell({ type: 'named', record: frame.record });
        });
      default:
        return;
    }
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#isOver) return;
      try {
        await work();
      } catch (failure) {
        this.#fails(failure instanceof Error ? failure.message : String(failure));
      }
    });
  }

  #fails(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#progress?.end(why);
    this.#parts.tell({ type: 'joinFailed', why });
  }

  // Delta or full -----------------------------------------------------------------------------------------------------------------

  async #join(): Promise<void> {
    const { replica, send } = this.#parts;
    await replica.rest();
    if (this.#isOver) return;
    const store = replica.view();
    if (store.pairId !== null && store.pairId !== this.#record.pairId)
      return this.#fails('the serving server is of another pair; this store never joins it');
    if (store.pairId === null && !isVirgin(store))
      return this.#fails('this store has messages of no known pair');
    if (seenEpoch(store) > this.#session.epoch)
      return this.#fails(
        `this store knows a higher epoch (${seenEpoch(store)}) than the session's (${this.#session.epoch})`,
      );
    send({
      type: 'join',
      session: this.#session,
      store,
      firstSeq: replica.store.journal.firstSeq,
      appliedSeq: replica.appliedSeq,
    });
  }

  /** Rule Tail. The cut is durable before anything is said. */
  async #delta({ common, chain }: FrameOf<'delta'>): Promise<void> {
    const { replica, send, log, clock } = this.#parts;
    if (common < replica.appliedSeq)
      return this.#askFull('what it shares with the serving journal lies below its state');
    if ((await replica.store.journal.chainAt(seq(common))) !== chain)
      return this.#askFull('the checksums at the common point differ');
    await replica.applied();
    await replica.joinPair(this.#record.pairId);
    const tail = await replica.cut(seq(common));
    if (tail !== null)
      log.say({
        level: 'warn',
        code: 'LS_TAIL_CUT',
        text: `${tail.entries} entries that were never acknowledged were cut from the journal and kept in ${tail.file}`,
      });
    this.#aligned();
    this.#progress = new SyncProgress({ kind: 'delta', side: 'gets', entries: 0, bytes: 0 }, clock, log);
    if (!this.#isOver) send({ type: 'durable', session: this.#session, seq: common });
  }

  /** The common point is not to be trusted: the store is kept aside whole. */
  #askFull(why: string): void {
    const { send } = this.#parts;
    this.#wantsFull = why;
    this.#sayDiverged(why);
    send({ type: 'fullWanted', session: this.#session, why });
  }

  #sayDiverged(why: string): void {
    this.#parts.log.say({
      level: 'error',
      code: 'LS_STORE_DIVERGED',
      text: `this store and the serving one have parted: ${why}; it will be kept aside and replaced by a full synchronisation`,
    });
  }

  async #full({ parted, origin, bytes }: FrameOf<'full'>): Promise<void> {
    const { replica, clock, log } = this.#parts;
    if (parted !== null) this.#sayDiverged(parted);
    const keep = this.#wantsFull ?? parted ?? this.#divergence(origin.epochs);
    if (this.#next !== null) await replica.abandonInstall(this.#next.store);
    const store = await replica.beginInstall(origin, this.#record.pairId);
    this.#next = { store, keep, taken: 0 };
    this.#progress = new SyncProgress({ kind: 'full', side: 'gets', entries: 0, bytes }, clock, log);
  }

  /** A store that holds entries which the snapshot's history does not is kept aside; one that is merely old is not worth it. */
  #divergence(epochs: readonly { epoch: number; claimId: string }[]): string | null {
    const { stamp, epochs: own } = this.#parts.replica.view();
    if (stamp.seq === 0) return null;
    const isShared = own.every((mine) =>
      epochs.some((theirs) => theirs.epoch === mine.epoch && theirs.claimId === mine.claimId),
    );
    return isShared ? null : 'it holds an epoch that the serving server does not know';
  }

  /** All that have come until now, of one snapshot. */
  async #install(chunks: readonly FrameOf<'chunk'>[]): Promise<void> {
    const { send } = this.#parts;
    if (this.#chunks === chunks) this.#chunks = null;
    if (this.#next === null) throw new Error('a chunk of a snapshot that was not announced');
    let { taken } = this.#next;
    for (const { number } of chunks) {
      if (number !== taken + 1) throw new Error(`chunk ${number} after ${taken}`);
      taken = number;
    }
    const body = Buffer.concat(chunks.map((chunk) => chunk.body));
    await this.#next.store.state.install(body);
    this.#next.taken = taken;
    this.#progress?.moved(body.length);
    if (!this.#isOver) send({ type: 'chunkTaken', session: this.#session, number: taken });
  }

  async #chunksEnd(): Promise<void> {
    const { adopt, send } = this.#parts;
    if (this.#next === null) throw new Error('the end of a snapshot that was not announced');
    const { store, keep } = this.#next;
    const at = store.journal.last.seq;
    await store.state.finishInstall(at);
    if (this.#isOver) return;
    this.#next = null;
    await adopt(store, keep);
    this.#aligned();
    send({ type: 'durable', session: this.#session, seq: at });
  }

  // The stream --------------------------------------------------------------------------------------------------------------------

  /** Appends all that has come since the last sync, as one write. */
  async #append(): Promise<void> {
    const { replica, send } = this.#parts;
    const parts = this.#received;
    this.#received = [];
    this.#isAppending = false;
    const [first] = parts;
    if (first === undefined) return;
    const bytes = parts.length === 1 ? first : Buffer.concat(parts);
    const entries = this.#checked(bytes);
    // This server has no clients, and its peer waits for this very answer. A disk that hangs freezes it, which the peer notices as any silence.
    await this.#answered(replica.append(entries, bytes, true));
    const last = entries.at(-1);
    if (last === undefined || this.#isOver) return;
    send({ type: 'durable', session: this.#session, seq: last.seq });
    for (const entry of entries) this.#committed = seq(Math.max(this.#committed, entry.committed));
    this.#apply();
  }

  /** A disk that does not answer is a disk that has failed. */
  async #answered(work: Promise<void>): Promise<void> {
    const { replica, clock, diskTimeoutMs } = this.#parts;
    const answered = unlessAnswered(clock, diskTimeoutMs, () =>
      replica.fail(new Error(`the disk has not answered for ${diskTimeoutMs} ms`)),
    );
    await work;
    answered();
  }

  /** Whole entries that follow the journal's last one; anything else ends the session. */
  #checked(bytes: Buffer): Entry[] {
    const entries = readEntries(bytes);
    if (entries === null) throw new Error('a frame of entries is damaged');
    const { journal } = this.#parts.replica.store;
    let { seq: last } = journal.last;
    let chain = journal.lastChain;
    for (const entry of entries) {
      if (entry.seq !== last + 1 || entry.before !== chain)
        throw new Error(`entry ${entry.seq} does not follow entry ${last} of this journal`);
      last = entry.seq;
      chain = entry.chain;
    }
    return entries;
  }

  #aligned(): void {
    this.#isAligned = true;
    this.#apply();
  }

  #apply(): void {
    if (!this.#isAligned) return;
    const { replica } = this.#parts;
    replica.commitThrough(seq(Math.min(this.#committed, replica.view().stamp.seq)));
  }

  #hasCaughtUp(): void {
    this.#progress?.end(null);
    this.#progress = null;
  }

  /** Rule Grow: what is durable here, and which share this server sees through its own mount. */
  async #prove(): Promise<void> {
    const { replica, seeShare, send } = this.#parts;
    await replica.rest();
    const share = await seeShare();
    if (this.#isOver) return;
    const { storeId, isComplete, stamp } = replica.view();
    this.#hasCaughtUp();
    send({ type: 'proof', session: this.#session, storeId, isComplete, durable: stamp, share });
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
