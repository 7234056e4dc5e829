/** A pair that looks protected is: either may go on alone when the other is lost. Source: PROTOCOL.md §2 Grow, Consent, Resume; §3 (PASSIVE). */
import { otherServer, sameSession } from '../../core/pair/index.ts';
import type { Machines } from '../world/machines.ts';
import { readBoth } from '../world/share.ts';
import { SERVERS, type World } from '../world/world.ts';

/** Asked of both servers together. */
export const anActiveAndItsPassiveAreBothInTheRecord = {
  sentence: 'an active and its passive are both in the record',
  broken: (world: World, machines: Machines): string | null => {
    for (const me of SERVERS) {
      const [active, passive] = [world[me], world[otherServer(me)]];
      if (machines.stepName(active.machine) !== 'ACTIVE.together') continue;
      if (machines.stepName(passive.machine) !== 'PASSIVE.following') continue;
      const { sender } = active.replication;
      if (!sameSession(sender?.session ?? null, passive.replication.joiner?.session ?? null)) continue;
      const reading = readBoth(world.share);
      const inSync = reading.kind === 'record' ? reading.record.inSync : {};
      if (inSync[me] !== active.store.storeId || inSync[otherServer(me)] !== passive.store.storeId)
        return `the ${me} is ACTIVE with its PASSIVE, and the record names ${Object.keys(inSync).join(' and ')} only`;
    }
    return null;
  },
};
