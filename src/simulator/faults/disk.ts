/** What befalls one server's disk. Source: PROTOCOL.md §2 Ack; REASONS.md A6, B4. */
import type { Strike } from './fault.ts';
import { isSpare } from './machine.ts';

export const slowDisk: Strike = ({ machine, random, later }) => {
  machine.disk.slow(10 ** (1 + random.unit() * 2));
  later(() => machine.disk.slow(1));
};

export const diskHangs: Strike = ({ machine, later }) => {
  machine.disk.holdSyncs();
  later(() => machine.releaseSyncs());
};

export const syncFails: Strike = ({ machine }) => machine.disk.failNextSync();

/** The next append is refused; a part of it may have been written. */
export const writeFails: Strike = ({ machine }) => machine.disk.failNextWrite();

export const diskFull: Strike = ({ machine, later }) => {
  machine.disk.fill();
  later(() => machine.disk.makeRoom());
};

/**
 * A bit flips in an old segment of a server whose peer holds the whole; it restarts, reads it, and must not pass for whole. Elsewhere nobody
 * could help but an operator. Source: PROTOCOL.md §6.
 */
export const bitFlips: Strike = ({ pair, machine, server, later }) => {
  if (!isSpare(pair, server) || !machine.disk.rot()) return;
  machine.crash();
  later(() => machine.start());
};
