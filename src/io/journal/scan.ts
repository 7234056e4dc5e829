/**
 * A segment's bytes, read from its first entry to where its entries end, and what to make of an end that is not clean. Touches nothing.
 * Source: PROTOCOL.md §1 (journal), §2 Tail; entry.ts on `before` and `committed`.
 */
import type { Seq } from '../../core/pair/index.ts';
import {
  ENTRY_HEAD_BYTES,
  follow,
  readEntry,
  type Entry,
  type Position,
} from '../../core/replication/index.ts';
import type { SegmentHeader } from './segment-header.ts';

export type Scan = Readonly<{
  /** The place behind the last good entry, and where that is in the bytes. */
  position: Position;
  end: number;
  /** What stands there instead of an entry; null: the terminator, zeros, or the file's end. */
  fault: string | null;
  /** The segment as far as it was ever written to: what is behind that was another's. */
  written: Buffer;
}>;

/** Reads the entries of a segment from byte `at` on, where its header ends. `found` is told of each. */
export function scanEntries(
  bytes: Buffer,
  at: number,
  { start, terminator }: SegmentHeader,
  found: (entry: Entry) => void,
): Scan {
  const terminatorAt = bytes.lastIndexOf(terminator);
  // None: a write was under way that had begun where the last one stood. How far it came is not known.
  const written = terminatorAt < at ? bytes : bytes.subarray(0, terminatorAt);
  let position = start;
  for (let end = at; ;) {
    if (isZero(written, end)) return { position, end, fault: null, written };
    const reading = readEntry(written, end);
    if (reading.kind !== 'entry')
      return {
        position,
        end,
        fault: reading.kind === 'bad' ? reading.why : 'the entry is cut short',
        written,
      };
    const next = follow(position, reading.entry);
    if (typeof next === 'string') return { position, end, fault: next, written };
    found(reading.entry);
    position = next;
    end += reading.entry.bytes.length;
  }
}

/**
 * An entry behind byte `at` whose `committed` proves that entry `bad`, which should stand there, was committed: then it is no torn
 * tail, and must not be cut. Null: no proof.
 *
 * A message may hold the bytes of an entry. Such a one is believed only if its seq fits where it stands: entries are dense, and none
 * is shorter than its head. To be believed wrongly asks for a full synchronisation; it never loses anything.
 */
export function proofOfCommit(bytes: Buffer, at: number, bad: Seq): Entry | null {
  const magicBehind = 13;
  for (
    let found = bytes.indexOf(MAGIC, at + 1 + magicBehind);
    found !== -1;
    found = bytes.indexOf(MAGIC, found + 1)
  ) {
    const begin = found - magicBehind;
    const reading = readEntry(bytes, begin);
    if (reading.kind !== 'entry') continue;
    const { entry } = reading;
    const seqMax = bad + Math.floor((begin - at) / ENTRY_HEAD_BYTES);
    if (entry.seq > bad && entry.seq <= seqMax && entry.committed >= bad) return entry;
  }
  return null;
}

/** The three letters of an entry's magic, as they stand behind the byte of its kind. */
const MAGIC = Buffer.from('JSL', 'latin1');

const ZEROS = Buffer.alloc(64 * 1024);

/** Only zeros from `at` on. Looks at one entry's head first: that decides nearly always. */
function isZero(bytes: Buffer, at: number): boolean {
  for (let size = ENTRY_HEAD_BYTES; at < bytes.length; at += size, size = ZEROS.length) {
    const part = bytes.subarray(at, at + size);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}
