/**
 * One segment file: a header, then entries back to back, then its terminator, and then whatever stood in the file before. Knows where its
 * entries are well enough to read from any of them, and checks every byte that it gives away. Source: PROTOCOL.md §1 (journal), §5.
 */
import { rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { seq, type Seq } from '../../core/pair/index.ts';
import { readEntry, type Position } from '../../core/replication/index.ts';
import { createDurable, readAll, syncDirectory, writeAll, writeAllBlocking } from './durable.ts';
import { JournalDamage } from './faults.ts';
import { BLOCK_BYTES, encodeSegmentHeader, newTerminator, type SegmentHeader } from './segment-header.ts';
import type { PreparedFile } from './spare.ts';

/**
 * A mark for an entry every so many bytes: 1024 marks for a segment of 64 MiB, and at most this much is read in vain to find an
 * entry between two of them.
 */
const MARK_BYTES = 64 * 1024;

type Mark = Readonly<{ seq: Seq; at: number }>;

export const segmentName = (firstSeq: number): string => `${firstSeq.toString().padStart(20, '0')}.seg`;

export class Segment {
  readonly path: string;
  /** The place before its first entry. */
  readonly start: Position;
  /** Where its first entry begins in the file. */
  readonly headerBytes: number;
  readonly #handle: FileHandle;
  readonly #terminator: Buffer;
  readonly #marks: Mark[] = [];
  #end: number;
  #lastSeq: Seq;
  /** Behind the last entry read: where a reader that goes through the journal comes next. */
  #cursor: Mark | null = null;
  #isOver = false;

  /** `handle`: as of `openDurable`. */
  constructor(path: string, handle: FileHandle, { start, terminator }: SegmentHeader, headerBytes: number) {
    this.path = path;
    this.start = start;
    this.headerBytes = headerBytes;
    this.#handle = handle;
    this.#terminator = terminator;
    this.#end = headerBytes;
    this.#lastSeq = start.last.seq;
  }

  /**
   * A new segment of this name, empty; durable with its name when it fulfils. `prepared` becomes it; null: a file that grows with its
   * entries.
   */
  static async create(directory: string, start: Position, prepared: PreparedFile | null): Promise<Segment> {
    const path = join(directory, segmentName(start.last.seq + 1));
    const fresh = prepared?.path ?? `${path}.new`;
    const handle = prepared?.handle ?? (await createDurable(fresh));
    const header = { start, terminator: newTerminator() };
    const encoded = encodeSegmentHeader(header);
    try {
      // Before the name: whoever finds a segment finds its header whole.
      await writeAll(handle, ended(encoded, header.terminator, 0), 0);
      await rename(fresh, path);
      await syncDirectory(directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new Segment(path, handle, header, encoded.length);
  }

  get firstSeq(): Seq {
    return seq(this.start.last.seq + 1);
  }

  get lastSeq(): Seq {
    return this.#lastSeq;
  }

  /** Where the next entry would begin. */
  get end(): number {
    return this.#end;
  }

  get isEmpty(): boolean {
    return this.#end === this.headerBytes;
  }

  /** Takes note of an entry that stands, or will stand, at the end. */
  note(entry: Readonly<{ seq: Seq; bytes: Uint8Array }>): void {
    const mark = this.#marks.at(-1);
    if (mark === undefined || this.#end - mark.at >= MARK_BYTES)
      this.#marks.push({ seq: entry.seq, at: this.#end });
    this.#end += entry.bytes.length;
    this.#lastSeq = entry.seq;
  }

  /** Writes behind the last entry, durably when it fulfils; `note` takes the entries in afterwards. `isBlocking`: it has been done on return. */
  async write(bytes: Uint8Array, isBlocking: boolean): Promise<void> {
    const parts = ended(bytes, this.#terminator, this.#end);
    if (isBlocking) writeAllBlocking(this.#handle, parts, this.#end);
    else await writeAll(this.#handle, parts, this.#end);
  }

  /** Its terminator stands behind its last entry. Durable when it fulfils. */
  terminate(): Promise<void> {
    return writeAll(this.#handle, ended(NOTHING, this.#terminator, this.#end), this.#end);
  }

  /** All that was ever written to it is durable when it fulfils, whoever wrote it. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  /**
   * Whole entries from `from`, which it holds, on: at least one, and no more once `bytesMax` is reached. `at` is where they begin in
   * the file. Null when the segment was given up meanwhile. Rejects with `JournalDamage`.
   */
  async read(from: Seq, bytesMax: number): Promise<{ bytes: Buffer; at: number } | null> {
    const end = this.#end;
    const near = this.#near(from);
    for (let window = MARK_BYTES + bytesMax; ; window *= 2) {
      const size = Math.min(window, end - near.at);
      const bytes = await this.#bytes(near.at, size);
      if (bytes === null) return null;
      const span = this.#span(bytes, near, from, bytesMax);
      if (span !== null) {
        this.#cursor = span.next;
        return { bytes: bytes.subarray(span.begin, span.end), at: near.at + span.begin };
      }
      if (size === end - near.at || bytes.length < size)
        throw new JournalDamage(this.path, near.at + bytes.length, `the file ends before entry ${from} does`);
    }
  }

  /** The file's bytes from `at` on; null when the segment was given up meanwhile. */
  async #bytes(at: number, size: number): Promise<Buffer | null> {
    try {
      const bytes = await readAll(this.#handle, at, size);
      return this.#isOver ? null : bytes;
    } catch (error) {
      if (this.#isOver) return null;
      throw error;
    }
  }

  /** Forgets and takes off the disk all after `after`, whose entry ends at `end`. Durable when it fulfils. */
  async truncate(after: Seq, end: number): Promise<void> {
    await this.#handle.truncate(end);
    await this.#handle.sync();
    this.#end = end;
    this.#lastSeq = after;
    this.#cursor = null;
    while ((this.#marks.at(-1)?.at ?? 0) >= end) this.#marks.pop();
    // Zeros that a torn write left would else be taken for a clean end before the terminator that it left behind them.
    await this.terminate();
  }

  /** Its file, for another segment; that this one is over is durable when it fulfils. Reads under way give null. */
  async giveUp(): Promise<PreparedFile> {
    this.#isOver = true;
    const path = `${this.path}.new`;
    await rename(this.path, path);
    await syncDirectory(dirname(path));
    return { path, handle: this.#handle };
  }

  /** Bytes of its file, beyond its entries too. */
  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Removes the file; durable when it fulfils. Reads under way give null. */
  async drop(): Promise<void> {
    this.#isOver = true;
    await this.close();
    await unlink(this.path);
    await syncDirectory(dirname(this.path));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** A known entry at or before `from`. */
  #near(from: Seq): Mark {
    const first = { seq: this.firstSeq, at: this.headerBytes };
    const mark = this.#marks[lastAtOrBefore(this.#marks, from)] ?? first;
    const cursor = this.#cursor;
    return cursor !== null && cursor.seq <= from && cursor.seq >= mark.seq ? cursor : mark;
  }

  /** The wanted entries within `bytes`, which begin at `near`; null where they hold not even one. */
  #span(
    bytes: Buffer,
    near: Mark,
    from: Seq,
    bytesMax: number,
  ): { begin: number; end: number; next: Mark } | null {
    let begin: number | null = null;
    let at = 0;
    let next = near.seq;
    while (begin === null || at - begin < bytesMax) {
      const reading = readEntry(bytes, at);
      if (reading.kind === 'short') break;
      if (reading.kind === 'bad') throw new JournalDamage(this.path, near.at + at, reading.why);
      if (reading.entry.seq !== next)
        throw new JournalDamage(this.path, near.at + at, `entry ${reading.entry.seq} where ${next} was`);
      if (next === from) begin = at;
      at += reading.entry.bytes.length;
      next = seq(next + 1);
    }
    return begin === null || at === begin ? null : { begin, end: at, next: { seq: next, at: near.at + at } };
  }
}

const NOTHING = new Uint8Array();
const ZEROS = new Uint8Array(BLOCK_BYTES);

/**
 * `bytes`, which are written at `at`, and what stands behind them. A block of which only a part is written is read from the disk first, where memory
 * does not have it any more; so it is written to its end.
 */
function ended(bytes: Uint8Array, terminator: Uint8Array, at: number): Uint8Array[] {
  const end = at + bytes.length + terminator.length;
  const rest = Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES - end;
  return [bytes, terminator, ZEROS.subarray(0, rest)].filter(({ length }) => length > 0);
}

function lastAtOrBefore(marks: readonly Mark[], wanted: Seq): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const mark = marks[middle];
    if (mark !== undefined && mark.seq <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
