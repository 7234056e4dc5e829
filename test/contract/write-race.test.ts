/**
 * Rule Write on real files with no lock at all: two writers that race for every version. What the exploration in
 * test/core/pair/write.test.ts shows for every order of touches is looked at here with a kernel's own.
 * Source: PROTOCOL.md §2 Write; REASONS.md A5.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { hold, version, type ServerName, type Version } from '../../src/core/pair/index.ts';
import { readShare, versionOf } from '../../src/core/pair/record.ts';
import { ShareFiles } from '../../src/io/arbitration/share-files.ts';
import { runWrite, type WriteFiles } from '../../src/io/arbitration/write-run.ts';
import { draftNamed } from '../core/pair/records.ts';
import { ShareFixture } from './share-fixture.ts';

const ROUNDS = 150;

/** The files with a stall before some touches that outlasts a whole write of the other, so that the two meet at every step. */
function hesitant(files: ShareFiles): WriteFiles {
  const hesitate = (): Promise<void> => pause(Math.random() < 0.2 ? Math.random() * 30 : 0);
  return {
    blocks: () => hesitate().then(() => files.blocks()),
    block: (server) => hesitate().then(() => files.block(server)),
    mark: () => files.mark(),
    moveAside: (blocks) => files.moveAside(blocks),
    openOwnBlock: async () => {
      const block = await files.openOwnBlock();
      return {
        put: (copy, content) => hesitate().then(() => block.put(copy, content)),
        close: () => block.close(),
      };
    },
  };
}

test('two writers that race on real files without any lock never both get written over one version (§2 Write)', async () => {
  const fixture = await ShareFixture.create();
  onTestFinished(() => fixture.close());
  const files: Record<ServerName, ShareFiles> = {
    primary: new ShareFiles('primary', fixture.lockFile),
    secondary: new ShareFiles('secondary', fixture.lockFile),
  };
  for (const server of ['primary', 'secondary'] as const) await files[server].renewOwnBlock();
  const written: { replaced: Version; became: Version }[] = [];
  const ends = { written: 0, movedOn: 0, unresolved: 0 };
  const write = async (server: ServerName, replaces: Version): Promise<void> => {
    const start = {
      server,
      hold: hold(1),
      replaces,
      draft: draftNamed(server),
      above: version(0),
      repairs: false,
    };
    const outcome = await runWrite({
      start,
      files: hesitant(files[server]),
      hold: () => hold(1),
      isOver: () => false,
    });
    ends[outcome.kind] += 1;
    if (outcome.kind === 'written') written.push({ replaced: replaces, became: outcome.record.version });
  };

  for (let round = 0; round < ROUNDS; round += 1) {
    const blocks = await files.primary.blocks();
    const reading = readShare(blocks.primary, blocks.secondary, null);
    const present = versionOf(reading.kind === 'record' ? reading.record : null);
    await Promise.all([write('primary', present), write('secondary', present)]);
  }

  for (const one of written)
    for (const other of written) expect(other.became > one.replaced && other.became < one.became).toBe(false);
  // Both the race and the progress were real.
  expect(ends.written).toBeGreaterThan(0);
  expect(ends.movedOn + ends.unresolved).toBeGreaterThan(0);
});
