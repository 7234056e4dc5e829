/**
 * Every store that the record names and that is complete holds, durably, everything that was ever committed: each of them may be the one that
 * serves next, and all it has then is what its disk has. Asked of the share and of both disks, never of what a server believes. Rules Ack, Shrink, Grow.
 */
import { present } from '../../base/index.ts';
import { seq, stampText, type Stamp, type StoreId } from '../../core/pair/index.ts';
import type { SimDisk } from '../disk/sim-disk.ts';
import { SERVERS } from '../pair/sim-pair.ts';
import type { Checker, Fault, Sight } from './checker.ts';

/** The newest committed entry; its running checksum stands for all before it. */
type Newest = Readonly<{ stamp: Stamp; chain: number }>;

export function namedHoldAll({ pair }: Sight): Checker {
  let newest: Newest | null = null;

  const chainAt = (disk: SimDisk, store: StoreId, at: number): number | null => {
    const { journal } = disk.contentOf(store);
    if (at === journal.start.last.seq) return journal.start.chain;
    return at > journal.syncedSeq ? null : (journal.entryAt(seq(at))?.chain ?? null);
  };
  /** A store that begins behind the entry was installed or trimmed there, and has it in its state. */
  const holds = (disk: SimDisk, store: StoreId, { stamp, chain }: Newest): boolean =>
    disk.contentOf(store).journal.start.last.seq > stamp.seq || chainAt(disk, store, stamp.seq) === chain;

  const look = (): Fault => {
    const known = newest;
    if (known === null) return null;
    // Most often both hold it, and then there is no need to read the share.
    const lacking = SERVERS.filter((name) => {
      const { disk } = pair.machines[name];
      return disk.current === null || !holds(disk, disk.current, known);
    });
    if (lacking.length === 0) return null;
    const reading = pair.share.reading();
    if (reading.kind !== 'record') return null;
    for (const name of lacking) {
      const { disk } = pair.machines[name];
      const store = reading.record.inSync[name];
      // A store that was lost, or that has lost a part of itself and knows it, is named for a while; nobody serves from it any more.
      if (store === undefined || disk.stores.get(store)?.identity.isComplete !== true) continue;
      if (holds(disk, store, known)) continue;
      return `the record names the ${name}'s store, which has nothing durable of entry ${stampText(known.stamp)}, committed`;
    }
    return null;
  };

  return {
    promise: 'every store that the record names holds all that were committed',
    committed: (server, stamp) => {
      const { disk } = pair.machines[server.me];
      const store = present(disk.current, 'the present store');
      const { journal } = disk.contentOf(store);
      const entry = journal.entryAt(stamp.seq);
      if (
        entry !== null &&
        (newest === null || stamp.seq > newest.stamp.seq || stamp.epoch > newest.stamp.epoch)
      )
        newest = { stamp, chain: entry.chain };
      return look();
    },
    stepped: look,
  };
}
