/** Two servers may both believe that they serve, but not two that need nobody's consent. Source: PROTOCOL.md §2 Ack; REASONS.md C4. */
import { commitsAlone } from './commits-alone.ts';
import type { Invariant } from './invariant.ts';

export const noTwoServersCanCommit: Invariant = {
  sentence: 'no two servers can commit without each other',
  broken: (world) =>
    commitsAlone(world.primary) && commitsAlone(world.secondary)
      ? 'both servers serve, and each requires its own store only'
      : null,
};
