/** How the journal uses its disk. Profile section `journal`. Source: PROTOCOL.md §5. */
import { size, type Options } from '../../base/index.ts';

const MiB = 1024 * 1024;

export const journalOptions = {
  segmentSize: size(
    64 * MiB,
    'The size of one file of the journal. The next one is prepared in the background while one fills. Only whole files are ever let go, and two of them at most stay, to be written again.',
    { min: MiB, max: 1024 * MiB },
  ),
  retain: size(
    256 * MiB,
    'How much of the journal is kept beyond what the state holds already, so that a server that was away gets what it missed instead of a full synchronisation.',
    { min: 0, max: 1024 * 1024 * MiB },
  ),
} as const;

export type JournalOptions = Options<typeof journalOptions>;
