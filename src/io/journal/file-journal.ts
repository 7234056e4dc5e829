/**
 * The journal on segment files. One synchronous write (as if fdatasync followed it) for an append; a failed one closes the journal for good. Appends, cuts and
 * rests go one after the other; reads go on beside them. Source: PROTOCOL.md §1 (journal), §2 Ack, Claim, Tail, §5.
 */
import { assert, AssertionFault, present } from '../../base/index.ts';
import { seq, type EpochStart, type Seq, type Stamp } from '../../core/pair/index.ts';
import {
  epochAt,
  epochsThrough,
  follow,
  readEntry,
  viewEntries,
  type Entry,
  type Position,
} from '../../core/replication/index.ts';
import type { CutTail, Journal } from '../../ports/index.ts';
import { keepTail } from './cut-file.ts';
import { journalFaults, JournalStopped, whyOf } from './faults.ts';
import type { JournalOptions } from './options.ts';
import { BLOCK_BYTES, TERMINATOR_BYTES } from './segment-header.ts';
import { Segment } from './segment.ts';
import type { Spare } from './spare.ts';

const COPY_BYTES = 1024 * 1024;
/** A quick disk has this much in about the time that waking a thread and being woken by it takes. */
const BLOCKING_BYTES_MAX = 64 * 1024;
/** A file that grew with its entries ends before the first one that had no room. */
const FULL_PART_MIN = 0.75;

export type JournalParts = Readonly<{
  directory: string;
  /** Where cut tails are kept. */
  cutDirectory: string;
  options: JournalOptions;
  spare: Spare;
}>;

export class FileJournal implements Journal {
  readonly #parts: JournalParts;
  /** Oldest first; never empty. Entries are appended to the last. */
  #segments: Segment[];
  #position: Position;
  #stopped: JournalStopped | null = null;
  /** Settles when the last act that changes files has. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The removal of trimmed files, beside the turns: an append doesn't wait for it. */
  #dropping: Promise<void> = Promise.resolve();

  /** `segments` end at `position` and are durable. */
  constructor(parts: JournalParts, segments: readonly Segment[], position: Position) {
    this.#parts = parts;
    this.#segments = [...segments];
    this.#position = position;
    this.#prepareSpare();
  }

