/** What every store root promises, on whatever disk. Source: ports/store.ts, PROTOCOL.md §1, §2 Tail, §5. */
import { expect, test } from 'vitest';
import {
  claimId,
  epoch,
  lockId,
  pairId,
  seq,
  storeId,
  version,
  type ArbitrationRecord,
} from '../../src/core/pair/index.ts';
import type { Store, StoreRoot } from '../../src/ports/index.ts';
import { expectBytes, everything } from './journal-contract.ts';
import { bytesOf, SampleEntries } from './sample-entries.ts';
import { entriesOf } from './state-store-contract.ts';

export type StoreBench = Readonly<{
  root: StoreRoot;
  /** The process dies; another one's root on the same disk. */
  restart: () => Promise<StoreRoot>;
  /** Why the stores that are kept aside are, oldest first. */
  keptAside: () => Promise<string[]>;
  /** How many stores there are, kept ones apart. */
  stores: () => Promise<number>;
}>;

export const PAIR = pairId('the pair');

export const sampleRecord = (store: Store): ArbitrationRecord => ({
  pairId: PAIR,
  lockId: lockId('the lock'),
  version: version(7),
  epoch: epoch(4),
  claimId: claimId('claim-4'),
  holder: 'primary',
  inSync: { primary: store.identity.storeId },
  floor: { [store.identity.storeId]: { epoch: epoch(4), seq: seq(12) } },
  forced: [{ by: 'root', why: 'the other one burnt', at: '2030-01-01T00:00:00Z', epoch: epoch(3) }],
});

const change = (text: string) => ({ key: Buffer.from(text), value: Buffer.from(text) });
const keysOf = (store: Store): string[] => entriesOf(store.state).map(({ key }) => key.toString());

/** A store with entries and a state, as a server leaves it. */
async function used(root: StoreRoot, sample: SampleEntries): Promise<Store> {
  const store = await root.open();
  await store.saveIdentity({ ...store.identity, pairId: PAIR });
  sample.claim(1);
  sample.batches(4);
  await store.journal.append(bytesOf(sample.all));
  await store.state.checkpoint([change('former')], seq(3));
  return store;
}

/** A full synchronisation into a new store, up to its swap. */
async function installed(root: StoreRoot, origin: SampleEntries): Promise<Store> {
  const next = await root.begin(origin.position, PAIR);
  const source = await root.begin(origin.position, PAIR);
  await source.state.checkpoint([change('installed')], origin.position.last.seq);
  const snapshot = source.state.snapshot(1000);
  for (let chunk = snapshot.next(); chunk !== null; chunk = snapshot.next()) await next.state.install(chunk);
  snapshot.close();
  await root.abandon(source);
  await next.state.finishInstall(next.journal.last.seq);
  return next;
}

function elsewhere(): SampleEntries {
  const origin = new SampleEntries();
  origin.claim(8);
  origin.batches(20);
  return origin;
}

