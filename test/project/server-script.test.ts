/**
 * scripts/server.sh with a stand-in for the program: what it starts, finds again, stops and refuses. The real program behind it is the
 * system tests' business.
 */
import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectDirectory } from '../../src/profile/index.ts';

/** Serves until a signal; `status` finds it by a file, `stop` sends the signal. `deaf` in its home: it answers nobody. */
const STAND_IN = `
const fs = require('node:fs');
const [order, server, ...more] = process.argv.slice(2);
const up = process.env.LOCKSTEP_HOME + '/up';
const pid = fs.existsSync(up) && !fs.existsSync(process.env.LOCKSTEP_HOME + '/deaf') ? Number(fs.readFileSync(up)) : null;
if (order === 'serve') {
  console.log('serving', server, more.join(' '));
  if (more.includes('break=yes')) { console.error('the port is taken'); process.exit(4); }
  fs.writeFileSync(up, String(process.pid));
  process.on('SIGTERM', () => { fs.rmSync(up); process.exit(0); });
  setInterval(() => {}, 1000);
} else if (order === 'status') {
  console.log(JSON.stringify({ [server]: { status: pid } }));
  process.exit(10);
} else if (order === 'stop') {
  if (pid === null) process.exit(6);
  process.kill(pid, 'SIGTERM');
  console.log(server, 'has stopped');
}
`;

async function rig(
  isBuilt = true,
): Promise<{ home: string; run: (...words: string[]) => { code: number | null; said: string } }> {
  const root = await mkdtemp(join(tmpdir(), 'lockstep-script-'));
  const home = join(root, 'run');
  await mkdir(join(root, 'dist/cli'), { recursive: true });
  await mkdir(join(root, 'scripts'));
  await mkdir(home);
  await cp(join(projectDirectory, 'scripts/server.sh'), join(root, 'scripts/server.sh'));
  await chmod(join(root, 'scripts/server.sh'), 0o755);
  await writeFile(join(root, 'package.json'), '{ "type": "commonjs" }');
  if (isBuilt) await writeFile(join(root, 'dist/cli/main.js'), STAND_IN);
  const run = (...words: string[]) => {
    const environment = { ...process.env, LOCKSTEP_HOME: home };
    const { status, stdout, stderr } = spawnSync(join(root, 'scripts/server.sh'), words, {
      env: environment,
      encoding: 'utf8',
    });
    return { code: status, said: stdout + stderr };
  };
  onTestFinished(async () => {
    await rm(join(home, 'deaf'), { force: true });
    run('primary', 'stop');
    await rm(root, { recursive: true });
  });
  return { home, run };
}

const PID_FILE = 'haprofile1-primary-peer.pid';

test('a server in the background is found again, refused a second time, and stopped', async () => {
  const { home, run } = await rig();
  expect(run('primary', 'start', '--daemon', '--set', 'a=b c')).toMatchObject({
    code: 0,
    said: expect.stringContaining('primary runs in the background as process') as string,
  });
  expect(await readFile(join(home, 'haprofile1-primary-peer.out'), 'utf8')).toBe(
    'serving primary --profile haprofile1 --kind peer --set a=b c\n',
  );
  expect(run('primary', '--daemon')).toMatchObject({
    code: 4,
    said: expect.stringContaining('runs already') as string,
  });
  expect(run('primary', 'stop')).toEqual({ code: 0, said: 'primary has stopped\n' });
  await expect(readFile(join(home, PID_FILE))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a pid file whose process is another program is stale: nothing is signalled, and a start goes on', async () => {
  const { home, run } = await rig();
  // This very process: it must survive.
  await writeFile(join(home, PID_FILE), String(process.pid));
  expect(run('primary', 'stop')).toEqual({ code: 6, said: 'server.sh: primary is not running\n' });
  await writeFile(join(home, PID_FILE), String(process.pid));
  expect(run('primary', '--daemon').code).toBe(0);
});

test('a server that does not answer is stopped by a signal', async () => {
  const { home, run } = await rig();
  expect(run('primary', '--daemon').code).toBe(0);
  await writeFile(join(home, 'deaf'), '');
  const { code, said } = run('primary', 'stop');
  expect(said).toMatch(/does not answer; asking process \d+ with a signal\nprimary has stopped/);
  expect(code).toBe(0);
});

test('a server that ends at once gives its own words and exit code', async () => {
  const { home, run } = await rig();
  const { code, said } = run('primary', '--daemon', '--set', 'break=yes');
  expect(said).toContain('the port is taken');
  expect(said).toContain('primary did not start (exit code 4)');
  expect(code).toBe(4);
  await expect(readFile(join(home, PID_FILE))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a wrong command line and a program that is not built are told apart', async () => {
  const { run } = await rig(false);
  expect(run('primary')).toMatchObject({
    code: 1,
    said: expect.stringContaining('npm ci && npm run build') as string,
  });
  expect(run('start')).toMatchObject({ code: 2, said: expect.stringContaining('which server') as string });
  expect(run('primary', 'dance').code).toBe(2);
  expect(run('primary', 'start', 'stop').code).toBe(2);
  expect(run('primary', '--set').code).toBe(2);
});
