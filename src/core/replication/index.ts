/** What the journal holds and how two journals are brought together. Pure; knows no file and no socket. */
export {
  claimIdIn,
  lastSeqOf,
  ENTRY_BODY_BYTES_MAX,
  ENTRY_HEAD_BYTES,
  openEntry,
  readEntries,
  readEntry,
  sizeOfEntry,
  sealEntry,
  viewEntries,
  type Entry,
  type EntryHead,
  type EntryKind,
  type EntryReading,
} from './entry.ts';
export { pairsIn, putPair } from './chunk.ts';
export { epochAt, epochsThrough } from './epoch-table.ts';
export { follow, journalStart, type Position } from './position.ts';
export { commonPoint, type CommonPoint, type JoinerJournal, type ServingJournal } from './tail.ts';
