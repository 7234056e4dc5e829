/**
 * A segment's file gone through piece by piece: as a whole it would be 64 MiB of memory that stays until somebody collects garbage, which a server
 * that has just started does not, and which the kernel has to take down when it is killed. Source: PROTOCOL.md §1 (journal), §2 Tail.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Entry, Position } from '../../core/replication/index.ts';
import { readAll, readInto } from './durable.ts';
import { JournalDamage, whyOf } from './faults.ts';
import { scanEntries } from './scan.ts';
import { readSegmentHeader, type HeaderReading } from './segment-header.ts';

const PIECE_BYTES = 1024 * 1024;

/** The place behind the last good entry, where that is in the file, and why no entry is read there. */
export type WalkEnd = Readonly<{ position: Position; end: number; why: string }>;

export class SegmentWalk {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #size: number;
  #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

  private constructor(path: string, handle: FileHandle, size: number) {
    this.#path = path;
    this.#handle = handle;
    this.#size = size;
  }

  static async of(path: string, handle: FileHandle): Promise<SegmentWalk> {
    return new SegmentWalk(path, handle, (await handle.stat()).size);
  }

  async header(): Promise<HeaderReading> {
    const bytes = (size: number): Promise<Buffer> =>
      this.#named(0, readAll(this.#handle, 0, Math.min(this.#size, size)));
    const reading = readSegmentHeader(await bytes(PIECE_BYTES));
    return reading.kind === 'short' ? readSegmentHeader(await bytes(reading.size)) : reading;
  }

  /**
   * Reads the entries from byte `at` on, which must follow `start`, up to what is none. `found` is told of each, whose bytes are good until it
   * returns; `checked` of the bytes of several, with the place where they stand, and is waited for.
   */
  async entries(
    at: number,
    start: Position,
    found: (entry: Entry) => void,
    checked: (bytes: Buffer, at: number) => Promise<void>,
  ): Promise<WalkEnd> {
    let position = start;
    for (let end = at; ;) {
      const bytes = await this.#named(end, readInto(this.#handle, end, this.#piece));
      const scan = scanEntries(bytes, 0, position, found);
      if (scan.end > 0) await checked(bytes.subarray(0, scan.end), end);
      position = scan.position;
      end += scan.end;
      if (!scan.isShort || bytes.length < this.#piece.length) return { position, end, why: scan.why };
      // One entry longer than the piece.
      if (scan.end === 0) this.#piece = Buffer.allocUnsafeSlow(2 * this.#piece.length);
    }
  }

  /** From byte `from` on, up to where the terminator stands last; where it stands nowhere (`isEnded` is false), to the file's end. */
  async written(from: number, terminator: Buffer): Promise<Readonly<{ bytes: Buffer; isEnded: boolean }>> {
    const found = await this.#last(terminator, from);
    const to = found ?? this.#size;
    const bytes = await this.#named(from, readAll(this.#handle, from, Math.max(0, to - from)));
    return { bytes, isEnded: found !== null };
  }

  async #last(terminator: Buffer, from: number): Promise<number | null> {
    for (let to = this.#size; to > from; to -= PIECE_BYTES) {
      const begin = Math.max(from, to - PIECE_BYTES);
      // One may begin in this piece and end in the one behind it.
      const size = Math.min(this.#size, to + terminator.length - 1) - begin;
      const found = (await this.#named(begin, readAll(this.#handle, begin, size))).lastIndexOf(terminator);
      if (found !== -1) return begin + found;
    }
    return null;
  }

  /** A sector that the disk gives no more is damage as much as a flipped bit. */
  async #named<T>(at: number, reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      if (whyOf(error) !== 'EIO') throw error;
      throw new JournalDamage(this.#path, at, 'the disk does not give its bytes (EIO)');
    }
  }
}
