/** Two servers may both believe that they serve, but not two that need nobody's consent. Source: PROTOCOL.md §2 Ack; REASONS.md C4. */
import type { Server } from '../world/world.ts';
import { commitsAlone } from './commits-alone.ts';

/** The one that is asked of both servers together. */
export const noTwoServersCanCommit = {
  sentence: 'no two servers can commit without each other',
  broken: (primary: Server, secondary: Server): string | null =>
    commitsAlone(primary) && commitsAlone(secondary)
      ? 'both servers serve, and each requires its own store only'
      : null,
};
