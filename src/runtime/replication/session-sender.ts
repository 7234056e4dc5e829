/**
 * The serving side of a replication session: offers it, finds out what the joiner lacks, sends that (a delta of the journal, or a snapshot and
 * what follows) and then every new entry, one stream and one path for all of it. Counts only what the joiner says on this very session.
 * Source: PROTOCOL.md §2 Grow, Fence, Tail; §5.
 */
import { assert, type Cancel, type Clock, type Log } from '../../base/index.ts';
import {
  sameSession,
  seq,
  type ArbitrationRecord,
  type Frame,
  type JoinerProof,
  type PairFact,
  type Seq,
  type SessionId,
  type StoreId,
} from '../../core/pair/index.ts';
import { commonPoint, lastSeqOf } from '../../core/replication/index.ts';
import type { Snapshot } from '../../ports/index.ts';
import type { CommitPipeline } from './commit-pipeline.ts';
import type { Replica } from './replica.ts';
import { SyncProgress, type SyncView } from './sync-progress.ts';

/** Sent and not yet stored by the joiner; beyond this it is waited for. */
const WINDOW_BYTES = 16 * 1024 * 1024;
const FRAME_BYTES = 512 * 1024;
const CHUNK_BYTES = 512 * 1024;
/** While the joiner makes some of them durable, others are on their way. */
const CHUNKS_AHEAD = 16;
/**
 * The commit index goes along with the next entries; where none come, alone after this long. The joiner needs it to apply, which nobody waits for:
 * whoever claims counts the whole journal as committed. A frame for each rise would wake the joiner twice for every batch.
 */
const COMMITTED_LATER_MS = 10;
/** A joiner this close to the end counts as near: the rest is a matter of milliseconds. */
const NEAR_ENTRIES = 64;

export type SenderParts = Readonly<{
  replica: Replica;
  pipeline: CommitPipeline;
  clock: Clock;
  log: Log;
  send: (frame: Frame) => void;
  tell: (fact: PairFact) => void;
  /** Brings the state on disk up to date; fulfils when it is. */
  checkpoint: () => Promise<void>;
}>;

export class SessionSender {
  readonly #parts: SenderParts;
  readonly #session: SessionId;
  readonly #record: ArbitrationRecord;
  #phase: 'offered' | 'comparing' | 'snapshot' | 'streaming' | 'over' = 'offered';
  #sentSeq: Seq = seq(0);
  #durableSeq: Seq = seq(0);
  #unstored: { seq: Seq; bytes: number }[] = [];
  #unstoredBytes = 0;
  #isReading = false;
  #committedSent: Seq = seq(0);
  #committedLater: Cancel | null = null;
  #level: Seq | null = null;
  #isNear = false;
  /** The joiner's store: what it says it holds counts for that one. Null until it is known to be who is required. */
  #joiner: StoreId | null = null;
  /** Some write attempted or confirmed names the joiner, so that every entry waits for it. */
  #isRequired: boolean;
  #snapshot: { source: Snapshot; sent: number; taken: number } | null = null;
  #isSendingChunks = false;
  #progress: SyncProgress | null = null;

  constructor(parts: SenderParts, session: SessionId, record: ArbitrationRecord) {
    this.#parts = parts;
    this.#session = session;
    this.#record = record;
    this.#isRequired = record.inSync.primary !== undefined && record.inSync.secondary !== undefined;
    parts.send({ type: 'session', session, pairId: record.pairId, record });
  }

  get progress(): SyncView | null {
    return this.#progress?.view() ?? null;
  }

