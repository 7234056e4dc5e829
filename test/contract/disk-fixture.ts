/** Disks for contract tests: directories of their own that are gone afterwards, and a simulated disk on the machine's time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Log, LogLine } from '../../src/base/index.ts';
import { SystemClock } from '../../src/io/system/index.ts';
import { SimDisk } from '../../src/simulator/disk/sim-disk.ts';
import { SimRandom } from '../../src/simulator/time/sim-random.ts';
import type { JournalSizes } from './journal-contract.ts';

export async function freshDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-disk-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export const smallJournal: JournalSizes = { segmentSize: 64 * 1024, retain: 0 };

export const simDisk = (journal: JournalSizes = smallJournal, latencyMs = 0): SimDisk =>
  new SimDisk({ clock: new SystemClock(), random: new SimRandom(7), latencyMs, journal });

export class LogList implements Log {
  readonly lines: LogLine[] = [];

  say(line: LogLine): void {
    this.lines.push(line);
  }
}
