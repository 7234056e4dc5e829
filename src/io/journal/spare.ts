/**
 * The segment to come: a file of zeros, written in the background, so that an append overwrites instead of growing a file (half the time
 * on a quick disk) and never waits for 64 MiB of zeros. Where it isn't ready in time, the journal does without.
 * Source: PROTOCOL.md §5; the journal's options.
 */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeAll } from './durable.ts';

/** What is zeroed and synced at once: small enough not to hold up an append's own sync for long. */
const SLICE_BYTES = 512 * 1024;
/** Then the disk is left to appends for so many times as long as that took; and no longer than so. */
const REST_PART = 2;
const REST_MS_MAX = 50;
const SLICE = Buffer.alloc(SLICE_BYTES);
export const SPARE_NAME = 'spare.new';

export type PreparedFile = Readonly<{ path: string; handle: FileHandle }>;

export class Spare {
  readonly #path: string;
  readonly #size: number;
  #ready: PreparedFile | null = null;
  #preparing: Promise<void> | null = null;
  #isClosed = false;

  constructor(directory: string, size: number) {
    this.#path = join(directory, SPARE_NAME);
    this.#size = size;
  }

  /** Begins to prepare a file, unless there is one or one is under way. Never fails: without it, segments grow as they are written. */
  prepare(): void {
    if (this.#ready !== null || this.#preparing !== null || this.#isClosed) return;
    this.#preparing = this.#prepare().finally(() => {
      this.#preparing = null;
    });
  }

  /** The prepared file, which is the caller's from now on; null when there is none yet. */
  take(): PreparedFile | null {
    const taken = this.#ready;
    this.#ready = null;
    return taken;
  }

  /** Fulfils when what is under way is done. */
  async settled(): Promise<void> {
    await this.#preparing;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#preparing;
    const file = this.take();
    if (file === null) return;
    await file.handle.close();
    await rm(this.#path, { force: true });
  }

  async #prepare(): Promise<void> {
    let handle: FileHandle | null = null;
    try {
      handle = await open(this.#path, 'w+', 0o600);
      for (let at = 0; at < this.#size && !this.#isClosed; at += SLICE_BYTES) {
        const began = performance.now();
        await writeAll(handle, SLICE.subarray(0, Math.min(SLICE_BYTES, this.#size - at)), at);
        await handle.datasync();
        await pause(Math.min(REST_MS_MAX, REST_PART * (performance.now() - began)));
      }
      this.#ready = { path: this.#path, handle };
    } catch {
      // A full disk shows where it matters, at the next append; here it only means that there is no spare.
      await handle?.close().catch(() => undefined);
      await rm(this.#path, { force: true }).catch(() => undefined);
    }
  }
}
