/**
 * What can be wrong with the share, the lock file and its keeper, in sentences for operators. The manual explains each code.
 * Source: PROTOCOL.md §2 Keeper; REASONS.md B11.
 */
export const arbitrationFaults = {
  LS_LOCK_LOST: (path: string, why: string) =>
    `The lock on ${path} is lost: ${why}. It is taken again as soon as the share lets us; look at the share if this repeats.`,
  LS_LOCK_DIRECTORY: (directory: string) =>
    `the directory of the lock file, ${directory}, is not there; mount the share, or correct lock.file`,
  LS_LOCK_SHARE: (path: string, why: string) =>
    `${path} can't be used (${why}); check the mount, its permissions and its free space`,
  LS_LOCK_SHARE_HANGS: (path: string, ms: number) =>
    `the share at ${path} has not answered for ${Math.round(ms)} ms; check the file server and the network to it`,
  LS_LOCK_REPLACED: (path: string) =>
    `${path} was deleted or replaced while it was open; never delete the lock file while a server runs`,
  LS_LOCK_STORE_HELD: (directory: string, pid: string) =>
    `the former lock keeper (process ${pid}) still holds ${directory}/keeper.lock; it waits in the kernel for a share that hangs, and is gone once the share answers`,
  LS_LOCK_STORE: (path: string, why: string) =>
    `${path} can't be used (${why}); the store directory must be on a local disk that this user may write`,
  LS_LOCK_KEEPER_ENDED: (how: string) => `the lock keeper has ended (${how})`,
  LS_LOCK_KEEPER_SILENT: (pid: number, ms: number) =>
    `the lock keeper (process ${pid}) has not answered for ${Math.round(ms)} ms; the share may hang`,
  LS_LOCK_KEEPER_STARTING: (pid: number, ms: number) =>
    `the lock keeper (process ${pid}) is still starting after ${Math.round(ms)} ms; this machine may be overloaded`,
  LS_LOCK_KEEPER_STUCK: (path: string, pid: number) =>
    `The share at ${path} hangs; keeper ${pid} waits in the kernel and can't be ended before the share answers. Check the file server and the network to it.`,
  LS_LOCK_KEEPER_START: (program: string, why: string) =>
    `the lock keeper can't be started (${program}: ${why}); check the installation`,
  LS_LOCK_BROKER_SILENT: (ms: number) =>
    `the server has not beaten for ${Math.round(ms)} ms, so its keeper has let the lock go`,
} as const;

export type ArbitrationFault = keyof typeof arbitrationFaults;

/** The share or a file on it did not do what was asked of it. `message` is a sentence for operators. */
export class ShareFailure extends Error {
  override name = 'ShareFailure';
  readonly code: ArbitrationFault;

  constructor(code: ArbitrationFault, message: string) {
    super(message);
    this.code = code;
  }
}

/** An error's errno name (`EIO`, `ESTALE`, …) where it has one. */
export const errnoOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;

/** Any error as a sentence; those of a file system get the file's name and what to do. */
export function sentenceOf(error: unknown, path: string): string {
  if (error instanceof ShareFailure) return error.message;
  const why = errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
  return arbitrationFaults.LS_LOCK_SHARE(path, why);
}
