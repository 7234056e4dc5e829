/** What befalls the share and its file server. Source: PROTOCOL.md §2 Write, Keeper; REASONS.md A4, A5. */
import { SERVERS } from '../sim-pair.ts';
import type { Strike } from './fault.ts';

export const shareHung: Strike = ({ pair, random, server, later }) => {
  const hung = random.chance(0.5) ? [server] : SERVERS;
  pair.share.hang(hung);
  later(() => pair.share.heal(hung));
};

export const leaseLost: Strike = ({ pair, server }) => pair.share.revoke(server);

/** Somebody else may have the lock long before its former holder learns that it has lost it. */
export const leaseLostUnseen: Strike = ({ pair, server, later }) => {
  pair.share.expire(server);
  later(() => pair.share.revoke(server));
};

/** The next record write is unresolved: nothing of it landed, or all of it. */
export const recordWriteFails: Strike = ({ pair, random, server }) =>
  pair.share.failNextWrite(server, random.chance(0.5) ? 'before' : 'after');
