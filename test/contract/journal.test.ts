/** The journal's contract on real files and on the simulated disk. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { pairId, storeId } from '../../src/core/pair/index.ts';
import { journalStart } from '../../src/core/replication/index.ts';
import { createJournal, openJournal } from '../../src/io/journal/index.ts';
import type { Journal } from '../../src/ports/index.ts';
import { JournalContent, SimJournal } from '../../src/simulator/disk/sim-journal.ts';
import { StateContent } from '../../src/simulator/disk/sim-state.ts';
import { freshDirectory, simDisk } from './disk-fixture.ts';
import { journalContract } from './journal-contract.ts';

const closedAfterwards = (journal: Journal): Journal => {
  onTestFinished(() => journal.close());
  return journal;
};

journalContract('files', async (options, start = journalStart) => {
  const root = await freshDirectory();
  const place = { directory: join(root, 'journal'), cutDirectory: join(root, 'cut'), options };
  return {
    journal: closedAfterwards(await createJournal(place, start)),
    restart: async () => {
      const opening = await openJournal(place);
      if (opening.kind === 'damaged') throw new Error(opening.why);
      return closedAfterwards(opening.journal);
    },
  };
});

journalContract('simulated disk', async (options, start = journalStart) => {
  const disk = simDisk(options);
  const content = new JournalContent(start);
  const id = storeId('store');
  const identity = { storeId: id, pairId: pairId('pair'), isComplete: true, recordSeen: null };
  disk.stores.set(id, { identity, journal: content, state: new StateContent() });
  return {
    journal: new SimJournal(disk, content),
    restart: () => {
      disk.crash();
      return Promise.resolve(new SimJournal(disk, content));
    },
  };
});
