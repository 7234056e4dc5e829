/** Never two that can acknowledge: at no moment do both servers serve with required sets that neither needs the other for. Rule Ack. */
import { requiredSet, serves, type StoreId } from '../../core/pair/index.ts';
import { SERVERS } from '../pair/sim-pair.ts';
import type { SimServer } from '../pair/sim-server.ts';
import type { Checker, Sight } from './checker.ts';

export function oneAcknowledges({ pair }: Sight): Checker {
  return {
    promise: 'never two that can acknowledge',
    stepped: () => {
      const alone = SERVERS.filter((name) => needsNobody(pair.machines[name].server));
      return alone.length < 2 ? null : 'both servers could acknowledge without the other';
    },
  };
}

function needsNobody(server: SimServer | null): boolean {
  if (server === null || !serves(server.pair.state)) return false;
  const { confirmed, attempted } = server.pair.memory;
  if (confirmed === null) return false;
  const required: ReadonlySet<StoreId> = requiredSet(confirmed.inSync, attempted);
  const own = server.replication.replica.store.identity.storeId;
  return required.size === 1 && required.has(own);
}
