/** Journals on real files, in directories of their own. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { seq } from '../../src/core/pair/index.ts';
import { openJournal, type JournalPlace } from '../../src/io/journal/index.ts';
import type { Journal } from '../../src/ports/index.ts';
import { freshDirectory } from './disk-fixture.ts';

export const SEGMENT = 16 * 1024;

export async function freshPlace(segmentSize = SEGMENT): Promise<JournalPlace> {
  const root = await freshDirectory();
  return {
    directory: join(root, 'journal'),
    cutDirectory: join(root, 'cut'),
    options: { segmentSize, retain: 0 },
  };
}

export async function opened(
  place: JournalPlace,
  committed = 0,
): Promise<{ journal: Journal; isTorn: boolean }> {
  const opening = await openJournal(place, seq(committed));
  if (opening.kind === 'damaged') throw new Error(`damaged: ${opening.why}`);
  onTestFinished(() => opening.journal.close());
  return { journal: opening.journal, isTorn: opening.torn !== null };
}

export const segmentsIn = async ({ directory }: JournalPlace): Promise<string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.seg')).sort();
