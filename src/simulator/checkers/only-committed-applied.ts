/** The state is made of committed entries only: no server has applied more than some server has found committed. Source: PROTOCOL.md §1 (state). */
import type { Checker } from './checker.ts';

export function onlyCommittedApplied(): Checker {
  let committed = 0;
  return {
    promise: 'a state holds only what is committed',
    committed: (_server, stamp) => {
      committed = Math.max(committed, stamp.seq);
      return null;
    },
    stepped: (server) => {
      const { appliedSeq } = server.replication.replica;
      // A claim applies its whole journal, which counts as committed from then on, before it says so.
      if (appliedSeq <= committed || server.pair.step.endsWith('opening')) return null;
      return `the ${server.me} has applied entry ${appliedSeq}, and ${committed} are committed`;
    },
  };
}
