/**
 * The three files on the share: `lock.lck` and the two blocks beside it. Reads are fresh: each opens a descriptor of its own, so
 * that nothing comes from the page cache of an earlier opening. Blocks are never locked, because locks on SMB are mandatory and the
 * peer must read them. Only the keeper's process uses this. Clients wait for every touch of a claim, so each is as few calls as it can be.
 * Source: PROTOCOL.md §1 (on the share), §2 Write, Keeper; REASONS.md A13, W5.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BLOCK_BYTES,
  type BlockContent,
  type BlockReading,
  COPY_BYTES,
  decodeBlock,
  decodeMark,
  emptyContent,
  encodeCopy,
  encodeMark,
  type Mark,
  MARK_BYTES,
  type ServerName,
} from '../../core/pair/index.ts';
import { arbitrationFaults, errnoOf, ShareFailure } from './faults.ts';

export type Blocks = Readonly<Record<ServerName, BlockReading>>;

/** Both servers' users write here, often by way of a common group. */
const FILE_MODE = 0o660;
/** A block read in the midst of its writer's two copies looks damaged; a writer is through long before these are. */
const DAMAGE_LOOKS = 4;
const DAMAGE_PAUSE_MS = 5;

export class ShareFiles {
  readonly #server: ServerName;
  readonly #lockFile: string;
  /** The inode of the block file that this process began with. */
  #ownInode: bigint | null = null;

  constructor(server: ServerName, lockFile: string) {
    this.#server = server;
    this.#lockFile = lockFile;
  }

  /** Both blocks, afresh. */
  async blocks(): Promise<Blocks> {
    const [primary, secondary] = await Promise.all([this.block('primary'), this.block('secondary')]);
    return { primary, secondary };
  }

