/** What a server does once before it has clients. Source: src/server/rehearsal. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SystemClock, SystemRandom } from '../../src/io/system/index.ts';
import { rehearse } from '../../src/server/rehearsal/index.ts';
import { defaultOptions } from '../runtime/serving.ts';
import { LogList, freshDirectory } from './disk-fixture.ts';

const partsAt = (path: string, anonymous: 'allow' | 'deny', log: LogList) => ({
  profile: {
    mqtt: { ...defaultOptions, sysInterval: 10_000 },
    access: { anonymous, certificateNames: 'ignore' },
    store: { path },
  } as const,
  goesOn: () => true,
  clock: new SystemClock(),
  random: new SystemRandom(),
  log,
});

test.each(['allow', 'deny'] as const)(
  'a rehearsal goes through sessions of both versions and messages of each QoS to its end and leaves nothing, where anonymous clients are: %s',
  async (anonymous) => {
    const log = new LogList();
    const path = await freshDirectory();
    const { messagesIn, messagesOut } = await rehearse(partsAt(path, anonymous, log));
    expect(log.lines).toEqual([]);
    // Ten rounds, two clients, three messages.
    expect(messagesIn).toBe(60);
    expect(messagesOut).toBeGreaterThan(60);
    expect(await readdir(path)).toEqual([]);
  },
);

test('what a killed run left of its rehearsal is taken away, and nothing else', async () => {
  const log = new LogList();
  const path = await freshDirectory();
  await mkdir(join(path, 'rehearsal', 'left'), { recursive: true });
  await writeFile(join(path, 'rehearsal', 'current'), 'of no form');
  await writeFile(join(path, 'current'), 'the real one');
  const { messagesIn } = await rehearse(partsAt(path, 'allow', log));
  expect(messagesIn).toBe(60);
  expect(await readdir(path)).toEqual(['current']);
});

test('a rehearsal that can not be had is given up with a word for those who look for it, and nothing follows', async () => {
  const log = new LogList();
  const path = join(await freshDirectory(), 'file');
  await writeFile(path, '');
  const { messagesIn } = await rehearse(partsAt(path, 'allow', log));
  expect(messagesIn).toBe(0);
  expect(log.lines.map(({ level }) => level)).toEqual(['debug']);
});

test('a rehearsal ends where its server begins to serve, or stops, and leaves nothing', async () => {
  const log = new LogList();
  const path = await freshDirectory();
  let visits = 0;
  const goesOn = (): boolean => (visits += 1) <= 3;
  const { messagesIn } = await rehearse({ ...partsAt(path, 'allow', log), goesOn });
  expect(messagesIn).toBe(9);
  expect(log.lines).toEqual([]);
  expect(await readdir(path)).toEqual([]);
});
