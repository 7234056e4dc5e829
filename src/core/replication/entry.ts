/**
 * A journal entry as bytes: the same on both disks and on the backchannel, so nothing is ever encoded twice.
 *
 *     0  u32 chain      running checksum: CRC-32 of all bytes after this field, `before` first among them
 *     4  u32 before     the running checksum after the entry before (0 before the first)
 *     8  u32 size       bytes of the body
 *    12  u32 magic and kind: 'LSJ' and one byte
 *    16  u64 epoch
 *    24  u64 seq        dense from 1
 *    32  u64 committed  the writer's commit index when it encoded this
 *    40  body           kind 'claim': the claimId as text; kind 'batch': broker operations
 *
 * `chain` is both the entry's own checksum and the one by which two journals are compared (rule Tail). `before` makes an entry
 * checkable alone, and `committed` tells a torn tail (never committed, cut without a word) from damage in the middle.
 * Source: PROTOCOL.md §1 (journal), §2 Tail.
 */
import { crc32 } from 'node:zlib';
import { assert, type ByteWriter } from '../../base/index.ts';
import { claimId, epoch, seq, type ClaimId, type Epoch, type Seq } from '../pair/index.ts';

export const ENTRY_HEAD_BYTES = 40;
/** The longest body. A batch is closed long before; a length above this is damage. */
export const ENTRY_BODY_BYTES_MAX = 512 * 1024 * 1024;

const MAGIC = 0x4c534a00;
const KINDS = { claim: 1, batch: 2 } as const;
export type EntryKind = keyof typeof KINDS;

export type Entry = Readonly<{
  kind: EntryKind;
  epoch: Epoch;
  seq: Seq;
  /** The writer's commit index when it encoded this entry. */
  committed: Seq;
  before: number;
  chain: number;
  /** A view into the bytes it was read from. */
  body: Buffer;
  /** Head and body. */
  bytes: Buffer;
}>;

export type EntryHead = Readonly<{ kind: EntryKind; epoch: Epoch; seq: Seq; committed: Seq; before: number }>;

/** Leaves room for the head; the body is written behind it and `sealEntry` completes it. */
export function openEntry(writer: ByteWriter): void {
  assert(writer.length === 0, 'an entry begins at the start of its writer');
  writer.raw(EMPTY_HEAD);
}
const EMPTY_HEAD = new Uint8Array(ENTRY_HEAD_BYTES);

// The checksum takes the history in as bytes. Begun with `before` instead, or as well, it would forget it: CRC-32 begins by adding its
// initial value to the first four bytes, and equal ones cancel out.

/** Completes an entry begun with `openEntry`: fills in its head and takes the bytes. No byte of the body is copied. */
export function sealEntry(writer: ByteWriter, head: EntryHead): Entry {
  const bytes = writer.taken();
  const size = bytes.length - ENTRY_HEAD_BYTES;
  assert(size >= 0 && size <= ENTRY_BODY_BYTES_MAX, `an entry's body of ${size} bytes`);
  bytes.writeUInt32LE(head.before, 4);
  bytes.writeUInt32LE(size, 8);
  bytes.writeUInt32LE(MAGIC + KINDS[head.kind], 12);
  writeU64(bytes, 16, head.epoch);
  writeU64(bytes, 24, head.seq);
  writeU64(bytes, 32, head.committed);
  const chain = crc32(bytes.subarray(4));
  bytes.writeUInt32LE(chain, 0);
  const { kind, epoch, seq, committed, before } = head;
  return { kind, epoch, seq, committed, before, chain, body: bytes.subarray(ENTRY_HEAD_BYTES), bytes };
}

/** The claimId in the body of an epoch's first entry. */
export const claimIdIn = (entry: Entry): ClaimId => {
  assert(entry.kind === 'claim', `entry ${entry.seq} opens no epoch`);
  return claimId(entry.body.toString('utf8'));
};

export type EntryReading =
  | { kind: 'entry'; entry: Entry }
  /** The bytes end before the entry does. */
  | { kind: 'short' }
  /** Not an entry, or its checksum is wrong. */
  | { kind: 'bad'; why: string };

/** Reads the entry that begins at `at`, checking its checksum. Touches nothing; views, no copies. */
export const readEntry = (bytes: Buffer, at: number): EntryReading => entryAt(bytes, at, true);

/** Of the entry that may begin at `at`, by its head alone, its head included; null: there is none, or the bytes end before it does. */
export function sizeOfEntry(bytes: Buffer, at: number): number | null {
  const reading = entryAt(bytes, at, false);
  return reading.kind === 'entry' ? reading.entry.bytes.length : null;
}

function entryAt(bytes: Buffer, at: number, isChecked: boolean): EntryReading {
  if (bytes.length - at < ENTRY_HEAD_BYTES) return { kind: 'short' };
  const kind = kindOf(bytes.readUInt32LE(at + 12));
  if (kind === null) return { kind: 'bad', why: 'no entry begins here' };
  const size = bytes.readUInt32LE(at + 8);
  if (size > ENTRY_BODY_BYTES_MAX) return { kind: 'bad', why: `a body of ${size} bytes` };
  const end = at + ENTRY_HEAD_BYTES + size;
  if (end > bytes.length) return { kind: 'short' };
  const before = bytes.readUInt32LE(at + 4);
  const chain = bytes.readUInt32LE(at);
  if (isChecked && crc32(bytes.subarray(at + 4, end)) !== chain)
    return { kind: 'bad', why: 'the checksum is wrong' };
  const numbers = [readU64(bytes, at + 16), readU64(bytes, at + 24), readU64(bytes, at + 32)] as const;
  if (!numbers.every(Number.isSafeInteger)) return { kind: 'bad', why: 'a number is too large' };
  return {
    kind: 'entry',
    entry: {
      kind,
      epoch: epoch(numbers[0]),
      seq: seq(numbers[1]),
      committed: seq(numbers[2]),
      before,
      chain,
      body: bytes.subarray(at + ENTRY_HEAD_BYTES, end),
      bytes: bytes.subarray(at, end),
    },
  };
}

/** All entries in `bytes`, which must hold whole ones and nothing else; null where they don't. */
export const readEntries = (bytes: Buffer): Entry[] | null => entriesIn(bytes, true);

/** The same of entries that were sealed or checked in this process. Their bytes are not gone through again. */
export const viewEntries = (bytes: Buffer): Entry[] | null => entriesIn(bytes, false);

function entriesIn(bytes: Buffer, isChecked: boolean): Entry[] | null {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length;) {
    const reading = entryAt(bytes, at, isChecked);
    if (reading.kind !== 'entry') return null;
    entries.push(reading.entry);
    at += reading.entry.bytes.length;
  }
  return entries;
}

/** The seq of the last of several whole entries, by their heads alone; they were checked when they were written or read. */
export function lastSeqOf(bytes: Buffer): Seq {
  let last = 0;
  for (let at = 0; at < bytes.length; at += ENTRY_HEAD_BYTES + bytes.readUInt32LE(at + 8))
    last = readU64(bytes, at + 24);
  return seq(last);
}

const kindOf = (word: number): EntryKind | null =>
  word === MAGIC + KINDS.claim ? 'claim' : word === MAGIC + KINDS.batch ? 'batch' : null;

const writeU64 = (bytes: Buffer, at: number, value: number): void => {
  bytes.writeUInt32LE(value % 0x1_0000_0000, at);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
};
const readU64 = (bytes: Buffer, at: number): number =>
  bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
