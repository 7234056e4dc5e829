/**
 * A journal as text: entries in order, each `epoch:claimId` with `#operation` behind it where it is not the claim's own, and a blank after
 * it. Two journals that begin alike as text begin with the same entries. Source: PROTOCOL.md §1 (journal), §2 Tail.
 */
import {
  claimId,
  epoch,
  noStamp,
  seq,
  type ClaimId,
  type Epoch,
  type EpochStart,
  type Stamp,
  type StoreView,
} from '../../core/pair/index.ts';
import { epochAt, epochsThrough } from '../../core/replication/index.ts';
import type { Store } from './world.ts';

export type ParsedJournal = Readonly<{
  entries: readonly string[];
  epochs: readonly EpochStart[];
}>;

/** `operation` null: the claim's first entry. */
export const entryText = (
  claim: Readonly<{ epoch: Epoch; claimId: ClaimId }>,
  operation: number | null,
): string => `${claim.epoch}:${claim.claimId}${operation === null ? '' : `#${operation}`} `;

const parsed = new Map<string, ParsedJournal>();

export function parseJournal(journal: string): ParsedJournal {
  const known = parsed.get(journal);
  if (known !== undefined) return known;
  const entries = journal === '' ? [] : journal.trimEnd().split(' ');
  const epochs = entries.flatMap((entry, n): EpochStart[] => {
    if (entry.includes('#')) return [];
    const [number = '', claim = ''] = entry.split(':');
    return [{ epoch: epoch(Number(number)), claimId: claimId(claim), firstSeq: seq(n + 1) }];
  });
  const made = { entries, epochs };
  parsed.set(journal, made);
  return made;
}

export const lengthOf = (journal: string): number => parseJournal(journal).entries.length;

/** The first `length` entries. */
export function firstOf(journal: string, length: number): string {
  const { entries } = parseJournal(journal);
  return length >= entries.length ? journal : textOf(entries.slice(0, length));
}

/** What follows the first `length` entries. */
export const afterFirst = (journal: string, length: number): string =>
  textOf(parseJournal(journal).entries.slice(length));

const textOf = (entries: readonly string[]): string => entries.map((entry) => `${entry} `).join('');

export function stampOf(journal: string, length: number): Stamp {
  if (length === 0) return noStamp;
  return { epoch: epochAt(parseJournal(journal).epochs, seq(length)), seq: seq(length) };
}

const views = new WeakMap<Store, StoreView>();

/** The store as the rules ask for it; its stamp is the last entry that is durable. */
export function viewOf(store: Store): StoreView {
  const known = views.get(store);
  if (known !== undefined) return known;
  const { storeId, pairId, recordSeen, journal, durable } = store;
  const { entries, epochs } = parseJournal(journal);
  const view: StoreView = {
    storeId,
    pairId,
    isComplete: true,
    recordSeen,
    stamp: stampOf(journal, durable),
    epochs: epochsThrough(epochs, seq(entries.length)),
  };
  views.set(store, view);
  return view;
}
