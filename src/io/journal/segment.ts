/**
 * One segment file: a header, then entries back to back, then zeros or nothing. Knows where its entries are well enough to read from
 * any of them, and checks every byte that it gives away. Source: PROTOCOL.md §1 (journal), §5.
 */
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { seq, type Seq } from '../../core/pair/index.ts';
import { readEntry, type Position } from '../../core/replication/index.ts';
import { openDurable, readAll, syncDirectory, writeAll, writeAllBlocking } from './durable.ts';
import { JournalDamage } from './faults.ts';
import { encodeSegmentHeader } from './segment-header.ts';

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
  readonly #marks: Mark[] = [];
  #end: number;
  #lastSeq: Seq;
  /** Behind the last entry read: where a reader that goes through the journal comes next. */
  #cursor: Mark | null = null;
  #isDropped = false;

  /** `handle`: as of `openDurable`. */
  constructor(path: string, handle: FileHandle, start: Position, headerBytes: number) {
    this.path = path;
    this.start = start;
    this.headerBytes = headerBytes;
    this.#handle = handle;
    this.#end = headerBytes;
    this.#lastSeq = start.last.seq;
  }

  /**
   * A new segment of this name, empty; durable with its name when it fulfils. `prepared` is a file of zeros that becomes it; null: a
   * file that grows with its entries.
   */
  static async create(
    directory: string,
    start: Position,
    prepared: Readonly<{ path: string; handle: FileHandle }> | null,
  ): Promise<Segment> {
    const path = join(directory, segmentName(start.last.seq + 1));
    const fresh = prepared?.path ?? `${path}.new`;
    const handle = prepared?.handle ?? (await open(fresh, 'w+', 0o600));
    const header = encodeSegmentHeader(start);
    try {
      await writeAll(handle, header, 0);
      // Before the name: whoever finds a segment finds its header whole.
      await handle.sync();
      await rename(fresh, path);
      await syncDirectory(directory);
    } finally {
      await handle.close();
    }
    return new Segment(path, await openDurable(path), start, header.length);
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
    if (isBlocking) writeAllBlocking(this.#handle, bytes, this.#end);
    else await writeAll(this.#handle, bytes, this.#end);
  }

  /** Writes all its entries again, the very bytes that were read, so that the disk has what the system gave. */
  writeAnew(entries: Uint8Array): Promise<void> {
    return writeAll(this.#handle, entries, this.headerBytes);
  }

  /** All that was ever written to it is durable when it fulfils, whoever wrote it. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  /**
   * Whole entries from `from`, which it holds, on: at least one, and no more once `bytesMax` is reached. `at` is where they begin in
   * the file. Null when the segment was dropped meanwhile. Rejects with `JournalDamage`.
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

  /** The file's bytes from `at` on; null when the segment was dropped meanwhile. */
  async #bytes(at: number, size: number): Promise<Buffer | null> {
    try {
      return await readAll(this.#handle, at, size);
    } catch (error) {
      if (this.#isDropped) return null;
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
  }

  /** Removes the file; durable when it fulfils. Reads under way give null. */
  async drop(): Promise<void> {
    this.#isDropped = true;
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
