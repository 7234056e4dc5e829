/** What a store has put aside is listed for operators (rule Tail). */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { keptIn } from '../../src/cli/tails.ts';

test('cut tails, stores kept aside and damaged journals are listed with size and reason; the store in use is not', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lockstep-tails-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'aa/cut'), { recursive: true });
  await mkdir(join(root, 'aa/journal'));
  await mkdir(join(root, 'aa/journal.damaged-1'));
  await mkdir(join(root, 'bb.aside-1/journal'), { recursive: true });
  await writeFile(join(root, 'current'), 'aa');
  await writeFile(join(root, 'aa/journal/1.seg'), 'in use');
  await writeFile(join(root, 'aa/cut/7-100-120.seg'), 'twelve bytes');
  await writeFile(join(root, 'aa/cut/8-1-2.seg.new'), 'half written');
  await writeFile(join(root, 'bb.aside-1/journal/1.seg'), 'x'.repeat(100));
  const kept = (await keptIn(root)).map(({ kind, path, bytes, why }) => [
    kind,
    path.slice(root.length + 1),
    bytes,
    why,
  ]);
  expect(kept.sort()).toEqual([
    ['journal', 'aa/journal.damaged-1', 0, ''],
    ['store', 'bb.aside-1', 100, ''],
    ['tail', 'aa/cut/7-100-120.seg', 12, 'epoch 7, entries 100 to 120'],
  ]);
  expect(await keptIn(join(root, 'nowhere'))).toEqual([]);
});
