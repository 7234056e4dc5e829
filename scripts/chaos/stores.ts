/**
 * What a server that is gone has left on its disk: its journal, entry by entry, and one word for the state that they add up to. Only reads; what
 * is kept of a failed round is as the servers left it. Source: PROTOCOL.md §1.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Broker, decodeOps } from '../../src/core/broker/index.ts';
import type { EpochStart } from '../../src/core/pair/index.ts';
import type { Entry, Position } from '../../src/core/replication/index.ts';
import { scanEntries } from '../../src/io/journal/scan.ts';
import { readSegmentHeader } from '../../src/io/journal/segment-header.ts';
import { openLmdbState } from '../../src/io/store/index.ts';

export type EntryTrace = Readonly<{ epoch: number; chain: number }>;

export type StoreContents = Readonly<{
  /** By seq, from the first that is held. */
  entries: ReadonlyMap<number, EntryTrace>;
  lastSeq: number;
  epochs: readonly EpochStart[];
  /** By the payload of a message (`publisher:number`), the epochs in which the journal has it. */
  published: ReadonlyMap<string, ReadonlySet<number>>;
  digest: string;
}>;

export async function readStore(root: string): Promise<StoreContents> {
  const current = (await readFile(join(root, 'current'), 'utf8')).trim();
  const journal = await readJournal(join(root, current, 'journal'));
  return {
    entries: new Map(journal.entries.map(({ seq, epoch, chain }) => [seq, { epoch, chain }])),
    lastSeq: journal.end.last.seq,
    epochs: journal.end.epochs,
    published: publishedIn(journal.entries),
    digest: await digestOf(join(root, current, 'state'), journal.entries),
  };
}

async function readJournal(directory: string): Promise<{ entries: Entry[]; end: Position }> {
  const names = (await readdir(directory)).filter((name) => /^\d{20}\.seg$/.test(name)).sort();
  const entries: Entry[] = [];
  let end: Position | null = null;
  for (const name of names) {
    const bytes = await readFile(join(directory, name));
    const reading = readSegmentHeader(bytes);
    if (reading.kind !== 'header') throw new Error(`${name}: ${reading.why}`);
    end = scanEntries(bytes, reading.size, reading.header.start, (entry) => entries.push(entry)).position;
  }
  if (end === null) throw new Error(`${directory} has no segment`);
  return { entries, end };
}

function publishedIn(entries: readonly Entry[]): Map<string, Set<number>> {
  const published = new Map<string, Set<number>>();
  for (const { kind, epoch, body } of entries) {
    if (kind !== 'batch') continue;
    for (const op of decodeOps(body)) {
      if (op.type !== 'publish') continue;
      const id = Buffer.from(op.payload).toString().trim();
      published.set(id, (published.get(id) ?? new Set()).add(epoch));
    }
  }
  return published;
}

/** The state as last stored, and behind it all that the journal holds. */
async function digestOf(path: string, entries: readonly Entry[]): Promise<string> {
  const state = await openLmdbState(path);
  try {
    const broker = new Broker();
    broker.load(state);
    for (const { kind, seq, body } of entries)
      if (seq > state.appliedSeq && kind === 'batch') broker.apply(body, seq);
    return broker.digest();
  } finally {
    await state.close();
  }
}
