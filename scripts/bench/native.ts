/** The parts in C, built when they are needed: into run/bench/, which git ignores, under a name that says of which source. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../src/profile/index.ts';

const SOURCES = {
  mqload: 'scripts/bench/load/mqload.c',
  disk: 'scripts/bench/limits/disk.c',
  loopback: 'scripts/bench/limits/loopback.c',
} as const;

export type Native = keyof typeof SOURCES;

/** The program's path. Needs a C compiler: `cc`, or what CC names. */
export function native(name: Native): string {
  const source = join(projectDirectory, SOURCES[name]);
  const folder = join(source, '..');
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(readFileSync(join(folder, file)));
  const built = join(projectDirectory, 'run/bench', `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(built)) return built;
  mkdirSync(join(built, '..'), { recursive: true });
  const fresh = `${built}.${process.pid}`;
  try {
    execFileSync(process.env.CC ?? 'cc', ['-O2', '-Wall', '-Wextra', '-o', fresh, source], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  } catch (failure) {
    rmSync(fresh, { force: true });
    throw new Error(
      `${source} could not be built; a C compiler is needed (Debian: apt-get install gcc libc6-dev)`,
      {
        cause: failure,
      },
    );
  }
  renameSync(fresh, built);
  return built;
}
