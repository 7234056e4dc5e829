/** A server that lacks something gets it: all of it, a delta, or nothing at all. Source: PROTOCOL.md §2 Tail, None, §5. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Backchannel } from './network.ts';
import type { PairUnderTest } from './pair.ts';
import { freshPair, protectedPair, standalone, Traffic } from './traffic.ts';

/** Small files, and nothing is kept of what the state holds: who was away for long needs the state. */
const SHORT_JOURNAL = ['journal.segmentSize=1 MiB', 'journal.retain=0'];
const LONG_MESSAGE_BYTES = 4_096;
const LONG_MESSAGES = 600;

/** What the store directory says of identity and messages; the state's own files may change when they are opened. */
async function fingerprint(store: string): Promise<Record<string, string>> {
  const names = await readdir(store, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(store.length + 1))
    .filter((name) => /current$|identity|\.seg$/.test(name));
  const sums: Record<string, string> = {};
  for (const name of files.sort())
    sums[name] = createHash('sha256')
      .update(await readFile(join(store, name)))
      .digest('hex');
  return sums;
}

/** Publishes long messages until the journal has let its first file go. */
async function journalTrimmed(pair: PairUnderTest, traffic: Traffic, store: string): Promise<void> {
  const segments = async (): Promise<string[]> =>
    (await readdir(store, { recursive: true })).filter((name) => /\d+\.seg$/.test(name)).sort();
  const [first] = await segments();
  for (let n = 0; n < LONG_MESSAGES; n += 1) traffic.publishers[0]?.publish(LONG_MESSAGE_BYTES);
  await pair.until('a journal without its first file', async () =>
    (await segments()).includes(first ?? '') ? null : true,
  );
}

test('a wiped server gets a full synchronisation while the active serves, ends PASSIVE, and serves with everything after kill -9 of the active (§5)', async () => {
  const { pair, active, passive } = await protectedPair(SHORT_JOURNAL);
  const traffic = await Traffic.start(pair, 300);
  pair.server(passive).kill('SIGKILL');
  await pair.server(passive).ended;
  await pair.reaches(active, 'STANDALONE');
  await rm(pair.storePath(passive), { recursive: true });
  await journalTrimmed(pair, traffic, pair.storePath(active));
  const from = pair.server(active).lines.length;
  pair.start(passive);
  await pair.server(passive).line(/Full synchronisation from the peer has ended/);
  expect(await pair.protected()).toEqual({ active, passive });
  expect(pair.server(active).states(from)).toEqual(['ACTIVE_SYNC', 'ACTIVE']);
  await traffic.flows();
  pair.server(active).kill('SIGKILL');
  await pair.reaches(passive, 'STANDALONE');
  await traffic.judged();
});

test('a passive that was away under load gets a delta, and serves with everything after kill -9 of the active (§5)', async () => {
  const { pair, active, passive } = await protectedPair();
  const traffic = await Traffic.start(pair, 500);
  pair.server(passive).kill('SIGKILL');
  await pair.reaches(active, 'STANDALONE');
  await traffic.flows(500);
  pair.start(passive);
  await pair.server(passive).line(/^\S+ \S+ Synchronisation from the peer has ended/);
  expect(await pair.protected()).toEqual({ active, passive });
  pair.server(active).kill('SIGKILL');
  await pair.reaches(passive, 'STANDALONE');
  await traffic.judged();
  expect(pair.server(passive).lines.join('\n')).not.toContain('Full synchronisation');
});

test('a store of another pair never joins: it is refused with a sentence and left untouched, and the serving server serves on (None)', async () => {
  const { pair, alone, stopped } = await standalone();
  const foreign = await freshPair();
  foreign.start(stopped, ['--new-pair']);
  await foreign.reaches(stopped, 'STANDALONE');
  foreign.server(stopped).kill('SIGTERM');
  await foreign.server(stopped).ended;

  await rm(pair.storePath(stopped), { recursive: true });
  await rename(foreign.storePath(stopped), pair.storePath(stopped));
  const before = await fingerprint(pair.storePath(stopped));
  expect(Object.keys(before).length).toBeGreaterThanOrEqual(3);
  const traffic = await Traffic.start(pair, 300);
  pair.start(stopped);
  await pair.server(stopped).line(/the serving server is of another pair; this store never joins it/);
  await traffic.flows();
  await traffic.judged();
  pair.server(stopped).kill('SIGTERM');
  expect(await pair.server(stopped).ended).toBe(0);
  expect(await fingerprint(pair.storePath(stopped))).toEqual(before);
  expect(pair.server(stopped).states()).not.toContain('PASSIVE');
  await pair.reaches(alone, 'STANDALONE');
});

test('entries that never were acknowledged are cut from the journal of a former active, kept in a file, and listed (Tail)', async () => {
  const pair = await freshPair(['timing.peerTimeout=3000', 'timing.ackTimeout=3000']);
  const backchannel = await Backchannel.between(pair);
  onTestFinished(() => backchannel.close());
  const { active, passive } = await pair.startBoth();
  const traffic = await Traffic.start(pair, 300);
  backchannel.cut('primary', 'secondary');
  await pair.stores(active, 1);
  // What was committed before the cut has been acknowledged by now; what is stored since is a tail.
  const { acked } = traffic;
  await pair.stores(active, 10);
  expect(traffic.acked).toBe(acked);
  pair.server(active).kill('SIGKILL');
  await pair.server(active).ended;
  backchannel.reset();
  backchannel.heal();
  await pair.reaches(passive, 'STANDALONE');
  await traffic.judged();
  // The survivor says at once how far it has committed: that far the tail reaches, too, and none of it may be applied.
  pair.start(active);
  const told = await pair.server(active).line(/\[LS_TAIL_CUT\]/);
  expect(told).toMatch(/\d+ entries that were never acknowledged were cut from the journal and kept in /);
  expect(await pair.protected()).toEqual({ active: passive, passive: active });
  await traffic.judged();
  const { code, output } = await pair.run('tails', active);
  expect(code).toBe(0);
  expect(output).toMatch(/ tail .*\.seg {2}\(epoch \d+, entries \d+ to \d+\)/);
  expect(output).toContain(/kept in (\S+)/.exec(told)?.[1]);
});