  get firstSeq(): Seq {
    return present(this.#segments[0], 'the first segment').firstSeq;
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

  append(bytes: Uint8Array, mayBlock = false): Promise<void> {
    return this.#inTurn('writing to', async () => {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const entries = viewEntries(buffer);
      assert(entries !== null, 'bytes that are no whole entries');
      checkOrder(this.#position, entries);
      for (let done = 0; done < entries.length;) {
        const segment = await this.#segmentFor(present(entries[done], 'the next entry'));
        done += await this.#appendTo(segment, entries.slice(done), mayBlock);
      }
      this.#prepareSpare();
    });
  }

  async read(from: Seq, bytesMax: number): Promise<Buffer | null> {
    if (this.#stopped !== null) throw this.#stopped;
    const segment = this.#holder(from);
    const found = segment === null ? null : await segment.read(from, bytesMax);
    return found === null ? null : found.bytes;
  }

  async chainAt(at: Seq): Promise<number | null> {
    if (this.#stopped !== null) throw this.#stopped;
    if (at === this.#position.last.seq) return this.#position.chain;
    const begun = this.#segments.find((segment) => segment.start.last.seq === at);
    if (begun !== undefined) return begun.start.chain;
    const bytes = await this.read(at, 0);
    if (bytes === null) return null;
    const reading = readEntry(bytes, 0);
    assert(reading.kind === 'entry', 'what a segment gives was checked');
    return reading.entry.chain;
  }

  /** Every act is durable when it ends, and what was found when the journal was opened was synced then: it waits for the act under way. */
  rest(): Promise<void> {
    return this.#inTurn('syncing', () => Promise.resolve());
  }

  cut(after: Seq): Promise<CutTail | null> {
    return this.#inTurn('cutting', async () => {
      const { last } = this.#position;
      if (after >= last.seq) return null;
      assert(after + 1 >= this.firstSeq, `a cut after ${after} below the journal's start ${this.firstSeq}`);
      const start = await this.#positionAt(after);
      const firstSeq = seq(after + 1);
      const file = await keepTail(this.#parts.cutDirectory, start, {
        epoch: epochAt(this.#position.epochs, firstSeq),
        lastSeq: last.seq,
        parts: this.#bytesFrom(firstSeq),
      });
      await this.#cutFiles(after);
      this.#position = start;
      return { file, entries: last.seq - after, firstSeq, lastSeq: last.seq };
    });
  }

  async trim(through: Seq): Promise<void> {
    if (this.#stopped !== null) throw this.#stopped;
    let kept = this.#segments.reduce((sum, segment) => sum + segment.end, 0);
    const dropped: Segment[] = [];
    for (const segment of this.#segments.slice(0, -1)) {
      kept -= segment.end;
      if (segment.lastSeq > through || kept < this.#parts.options.retain) break;
      dropped.push(segment);
    }
    this.#segments = this.#segments.slice(dropped.length);
    const before = this.#dropping;
    const drop = async (): Promise<void> => {
      try {
        // Oldest first, each durably, so that a crash between two leaves no gap; and none after one that failed.
        await before;
        for (let segment = dropped[0]; segment !== undefined; segment = dropped[0]) {
          await this.#letGo(segment);
          dropped.shift();
        }
      } finally {
        for (const segment of dropped) await segment.close();
      }
    };
    this.#dropping = drop();
    return this.#dropping;
  }

  /** A file that is nearly full, or quite, is as good as one of zeros, and its place on the disk is written already. */
  async #letGo(segment: Segment): Promise<void> {
    const { options, spare } = this.#parts;
    const part = (await segment.size()) / options.segmentSize;
    if (spare.hasRoom && part > FULL_PART_MIN && part <= 1) spare.add(await segment.giveUp());
    else await segment.drop();
  }

  async close(): Promise<void> {
    if (this.#stopped?.code === 'LS_JOURNAL_CLOSED') return;
    const before = this.#turn;
    const { directory, spare } = this.#parts;
    this.#stopped = new JournalStopped('LS_JOURNAL_CLOSED', journalFaults.LS_JOURNAL_CLOSED(directory));
    await before;
    await this.#dropping.catch(() => undefined);
    await spare.close();
    for (const segment of this.#segments) await segment.close();
  }

  // Appending ---------------------------------------------------------------------------------------------------------------------

  /** The segment that the entry goes to: the last, or a new one when that is full. One too large for any gets one to itself. */
  async #segmentFor(entry: Entry): Promise<Segment> {
    const current = this.#current();
    const { directory, spare } = this.#parts;
    if (current.isEmpty || current.end + entry.bytes.length <= this.#entriesEnd) return current;
    const next = await Segment.create(directory, this.#position, spare.take());
    this.#segments = [...this.#segments, next];
    return next;
  }

  /** Writes durably as many of the entries as belong into the segment, at least one; their number. */
  async #appendTo(segment: Segment, entries: readonly Entry[], mayBlock: boolean): Promise<number> {
    const [first, ...rest] = entries;
    let size = present(first, 'an entry').bytes.length;
    let count = 1;
    for (const { bytes } of rest) {
      if (segment.end + size + bytes.length > this.#entriesEnd) break;
      size += bytes.length;
      count += 1;
    }
    const taken = entries.slice(0, count);
    await segment.write(runOf(taken, size), mayBlock && size <= BLOCKING_BYTES_MAX);
    for (const entry of taken) {
      segment.note(entry);
      this.#position = followed(this.#position, entry);
    }
    return count;
  }

  /** From half a segment ahead on: in time for a busy journal, and an idle one keeps only one file. */
  #prepareSpare(): void {
    const { options, spare } = this.#parts;
    const need = (): number => (2 * this.#current().end) / options.segmentSize - 1;
    if (need() >= 0) spare.prepare(need);
  }

  // Cutting -----------------------------------------------------------------------------------------------------------------------

  async #positionAt(at: Seq): Promise<Position> {
    const { epochs } = this.#position;
    return {
      last: { epoch: epochAt(epochs, at), seq: at },
      chain: present(await this.chainAt(at), `the checksum after entry ${at}`),
      epochs: epochsThrough(epochs, at),
    };
  }

  async *#bytesFrom(from: Seq): AsyncGenerator<Buffer> {
    for (let next = from; next <= this.#position.last.seq;) {
      const bytes = present(await this.read(next, COPY_BYTES), `entry ${next}`);
      yield bytes;
      next = seq(next + present(viewEntries(bytes), 'whole entries').length);
    }
  }

  /** Newest first, each durably: after a crash in between, a longer prefix of the journal is left, and no gap. */
  async #cutFiles(after: Seq): Promise<void> {
    while (this.#segments.length > 1 && this.#current().start.last.seq >= after) {
      const current = this.#current();
      this.#segments = this.#segments.slice(0, -1);
      await current.drop();
    }
    const current = this.#current();
    const rest = after < current.lastSeq ? await current.read(seq(after + 1), 0) : null;
    if (rest !== null) await current.truncate(after, rest.at);
  }

  // -------------------------------------------------------------------------------------------------------------------------------

  /** Where the entries of a segment end at most, but for one that is too large for any. */
  get #entriesEnd(): number {
    const { segmentSize } = this.#parts.options;
    return segmentSize - (segmentSize % BLOCK_BYTES) - TERMINATOR_BYTES;
  }

  #current(): Segment {
    return present(this.#segments.at(-1), 'the last segment');
  }

  #holder(at: Seq): Segment | null {
    return this.#segments.find((segment) => segment.firstSeq <= at && at <= segment.lastSeq) ?? null;
  }

  /** One act after the other. One that fails is the last. */
  #inTurn<T>(what: string, act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      if (this.#stopped !== null) throw this.#stopped;
      try {
        return await act();
      } catch (error) {
        if (error instanceof AssertionFault) throw error;
        const text = journalFaults.LS_JOURNAL_FAILED(what, this.#parts.directory, whyOf(error));
        this.#stopped ??= new JournalStopped('LS_JOURNAL_FAILED', text);
        throw this.#stopped;
      }
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** The entries' bytes. They stand one behind the other in the memory that was appended; nothing is copied. */
function runOf(entries: readonly Entry[], size: number): Uint8Array {
  const first = present(entries[0], 'an entry').bytes;
  return new Uint8Array(first.buffer, first.byteOffset, size);
}

/** Before anything is written: an entry that doesn't follow is our own fault. */
function checkOrder(position: Position, entries: readonly Entry[]): void {
  let at = position;
  for (const entry of entries) at = followed(at, entry);
}

function followed(position: Position, entry: Entry): Position {
  const next = follow(position, entry);
  assert(typeof next !== 'string', typeof next === 'string' ? next : '');
  return next;
}
