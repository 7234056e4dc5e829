/** A server that is not in the record never begins to serve: when it does, the share has its claim. Rule Claim. */
import { serves } from '../../core/pair/index.ts';
import type { Checker, Sight } from './checker.ts';

export function onlyNamedServe({ pair }: Sight): Checker {
  const serving = new Map<string, string>();
  return {
    promise: 'only a server that the record names begins to serve',
    stepped: (server) => {
      const { state, memory } = server.pair;
      if (!serves(state) || memory.claim === null || serving.get(server.me) === memory.claim.claimId)
        return null;
      serving.set(server.me, memory.claim.claimId);
      const reading = pair.share.reading();
      const { storeId } = server.replication.replica.store.identity;
      if (reading.kind === 'record' && reading.record.inSync[server.me] === storeId) return null;
      return `the ${server.me} serves epoch ${memory.claim.epoch} though the record does not name its store`;
    },
  };
}
