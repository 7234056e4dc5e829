/** The journal alone, against what its disk does for a small program in C. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { journalOptions } from '../../../src/io/journal/index.ts';
import type { Bench } from '../bench.ts';
import { answerOf } from '../limits/worker.ts';
import type { JournalTask, WritingSpeed } from '../limits/journal-process.ts';
import { native } from '../native.ts';
import type { Sample } from '../report.ts';
import type { Session } from '../session.ts';

const MIB = 1024 * 1024;
/** What an append has, and how many of them: some seconds each. */
const SIZES = [
  { bytes: 4 * 1024, count: 5_000 },
  { bytes: 64 * 1024, count: 2_000 },
  { bytes: MIB, count: 500 },
] as const;

export const journal: Bench = {
  name: 'journal',
  question: 'How near is the journal to what its disk can do?',
  setup:
    'Appends of one size, one after the other, each with its fdatasync, in files of 64 MiB: by the journal, in a process of its own, once as an active does (another thread writes) and once as a passive does (the calling thread writes what is short), its old files let go of meanwhile as after checkpoints; and by a program in C that writes as many bytes in the same steps to the same file system, once into files that were filled with zeros before the clock started and once into files that grow.',
  unit: 'appends a second, MB/s, ms; CPU seconds per 100,000 appends',
  columns: { appends: '1/s', speed: 'MB/s', p50: 'ms', p99: 'ms' },
  needsBuild: false,
  takesOthers: false,
  runs: 5,
  async run(session) {
    for (const size of SIZES) {
      const { bytes } = size;
      const count = session.either(size.count, 50);
      const title = bytes < MIB ? `${bytes / 1024} KiB` : `${bytes / MIB} MiB`;
      await session.alternate([
        ...[false, true].map((mayBlock) => ({
          name: `journal of ${mayBlock ? 'a passive' : 'an active'}: ${title}`,
          measure: () =>
            inDirectory(session, bytes, count, (directory) => {
              const task: JournalTask = { directory, bytes, count, mayBlock };
              return answerOf<WritingSpeed>(session, './journal-process.ts', task);
            }),
        })),
        ...(['overwrite', 'grow'] as const).map((way) => ({
          name: `C ${way === 'grow' ? 'growing' : 'prepared'} files: ${title}`,
          measure: () =>
            inDirectory(session, bytes, count, async (directory) => {
              const segment = journalOptions.segmentSize.default;
              const words = [directory, bytes, count, segment, way].map(String);
              const { stdout } = await promisify(execFile)(native('disk'), words);
              return JSON.parse(stdout) as WritingSpeed; // as disk.c prints it
            }),
        })),
      ]);
    }
  },
};

async function inDirectory(
  session: Session,
  bytes: number,
  count: number,
  write: (directory: string) => Promise<WritingSpeed>,
): Promise<Sample> {
  const directory = join(session.directory, 'disk');
  mkdirSync(directory);
  const { seconds, p50Ms, p99Ms, cpuSeconds, peakMiB } = await write(directory).finally(() =>
    rmSync(directory, { recursive: true }),
  );
  return {
    figures: {
      appends: count / seconds,
      speed: (count * bytes) / seconds / 1e6,
      p50: p50Ms,
      p99: p99Ms,
    },
    processes: { writer: { cpuSeconds, peakMiB } },
    messages: count,
  };
}
