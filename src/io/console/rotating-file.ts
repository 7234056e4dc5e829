/**
 * The log file: when a line would take it above `sizeMax` it becomes `<file>.1`, the former `.1` becomes `.2`, and so on; the oldest goes. No
 * line is lost on the way (winston's own rotation loses some when many come at once), and nobody waits for the disk: a line that it
 * refuses is told of and dropped, and the next one tries again.
 */
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';

export type RotatingFileOptions = Readonly<{
  path: string;
  /** In bytes; a single line may be longer. */
  sizeMax: number;
  /** The present file included. */
  filesMax: number;
  /** Told of every line that could not be written. */
  failed: (error: unknown) => void;
}>;

type OpenFile = { readonly handle: FileHandle; size: number };

/** Each chunk is a line; one is written at a time. Ending it closes the file. The directory is made when it is missing. */
export function rotatingFile(options: RotatingFileOptions): Writable {
  let present: OpenFile | null = null;
  const append = async (line: Buffer): Promise<void> => {
    present ??= await openFile(options.path);
    if (present.size > 0 && present.size + line.length > options.sizeMax) {
      const { handle } = present;
      present = null;
      await handle.close();
      await shift(options);
      present = await openFile(options.path);
    }
    await present.handle.appendFile(line);
    present.size += line.length;
  };
  const close = async (): Promise<void> => {
    await present?.handle.close();
  };
  /** An error is told, and never ends the stream. */
  const then = (act: Promise<void>, next: () => void): void => {
    act.catch(options.failed).finally(next);
  };
  return new Writable({
    write: (line: Buffer, _encoding, next) => then(append(line), next),
    final: (next) => then(close(), next),
  });
}

async function openFile(path: string): Promise<OpenFile> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'a');
  return { handle, size: (await handle.stat()).size };
}

/** Every file gets the next number, from the oldest, which is overwritten, to the present one. */
async function shift({ path, filesMax }: RotatingFileOptions): Promise<void> {
  const name = (number: number): string => (number === 0 ? path : `${path}.${number}`);
  if (filesMax === 1) await rm(path);
  for (let number = filesMax - 1; number > 0; number -= 1) {
    await rename(name(number - 1), name(number)).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
  }
}
