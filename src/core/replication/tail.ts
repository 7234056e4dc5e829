/**
 * Rule Tail, the part that thinks: up to which entry two journals are one, and whether the joiner may be brought up from there.
 * The running checksum at that entry is compared by the caller, and has the last word. Source: PROTOCOL.md §2 Tail, §5; REASONS.md A7,
 * A11, C7.
 */
import { seq, type EpochStart, type Seq, type Stamp } from '../pair/index.ts';
import { endOf, sharedEpochs } from './epoch-table.ts';

export type ServingJournal = Readonly<{ epochs: readonly EpochStart[]; last: Seq; firstSeq: Seq }>;

export type JoinerJournal = Readonly<{
  epochs: readonly EpochStart[];
  /** Its last durable entry. */
  stamp: Stamp;
  firstSeq: Seq;
  appliedSeq: Seq;
}>;

export type CommonPoint = Readonly<
  /** Both hold the same through `seq`; the joiner cuts what it has beyond. */
  | { kind: 'common'; seq: Seq }
  /** A full synchronisation; nothing is wrong with the joiner. */
  | { kind: 'full'; why: string }
  /** Two histories: the joiner's store is kept aside whole, full synchronisation, error line. */
  | { kind: 'conflict'; why: string }
>;

/** The last entry that both journals share. */
export function commonPoint(serving: ServingJournal, joiner: JoinerJournal): CommonPoint {
  const shared = sharedEpochs(serving.epochs, joiner.epochs);
  const twice = epochOfTwoClaims(serving.epochs.slice(shared), joiner.epochs.slice(shared));
  if (twice !== null) return { kind: 'conflict', why: `epoch ${twice} has two histories` };
  const common = Math.min(
    endOf(serving.epochs, shared - 1, serving.last),
    endOf(joiner.epochs, shared - 1, joiner.stamp.seq),
  );
  if (common < joiner.appliedSeq)
    return {
      kind: 'conflict',
      why: `the journals part after entry ${common}, and entry ${joiner.appliedSeq} is applied already`,
    };
  if (common + 1 < serving.firstSeq)
    return {
      kind: 'full',
      why: `the serving journal begins at ${serving.firstSeq}, after entry ${common + 1}`,
    };
  if (common + 1 < joiner.firstSeq)
    return {
      kind: 'full',
      why: `the joiner's journal begins at ${joiner.firstSeq}, after entry ${common + 1}`,
    };
  return { kind: 'common', seq: seq(common) };
}

/** An epoch of both tables behind all that they share: one number, two claims. */
function epochOfTwoClaims(a: readonly EpochStart[], b: readonly EpochStart[]): number | null {
  const epochs = new Set(a.map((start) => start.epoch));
  return b.find((start) => epochs.has(start.epoch))?.epoch ?? null;
}