  /** How far the joiner is behind, in entries. */
  get lagEntries(): number {
    return Math.max(0, this.#parts.replica.lastSeq - this.#durableSeq);
  }

  get lagBytes(): number {
    return this.#unstoredBytes;
  }

  end(): void {
    this.#phase = 'over';
    this.#snapshot?.source.close();
    this.#snapshot = null;
    this.#committedLater?.();
    this.#progress?.end('the session ended');
    this.#parts.replica.unpin(this);
    this.#parts.pipeline.forgetPeer();
  }

  /** A frame from the joiner. One of another session is dropped (rule Fence). */
  heard(frame: Frame): void {
    if (this.#phase === 'over' || !('session' in frame) || !sameSession(frame.session, this.#session)) return;
    switch (frame.type) {
      case 'join':
        return this.#run(this.#compare(frame));
      case 'fullWanted':
        return this.#run(this.#sendFull(frame.why));
      case 'chunkTaken':
        return this.#run(this.#chunkTaken(frame.number));
      case 'durable':
        return this.#stored(seq(frame.seq));
      case 'proof':
        return this.#proved(frame);
      default:
        return;
    }
  }

  /** A new entry was written, or the commit index rose. */
  pump(): void {
    if (this.#phase === 'streaming') this.#stream();
  }

  proveJoiner(): void {
    this.#parts.send({ type: 'proofWanted', session: this.#session });
  }

  /** `joinerLevel` follows once the joiner holds everything written until now. */
  awaitLevel(): void {
    this.#isRequired = true;
    this.#level = this.#parts.pipeline.lastProposed();
    this.#checkLevel();
  }

  #run(work: Promise<void>): void {
    work.catch((failure: unknown) => {
      if (this.#phase === 'over') return;
      const why = failure instanceof Error ? failure.message : String(failure);
      this.#parts.tell({ type: 'sessionFailed', why });
    });
  }

  // Delta or full -----------------------------------------------------------------------------------------------------------------

  async #compare(frame: Extract<Frame, { type: 'join' }>): Promise<void> {
    if (this.#phase !== 'offered') return;
    this.#phase = 'comparing';
    const { replica, send } = this.#parts;
    // Required from the first entry on (rules Consent, Resume); what it says it holds, it has synced.
    if (this.#isRequired) this.#joiner = this.#named(frame.store.storeId);
    // What a passive that resumes got on the former session may still be on its way to this disk, and is no tail of its own.
    await replica.written();
    if (this.#isOver()) return;
    const { journal } = replica.store;
    const found = frame.store.isComplete
      ? commonPoint(
          { epochs: journal.epochs, last: journal.last.seq, firstSeq: journal.firstSeq },
          {
            epochs: frame.store.epochs,
            stamp: frame.store.stamp,
            firstSeq: seq(frame.firstSeq),
            appliedSeq: seq(frame.appliedSeq),
          },
        )
      : ({ kind: 'full', why: 'its store is not complete' } as const);
    if (found.kind !== 'common')
      return this.#sendFull(found.why, found.kind === 'conflict' ? found.why : null);
    replica.pin(this, found.seq);
    // In a switchover all but the claim's own entry is common, clients wait, and what follows is in memory.
    const chain = replica.cache.at(found.seq + 1)?.before ?? (await journal.chainAt(found.seq));
    if (this.#isOver()) return;
    if (chain === null) return this.#sendFull('the journal no longer holds the common point');
    this.#sentSeq = found.seq;
    this.#begin('delta', replica.lastSeq - found.seq, 0);
    send({ type: 'delta', session: this.#session, common: found.seq, chain });
    this.#phase = 'streaming';
    // The joiner cuts first; its `durable` for the common point opens the stream.
  }

  /** `parted`: the two stores are of two histories, or the joiner has applied what this one does not have (rule Tail). */
  async #sendFull(why: string, parted: string | null = null): Promise<void> {
    if (this.#phase === 'snapshot') return;
    const { replica, send, log, checkpoint } = this.#parts;
    // A full synchronisation replaces the joiner's store by another; one that is required is struck off first (rule Tail).
    if (this.#isRequired)
      throw new Error(`it is in sync by the record, and yet a delta is not to be had: ${why}`);
    this.#phase = 'snapshot';
    // A fresh state leaves fewer entries to send after it, and none that lie before a damaged place of the journal.
    await checkpoint();
    if (this.#isOver()) return;
    const source = replica.store.state.snapshot(CHUNK_BYTES);
    const at = source.appliedSeq;
    replica.pin(this, at);
    this.#snapshot = { source, sent: 0, taken: 0 };
    const { journal } = replica.store;
    const chain = await journal.chainAt(at);
    if (this.#isOver()) return;
    if (chain === null)
      throw new Error(`the journal does not hold entry ${at}, at which the snapshot was taken`);
    const epochs = journal.epochs.filter((start) => start.firstSeq <= at);
    const epoch = epochs.at(-1)?.epoch;
    log.say({ level: 'info', text: `The peer gets a full synchronisation: ${why}` });
    this.#begin('full', replica.lastSeq - at, source.bytes);
    const last = epoch === undefined ? journal.last : { epoch, seq: at };
    send({
      type: 'full',
      session: this.#session,
      parted,
      origin: { last, chain, epochs },
      bytes: source.bytes,
    });
    this.#sentSeq = at;
    await this.#sendChunks();
  }

  #named(store: StoreId): StoreId {
    const { primary, secondary } = this.#record.inSync;
    if (store !== primary && store !== secondary)
      throw new Error('its store is not the one that the record names');
    return store;
  }

  async #chunkTaken(number: number): Promise<void> {
    if (this.#snapshot === null) return;
    this.#snapshot.taken = Math.max(this.#snapshot.taken, number);
    await this.#sendChunks();
  }

  async #sendChunks(): Promise<void> {
    const { send, clock } = this.#parts;
    if (this.#isSendingChunks) return;
    this.#isSendingChunks = true;
    while (this.#snapshot !== null && this.#snapshot.sent - this.#snapshot.taken < CHUNKS_AHEAD) {
      const body = this.#snapshot.source.next();
      if (body === null) {
        this.#snapshot.source.close();
        this.#snapshot = null;
        send({ type: 'chunksEnd', session: this.#session });
        this.#phase = 'streaming';
        break;
      }
      this.#snapshot.sent += 1;
      this.#progress?.moved(body.length);
      send({ type: 'chunk', session: this.#session, number: this.#snapshot.sent, body });
      // One chunk a turn: clients are served between two of them.
      await new Promise<void>((resolve) => clock.after(0, resolve));
    }
    this.#isSendingChunks = false;
  }

  // The stream --------------------------------------------------------------------------------------------------------------------

  #stored(through: Seq): void {
    const { replica, pipeline } = this.#parts;
    assert(through <= replica.lastSeq, 'a joiner stores only what it was sent');
    this.#durableSeq = through;
    while (this.#unstored[0] !== undefined && this.#unstored[0].seq <= through) {
      const stored = this.#unstored.shift();
      this.#unstoredBytes -= stored?.bytes ?? 0;
      this.#progress?.moved(stored?.bytes ?? 0);
    }
    replica.pin(this, through);
    this.#progress?.left(this.lagEntries);
    if (this.#joiner !== null) pipeline.peerDurable(this.#joiner, through);
    if (!this.#isNear && this.lagEntries <= NEAR_ENTRIES) {
      this.#isNear = true;
      this.#parts.tell({ type: 'joinerNear' });
    }
    this.#checkLevel();
    this.pump();
  }

  #checkLevel(): void {
    if (this.#level === null || this.#durableSeq < this.#level || this.#isOver()) return;
    const { pipeline } = this.#parts;
    const { epoch } = this.#session;
    const theirs = { epoch, seq: this.#durableSeq };
    this.#level = null;
    this.#progress?.end(null);
    this.#progress = null;
    this.#parts.tell({
      type: 'joinerLevel',
      stamps: { mine: { epoch, seq: pipeline.ownDurable() }, theirs },
    });
  }

  #proved({ storeId, isComplete, durable, share }: Extract<Frame, { type: 'proof' }>): void {
    const { pipeline, replica, tell } = this.#parts;
    const proof: JoinerProof = { storeId, isComplete, durable, share };
    this.#joiner = storeId;
    pipeline.peerDurable(storeId, this.#durableSeq);
    tell({ type: 'joinerProved', proof, store: replica.view() });
  }

  #stream(): void {
    const { replica } = this.#parts;
    while (this.#sentSeq < replica.lastSeq && this.#unstoredBytes < WINDOW_BYTES && !this.#isReading) {
      const bytes = this.#fromMemory();
      if (bytes === null) {
        this.#isReading = true;
        return this.#run(this.#fromJournal());
      }
      this.#sendEntries(bytes.body, bytes.through);
    }
    if (this.#hasCommitted())
      this.#committedLater ??= this.#parts.clock.after(COMMITTED_LATER_MS, () => this.#sendCommitted());
  }

  /** Something that the joiner has been sent is committed, and it has not been told. */
  #hasCommitted(): boolean {
    const { committedSeq } = this.#parts.replica;
    return this.#committedSent < committedSeq && this.#sentSeq >= committedSeq;
  }

  #sendCommitted(): void {
    this.#committedLater = null;
    if (this.#phase !== 'streaming' || !this.#hasCommitted()) return;
    const { replica, send } = this.#parts;
    this.#committedSent = replica.committedSeq;
    send({ type: 'committed', session: this.#session, committed: replica.committedSeq });
  }

  /** Entries from memory, as many as make a frame; a single one travels as the very bytes that the journal got. */
  #fromMemory(): { body: Buffer; through: Seq } | null {
    const { cache } = this.#parts.replica;
    const first = cache.at(this.#sentSeq + 1);
    if (first === null) return null;
    const parts = [first.bytes];
    let size = first.bytes.length;
    let through = first.seq;
    for (let next = cache.at(through + 1); next !== null; next = cache.at(through + 1)) {
      if (size + next.bytes.length > FRAME_BYTES) break;
      parts.push(next.bytes);
      size += next.bytes.length;
      through = next.seq;
    }
    return { body: parts.length === 1 ? first.bytes : Buffer.concat(parts), through };
  }

  async #fromJournal(): Promise<void> {
    const { replica } = this.#parts;
    const from = seq(this.#sentSeq + 1);
    const body = await replica.store.journal
      .read(from, FRAME_BYTES)
      .catch((damage: unknown) => this.#noteDamage(damage))
      .finally(() => {
        this.#isReading = false;
      });
    if (this.#isOver()) return;
    if (body === null) return this.#sendFull(`the journal does not give entry ${from}`);
    this.#sendEntries(body, lastSeqOf(body));
    this.#stream();
  }

  /** An old entry has rotted on this disk: what was committed is in the state as well, so the joiner gets that. */
  #noteDamage(damage: unknown): null {
    const text = damage instanceof Error ? damage.message : String(damage);
    this.#parts.log.say({ level: 'error', code: 'LS_JOURNAL_DAMAGED', text });
    return null;
  }

  #sendEntries(body: Buffer, through: Seq): void {
    const { replica, send } = this.#parts;
    this.#sentSeq = through;
    this.#unstored.push({ seq: through, bytes: body.length });
    this.#unstoredBytes += body.length;
    const committed = Math.min(replica.committedSeq, through);
    this.#committedSent = seq(committed);
    send({ type: 'entries', session: this.#session, committed, body });
  }

  #begin(kind: 'delta' | 'full', entries: number, bytes: number): void {
    const { clock, log } = this.#parts;
    this.#progress = new SyncProgress({ kind, side: 'sends', entries, bytes }, clock, log);
  }

  /** Asked after every wait, because the session may have ended meanwhile. */
  #isOver(): boolean {
    return this.#phase === 'over';
  }
}
