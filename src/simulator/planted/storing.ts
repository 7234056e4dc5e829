/** Planted in a server's store: what a restart finds is not what was stored. Source: PROTOCOL.md §1, §5. */
import { seq } from '../../core/pair/index.ts';
import type { StoreRoot } from '../../ports/index.ts';
import type { SimDisk } from '../disk/sim-disk.ts';
import type { Plant } from './plant.ts';
import { rootWith, stateWith } from './substitutes.ts';

export const replaySkipsLastEntry = (): Plant => ({
  root: (root) =>
    rootWith(root, async ({ journal }) => {
      if (journal.last.seq > journal.firstSeq) await journal.cut(seq(journal.last.seq - 1));
      return {};
    }),
});

export const checkpointForgets = (): Plant => ({
  root: (root) =>
    rootWith(root, ({ state }) => ({
      state: stateWith(state, (changes, appliedSeq) =>
        state.checkpoint([...changes].slice(0, -1), appliedSeq),
      ),
    })),
});

/** What is queued is let go before it can be read back, and the journal of what is not stored yet. */
export const checkpointToldTooSoon = (): Plant => ({
  root: (root) =>
    rootWith(root, ({ state }) => ({
      state: stateWith(state, (changes, appliedSeq) => {
        void state.checkpoint([...changes], appliedSeq);
        return Promise.resolve();
      }),
    })),
});

/** A restart takes a store that was being installed for a whole one. */
export const halfInstallForgotten = (): Plant => ({
  root: (root, { disk }): StoreRoot => ({
    open: () => {
      finishHalf(disk);
      return root.open();
    },
    begin: (origin, pairId) => root.begin(origin, pairId),
    swap: (former, next, keep) => root.swap(former, next, keep),
    abandon: (next) => root.abandon(next),
  }),
});

function finishHalf(disk: SimDisk): void {
  for (const [id, content] of disk.stores) {
    if (content.identity.isComplete) continue;
    content.identity = { ...content.identity, isComplete: true };
    content.state.appliedSeq = content.journal.start.last.seq;
    disk.current = id;
  }
}
