/**
 * The kernel's advisory lock on an open file. Tries and never waits: a blocking flock takes a thread away for good.
 * A lock dies with the last descriptor of its opening, so with its process, whatever ends that.
 */
import { flock, flockSync } from 'fs-ext';
import { errnoOf } from './faults.ts';

/** What a file system answers when somebody else holds the lock; SMB mounts say EACCES. */
const BUSY: readonly (string | null)[] = ['EAGAIN', 'EWOULDBLOCK', 'EACCES'];

/** True: the lock is held by this descriptor. False: somebody else has it. Rejects with the system's error otherwise. */
export function tryFlock(fd: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    flock(fd, 'exnb', (error) => {
      if (error === null) resolve(true);
      else if (BUSY.includes(errnoOf(error))) resolve(false);
      else reject(error);
    });
  });
}

/** Gives the lock back without waiting for a turn of the event loop. For a process that ends. */
export function unlockNow(fd: number): void {
  flockSync(fd, 'un');
}
