/**
 * A server that is not in the record never commits anything of a claim: when it first does, the share has its name. From then on clients may come.
 * (Under Consent one that was frozen behind its write may wake, call itself ACTIVE, and find that the record has moved on: it has committed
 * nothing, and nobody was let in.) Rules Claim, Consent.
 */
import type { Checker, Sight } from './checker.ts';

export function onlyNamedServe({ pair }: Sight): Checker {
  const serving = new Map<string, string>();
  return {
    promise: 'only a server that the record names begins to serve',
    committed: (server) => {
      const { claim } = server.pair.memory;
      if (claim === null || serving.get(server.me) === claim.claimId) return null;
      serving.set(server.me, claim.claimId);
      const reading = pair.share.reading();
      const { storeId } = server.replication.replica.store.identity;
      if (reading.kind === 'record' && reading.record.inSync[server.me] === storeId) return null;
      return `the ${server.me} serves epoch ${claim.epoch} though the record does not name its store`;
    },
  };
}
