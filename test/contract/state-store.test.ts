/** The state store's contract on LMDB and on the simulated disk; and what only real disks do. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { openLmdbState } from '../../src/io/store/index.ts';
import type { StateStore } from '../../src/ports/index.ts';
import { SimState, StateContent } from '../../src/simulator/disk/sim-state.ts';
import { freshDirectory, simDisk } from './disk-fixture.ts';
import { entriesOf, stateStoreContract } from './state-store-contract.ts';

const closedAfterwards = (state: StateStore): StateStore => {
  onTestFinished(() => state.close());
  return state;
};

const lmdbIn = async (directory: string): Promise<StateStore> =>
  closedAfterwards(await openLmdbState(directory));

stateStoreContract('LMDB', async () => {
  const directory = await freshDirectory();
  const state = await lmdbIn(join(directory, 'state'));
  return {
    state,
    restart: () => lmdbIn(join(directory, 'state')),
    other: () => lmdbIn(join(directory, 'other')),
  };
});

stateStoreContract('simulated disk', () => {
  const disk = simDisk();
  const content = new StateContent();
  return Promise.resolve({
    state: new SimState(disk, content),
    restart: () => {
      disk.crash();
      return Promise.resolve(new SimState(disk, content));
    },
    other: () => Promise.resolve(new SimState(disk, new StateContent())),
  });
});

const WRITER = join(import.meta.dirname, 'disk-writers.ts');
const writer = (...words: string[]): string[] => ['--import', 'tsx', WRITER, ...words];

test('LMDB: a checkpoint that the disk refuses is refused, and the state is as it was', async () => {
  const directory = await freshDirectory();
  // 4 MiB for a file of its own.
  const limited = ['-c', 'ulimit -f 4096; exec "$0" "$@"', process.execPath];
  const { stdout } = await promisify(execFile)('bash', [...limited, ...writer('fill-state', directory)]);
  const { done, why, code } = JSON.parse(stdout) as { done: number; why: string; code: string };
  expect(done).toBeGreaterThan(0);
  expect(code).toBe('LS_STORE_STATE');
  expect(why).not.toMatch(/see commitError/);
  const state = await lmdbIn(directory);
  expect(state.appliedSeq).toBe(done);
  expect(entriesOf(state)).toHaveLength(done * 100);
});

test('LMDB: after kill -9 the state is that of a whole checkpoint, and not of an older one than was told', async () => {
  const directory = await freshDirectory();
  const child = spawn(process.execPath, writer('write-state', directory), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = 0;
  child.stdout.setEncoding('utf8');
  for await (const text of child.stdout) {
    told = Math.max(told, ...String(text).split('\n').map(Number));
    if (told >= 40) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  const state = await lmdbIn(directory);
  expect(state.appliedSeq).toBeGreaterThanOrEqual(told);
  const values = new Set(entriesOf(state).map(({ value }) => value.toString()));
  expect(values).toEqual(new Set([`at ${state.appliedSeq}`]));
  expect(entriesOf(state)).toHaveLength(1000);
});
