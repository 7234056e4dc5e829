/** Only a store that the record names serves and acknowledges without anybody's consent. Source: PROTOCOL.md, in one breath; §2 Claim. */
import { readBoth } from '../share.ts';
import { SERVERS } from '../world.ts';
import { commitsAlone } from './commits-alone.ts';
import type { Invariant } from './invariant.ts';

export const whoIsNotInTheRecordNeverCommitsAlone: Invariant = {
  sentence: 'a server that is not in the record never serves and commits alone',
  broken: (world) => {
    const reading = readBoth(world.share);
    for (const me of SERVERS) {
      if (!commitsAlone(world[me])) continue;
      const named = reading.kind === 'record' ? reading.record.inSync[me] : undefined;
      if (named !== world[me].store.storeId)
        return `the ${me} commits alone, and the record does not name its store`;
    }
    return null;
  },
};
