/**
 * The journal on a simulated disk: the same port, the same rules of order, the same segments as far as trimming goes. The bytes are those
 * of `core/replication/entry.ts`. Source: PROTOCOL.md §1 (journal), §2 Ack, Tail, §5.
 */
import { assert, AssertionFault, present } from '../../base/index.ts';
import { seq, type EpochStart, type Seq, type Stamp } from '../../core/pair/index.ts';
import {
  claimIdIn,
  epochAt,
  follow,
  readEntries,
  type Entry,
  type Position,
} from '../../core/replication/index.ts';
import { JournalFailure, type CutTail, type Journal } from '../../ports/index.ts';
import { DISK_FAILURES, type SimDisk } from './sim-disk.ts';

type SimSegment = { readonly firstSeq: Seq; bytes: number };

/** What the disk holds of a journal. */
export class JournalContent {
  /** The place before the first entry held. */
  start: Position;
  /** Written, in order. */
  entries: Entry[] = [];
  /** The last entry whose sync is done. */
  syncedSeq: Seq;
  #segments: SimSegment[];
  /** From here on nothing is on the platter, though it can be read and was synced since; null: all is as it seems. */
  #lostFrom: Seq | null = null;
  /** Entries whose bytes are no longer what was written. */
  readonly #rotten = new Set<Seq>();

  constructor(start: Position) {
    this.start = start;
    this.syncedSeq = start.last.seq;
    this.#segments = [{ firstSeq: seq(start.last.seq + 1), bytes: 0 }];
  }

  get lastSeq(): Seq {
    return this.entries.at(-1)?.seq ?? this.start.last.seq;
  }

  /** The place behind entry `at`, which is held or the one before the first. */
  positionAt(at: Seq): Position {
    if (at === this.start.last.seq) return this.start;
    const { epoch, chain } = present(this.entryAt(at), `entry ${at}`);
    const opened = this.entries
      .filter((entry) => entry.kind === 'claim' && entry.seq <= at)
      .map((entry) => ({ epoch: entry.epoch, claimId: claimIdIn(entry), firstSeq: entry.seq }));
    return { last: { epoch, seq: at }, chain, epochs: [...this.start.epochs, ...opened] };
  }

  entryAt(at: Seq): Entry | null {
    return this.entries[at - this.start.last.seq - 1] ?? null;
  }

