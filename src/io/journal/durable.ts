/**
 * What it takes to make a file durable beyond its own sync: its name lives in the directory, which has a sync of its own.
 * Source: PROTOCOL.md §2 Claim ("fdatasync journal and directory").
 */
import { constants, writeSync } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Names made, changed and removed in the directory are durable when it fulfils. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    closeSoon(handle);
  }
}

/** For what is durable, or was only read: its end is nobody's business. */
function closeSoon(handle: FileHandle): void {
  handle.close().catch(() => undefined);
}

/** Replaces the file in one step: readers find the former text or this one, whole. Durable when it fulfils. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  const { O_WRONLY, O_CREAT, O_TRUNC, O_DSYNC } = constants;
  const handle = await open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC, 0o600);
  try {
    await writeAll(handle, Buffer.from(text), 0);
  } finally {
    closeSoon(handle);
  }
  await rename(fresh, path);
  await syncDirectory(dirname(path));
}

/**
 * Opens a file that is there so that a write is durable when it fulfils, as if fdatasync had followed it: one trip to a worker thread and back
 * instead of two.
 */
export const openDurable = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDWR | constants.O_DSYNC);

/** Writes all of `bytes` at `at`; the system may take them in several bites. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** The same, holding up this thread until the disk has it. */
export function writeAllBlocking({ fd }: FileHandle, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

/** Reads up to `size` bytes from `at` on; fewer where the file ends. */
export async function readAll(handle: FileHandle, at: number, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let done = 0;
  while (done < size) {
    const { bytesRead } = await handle.read(bytes, done, size - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
