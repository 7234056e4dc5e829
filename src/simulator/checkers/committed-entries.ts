/**
 * One entry for one place, for good: what is committed at a place of the journal is never another entry there, and whoever begins to serve holds
 * everything that was ever committed. The running checksum at a place stands for all entries up to it. Rules Ack, Claim.
 */
import { present } from '../../base/index.ts';
import { stampText, type Seq } from '../../core/pair/index.ts';
import type { SimDisk } from '../disk/sim-disk.ts';
import type { SimServer } from '../pair/sim-server.ts';
import type { Checker, Fault, Sight } from './checker.ts';

/** What is known of one place. */
type Place = Readonly<{ epoch: number; chain: number }>;

export function committedEntries({ pair }: Sight): Checker {
  const places = new Map<number, Place>();
  let newest = 0;
  /** The claim of each server that has been looked at. */
  const serving = new Map<string, string>();

  const placeOf = (disk: SimDisk, at: Seq | number): Place | null => {
    const { journal } = disk.contentOf(present(disk.current, 'the present store'));
    if (at === journal.start.last.seq) return { epoch: journal.start.last.epoch, chain: journal.start.chain };
    const entry = journal.entries[at - journal.start.last.seq - 1];
    return entry === undefined ? null : { epoch: entry.epoch, chain: entry.chain };
  };
  const differs = (a: Place | null, b: Place): boolean => a?.epoch !== b.epoch || a.chain !== b.chain;

  /** A claim's first commit is of all that its server found; what it has not found then is gone. */
  const lacks = ({ me, pair: { memory } }: SimServer): Fault => {
    if (memory.claim === null || serving.get(me) === memory.claim.claimId) return null;
    serving.set(me, memory.claim.claimId);
    const known = places.get(newest);
    if (known === undefined) return null;
    const { disk } = pair.machines[me];
    const { start } = disk.contentOf(present(disk.current, 'the present store')).journal;
    if (start.last.seq > newest || !differs(placeOf(disk, newest), known)) return null;
    return `the ${me} serves epoch ${memory.claim.epoch} without entry ${newest}, which was committed in epoch ${known.epoch}`;
  };

  return {
    promise: 'one entry for one place, and whoever serves holds all that were committed',
    committed: (server: SimServer, stamp): Fault => {
      const lack = lacks(server);
      if (lack !== null) return lack;
      const { disk } = pair.machines[server.me];
      const now = present(placeOf(disk, stamp.seq), `the entry ${stampText(stamp)} just committed`);
      const before = places.get(stamp.seq);
      if (before !== undefined && differs(now, before))
        return `two entries were committed at ${stamp.seq}: of epoch ${before.epoch}, and of epoch ${now.epoch}`;
      places.set(stamp.seq, now);
      newest = Math.max(newest, stamp.seq);
      return null;
    },
  };
}