  /** One block, afresh. Rejects where the directory is gone: that is not the same as no block. */
  async block(server: ServerName): Promise<BlockReading> {
    for (let look = 1; ; look += 1) {
      const bytes = await readFresh(this.#blockPath(server), BLOCK_BYTES);
      if (bytes === null) await this.#directoryStands();
      const reading = decodeBlock(bytes);
      if (reading.kind !== 'damaged' || look === DAMAGE_LOOKS) return reading;
      await pause(DAMAGE_PAUSE_MS);
    }
  }

  /** The mark, through a descriptor of its own; null also where the holder's lock forbids reading it. */
  async mark(): Promise<Mark | null> {
    try {
      const bytes = await readFresh(this.#lockFile, MARK_BYTES);
      return bytes === null ? null : decodeMark(bytes);
    } catch (error) {
      if (errnoOf(error) === 'EACCES') return null;
      throw error;
    }
  }

  /** Opens the lock file, making it where there is none; both servers may do so at once. Takes no lock. */
  async openLock(): Promise<LockFile> {
    try {
      const file = await open(this.#lockFile, constants.O_RDWR | constants.O_CREAT, FILE_MODE);
      return new LockFile(this.#lockFile, file);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') await this.#directoryStands();
      throw error;
    }
  }

  /**
   * Gives this process a block file of its own: a complete copy of the present content, renamed over the old file, so that a write
   * still queued somewhere for the old one hits a file that nobody reads. Does nothing where that has been done and still stands. A
   * damaged block stays damaged. Durable on return.
   */
  async renewOwnBlock(): Promise<void> {
    const path = this.#blockPath(this.#server);
    if (this.#ownInode !== null && this.#ownInode === (await inodeAt(path))) return;
    await this.#directoryStands();
    await this.#removeLeftovers();
    // Closed before the rename: some shares refuse it over a file that is open.
    const bytes = await readFile(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    });
    const reading = decodeBlock(bytes);
    if (reading.kind === 'damaged' && bytes !== null) return this.#install(bytes);
    const copy = encodeCopy(
      reading.kind === 'good' ? { announced: reading.announced, record: reading.record } : emptyContent,
    );
    return this.#install(Buffer.concat([copy, copy]));
  }

  /** A descriptor for writing copies into one's own block. */
  async openOwnBlock(): Promise<OwnBlock> {
    return new OwnBlock(await open(this.#blockPath(this.#server), constants.O_RDWR | constants.O_SYNC));
  }

  /** Renames block files away for an operator to look at; one's own is begun anew, empty. Durable on return. */
  async moveAside(blocks: readonly ServerName[]): Promise<void> {
    for (const server of blocks) {
      const path = this.#blockPath(server);
      await rename(path, `${path}.damaged-${Date.now().toString()}`);
    }
    await syncDirectory(dirname(this.#lockFile));
    if (blocks.includes(this.#server)) await this.renewOwnBlock();
  }

  #blockPath(server: ServerName): string {
    return `${this.#lockFile}.${server}`;
  }

  async #directoryStands(): Promise<void> {
    const directory = dirname(this.#lockFile);
    try {
      await stat(directory);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw new ShareFailure('LS_LOCK_DIRECTORY', arbitrationFaults.LS_LOCK_DIRECTORY(directory));
    }
  }

  async #install(bytes: Uint8Array): Promise<void> {
    const path = this.#blockPath(this.#server);
    // A name never used before: a write for a former new file must not find this one either.
    const fresh = `${path}.${randomBytes(8).toString('hex')}.new`;
    const file = await open(fresh, 'wx', FILE_MODE);
    try {
      await writeAll(file, bytes, 0);
      await file.sync();
      this.#ownInode = (await file.stat({ bigint: true })).ino;
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    await syncDirectory(dirname(path));
  }

  async #removeLeftovers(): Promise<void> {
    const directory = dirname(this.#lockFile);
    const mine = `${basename(this.#blockPath(this.#server))}.`;
    for (const name of await readdir(directory))
      if (name.startsWith(mine) && name.endsWith('.new')) await rm(join(directory, name), { force: true });
  }
}

/** One's own block, opened for one run of rule Write; closed after it and after any error. */
export class OwnBlock {
  readonly #file: FileHandle;

  /** `file`: opened with O_SYNC. */
  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Durable on return. */
  put(copy: 1 | 2, content: BlockContent): Promise<void> {
    return writeAll(this.#file, encodeCopy(content), (copy - 1) * COPY_BYTES);
  }

  /** Nobody waits for it: what was put is durable. */
  close(): void {
    closeSoon(this.#file);
  }
}

/** The open lock file. The lock is on this very opening: it ends when this is closed. */
export class LockFile {
  readonly #path: string;
  readonly #file: FileHandle;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  get fd(): number {
    return this.#file.fd;
  }

  /** Whether the path still leads to this file. A lock on a file that others can't find excludes nobody. */
  async isInPlace(): Promise<boolean> {
    try {
      const [mine, there] = await Promise.all([
        this.#file.stat({ bigint: true }),
        stat(this.#path, { bigint: true }),
      ]);
      return mine.ino === there.ino && mine.dev === there.dev;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESTALE') return false;
      throw error;
    }
  }

  /** Writes the mark through the locked descriptor; durable on return. Where the server fences, a lost lock shows here. */
  async writeMark(mark: Mark): Promise<void> {
    await writeAll(this.#file, encodeMark(mark), 0);
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Up to `bytesMax` bytes of a file by a new descriptor; null where there is no file. */
async function readFresh(path: string, bytesMax: number): Promise<Buffer | null> {
  for (let look = 1; ; look += 1) {
    try {
      return await readOnce(path, bytesMax);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      // The peer's new keeper has renamed a new file over this one meanwhile.
      if (errnoOf(error) !== 'ESTALE' || look === 2) throw error;
    }
  }
}

async function readOnce(path: string, bytesMax: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(bytesMax);
    let size = 0;
    while (size < bytesMax) {
      const { bytesRead } = await file.read(buffer, size, bytesMax - size, size);
      if (bytesRead === 0) break;
      size += bytesRead;
    }
    return buffer.subarray(0, size);
  } finally {
    closeSoon(file);
  }
}

/** For what was only read, or is durable already: its end is nobody's business, and on a network share it takes a round trip. */
function closeSoon(file: FileHandle): void {
  file.close().catch(() => undefined);
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

async function inodeAt(path: string): Promise<bigint | null> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Some network file systems have no fsync of directories, and make a rename durable by themselves. */
const NO_DIRECTORY_SYNC: readonly (string | null)[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'];

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!NO_DIRECTORY_SYNC.includes(errnoOf(error))) throw error;
  } finally {
    await handle.close();
  }
}
