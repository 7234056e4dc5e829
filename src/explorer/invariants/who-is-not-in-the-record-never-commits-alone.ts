/** Only a store that the record names serves and acknowledges without anybody's consent. Source: PROTOCOL.md, in one breath; §2 Claim. */
import { readBoth } from '../world/share.ts';
import { commitsAlone } from './commits-alone.ts';
import type { Invariant } from './invariant.ts';

export const whoIsNotInTheRecordNeverCommitsAlone: Invariant = {
  sentence: 'a server that is not in the record never serves and commits alone',
  broken: ({ me, own, share }) => {
    if (!commitsAlone(own)) return null;
    const reading = readBoth(share);
    const named = reading.kind === 'record' ? reading.record.inSync[me] : undefined;
    return named === own.store.storeId
      ? null
      : `the ${me} commits alone, and the record does not name its store`;
  },
};
