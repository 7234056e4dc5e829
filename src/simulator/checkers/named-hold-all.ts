/**
 * Whatever is acknowledged, every store that the record on the share names holds durably: each of them may be the next to serve, alone. Asked at each
 * commit, so it sees an acknowledgement that was too early though no fault makes it matter. Source: PROTOCOL.md, in one breath; §2 Ack.
 */
import { stampText } from '../../core/pair/index.ts';
import { SERVERS } from '../sim-pair.ts';
import type { Checker, Sight } from './checker.ts';

export function namedHoldAll({ pair }: Sight): Checker {
  return {
    promise: 'every store that the record names holds everything acknowledged',
    committed: (server, stamp) => {
      const reading = pair.share.reading();
      if (reading.kind !== 'record') return null;
      for (const name of SERVERS) {
        const { disk } = pair.machines[name];
        if (disk.current === null || reading.record.inSync[name] !== disk.current) continue;
        const { identity, journal } = disk.contentOf(disk.current);
        if (identity.isComplete && journal.syncedSeq < stamp.seq)
          return `the ${server.me} has committed ${stampText(stamp)}, and the ${name}, which the record names, holds ${journal.syncedSeq} only`;
      }
      return null;
    },
  };
}
