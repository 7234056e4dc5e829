/**
 * `lockstep tails`: what a store has put aside instead of throwing it away. Cut tails are entries that never were committed; stores kept
 * aside are whole ones that a full synchronisation replaced. Source: PROTOCOL.md §2 Tail.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { bytesText } from './status-screen.ts';
import { onServer, profileOf, type ServerName, type TargetOptions } from './target.ts';

export type KeptThing = Readonly<{
  kind: 'tail' | 'store' | 'journal';
  path: string;
  bytes: number;
  at: Date;
  why: string;
}>;

export function addTails(program: Command): void {
  onServer(program, 'tails', 'lists the cut tails and the stores kept aside of a server')
    .option('--store <directory>', 'the store directory, instead of the one that the profile names')
    .action(async (server: ServerName, options: TargetOptions & { store?: string }) => {
      const root = options.store ?? (await profileOf(server, options, 'look')).store.path;
      const kept = await keptIn(root);
      if (kept.length === 0) console.log(`nothing was put aside in ${root}`);
      for (const { kind, path, bytes, at, why } of kept)
        console.log(
          `${at.toISOString()}  ${kind.padEnd(7)}  ${bytesText(bytes).padStart(10)}  ${path}${why === '' ? '' : `  (${why})`}`,
        );
    });
}

/** Oldest first. A directory that is missing holds nothing. */
export async function keptIn(root: string): Promise<KeptThing[]> {
  const kept: KeptThing[] = [];
  for (const store of await directoriesIn(root)) {
    const path = join(root, store);
    if (/\.aside-\d+$/.test(store)) kept.push(await thing('store', path));
    for (const inner of await directoriesIn(path)) {
      if (/^journal\.damaged-\d+$/.test(inner)) kept.push(await thing('journal', join(path, inner)));
      if (inner !== 'cut') continue;
      for (const file of (await namesIn(join(path, inner))).filter((name) => name.endsWith('.seg')))
        kept.push(await thing('tail', join(path, inner, file)));
    }
  }
  return kept.sort((a, b) => a.at.getTime() - b.at.getTime());
}

async function thing(kind: KeptThing['kind'], path: string): Promise<KeptThing> {
  const { mtime } = await stat(path);
  const why = kind === 'tail' ? '' : await readFile(join(path, 'reason.txt'), 'utf8').catch(() => '');
  return { kind, path, bytes: await bytesBelow(path), at: mtime, why: why.trim() || tailWords(kind, path) };
}

/** A tail's name is `<epoch>-<firstSeq>-<lastSeq>.seg`. */
function tailWords(kind: KeptThing['kind'], path: string): string {
  const [, epoch, first, last] = /^0*(\d+)-0*(\d+)-0*(\d+)(?:\.\d+)?\.seg$/.exec(basename(path)) ?? [];
  return kind === 'tail' && epoch !== undefined
    ? `epoch ${epoch}, entries ${first ?? ''} to ${last ?? ''}`
    : '';
}

async function bytesBelow(path: string): Promise<number> {
  const found = await stat(path);
  if (!found.isDirectory()) return found.size;
  const sizes = await Promise.all((await namesIn(path)).map((name) => bytesBelow(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const namesIn = (path: string): Promise<string[]> => readdir(path).catch(() => []);

const directoriesIn = async (path: string): Promise<string[]> =>
  (await readdir(path, { withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isDirectory())
    .map((e) => e.name);
