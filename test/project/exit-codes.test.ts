/** What `lockstep` says to the shell: one table in the code, one in the guide, and every coded error finds its place. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AdminFault } from '../../src/admin/index.ts';
import { exitCode, exitCodes, lockstep } from '../../src/cli/index.ts';
import { exitCodeOf } from '../../src/cli/faults.ts';
import { ProfileRefused, projectDirectory } from '../../src/profile/index.ts';

test('the exit codes of the guide are those of the program, both ways', async () => {
  const guide = await readFile(join(projectDirectory, 'docs/OPERATING.md'), 'utf8');
  const rows = [...guide.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [
    Number(code),
    meaning,
  ]);
  expect(rows).toEqual(Object.values(exitCodes).map(({ code, meaning }) => [code, meaning]));
});

test('a coded error ends with the exit code of its kind', () => {
  const coded = (code: string) => Object.assign(new Error('x'), { code });
  expect(exitCodeOf(new ProfileRefused([]))).toBe(exitCode('profile'));
  expect(exitCodeOf(new AdminFault('LS_ADMIN_SILENT', 'x'))).toBe(exitCode('silent'));
  expect(exitCodeOf(new AdminFault('LS_ADMIN_TOKEN', 'x'))).toBe(exitCode('refused'));
  for (const code of ['LS_ADMIN_PORT', 'LS_PORT_BUSY', 'LS_PORT_DENIED', 'LS_STORE_BUSY', 'LS_CHANNEL_PORT'])
    expect(exitCodeOf(coded(code))).toBe(exitCode('busy'));
  expect(exitCodeOf(coded('ENOENT'))).toBe(exitCode('fault'));
  expect(exitCodeOf('not even an error')).toBe(exitCode('fault'));
});

test('a wrong command line is refused before anything is done', async () => {
  for (const words of [['serve'], ['serve', 'tertiary'], ['status', 'primary', '--nonsense'], ['dance']]) {
    const program = lockstep().configureOutput({ writeErr: () => undefined });
    for (const command of program.commands) command.configureOutput({ writeErr: () => undefined });
    await expect(program.parseAsync(['node', 'lockstep', ...words])).rejects.toMatchObject({ exitCode: 1 });
  }
});
