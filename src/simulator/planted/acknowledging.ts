/** Planted in rule Ack: entries that count as committed too early, and servers that need less than they must. */
import { seq, serves, stateOf, type InSync, type PairOrder, type Seq } from '../../core/pair/index.ts';
import { lastSeqOf } from '../../core/replication/index.ts';
import type { SimMachine } from '../pair/sim-machine.ts';
import type { Plant } from './plant.ts';
import { channelWith, journalWith, rootWith, stepOrdering } from './substitutes.ts';

export const appendBeforeSync = (): Plant => ({
  root: (root, { disk }) =>
    rootWith(root, ({ journal }) => ({
      journal: journalWith(journal, {
        append: async (entries) => {
          const before = journal.last.seq;
          const appended = journal.append(entries);
          while (journal.last.seq === before) await Promise.race([appended, disk.pass(disk.run)]);
        },
      }),
    })),
});

export const acknowledgedOnReceipt = (): Plant => ({
  channel: (channel) =>
    channelWith(channel, (frame) => {
      if (frame.type === 'entries')
        channel.send({ type: 'durable', session: frame.session, seq: lastSeqOf(Buffer.from(frame.body)) });
      return frame;
    }),
});

export const acknowledgementForAll = (): Plant => ({
  channel: (channel, machine) =>
    channelWith(channel, (frame) =>
      frame.type === 'durable' ? { ...frame, seq: lastSeqAt(machine) ?? seq(frame.seq) } : frame,
    ),
});

export const aloneBeforeShrink = (): Plant => ({
  step: (step, machine) => (snapshot, fact) => {
    const next = step(snapshot, fact);
    const own = machine.server?.replication.replica.store.identity.storeId;
    const inSync: InSync = own === undefined ? {} : { [machine.name]: own };
    const needsOnlyItself: PairOrder = { type: 'require', confirmed: inSync, attempted: [] };
    const losesPeer = next.orders.some(({ type }) => type === 'endSession') && serves(stateOf(next.snapshot));
    return losesPeer ? { ...next, orders: [...next.orders, needsOnlyItself] } : next;
  },
});

export const requiredAsLastWritten = (): Plant => ({
  step: (step) =>
    stepOrdering(step, (order) => [order.type === 'require' ? { ...order, attempted: [] } : order]),
});

const lastSeqAt = (machine: SimMachine): Seq | undefined => machine.server?.replication.replica.lastSeq;
