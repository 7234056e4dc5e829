/** Planted in the rules Grow and Tail: joiners that are named too early, keep what they must cut, and apply what is not committed. */
import { seq, type PairFact, type Stamp } from '../../core/pair/index.ts';
import { lastSeqOf } from '../../core/replication/index.ts';
import type { SimMachine } from '../pair/sim-machine.ts';
import type { Plant } from './plant.ts';
import { channelWith, journalWith, rootWith, stepAnswering } from './substitutes.ts';

/** Whoever has proved itself counts as level. */
export const grownBeforeLevel = (): Plant => ({
  step: (step, machine) =>
    stepAnswering(step, (order) => (order.type === 'awaitLevel' ? levelAt(machine, 0) : null)),
});

/** A joiner counts as level when it holds what the serving server knew to be committed when it made its claim. */
export const levelByCommitIndex = (): Plant => ({
  step: (step, machine) => {
    let committed = 0;
    return stepAnswering(step, (order) => {
      if (order.type === 'openEpoch') committed = machine.server?.replication.replica.committedSeq ?? 0;
      return order.type === 'awaitLevel' ? levelAt(machine, committed) : null;
    });
  },
});

/** The joiner drew level, if it holds everything through `level`; its stamp is what it has stored, as ever. */
function levelAt(machine: SimMachine, level: number): PairFact | null {
  const replication = machine.server?.replication;
  if (replication === undefined) return null;
  const mine: Stamp = replication.replica.view().stamp;
  const stored = replication.replica.lastSeq - (replication.lag?.entries ?? 0);
  if (stored < level) return null;
  return { type: 'joinerLevel', stamps: { mine, theirs: { epoch: mine.epoch, seq: seq(stored) } } };
}

export const tailKept = (): Plant => ({
  root: (root) =>
    rootWith(root, ({ journal }) => ({
      journal: journalWith(journal, { cut: () => Promise.resolve(null) }),
    })),
});

export const appliedBeforeCommitted = (): Plant => ({
  channel: (channel) =>
    channelWith(channel, (frame) =>
      frame.type === 'entries' ? { ...frame, committed: lastSeqOf(Buffer.from(frame.body)) } : frame,
    ),
});
