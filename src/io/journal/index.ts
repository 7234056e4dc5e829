/** The journal of one store on its disk: segment files, their recovery, and the tails that were cut. Implements port `Journal`. */
export { syncDirectory, writeDurably } from './durable.ts';
export { JournalDamage, journalFaults, JournalStopped, whyOf } from './faults.ts';
export { createJournal, openJournal, type JournalOpening, type JournalPlace } from './open-journal.ts';
export { journalOptions, type JournalOptions } from './options.ts';
export { type TornTail } from './recovery.ts';
export { segmentName } from './segment.ts';
