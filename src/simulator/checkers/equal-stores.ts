/** Both stores are equal in the end: the same durable state on both servers, and nothing that waits. Source: PROTOCOL.md §1 (state). */
import type { Checker, Sight } from './checker.ts';

export function equalStores({ pair }: Sight): Checker {
  return {
    promise: 'both stores are equal in the end',
    ended: () => {
      const [one, other] = [pair.primary.server, pair.secondary.server];
      if (one === null || other === null) return 'a server is gone';
      const [a, b] = [one.replication.replica, other.replication.replica];
      if (a.appliedSeq !== b.appliedSeq)
        return `the primary has applied ${a.appliedSeq} entries, the secondary ${b.appliedSeq}`;
      const [mine, theirs] = [one.broker.digest(), other.broker.digest()];
      return mine === theirs ? null : `the states differ: ${mine} and ${theirs}`;
    },
  };
}
