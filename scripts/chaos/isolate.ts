/**
 * A process with a network, mounts and process numbers of its own, so that whatever it leaves behind, however it ends, the kernel takes down:
 * hosts, file systems, servers. Needs root; what a machine does not allow is said in words.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hosts } from './hosts.ts';

export const INSIDE = '--inside';
const UNSHARE = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** What the faults may use here; what is missing is said in words. */
export type Abilities = Readonly<{
  hosts: Hosts | null;
  /** Small file systems of our own may be mounted. */
  mayMount: boolean;
  /** libfaketime, to be loaded into a server. */
  fakeTime: string | null;
  missing: readonly string[];
}>;

export const mayIsolate = (): boolean =>
  spawnSync('unshare', [...UNSHARE, 'ip', 'link', 'set', 'lo', 'up']).status === 0;

/** This program again, isolated; its exit code. Its temporary files are gone when it has ended. */
export async function isolated(): Promise<number> {
  const temporary = await mkdtemp(join(tmpdir(), 'lockstep-chaos-'));
  const words = [...UNSHARE, process.execPath, ...process.execArgv, ...process.argv.slice(1), INSIDE];
  const child = spawn('unshare', words, { stdio: 'inherit', env: { ...process.env, TMPDIR: temporary } });
  // Ctrl-C reaches the isolated process, too, which ends its round and says what it has; whoever insists ends both.
  let asked = 0;
  const end = (): void => {
    asked += 1;
    if (asked > 1) child.kill('SIGKILL');
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  const code = await new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? 1)));
  await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
  return code;
}

/** `isIsolated`: within `isolated`. */
export function abilities(isIsolated: boolean): Abilities {
  const fakeTime = FAKE_TIME.find((file) => existsSync(file)) ?? null;
  return {
    hosts: isIsolated ? Hosts.build() : null,
    mayMount: isIsolated,
    fakeTime,
    missing: [
      ...(isIsolated ? [] : ['no namespaces of our own (root, unshare, ip): no cut hosts, no full disks']),
      ...(fakeTime === null ? ['no libfaketime (Debian: apt-get install libfaketime): no clock jumps'] : []),
    ],
  };
}

const FAKE_TIME = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '.'].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`,
);
