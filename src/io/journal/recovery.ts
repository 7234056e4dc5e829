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
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { seq, type Seq } from '../../core/pair/index.ts';
import type { Position } from '../../core/replication/index.ts';
import { openDurable, syncDirectory, writeAll } from './durable.ts';
import { JournalDamage, whyOf } from './faults.ts';
import { isZero, proofOfCommit } from './scan.ts';
import { SegmentWalk } from './segment-walk.ts';
import { Segment, segmentName } from './segment.ts';

/** A tail that was cut because it was never wholly written. */
export type TornTail = Readonly<{ file: string; offset: number; why: string }>;

export type Recovered = Readonly<{ segments: Segment[]; position: Position; torn: TornTail | null }>;

/**
 * Everything that is found is durable when it fulfils. Rejects with `JournalDamage`; then every byte is what it was.
 * `committed`: the last entry that is known to be committed from elsewhere.
 */
export async function recover(directory: string, committed: Seq): Promise<Recovered> {
  const names = (await namesIn(directory)).sort();
  const segments: Segment[] = [];
  try {
    let torn: TornTail | null = null;
    let position: Position | null = null;
    const files = names.filter((name) => /^\d{20}\.seg$/.test(name));
    for (const name of files) {
      const follower = files[files.indexOf(name) + 1] ?? null;
      const found = await recoverSegment(join(directory, name), position, follower);
      segments.push(found.segment);
      ({ position, torn } = found);
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
    else await segments.at(-1)?.terminate();
    for (const segment of segments) await segment.sync();
    await syncDirectory(directory);
    return { segments, position, torn };
  } catch (error) {
    for (const segment of segments) await segment.close();
    throw error;
  }
}

/** `follower`: the segment behind it, begun only when all of this one was durable; null for the last, whose entries are written anew. */
async function recoverSegment(
  path: string,
  before: Position | null,
  follower: string | null,
): Promise<{ segment: Segment; position: Position; torn: TornTail | null }> {
  const handle = await openDurable(path);
  try {
    const walk = await SegmentWalk.of(path, handle);
    const reading = await walk.header();
    if (reading.kind !== 'header') throw new JournalDamage(path, 0, reading.why);
    const { header, size } = reading;
    const { start, terminator } = header;
    if (!path.endsWith(segmentName(start.last.seq + 1)))
      throw new JournalDamage(path, 0, `its header is that of ${segmentName(start.last.seq + 1)}`);
    if (before !== null && (before.last.seq !== start.last.seq || before.chain !== start.chain))
      throw new JournalDamage(
        path,
        0,
        `it follows entry ${start.last.seq}, and the segment before it ends with entry ${before.last.seq}`,
      );
    const segment = new Segment(path, handle, header, size);
    // After a failed sync the system counts pages as clean that no disk holds, and a later sync says nothing of them: the very bytes that were
    // read are written again. The segments before the last are durable: the next one is begun only then.
    const { position, end, why } = await walk.entries(
      size,
      start,
      (entry) => segment.note(entry),
      async (bytes, at) => {
        if (follower === null) await writeAll(handle, [bytes], at);
      },
    );
    const { bytes: written, isEnded } = await walk.written(end, terminator);
    if (written.length === 0 || (!isEnded && isZero(written))) return { segment, position, torn: null };
    const bad = seq(position.last.seq + 1);
    if (follower !== null) throw new JournalDamage(path, end, `${why}, and ${follower} follows`);
    const proof = proofOfCommit(written, bad);
    if (proof === 'unclear')
      throw new JournalDamage(
        path,
        end,
        `${why}, and what stands behind it does not tell whether entry ${bad} was committed`,
      );
    if (proof !== null)
      throw new JournalDamage(
        path,
        end,
        `${why}, and entry ${proof.seq} says that entry ${bad} was committed`,
      );
    return { segment, position, torn: { file: path, offset: end, why } };
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
