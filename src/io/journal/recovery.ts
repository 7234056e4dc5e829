/**
 * A journal directory as a former run left it: every entry is read and checked. A torn tail, which nobody was ever told of, is cut; bytes
 * that were once acknowledged and are bad now are damage, named to the byte and not touched.
 *
 *     bad bytes in a segment that another follows      damage: the next is begun only after this one was synced
 *     … in the last, at or below what is applied       damage: applied means committed
 *     … in the last, a later entry proves commitment   damage
 *     … in the last, else                              torn: cut
 *
 * Source: PROTOCOL.md §2 Tail; REASONS.md A6, E6.
 */
import { readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { seq, type Seq } from '../../core/pair/index.ts';
import type { Position } from '../../core/replication/index.ts';
import { openDurable, readAll, syncDirectory } from './durable.ts';
import { JournalDamage, whyOf } from './faults.ts';
import { proofOfCommit, scanEntries } from './scan.ts';
import { readSegmentHeader } from './segment-header.ts';
import { Segment, segmentName } from './segment.ts';

/** A tail that was cut because it was never wholly written. */
export type TornTail = Readonly<{ file: string; offset: number; why: string }>;

export type Recovered = Readonly<{ segments: Segment[]; position: Position; torn: TornTail | null }>;

/**
 * Everything that is found is durable when it fulfils. Rejects with `JournalDamage`; then nothing was changed.
 * `committed`: the last entry that is known to be committed from elsewhere.
 */
export async function recover(directory: string, committed: Seq): Promise<Recovered> {
  const names = (await namesIn(directory)).sort();
  const segments: Segment[] = [];
  try {
    let torn: TornTail | null = null;
    let position: Position | null = null;
    let good: Buffer = Buffer.alloc(0);
    const files = names.filter((name) => /^\d{20}\.seg$/.test(name));
    for (const name of files) {
      const follower = files[files.indexOf(name) + 1] ?? null;
      const found = await recoverSegment(join(directory, name), position, follower);
      segments.push(found.segment);
      ({ position, torn, good } = found);
    }
    if (position === null) throw new JournalDamage(directory, 0, 'there is no segment');
    if (position.last.seq < committed)
      throw new JournalDamage(
        segments.at(-1)?.path ?? directory,
        segments.at(-1)?.end ?? 0,
        `it ends with entry ${position.last.seq}, and entry ${committed} is applied already`,
      );
    // Half-made segments of the former run. Nobody was told of what they hold.
    for (const name of names) if (name.endsWith('.new')) await rm(join(directory, name));
    if (torn !== null) await segments.at(-1)?.truncate(position.last.seq, torn.offset);
    // After a failed sync the system counts pages as clean that no disk holds, and a later sync says nothing of them. The segments before
    // the last are durable: the next one is begun only then.
    await segments.at(-1)?.writeAnew(good);
    for (const segment of segments) await segment.sync();
    await syncDirectory(directory);
    return { segments, position, torn };
  } catch (error) {
    for (const segment of segments) await segment.close();
    throw error;
  }
}

/** `follower`: the segment behind it, begun only when all of this one was durable; null for the last. `good`: its entries' bytes. */
async function recoverSegment(
  path: string,
  before: Position | null,
  follower: string | null,
): Promise<{ segment: Segment; position: Position; torn: TornTail | null; good: Buffer }> {
  const handle = await openDurable(path);
  try {
    const bytes = await wholeFile(handle, path);
    const reading = readSegmentHeader(bytes);
    if (reading.kind === 'bad') throw new JournalDamage(path, 0, reading.why);
    const { header, size } = reading;
    const { start } = header;
    if (!path.endsWith(segmentName(start.last.seq + 1)))
      throw new JournalDamage(path, 0, `its header is that of ${segmentName(start.last.seq + 1)}`);
    if (before !== null && (before.last.seq !== start.last.seq || before.chain !== start.chain))
      throw new JournalDamage(
        path,
        0,
        `it follows entry ${start.last.seq}, and the segment before it ends with entry ${before.last.seq}`,
      );
    const segment = new Segment(path, handle, header, size);
    const { position, end, fault, written } = scanEntries(bytes, size, header, (entry) =>
      segment.note(entry),
    );
    const good = bytes.subarray(size, end);
    if (fault === null) return { segment, position, torn: null, good };
    const bad = seq(position.last.seq + 1);
    if (follower !== null) throw new JournalDamage(path, end, `${fault}, and ${follower} follows`);
    const proof = proofOfCommit(written, end, bad);
    if (proof !== null)
      throw new JournalDamage(
        path,
        end,
        `${fault}, and entry ${proof.seq} says that entry ${bad} was committed`,
      );
    return { segment, position, torn: { file: path, offset: end, why: fault }, good };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A journal that is gone is damaged, not unusable. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (whyOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A sector that the disk gives no more is damage as much as a flipped bit. */
async function wholeFile(handle: FileHandle, path: string): Promise<Buffer> {
  try {
    return await readAll(handle, 0, (await handle.stat()).size);
  } catch (error) {
    if (whyOf(error) !== 'EIO') throw error;
    throw new JournalDamage(path, 0, 'the disk does not give its bytes (EIO)');
  }
}
