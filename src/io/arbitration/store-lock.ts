/**
 * The local lock by which there is at most one keeper for a store: it is held until the process is gone from the kernel, also where
 * that waits for a share that hangs. Source: PROTOCOL.md §2 Keeper; REASONS.md A13, B11.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { arbitrationFaults, errnoOf, ShareFailure } from './faults.ts';
import { tryFlock } from './flock.ts';

const POLL_MS = 5;

export class StoreLock {
  readonly #directory: string;
  #held: FileHandle | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Takes the lock, or has it already. Tries for `patienceMs`; then rejects with a sentence that names the process that has it. */
  async take(patienceMs: number): Promise<void> {
    if (this.#held !== null) return;
    const file = await this.#open();
    const until = performance.now() + patienceMs;
    while (!(await tryFlock(file.fd))) {
      if (performance.now() >= until) {
        const holder = await file.readFile('utf8');
        await file.close();
        const pid = holder.trim() === '' ? 'unknown' : holder.trim();
        throw new ShareFailure(
          'LS_LOCK_STORE_HELD',
          arbitrationFaults.LS_LOCK_STORE_HELD(this.#directory, pid),
        );
      }
      await pause(POLL_MS);
    }
    // Kept for as long as this process lives; the number is for people.
    this.#held = file;
    await file.truncate(0);
    await file.write(`${process.pid.toString()}\n`, 0);
  }

  /** For one whose process lives on; otherwise the process' end gives it back. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    await held?.close();
  }

  async #open(): Promise<FileHandle> {
    const path = join(this.#directory, 'keeper.lock');
    try {
      return await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    } catch (error) {
      const why = errnoOf(error) ?? String(error);
      throw new ShareFailure('LS_LOCK_STORE', arbitrationFaults.LS_LOCK_STORE(path, why));
    }
  }
}
