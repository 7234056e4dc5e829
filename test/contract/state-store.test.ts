/** The state store's contract on LMDB and on the simulated disk; and what only real disks do. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { openLmdbState } from '../../src/io/store/index.ts';
import { seq } from '../../src/core/pair/index.ts';
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

stateStoreContract('LMDB, opened again after every checkpoint', async () => {
  const directory = await freshDirectory();
  const of = async (name: string): Promise<StateStore> =>
    closedAfterwards(await openLmdbState(join(directory, name), 0));
  return { state: await of('state'), restart: () => of('state'), other: () => of('other') };
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

test('LMDB: whoever reads while the database is closed and opened again notices nothing', async () => {
  const state = closedAfterwards(await openLmdbState(await freshDirectory(), 0));
  const key = Buffer.from('key');
  let isOver = false;
  let reads = 0;
  const looks = async (turn: () => Promise<unknown>): Promise<void> => {
    while (!isOver) {
      const value = Number(state.get(key)?.toString() ?? 0);
      expect(value).toBeGreaterThanOrEqual(state.appliedSeq);
      expect([...state.range(key, null)]).toHaveLength(value === 0 ? 0 : 1);
      reads += 1;
      await turn();
    }
  };
  const timer = () => new Promise((resolve) => setTimeout(resolve, 0));
  const immediate = () => new Promise((resolve) => setImmediate(resolve));
  const io = () => readFile(import.meta.filename);
  const readers = [timer, immediate, immediate, io, io].map(looks);
  for (let n = 1; n <= 200; n += 1) await state.checkpoint([{ key, value: Buffer.from(`${n}`) }], seq(n));
  isOver = true;
  await Promise.all(readers);
  expect(reads).toBeGreaterThan(200);
  expect(state.get(key)?.toString()).toBe('200');
});

test('LMDB: what the disk gives back changed is found when it is read, and nothing of it is used', async () => {
  const directory = await freshDirectory();
  const key = Buffer.from('key');
  const state = await openLmdbState(directory);
  await state.checkpoint([{ key, value: Buffer.from('what was written') }], seq(1));
  await state.close();
  const file = join(directory, 'data.mdb');
  const bytes = await readFile(file);
  for (let at = bytes.indexOf('what was'); at >= 0; at = bytes.indexOf('what was', at + 1)) bytes[at] = 0x57;
  await writeFile(file, bytes);
  const rotten = await lmdbIn(directory);
  const fault = expect.objectContaining({ code: 'LS_STORE_STATE' }) as unknown;
  expect(() => rotten.get(key)).toThrow(fault);
  expect(() => [...rotten.range(key, null)]).toThrow(fault);
  expect(() => rotten.last(key, key)).toThrow(fault);
  expect(() => rotten.snapshot(1000).next()).toThrow(fault);
});

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
