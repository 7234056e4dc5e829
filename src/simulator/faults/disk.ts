/** What befalls one server's disk. Source: PROTOCOL.md §2 Ack; REASONS.md A6, B4. */
import type { Strike } from './fault.ts';

export const slowDisk: Strike = ({ machine, random, later }) => {
  machine.disk.slow(10 ** (1 + random.unit() * 2));
  later(() => machine.disk.slow(1));
};

export const diskHangs: Strike = ({ machine, later }) => {
  machine.disk.holdSyncs();
  later(() => machine.releaseSyncs());
};

export const syncFails: Strike = ({ machine }) => machine.disk.failNextSync();
