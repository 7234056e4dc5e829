/**
 * The serving side of the journal: what is proposed becomes entries, entries become durable here and at the peer, and only what rule Ack
 * calls committed is applied and told. While one write and its sync are under way, what comes in meanwhile makes the next entry (group
 * commit). Nothing waits for company where none has come before; under load an entry waits for what the process has yet to read, which would
 * else cost a write, a sync and a frame of its own. Source: PROTOCOL.md §2 Ack; REASONS.md A4, A7, B4.
 */
import { assert, ByteWriter, type Cancel, type Clock } from '../../base/index.ts';
import { encodeOp, type Op, type Outcome } from '../../core/broker/index.ts';
import {
  committedSeq,
  requiredSet,
  seq,
  type ClaimId,
  type Epoch,
  type InSync,
  type Seq,
  type Stamp,
  type StoreId,
} from '../../core/pair/index.ts';
import { ENTRY_HEAD_BYTES, epochAt, openEntry, sealEntry, type Entry } from '../../core/replication/index.ts';
import type { Proposals } from '../proposals.ts';
import { unlessAnswered } from './patience.ts';
import type { Replica } from './replica.ts';

/** A batch is closed at this size even while a write is under way, so that no entry or frame grows without bound. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** How long what nobody waits for waits for company. */
const LATER_MS = 10;
/** So many in the last entry: more are likely to come with the next turns. */
const COMPANY_MIN = 3;
/** How long an entry waits for them: once so much has passed, the turn that is under way is the last. */
const GATHERING_MS_MAX = 1;

type Done = ((outcome: Outcome) => void) | null;
type Pending = Readonly<{ entry: Entry; dones: readonly Done[]; since: number }>;

/** What it tells, and asks. */
export type PipelineHooks = Readonly<{
  /** An entry exists: send it on. It may not be durable anywhere yet. */
  written: (entry: Entry) => void;
  /** The commit index rose. */
  committed: (stamp: Stamp) => void;
  /** The peer has not stored an entry for `ackTimeout`. */
  peerTooSlow: (why: string) => void;
  diskFailed: (why: string) => void;
  /** As of `Proposals`. */
  isBehind: () => boolean;
}>;

/** The claim's first entry, and who waits for it to be applied. */
type Opening = Readonly<{ seq: Seq; done: Promise<void>; isDone: () => void }>;
function openingAt(at: Seq): Opening {
  let isDone = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    isDone = resolve;
  });
  return { seq: at, done, isDone };
}

export type PipelineTimes = Readonly<{ ackTimeoutMs: number; diskTimeoutMs: number }>;

export class CommitPipeline implements Proposals {
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #times: PipelineTimes;
  readonly #hooks: PipelineHooks;

  #claim: Readonly<{ epoch: Epoch; claimId: ClaimId }> | null = null;
  /** The newest entry sealed in this claim: what the next one follows. */
  #newest: Readonly<{ seq: Seq; chain: number }> = { seq: seq(0), chain: 0 };
  #required: ReadonlySet<StoreId> = new Set();
  readonly #durable = new Map<StoreId, Seq>();
  #writer = new ByteWriter(64 * 1024);
  #dones: Done[] = [];
  /** Sealed and not yet given to the journal. */
  #sealed: Pending[] = [];
  /** Given to the journal and not yet applied, oldest first. */
  #pending: (Pending | null)[] = [];
  #head = 0;
  #pendingBytes = 0;
  #isWriting = false;
  #isFlushDue = false;
  /** As of the last entry. */
  #hasCompany = false;
  /** Somebody waits for what is in the open batch. */
  #isUrgent = false;
  #later: Cancel | null = null;
  #opening: Opening = openingAt(seq(0));
  #peerSince: number | null = null;
  #watch: Cancel | null = null;
  #idle: (() => void)[] = [];

  constructor(replica: Replica, clock: Clock, times: PipelineTimes, hooks: PipelineHooks) {
    this.#replica = replica;
    this.#clock = clock;
    this.#times = times;
    this.#hooks = hooks;
  }

  get isOpen(): boolean {
    return this.#claim !== null;
  }

  /** Fulfils when the claim's first entry is applied, and with it all that the journal held before. */
  get opened(): Promise<void> {
    return this.#opening.done;
  }

