/** The disk of one server, or of both, is damaged, cut short, put back from an old copy, or takes nothing more. Source: PROTOCOL.md §2 Ack, Claim, Tail, §5; REASONS A6, A9. */
import { execFileSync } from 'node:child_process';
import { cp, open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ServerName } from '../../src/core/pair/index.ts';
import { scanEntries } from '../../src/io/journal/scan.ts';
import { readSegmentHeader } from '../../src/io/journal/segment-header.ts';
import type { PairUnderTest } from './pair.ts';
import { protectedPair, Traffic, type RunningPair } from './traffic.ts';

/** Its files are soon read. */
const SMALL = ['journal.segmentSize=1 MiB'];

async function kill(pair: PairUnderTest, ...names: readonly ServerName[]): Promise<void> {
  for (const name of names) pair.server(name).kill('SIGKILL');
  for (const name of names) await pair.server(name).ended;
}

/** The newest file of a server's journal, and where its last entry ends. */
async function journal(
  pair: PairUnderTest,
  name: ServerName,
): Promise<Readonly<{ path: string; usedBytes: number }>> {
  const root = pair.storePath(name);
  const files = (await readdir(root, { recursive: true })).filter((file) => /\d+\.seg$/.test(file)).sort();
  const path = join(root, files.at(-1) ?? '');
  const bytes = await readFile(path);
  const reading = readSegmentHeader(bytes);
  if (reading.kind !== 'header') throw new Error(`${path}: ${reading.why}`);
  return { path, usedBytes: scanEntries(bytes, reading.size, reading.header.start, () => undefined).end };
}

/** One bit is turned in each of these bytes of a file. */
async function turnBits(path: string, places: readonly number[]): Promise<void> {
  const file = await open(path, 'r+');
  for (const place of places) {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, place);
    await file.write(Buffer.from([byte.readUInt8(0) ^ 0x10]), 0, 1, place);
  }
  await file.close();
}

/** A running process can write to no file beyond its first byte, as on a full disk; for a started one it is over. */
const takesNothing = (pair: PairUnderTest, name: ServerName): void =>
  void execFileSync('prlimit', ['--pid', String(pair.server(name).pid), '--fsize=1:']);

async function withTraffic(): Promise<RunningPair & { traffic: Traffic }> {
  const running = await protectedPair(SMALL);
  return { ...running, traffic: await Traffic.start(running.pair, 300) };
}

test('bits are turned in the journal of the passive between two runs: it gets everything anew, and serves with everything after the active was killed (Tail, §5)', async () => {
  const { pair, active, passive, traffic } = await withTraffic();
  await traffic.flows(300);
  await kill(pair, passive);
  const { path, usedBytes } = await journal(pair, passive);
  await turnBits(path, [usedBytes / 3, usedBytes / 2].map(Math.floor));
  pair.start(passive);
  await pair.server(passive).line(/\[LS_JOURNAL_DAMAGED\]/);
  await pair.server(passive).line(/Full synchronisation from the peer has ended/);
  expect(await pair.protected()).toEqual({ active, passive });
  await kill(pair, active);
  await pair.reaches(passive, 'STANDALONE');
  await traffic.judged();
});

describe('both were killed, and the disk of the passive is not what it was: started alone it never serves, and with the other nothing is lost (Claim)', () => {
  test('its journal is cut short', async () => {
    const { pair, active, passive, traffic } = await withTraffic();
    await traffic.flows(300);
    await traffic.judged();
    await kill(pair, active, passive);
    const { path, usedBytes } = await journal(pair, passive);
    await truncate(path, Math.floor(usedBytes / 2));
    await startsAloneInVain(pair, passive);
    pair.start(active);
    await pair.protected();
    await traffic.judged();
  });

  test('it was put back from an old copy', async () => {
    const { pair, active, passive, traffic } = await withTraffic();
    await kill(pair, passive);
    const [path, copy] = [pair.storePath(passive), join(pair.home, 'copy')];
    await cp(path, copy, { recursive: true });
    pair.start(passive);
    await pair.protected();
    await traffic.flows(300);
    await traffic.judged();
    await kill(pair, active, passive);
    await rm(path, { recursive: true });
    await cp(copy, path, { recursive: true });
    await startsAloneInVain(pair, passive);
    pair.start(active);
    await pair.protected();
    await traffic.judged();
  });
});

/** It says why it does not serve, which comes after startupWait. */
async function startsAloneInVain(pair: PairUnderTest, name: ServerName): Promise<void> {
  pair.start(name);
  await pair.server(name).line(/does not serve: .*\[LS_PAIR_WAITING\]/);
  expect(pair.server(name).states()).toEqual(['WAITING']);
}

describe('a disk takes nothing more', () => {
  test('first that of the active, then that of the other, which then serves alone: each ends at its first write, and nothing is lost (Ack)', async () => {
    const { pair, active, passive, traffic } = await withTraffic();
    takesNothing(pair, active);
    expect(await pair.server(active).ended).not.toBe(0);
    expect(pair.server(active).lines.join('\n')).toMatch(/\[LS_SERVER_STOPPED\]/);
    await pair.reaches(passive, 'STANDALONE');
    await traffic.flows();
    expect(
      pair
        .server(passive)
        .states()
        .filter((state) => state === 'STANDALONE'),
    ).toHaveLength(1);

    takesNothing(pair, passive);
    const [publisher] = traffic.publishers;
    publisher?.publish();
    expect(await pair.server(passive).ended).not.toBe(0);
    await pair.until('a publisher without a server', async () =>
      publisher?.client.connected === true ? null : true,
    );
    const { acked } = traffic;
    // As after an operator has made room.
    pair.start(active);
    await pair.server(active).line(/does not serve: .*\[LS_PAIR_WAITING\]/);
    expect(traffic.acked).toBe(acked);
    pair.start(passive);
    await pair.protected();
    await traffic.judged();
  });

  test('that of the passive: the active goes on alone, and protects again once there is room (Shrink)', async () => {
    const { pair, active, passive, traffic } = await withTraffic();
    takesNothing(pair, passive);
    expect(await pair.server(passive).ended).not.toBe(0);
    await pair.reaches(active, 'STANDALONE');
    await traffic.flows();
    pair.start(passive);
    expect(await pair.protected()).toEqual({ active, passive });
    await traffic.judged();
  });
});
