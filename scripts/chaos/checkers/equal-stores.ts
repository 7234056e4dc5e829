/** Both stores are equal in the end: the same entries, by their running checksums, the same epochs, the same state. Source: PROTOCOL.md §1, §2 Tail. */
import type { StoreContents } from '../stores.ts';

export function unequalStores(primary: StoreContents, secondary: StoreContents): string[] {
  const faults: string[] = [];
  if (primary.lastSeq !== secondary.lastSeq)
    faults.push(`the primary ends with entry ${primary.lastSeq}, the secondary with ${secondary.lastSeq}`);
  for (const [seq, { epoch, chain }] of primary.entries) {
    const other = secondary.entries.get(seq);
    if (other === undefined || (other.epoch === epoch && other.chain === chain)) continue;
    faults.push(`entry ${seq} differs: epoch ${epoch} at the primary, ${other.epoch} at the secondary`);
    break;
  }
  const tables = [primary, secondary].map(({ epochs }) => JSON.stringify(epochs));
  if (tables[0] !== tables[1]) faults.push(`the epoch tables differ: ${tables.join(' and ')}`);
  if (primary.digest !== secondary.digest)
    faults.push(`the states differ: ${primary.digest} and ${secondary.digest}`);
  return faults;
}
