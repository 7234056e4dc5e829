/**
 * One server process for a store: a kernel lock on `server.lock`, which is free again when the process is gone, however it went. The pid
 * in it is for people. Source: PROTOCOL.md §6.
 */
import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { flockSync } from 'fs-ext';
import { whyOf } from '../journal/index.ts';
import { StoreFault, storeFaults } from './faults.ts';

const BUSY = ['EAGAIN', 'EWOULDBLOCK', 'EACCES'];

export class ServerLock {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Doesn't wait. Rejects with `LS_STORE_BUSY` when another process, or another opening in this one, has it. */
  static async take(root: string): Promise<ServerLock> {
    const path = join(root, 'server.lock');
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      flockSync(handle.fd, 'exnb');
      const [held, named] = [await handle.stat(), await stat(path)];
      if (held.ino !== named.ino || held.dev !== named.dev)
        throw new StoreFault('LS_STORE_UNUSABLE', storeFaults.LS_STORE_UNUSABLE(path, 'it was replaced'));
      await handle.truncate(0);
      await handle.write(`${process.pid.toString()}\n`, 0);
      return new ServerLock(handle);
    } catch (error) {
      const pid = (await handle.readFile('utf8')).trim();
      await handle.close();
      if (!BUSY.includes(whyOf(error))) throw error;
      throw new StoreFault('LS_STORE_BUSY', storeFaults.LS_STORE_BUSY(root, pid === '' ? 'unknown' : pid));
    }
  }

  async release(): Promise<void> {
    await this.#handle.close();
  }
}
