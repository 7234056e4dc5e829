/** The servers under test are the built ones: built anew where a source is newer. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../src/profile/index.ts';

export function build(): void {
  const source = join(projectDirectory, 'src');
  const changed = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(source, name)).mtimeMs)
    .reduce((a, b) => Math.max(a, b), 0);
  const built = statSync(join(projectDirectory, 'dist/cli/main.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built > changed) return;
  const { status } = spawnSync('npm', ['run', '-s', 'build'], { cwd: projectDirectory, stdio: 'inherit' });
  if (status !== 0) throw new Error('the build has failed');
}
