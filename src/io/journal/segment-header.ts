/**
 * The first block of a segment file: where in the journal the segment begins. It carries the epoch table up to there, so that the
 * table outlives the segments before it.
 *
 *     0  8 bytes  'LSJSEG', format version (u16)
 *     8  u32      CRC-32 of everything behind it, up to the header's end
 *    12  u32      size of the header: a multiple of 4096, where the first entry begins
 *    16  text     JSON { before: { epoch, seq }, chain, epochs, terminator }, with its size in front; zeros behind it
 *
 * The terminator is the segment's own: 16 bytes at random, which stand behind its last entry as long as that is its last. A segment's file may
 * have been another's before, so what comes behind them means nothing.
 *
 * Source: PROTOCOL.md §1 (epoch table); REASONS.md C7.
 */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { ByteReader, ByteWriter } from '../../base/index.ts';
import { claimId, epoch, seq } from '../../core/pair/index.ts';
import type { Position } from '../../core/replication/index.ts';

/** Of a disk, and a page of memory. */
export const BLOCK_BYTES = 4096;
const FIXED_BYTES = 16;
const MAGIC = Buffer.from('LSJSEG\x02\x00', 'latin1');

export const TERMINATOR_BYTES = 16;
export const newTerminator = (): Buffer => randomBytes(TERMINATOR_BYTES);

const whole = z.int().nonnegative();
const contentSchema = z.strictObject({
  before: z.strictObject({ epoch: whole.transform(epoch), seq: whole.transform(seq) }),
  chain: whole.max(0xffff_ffff),
  epochs: z.array(
    z.strictObject({
      epoch: whole.transform(epoch),
      claimId: z.string().transform(claimId),
      firstSeq: whole.transform(seq),
    }),
  ),
  terminator: z.hex().length(2 * TERMINATOR_BYTES),
});

export type SegmentHeader = Readonly<{
  /** The place before the first entry. */
  start: Position;
  terminator: Buffer;
}>;

export type HeaderReading = Readonly<
  | { kind: 'header'; header: SegmentHeader; size: number }
  /** The bytes end before the header does, which has `size`. */
  | { kind: 'short'; size: number; why: string }
  | { kind: 'bad'; why: string }
>;

export function encodeSegmentHeader({ start, terminator }: SegmentHeader): Buffer {
  const { last: before, chain, epochs } = start;
  const content = new ByteWriter()
    .text(JSON.stringify({ before, chain, epochs, terminator: terminator.toString('hex') }))
    .taken();
  const size = Math.ceil((FIXED_BYTES + content.length) / BLOCK_BYTES) * BLOCK_BYTES;
  const header = Buffer.alloc(size);
  header.set(MAGIC, 0);
  header.writeUInt32LE(size, 12);
  header.set(content, FIXED_BYTES);
  header.writeUInt32LE(crc32(header.subarray(12)), 8);
  return header;
}

/** Reads the header at the start of `bytes`, which may go on behind it. It has more than one block where the epoch table is long. */
export function readSegmentHeader(bytes: Buffer): HeaderReading {
  const why = 'it ends within its header';
  if (bytes.length < BLOCK_BYTES) return { kind: 'short', size: BLOCK_BYTES, why };
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return { kind: 'bad', why: 'no segment begins here' };
  const size = bytes.readUInt32LE(12);
  if (size === 0 || size % BLOCK_BYTES !== 0) return { kind: 'bad', why: `a header of ${size} bytes` };
  if (size > bytes.length) return { kind: 'short', size, why };
  if (crc32(bytes.subarray(12, size)) !== bytes.readUInt32LE(8))
    return { kind: 'bad', why: "the header's checksum is wrong" };
  const text = new ByteReader(bytes.subarray(FIXED_BYTES, size)).text();
  const read = contentSchema.safeParse(JSON.parse(text));
  if (!read.success) return { kind: 'bad', why: 'the header is of another form' };
  const { before, chain, epochs, terminator } = read.data;
  const start = { last: before, chain, epochs };
  return { kind: 'header', header: { start, terminator: Buffer.from(terminator, 'hex') }, size };
}
