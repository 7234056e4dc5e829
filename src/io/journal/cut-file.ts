/**
 * What rule Tail cuts off, kept in a file that operators can list: a segment of its own, readable like any other. The entries in it were
 * never acknowledged. Source: PROTOCOL.md §2 Tail; REASONS.md C6.
 */
import { access, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Seq } from '../../core/pair/index.ts';
import type { Position } from '../../core/replication/index.ts';
import { syncDirectory, writeAll } from './durable.ts';
import { encodeSegmentHeader, newTerminator } from './segment-header.ts';

/**
 * Writes the entries that follow `start` to `<directory>/<epoch>-<firstSeq>-<lastSeq>.seg`. The file's path; durable when it fulfils.
 * `epoch` is that of the first of them.
 */
export async function keepTail(
  directory: string,
  start: Position,
  tail: Readonly<{ epoch: number; lastSeq: Seq; parts: AsyncIterable<Buffer> }>,
): Promise<string> {
  await mkdir(directory, { recursive: true });
  await syncDirectory(dirname(directory));
  const path = await freeName(directory, `${tail.epoch}-${start.last.seq + 1}-${tail.lastSeq}`);
  const handle = await open(`${path}.new`, 'w', 0o600);
  try {
    let at = 0;
    for await (const part of withHeader(start, tail.parts)) {
      await writeAll(handle, [part], at);
      at += part.length;
    }
    await handle.sync();
  } catch (error) {
    await rm(`${path}.new`, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
  await syncDirectory(directory);
  return path;
}

async function* withHeader(start: Position, parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield encodeSegmentHeader({ start, terminator: newTerminator() });
  yield* parts;
}

/** The same numbers can be cut twice, of two histories. */
async function freeName(directory: string, name: string): Promise<string> {
  for (let more = 1; ; more += 1) {
    const path = join(directory, more === 1 ? `${name}.seg` : `${name}.${more}.seg`);
    const isTaken = await access(path).then(
      () => true,
      () => false,
    );
    if (!isTaken) return path;
  }
}
