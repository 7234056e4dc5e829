/** What can be wrong with a journal's files, in sentences for operators. The manual explains each code. Source: PROTOCOL.md §2 Ack, Tail. */
import { JournalFailure } from '../../ports/index.ts';

export const journalFaults = {
  LS_JOURNAL_DAMAGED: (file: string, offset: number, why: string) =>
    `the journal is damaged in ${file} at byte ${offset}: ${why}; check the disk`,
  LS_JOURNAL_FAILED: (what: string, file: string, why: string) =>
    `${what} ${file} failed (${why}), so the end of the journal is unknown; check the disk and its free space, then start the server again`,
  LS_JOURNAL_CLOSED: (directory: string) => `the journal in ${directory} is closed`,
} as const;

/** An append, sync or cut failed, or came after one that had. Source: PROTOCOL.md §2 Ack. */
export class JournalStopped extends JournalFailure {
  readonly code: 'LS_JOURNAL_FAILED' | 'LS_JOURNAL_CLOSED';

  constructor(code: 'LS_JOURNAL_FAILED' | 'LS_JOURNAL_CLOSED', text: string) {
    super(text);
    this.code = code;
  }
}

/** Bytes that were good once are so no more. Named to the byte; nothing is guessed. */
export class JournalDamage extends Error {
  override name = 'JournalDamage';
  readonly code = 'LS_JOURNAL_DAMAGED';
  readonly file: string;
  readonly offset: number;
  readonly why: string;

  constructor(file: string, offset: number, why: string) {
    super(journalFaults.LS_JOURNAL_DAMAGED(file, offset, why));
    this.file = file;
    this.offset = offset;
    this.why = why;
  }
}

export const whyOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : error instanceof Error
      ? error.message
      : String(error);
