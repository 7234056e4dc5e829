/** The store root's contract on a real directory and on the simulated disk. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SystemRandom } from '../../src/io/system/index.ts';
import { openStoreRoot } from '../../src/io/store/index.ts';
import type { Store, StoreRoot } from '../../src/ports/index.ts';
import { SimStoreRoot } from '../../src/simulator/disk/sim-store.ts';
import { freshDirectory, LogList, simDisk, smallJournal } from './disk-fixture.ts';
import { storeContract } from './store-contract.ts';

storeContract('files', async () => {
  const path = await freshDirectory();
  const opened: Store[] = [];
  const make = (): StoreRoot => {
    const root = openStoreRoot(path, {
      random: new SystemRandom(),
      log: new LogList(),
      journal: smallJournal,
    });
    const kept = (store: Store): Store => {
      opened.push(store);
      return store;
    };
    return {
      open: async () => kept(await root.open()),
      begin: async (origin, pairId) => kept(await root.begin(origin, pairId)),
      swap: (former, next, keep) => root.swap(former, next, keep),
      abandon: (next) => root.abandon(next),
    };
  };
  const closeAll = async (): Promise<void> => {
    for (const store of opened.splice(0)) await store.close();
  };
  onTestFinished(closeAll);
  const names = (): Promise<string[]> => readdir(path);
  return {
    root: make(),
    // A process that ended, and so has let the directory go. What it had not yet removed is still there.
    restart: async () => {
      await closeAll();
      return make();
    },
    keptAside: async () => {
      const aside = (await names()).filter((name) => name.includes('.aside-'));
      return Promise.all(
        aside.map(async (name) => (await readFile(join(path, name, 'reason.txt'), 'utf8')).trim()),
      );
    },
    stores: async () => (await names()).filter((name) => /^[0-9a-f]{32}$/.test(name)).length,
  };
});

storeContract('simulated disk', () => {
  const disk = simDisk();
  return Promise.resolve({
    root: new SimStoreRoot(disk),
    restart: () => {
      disk.crash();
      return Promise.resolve(new SimStoreRoot(disk));
    },
    keptAside: () => Promise.resolve(disk.keptAside.map(({ why }) => why)),
    stores: () => Promise.resolve(disk.stores.size),
  });
});
