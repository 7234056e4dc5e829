/** Making and opening a journal's directory. Source: PROTOCOL.md §1, §2 Tail, §5. */
import { mkdir } from 'node:fs/promises';
import { seq, type Seq } from '../../core/pair/index.ts';
import type { Position } from '../../core/replication/index.ts';
import type { Journal } from '../../ports/index.ts';
import { syncDirectory } from './durable.ts';
import { JournalDamage } from './faults.ts';
import { FileJournal } from './file-journal.ts';
import type { JournalOptions } from './options.ts';
import { recover, type TornTail } from './recovery.ts';
import { Segment } from './segment.ts';
import { Spare } from './spare.ts';

export type JournalPlace = Readonly<{
  directory: string;
  /** Where rule Tail keeps what it cuts. Made when there is something to keep. */
  cutDirectory: string;
  options: JournalOptions;
}>;

export type JournalOpening = Readonly<
  | { kind: 'opened'; journal: Journal; torn: TornTail | null }
  /** Nothing was changed. `offset`: the byte of `file` at which it begins. */
  | { kind: 'damaged'; file: string; offset: number; why: string }
>;

/**
 * Reads and checks the whole journal, cuts a torn tail, and syncs: all that it holds is durable when it fulfils.
 * `committed`: the last entry known to be committed from elsewhere (the state's `appliedSeq`); a journal that lacks it is damaged.
 */
export async function openJournal(place: JournalPlace, committed: Seq = seq(0)): Promise<JournalOpening> {
  try {
    const { segments, position, torn } = await recover(place.directory, committed);
    const spare = new Spare(place.directory, place.options.segmentSize);
    return { kind: 'opened', journal: new FileJournal({ ...place, spare }, segments, position), torn };
  } catch (error) {
    if (!(error instanceof JournalDamage)) throw error;
    const { file, offset, why } = error;
    return { kind: 'damaged', file, offset, why };
  }
}

/** A new journal, empty, that begins behind `start`. Durable when it fulfils, but for the directory's own name. */
export async function createJournal(place: JournalPlace, start: Position): Promise<Journal> {
  await mkdir(place.directory, { recursive: true });
  await syncDirectory(place.directory);
  const spare = new Spare(place.directory, place.options.segmentSize);
  spare.prepare(() => Infinity);
  await spare.settled();
  const segment = await Segment.create(place.directory, start, spare.take());
  return new FileJournal({ ...place, spare }, [segment], start);
}
