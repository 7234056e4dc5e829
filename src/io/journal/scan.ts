/**
 * A segment's bytes, read from its first entry to where its entries end, and what to make of an end that is not clean. Touches nothing.
 * Source: PROTOCOL.md §1 (journal), §2 Tail; entry.ts on `before` and `committed`.
 */
import type { Seq } from '../../core/pair/index.ts';
import {
  ENTRY_HEAD_BYTES,
  follow,
  readEntry,
  sizeOfEntry,
  type Entry,
  type Position,
} from '../../core/replication/index.ts';

export type Scan = Readonly<{
  /** The place behind the last good entry, and where that is in the bytes. */
  position: Position;
  end: number;
  /** Why no entry is read there. */
  why: string;
  /** Perhaps only because the bytes end too soon. */
  isShort: boolean;
}>;

/** Reads the entries from byte `at` on, which must follow `start`, up to what is none. `found` is told of each. */
export function scanEntries(bytes: Buffer, at: number, start: Position, found: (entry: Entry) => void): Scan {
  let position = start;
  for (let end = at; ;) {
    const reading = readEntry(bytes, end);
    if (reading.kind === 'short') return { position, end, why: 'the entry is cut short', isShort: true };
    if (reading.kind === 'bad') return { position, end, why: reading.why, isShort: false };
    const next = follow(position, reading.entry);
    if (typeof next === 'string') return { position, end, why: next, isShort: false };
    found(reading.entry);
    position = next;
    end += reading.entry.bytes.length;
  }
}

/**
 * An entry in `bytes` whose `committed` proves that entry `bad`, which should stand at their beginning, was committed: then it is no torn tail, and
 * must not be cut. Null: no proof. 'unclear': there are too many that look like one from afar.
 *
 * A message may hold the bytes of an entry. What lies within a whole entry, of now or of what stood in the file before, is not looked at; what lies in
 * one that is half overwritten is believed only if its seq fits where it stands: entries are dense, and none is shorter than its head. To be believed
 * wrongly asks for a full synchronisation; it never loses anything.
 */
export function proofOfCommit(bytes: Buffer, bad: Seq): Entry | 'unclear' | null {
  let left = bytes.length * CHECKED_PART_MAX;
  for (let found = bytes.indexOf(MAGIC, 1 + MAGIC_BEHIND); found !== -1;) {
    const begin = found - MAGIC_BEHIND;
    const size = sizeOfEntry(bytes, begin);
    left -= size ?? 0;
    if (left < 0) return 'unclear';
    const reading = size === null ? null : readEntry(bytes, begin);
    if (reading?.kind !== 'entry') {
      found = bytes.indexOf(MAGIC, found + 1);
      continue;
    }
    const { entry } = reading;
    const seqMax = bad + Math.floor(begin / ENTRY_HEAD_BYTES);
    if (entry.seq > bad && entry.seq <= seqMax && entry.committed >= bad) return entry;
    found = bytes.indexOf(MAGIC, begin + entry.bytes.length + MAGIC_BEHIND);
  }
  return null;
}

/** So many times the bytes are gone through to check what may be an entry: one within another would else take hours. */
const CHECKED_PART_MAX = 8;
const MAGIC_BEHIND = 13;

/** The three letters of an entry's magic, as they stand behind the byte of its kind. */
const MAGIC = Buffer.from('JSL', 'latin1');

const ZEROS = Buffer.alloc(64 * 1024);

/** Zeros, or nothing. */
export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}
