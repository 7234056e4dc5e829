/**
 * What it takes to make a file durable beyond its own sync: its name lives in the directory, which has a sync of its own.
 * Source: PROTOCOL.md §2 Claim ("fdatasync journal and directory").
 */
import { constants, writevSync } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

const { O_RDWR, O_CREAT, O_TRUNC, O_DSYNC } = constants;

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
  const handle = await createDurable(fresh);
  try {
    await writeAll(handle, [Buffer.from(text)], 0);
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
export const openDurable = (path: string): Promise<FileHandle> => open(path, O_RDWR | O_DSYNC);

/** The same of a new file, or of one that is emptied. */
export const createDurable = (path: string): Promise<FileHandle> =>
  open(path, O_RDWR | O_CREAT | O_TRUNC | O_DSYNC, 0o600);

/** Writes all of `parts`, one behind the other, at `at`; the system may take them in several bites. */
export async function writeAll(handle: FileHandle, parts: readonly Uint8Array[], at: number): Promise<void> {
  for (let left = parts, to = at; left.length > 0;) {
    const { bytesWritten } = await handle.writev(left, to);
    left = behind(left, bytesWritten);
    to += bytesWritten;
  }
}

/** The same, holding up this thread until the disk has it. */
export function writeAllBlocking({ fd }: FileHandle, parts: readonly Uint8Array[], at: number): void {
  for (let left = parts, to = at; left.length > 0;) {
    const bytesWritten = writevSync(fd, left, to);
    left = behind(left, bytesWritten);
    to += bytesWritten;
  }
}

/** What is left of `parts` behind their first `size` bytes. */
function behind(parts: readonly Uint8Array[], size: number): readonly Uint8Array[] {
  let rest = size;
  let whole = 0;
  for (const { length } of parts) {
    if (length > rest) break;
    rest -= length;
    whole += 1;
  }
  const [first, ...others] = parts.slice(whole);
  return first === undefined ? [] : [first.subarray(rest), ...others];
}

/** Reads up to `size` bytes from `at` on; fewer where the file ends. */
export const readAll = (handle: FileHandle, at: number, size: number): Promise<Buffer> =>
  readInto(handle, at, Buffer.allocUnsafeSlow(size));

/** Reads as many as `bytes` has room for, into it; what it gives is the part that was filled. */
export async function readInto(handle: FileHandle, at: number, bytes: Buffer): Promise<Buffer> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