  write(entry: Entry, segmentSize: number): void {
    const size = entry.bytes.length;
    const current = present(this.#segments.at(-1), 'the last segment');
    if (current.bytes > 0 && current.bytes + size > segmentSize)
      this.#segments.push({ firstSeq: entry.seq, bytes: size });
    else current.bytes += size;
    this.entries.push(entry);
  }

  cut(after: Seq): void {
    this.#segments = this.#segments.filter(({ firstSeq }, index) => index === 0 || firstSeq <= after);
    const current = present(this.#segments.at(-1), 'the last segment');
    for (const entry of this.entries)
      if (entry.seq > after && entry.seq >= current.firstSeq) current.bytes -= entry.bytes.length;
    this.entries = this.entries.filter((entry) => entry.seq <= after);
    this.syncedSeq = after;
    if (this.#lostFrom !== null && this.#lostFrom > after) this.#lostFrom = null;
    for (const at of this.#rotten) if (at > after) this.#rotten.delete(at);
  }

  trim(through: Seq, retain: number): void {
    let kept = this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
    while (true) {
      const [first, second] = this.#segments;
      if (first === undefined || second === undefined) return;
      kept -= first.bytes;
      if (second.firstSeq - 1 > through || kept < retain) return;
      this.start = this.positionAt(seq(second.firstSeq - 1));
      this.entries = this.entries.filter((entry) => entry.seq >= second.firstSeq);
      this.#segments.shift();
    }
  }

  /** Some of what was not synced is lost: all from one entry on, which may itself be torn. */
  loseUnsynced(below: (n: number) => number): void {
    if (this.#lostFrom !== null) return this.cut(seq(this.#lostFrom - 1));
    const unsynced = this.lastSeq - this.syncedSeq;
    if (unsynced > 0) this.cut(seq(this.syncedSeq + below(unsynced + 1)));
  }

  /** A sync has failed: what it was to make durable is in memory only, and counts as written. */
  losePages(): void {
    if (this.lastSeq > this.syncedSeq) this.#lostFrom ??= seq(this.syncedSeq + 1);
  }

  /** What a restarted server found is written once more before it is synced. Source: REASONS.md E6. */
  writtenAnew(): void {
    this.#lostFrom = null;
  }

  /** A bit of an entry flips in a segment that another follows. Which entry; null where there is no such segment. */
  rot(below: (n: number) => number): Seq | null {
    const last = present(this.#segments.at(-1), 'the last segment');
    const old = this.entries.filter((entry) => entry.seq < last.firstSeq);
    const entry = old[below(Math.max(1, old.length))];
    if (entry === undefined) return null;
    this.#rotten.add(entry.seq);
    return entry.seq;
  }

  /** Whether reading all of it finds bytes that are not what was written. */
  get isDamaged(): boolean {
    return this.entries.some(({ seq: at }) => this.#rotten.has(at));
  }

  /** Throws what a reader of that entry's bytes is told. */
  check(at: Seq): void {
    if (this.#rotten.has(at)) throw new Error(`${DISK_FAILURES.damage} in entry ${at}`);
  }
}

export class SimJournal implements Journal {
  readonly #disk: SimDisk;
  readonly #content: JournalContent;
  readonly #run: number;
  #position: Position;
  #stopped: JournalFailure | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** What is found counts as durable: opening writes it anew and syncs. */
  constructor(disk: SimDisk, content: JournalContent) {
    this.#disk = disk;
    this.#content = content;
    this.#run = disk.run;
    this.#position = content.positionAt(content.lastSeq);
    content.writtenAnew();
    content.syncedSeq = content.lastSeq;
  }

  get firstSeq(): Seq {
    return seq(this.#content.start.last.seq + 1);
  }

  get last(): Stamp {
    return this.#position.last;
  }

  get lastChain(): number {
    return this.#position.chain;
  }

  get epochs(): readonly EpochStart[] {
    return this.#position.epochs;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      // A copy: what is on a disk doesn't change when its writer's memory does.
      const entries = readEntries(Buffer.from(bytes));
      assert(entries !== null, 'bytes that are no whole entries');
      let position = this.#position;
      for (const entry of entries) position = followed(position, entry);
      const { segmentSize } = this.#disk.parts.journal;
      await this.#disk.write(this.#run).catch((failure: unknown) => {
        for (const entry of entries.slice(0, this.#disk.below(entries.length)))
          this.#content.write(entry, segmentSize);
        throw failure;
      });
      for (const entry of entries) this.#content.write(entry, segmentSize);
      this.#position = position;
      await this.#disk.commit(this.#run, () => {
        this.#content.syncedSeq = position.last.seq;
      });
    });
  }

  async read(from: Seq, bytesMax: number): Promise<Buffer | null> {
    if (this.#stopped !== null) throw this.#stopped;
    await this.#disk.pass(this.#run);
    const taken: Buffer[] = [];
    let size = 0;
    for (let at = from; taken.length === 0 || size < bytesMax; at = seq(at + 1)) {
      const entry = this.#content.entryAt(at);
      if (entry === null) break;
      this.#content.check(at);
      taken.push(entry.bytes);
      size += entry.bytes.length;
    }
    return taken.length === 0 ? null : Buffer.concat(taken);
  }

  async chainAt(at: Seq): Promise<number | null> {
    if (this.#stopped !== null) throw this.#stopped;
    await this.#disk.pass(this.#run);
    if (at === this.#content.start.last.seq) return this.#content.start.chain;
    this.#content.check(at);
    return this.#content.entryAt(at)?.chain ?? null;
  }

  rest(): Promise<void> {
    return this.#inTurn(() =>
      this.#disk.commit(
        this.#run,
        () => {
          this.#content.syncedSeq = this.#content.lastSeq;
        },
        { needsRoom: false },
      ),
    );
  }

  cut(after: Seq): Promise<CutTail | null> {
    return this.#inTurn(async () => {
      const { last, epochs } = this.#position;
      if (after >= last.seq) return null;
      assert(after + 1 >= this.firstSeq, `a cut after ${after} below the journal's start ${this.firstSeq}`);
      const firstSeq = seq(after + 1);
      const file = `cut/${epochAt(epochs, firstSeq)}-${firstSeq}-${last.seq}.seg`;
      const tail: CutTail = { file, entries: last.seq - after, firstSeq, lastSeq: last.seq };
      await this.#disk.commit(this.#run, () => {
        this.#content.cut(after);
        this.#disk.cutTails.push(tail);
      });
      this.#position = this.#content.positionAt(after);
      return tail;
    });
  }

  async trim(through: Seq): Promise<void> {
    if (this.#stopped !== null) throw this.#stopped;
    await this.#disk.pass(this.#run);
    this.#content.trim(through, this.#disk.parts.journal.retain);
  }

  async close(): Promise<void> {
    this.#stopped ??= new JournalFailure('the journal is closed');
    await this.#turn;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      if (this.#stopped !== null) throw this.#stopped;
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof AssertionFault)) this.#stopped = asFailure(error);
        throw this.#stopped ?? error;
      }
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

const asFailure = (error: unknown): JournalFailure =>
  error instanceof JournalFailure ? error : new JournalFailure(String(error));

function followed(position: Position, entry: Entry): Position {
  const next = follow(position, entry);
  assert(typeof next !== 'string', typeof next === 'string' ? next : '');
  return next;
}
