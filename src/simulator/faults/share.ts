/** What befalls the share and its file server. Source: PROTOCOL.md §2 Write, Keeper; REASONS.md A4, A5. */
import { SERVERS } from '../pair/sim-pair.ts';
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

/** Found at the next write through the locked descriptor, as NFS tells it: at the keeper's next probe. */
export const leaseLostAtWrite: Strike = ({ pair, server }) => pair.share.voidLock(server);

/** What is asked is done, and the answers are lost. */
export const shareAnswersLost: Strike = ({ pair, random, server, later }) => {
  const deaf = random.chance(0.5) ? [server] : SERVERS;
  pair.share.deafen(deaf);
  later(() => pair.share.heal(deaf));
};

export const slowShare: Strike = ({ pair, random, server, later }) => {
  pair.share.slow(server, 10 ** (1 + random.unit() * 2));
  later(() => pair.share.slow(server, 1));
};

/** The machine that hosts the lock file restarts: the gateway is silent, the share hangs, and then locks can be reclaimed but not taken. */
export const fileServerRestart: Strike = ({ pair, random, later }) => {
  pair.share.hang();
  for (const name of SERVERS) pair.machines[name].gateway.isSilent = true;
  later(() => {
    pair.share.beginGrace(random.unit() * GRACE_MS_MAX, random.chance(0.7));
    pair.share.heal();
    for (const name of SERVERS) pair.machines[name].gateway.isSilent = false;
  });
};
/** A short lease, as an administrator sets it for a pair; the default of 90 s only makes the outage longer. */
const GRACE_MS_MAX = 15_000;

/** A server's reads outside a hold show what stood there before. */
export const cachesLie: Strike = ({ pair, server, later }) => {
  pair.share.freezeCache(server);
  later(() => pair.share.thawCache(server));
};

/** Locks exclude nobody: both servers can hold one at a time. Source: REASONS.md A5; PROTOCOL.md §2 Write, its last sentences. */
export const locksLie: Strike = ({ pair, later }) => {
  pair.share.lieAboutLocks();
  later(() => pair.share.tellTruthAboutLocks());
};

/** One copy of a block rots, where the other is good. Both of them would be for an operator to decide. Source: PROTOCOL.md §1 (on the share). */
export const blockCopyRots: Strike = ({ pair, random, server }) => {
  if (pair.share.isSound(server)) pair.share.spoil(server, [random.chance(0.5) ? 1 : 2]);
};