export function storeContract(name: string, bench: () => Promise<StoreBench>): void {
  test(`${name}: a server without a store gets a virgin one: complete, of no pair (§1)`, async () => {
    const { root, restart } = await bench();
    const store = await root.open();
    expect(store.identity).toEqual({
      storeId: store.identity.storeId,
      pairId: null,
      isComplete: true,
      recordSeen: null,
    });
    expect(store.identity.storeId).toMatch(/^[0-9a-f]{32}$/);
    expect(store.journal.last.seq).toBe(0);
    expect(store.state.appliedSeq).toBe(0);
    expect((await (await restart()).open()).identity).toEqual(store.identity);
  });

  test(`${name}: identity, journal and state are there after a restart (§1)`, async () => {
    const { root, restart } = await bench();
    const sample = new SampleEntries();
    const store = await used(root, sample);
    const identity = { ...store.identity, recordSeen: sampleRecord(store) };
    await store.saveIdentity(identity);
    expect(store.identity).toEqual(identity);
    const opened = await (await restart()).open();
    expect(opened.identity).toEqual(identity);
    expectBytes(await everything(opened.journal), bytesOf(sample.all));
    expect(opened.state.appliedSeq).toBe(3);
    expect(keysOf(opened)).toEqual(['former']);
  });

  test(`${name}: a storeId never changes`, async () => {
    const { root } = await bench();
    const store = await root.open();
    await expect(store.saveIdentity({ ...store.identity, storeId: storeId('other') })).rejects.toThrow(
      'never changes',
    );
  });

  test(`${name}: a store that is begun is new, empty, incomplete, and begins behind its snapshot (§1, §5)`, async () => {
    const { root } = await bench();
    const former = await used(root, new SampleEntries());
    const origin = elsewhere();
    const next = await root.begin(origin.position, PAIR);
    expect(next.identity).toMatchObject({ pairId: PAIR, isComplete: false, recordSeen: null });
    expect(next.identity.storeId).not.toBe(former.identity.storeId);
    expect(next.journal.firstSeq).toBe(22);
    expect(next.journal.epochs).toEqual(origin.position.epochs);
    expect(next.state.appliedSeq).toBe(0);
    expect(keysOf(former)).toEqual(['former']);
  });

  test(`${name}: a half-built store is gone after a restart, and the present one untouched (§5)`, async () => {
    const { root, restart, stores, keptAside } = await bench();
    const sample = new SampleEntries();
    const former = await used(root, sample);
    await installed(root, elsewhere());
    expect(await stores()).toBe(2);
    const opened = await (await restart()).open();
    expect(opened.identity).toEqual(former.identity);
    expectBytes(await everything(opened.journal), bytesOf(sample.all));
    expect(await stores()).toBe(1);
    expect(await keptAside()).toEqual([]);
  });

  test(`${name}: an incomplete store never becomes the present one`, async () => {
    const { root } = await bench();
    const former = await used(root, new SampleEntries());
    const next = await installed(root, elsewhere());
    await expect(root.swap(former, next, null)).rejects.toThrow('incomplete');
  });

  test(`${name}: a swap makes the installed store the present one, whole, and removes the former (§5)`, async () => {
    const { root, restart, stores, keptAside } = await bench();
    const former = await used(root, new SampleEntries());
    const origin = elsewhere();
    const next = await installed(root, origin);
    await next.saveIdentity({ ...next.identity, isComplete: true });
    await root.swap(former, next, null);
    await next.journal.append(origin.batch('after the swap').bytes);
    const opened = await (await restart()).open();
    expect(opened.identity).toEqual(next.identity);
    expect(opened.journal.last).toEqual({ epoch: 8, seq: 22 });
    expect(opened.state.appliedSeq).toBe(21);
    expect(keysOf(opened)).toEqual(['installed']);
    expect(await stores()).toBe(1);
    expect(await keptAside()).toEqual([]);
  });

  test(`${name}: a store that holds another history is kept aside whole (Tail)`, async () => {
    const { root, restart, stores, keptAside } = await bench();
    const former = await used(root, new SampleEntries());
    const next = await installed(root, elsewhere());
    await next.saveIdentity({ ...next.identity, isComplete: true });
    await root.swap(former, next, 'epoch 1 has two histories');
    expect(await keptAside()).toEqual(['epoch 1 has two histories']);
    expect((await (await restart()).open()).identity.storeId).toBe(next.identity.storeId);
    expect(await stores()).toBe(1);
    expect(await keptAside()).toEqual(['epoch 1 has two histories']);
  });

  test(`${name}: an abandoned store is gone, and the present one goes on`, async () => {
    const { root, stores } = await bench();
    const sample = new SampleEntries();
    const former = await used(root, sample);
    await root.abandon(await root.begin(elsewhere().position, PAIR));
    expect(await stores()).toBe(1);
    await former.journal.append(sample.batch().bytes);
    expect(former.journal.last.seq).toBe(6);
  });
}
