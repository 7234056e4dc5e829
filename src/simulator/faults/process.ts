/** What befalls a server's process. Its machine's kernel goes on: connections are ended, the lock is let go, what was written stays. */
import type { Strike } from './fault.ts';

export const crash: Strike = ({ machine, later }) => {
  machine.crash();
  later(() => machine.start());
};

/** The broker stands still; its keeper lets the lock go when it has missed its beats. Source: PROTOCOL.md §2 Keeper. */
export const freezeProcess: Strike = ({ machine, later }) => {
  machine.freeze('process');
  later(() => machine.thaw());
};
