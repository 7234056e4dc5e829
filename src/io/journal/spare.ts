/**
 * The segments to come: files whose place on the disk is written, so that an append overwrites instead of growing a file (half the time on a
 * quick disk). They come from segments that are over; where there is none, one is filled with zeros in the background, and where that isn't ready
 * in time, the journal does without.
 * Source: PROTOCOL.md §5; the journal's options.
 */
import { rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createDurable, writeAll } from './durable.ts';

/** What is zeroed at once, durably: small enough not to hold up an append's own sync for long. */
const SLICE_BYTES = 512 * 1024;
/** Then the disk is left to appends for so many times as long as that took; and no longer than so. */
const REST_PART = 2;
const REST_MS_MAX = 50;
const SLICE = Buffer.alloc(SLICE_BYTES);
export const SPARE_NAME = 'spare.new';

/** Kept at most: a checkpoint may end two segments at once. */
const READY_MAX = 2;

/** Of about full size, and none of its blocks is new to the file system; what stands in it means nothing. `handle`: as of `openDurable`. */
export type PreparedFile = Readonly<{ path: string; handle: FileHandle }>;

export class Spare {
  readonly #path: string;
  readonly #size: number;
  #ready: PreparedFile[] = [];
  #preparing: Promise<void> | null = null;
  #isClosed = false;

  constructor(directory: string, size: number) {
    this.#path = join(directory, SPARE_NAME);
    this.#size = size;
  }

  /**
   * Begins to prepare a file, unless there is one or one is under way. Never fails: without it, segments grow as they are written.
   * `need`: which part of it should be ready by now, so that all is in time.
   */
  prepare(need: () => number): void {
    if (this.#ready.length > 0 || this.#preparing !== null || this.#isClosed) return;
    this.#preparing = this.#prepare(need).finally(() => {
      this.#preparing = null;
    });
  }

  get hasRoom(): boolean {
    return this.#ready.length < READY_MAX && !this.#isClosed;
  }

  /** A file that nobody else needs. */
  add(file: PreparedFile): void {
    this.#ready.push(file);
  }

  /** A prepared file, which is the caller's from now on; null when there is none yet. */
  take(): PreparedFile | null {
    return this.#ready.shift() ?? null;
  }

  /** Fulfils when what is under way is done. */
  async settled(): Promise<void> {
    await this.#preparing;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#preparing;
    for (const { path, handle } of this.#ready.splice(0)) {
      await handle.close();
      await rm(path, { force: true });
    }
  }

  async #prepare(need: () => number): Promise<void> {
    let handle: FileHandle | null = null;
    try {
      handle = await createDurable(this.#path);
      let at = 0;
      // One that was added meanwhile will do.
      for (; at < this.#size && !this.#isClosed && this.#ready.length === 0; at += SLICE_BYTES) {
        const began = performance.now();
        await writeAll(handle, [SLICE.subarray(0, Math.min(SLICE_BYTES, this.#size - at))], at);
        if ((at + SLICE_BYTES) / this.#size < need()) continue;
        await pause(Math.min(REST_MS_MAX, REST_PART * (performance.now() - began)));
      }
      if (at >= this.#size) return this.add({ path: this.#path, handle });
      await handle.close();
      await rm(this.#path, { force: true });
    } catch {
      // A full disk shows where it matters, at the next append; here it only means that there is no spare.
      await handle?.close().catch(() => undefined);
      await rm(this.#path, { force: true }).catch(() => undefined);
    }
  }
}