  /**
   * Rule Claim, its last steps: the claim's first entry is appended and synced; then the whole journal counts as committed and is applied,
   * or, where `inSync` names the peer too, as soon as the peer holds it (rule Consent). Fulfils when what can be is done.
   */
  async open(claim: Readonly<{ epoch: Epoch; claimId: ClaimId }>, inSync: InSync): Promise<void> {
    assert(this.#claim === null, 'one claim at a time');
    const { storeId } = this.#replica.store.identity;
    this.#claim = claim;
    this.#required = requiredSet(inSync, []);
    this.#durable.clear();
    const { journal } = this.#replica.store;
    this.#newest = { seq: journal.last.seq, chain: journal.lastChain };
    openEntry(this.#writer);
    const entry = this.#seal(this.#writer.raw(Buffer.from(claim.claimId, 'utf8')), 'claim');
    this.#opening = openingAt(entry.seq);
    await this.#replica.append([entry], entry.bytes);
    this.#durable.set(storeId, entry.seq);
    this.#advance();
    await this.#replica.applied();
    this.#watchTimes();
  }

  /** Serving is over: nobody is told anything more. What was written stays in the journal, committed or not. */
  close(): void {
    this.#claim = null;
    this.#watch?.();
    this.#watch = null;
    this.#later?.();
    this.#later = null;
    this.#isUrgent = false;
    this.#writer = new ByteWriter(64 * 1024);
    this.#dones = [];
    this.#sealed = [];
    this.#pending = [];
    this.#head = 0;
    this.#pendingBytes = 0;
    this.#peerSince = null;
    this.#durable.clear();
    this.#settleIdle();
  }

  /** Rule Ack's required set, as the machine has it now. */
  require(confirmed: InSync, attempted: readonly InSync[]): void {
    if (this.#claim === null) return;
    this.#required = requiredSet(confirmed, attempted);
    this.#advance();
  }

  /** The peer's store holds everything through `through`, as it said on the present session. */
  peerDurable(store: StoreId, through: Seq): void {
    if (this.#claim === null) return;
    this.#durable.set(store, through);
    this.#peerSince = through >= this.#replica.lastSeq ? null : this.#clock.now();
    this.#advance();
  }

  /** A session begins: where the peer is required, it has `ackTimeout` to say what it holds. */
  awaitPeer(): void {
    if (this.#needsPeer()) this.#peerSince = this.#clock.now();
  }

  /** The session is over: what the peer said on it counts no more. */
  forgetPeer(): void {
    const own = this.#replica.store.identity.storeId;
    for (const store of [...this.#durable.keys()]) if (store !== own) this.#durable.delete(store);
    this.#peerSince = null;
  }

  propose(op: Op, done: Done): void {
    if (this.#claim === null) return;
    this.#add(op, done);
    this.#isUrgent = true;
    this.#flushSoon();
  }

  proposeLater(op: Op, done: Done): void {
    if (this.#claim === null) return;
    this.#add(op, done);
    this.#later ??= this.#clock.after(LATER_MS, () => this.hurry());
  }

  hurry(): void {
    this.#later?.();
    this.#later = null;
    if (this.#dones.length === 0) return;
    this.#isUrgent = true;
    this.#flushSoon();
  }

  pendingBytes(): number {
    return this.#pendingBytes;
  }

  isBehind(): boolean {
    return this.#hooks.isBehind();
  }

  /** The newest entry that exists, those still waiting for their write included; the open batch becomes one. */
  lastProposed(): Seq {
    this.#closeBatch();
    this.#flushSoon();
    return this.#newest.seq;
  }

  ownDurable(): Seq {
    return this.#durable.get(this.#replica.store.identity.storeId) ?? seq(0);
  }

  /** Fulfils when everything proposed so far is committed, or serving has ended. */
  idle(): Promise<void> {
    if (this.#claim === null || this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return this.#dones.length === 0 && this.#sealed.length === 0 && this.#head === this.#pending.length;
  }

  #settleIdle(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #add(op: Op, done: Done): void {
    if (this.#writer.length === 0) openEntry(this.#writer);
    const before = this.#writer.length;
    encodeOp(this.#writer, op);
    this.#dones.push(done);
    this.#pendingBytes += this.#writer.length - before;
    if (this.#writer.length < BATCH_BYTES) return;
    this.#closeBatch();
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushDue || this.#isWriting) return;
    this.#isFlushDue = true;
    if (this.#hasCompany && this.#sealed.length === 0) return this.#flushWhenQuiet(this.#clock.now(), 0);
    // After this turn: everything that one chunk of a socket proposes shares one entry.
    void Promise.resolve().then(() => this.#flushNow());
  }

  /** Once a turn has brought nothing more. `before`: how many were there at its beginning. */
  #flushWhenQuiet(since: number, before: number): void {
    this.#clock.soon(() => {
      const { length } = this.#dones;
      if (length === before || this.#clock.now() - since >= GATHERING_MS_MAX) this.#flushNow();
      else this.#flushWhenQuiet(since, length);
    });
  }

  #flushNow(): void {
    this.#isFlushDue = false;
    this.#flush();
  }

  #closeBatch(): void {
    if (this.#dones.length === 0) return;
    const dones = this.#dones;
    this.#dones = [];
    this.#isUrgent = false;
    this.#later?.();
    this.#later = null;
    this.#sealed.push({ entry: this.#seal(this.#writer, 'batch'), dones, since: this.#clock.now() });
  }

  #seal(writer: ByteWriter, kind: 'claim' | 'batch'): Entry {
    assert(this.#claim !== null && writer.length >= ENTRY_HEAD_BYTES, 'an entry is sealed within a claim');
    const entry = sealEntry(writer, {
      kind,
      epoch: this.#claim.epoch,
      seq: seq(this.#newest.seq + 1),
      committed: this.#replica.committedSeq,
      before: this.#newest.chain,
    });
    this.#newest = entry;
    return entry;
  }

  #flush(): void {
    if (this.#claim === null || this.#isWriting) return;
    if (this.#isUrgent) this.#closeBatch();
    const next = this.#sealed.shift();
    if (next === undefined) return;
    const claim = this.#claim;
    this.#hasCompany = next.dones.length >= COMPANY_MIN;
    this.#pending.push(next);
    this.#isWriting = true;
    this.#peerSince ??= this.#clock.now();
    const { diskTimeoutMs } = this.#times;
    const answered = unlessAnswered(this.#clock, diskTimeoutMs, () => {
      if (this.#claim !== null) this.#hooks.diskFailed(`the disk has not answered for ${diskTimeoutMs} ms`);
    });
    const append = this.#replica.append([next.entry], next.entry.bytes);
    this.#hooks.written(next.entry);
    void append.then(() => {
      answered();
      this.#isWriting = false;
      if (this.#claim !== claim) return this.#flush();
      this.#durable.set(this.#replica.store.identity.storeId, next.entry.seq);
      this.#advance();
      if (this.#sealed.length > 0) this.#flush();
      else if (this.#isUrgent) this.#flushSoon();
    });
  }

  #advance(): void {
    const committed = committedSeq(this.#durable, this.#required);
    if (this.#claim === null || committed <= this.#replica.committedSeq) return;
    this.#replica.commitThrough(committed);
    this.#hooks.committed({ epoch: epochAt(this.#replica.store.journal.epochs, committed), seq: committed });
    this.#settleIdle();
  }

  /** An entry was applied: its proposers are told, in the order of their proposals. */
  applied(entry: Entry, outcomes: readonly Outcome[]): void {
    if (entry.seq === this.#opening.seq) this.#opening.isDone();
    const oldest = this.#pending[this.#head];
    if (oldest?.entry.seq !== entry.seq) return;
    this.#pending[this.#head] = null;
    this.#head += 1;
    this.#pendingBytes -= entry.body.length;
    if (this.#head > 256 && this.#head * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#head);
      this.#head = 0;
    }
    assert(outcomes.length === oldest.dones.length, 'one outcome for each operation');
    oldest.dones.forEach((done, n) => {
      const outcome = outcomes[n];
      if (done !== null && outcome !== undefined) done(outcome);
    });
  }

  /** Whether the peer must store entries too before they are committed. */
  #needsPeer(): boolean {
    return this.#required.size > 1;
  }

  #watchTimes(): void {
    const { ackTimeoutMs } = this.#times;
    this.#watch = this.#clock.after(ackTimeoutMs / 4, () => {
      const now = this.#clock.now();
      if (this.#needsPeer() && this.#peerSince !== null && now - this.#peerSince > ackTimeoutMs) {
        this.#peerSince = null;
        this.#hooks.peerTooSlow(`it has stored nothing for ${ackTimeoutMs} ms`);
      }
      if (this.#claim !== null) this.#watchTimes();
    });
  }
}
