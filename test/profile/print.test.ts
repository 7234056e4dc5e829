/** What is made from the options: the manual's page, the comments of the shipped profiles. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { madeFiles } from '../../scripts/docs.ts';
import {
  leaves,
  optionsManual,
  optionsText,
  profileText,
  projectDirectory,
} from '../../src/profile/index.ts';
import { sizeFrom, sizeText } from '../../src/profile/sizes.ts';
import { nearest } from '../../src/profile/words.ts';

const made = [...madeFiles(projectDirectory)].map(
  ([file, text]) => [file.slice(projectDirectory.length), file, text] as const,
);

test.each(made)(
  '%s is up to date with the options (else: npx tsx scripts/docs.ts)',
  async (_, file, text) => {
    expect(await readFile(file, 'utf8')).toBe(text);
  },
);

test('every option is in the manual and in `lockstep options`, with a meaning', () => {
  for (const { key, option } of leaves()) {
    expect(option.meaning).toMatch(/\S.*\.$/s);
    expect(optionsManual()).toContain(`| \`${key}\` |`);
    expect(optionsText()).toMatch(new RegExp(`^${key.replaceAll('.', '\\.')}$`, 'm'));
  }
});

test('a profile made anew keeps the values that were given, and comes out the same again', () => {
  const text = profileText('A test.', 'server: secondary\njournal: { retain: 3 MiB }\npair: { name: "1" }\n');
  expect(text).toContain('\nserver: secondary\n');
  expect(text).toContain('\n  retain: 3 MiB\n');
  expect(text).toContain('\n  name: "1"\n');
  expect(profileText('A test.', text)).toBe(text);
});

test('sizes are read and written in whole units', () => {
  expect(['64 KiB', '1.5MiB', '2 GiB', 12, 'many'].map(sizeFrom)).toEqual([
    65_536,
    1_572_864,
    2 ** 31,
    12,
    'many',
  ]);
  expect([0, 1000, 65_536, 2 ** 31].map(sizeText)).toEqual(['0', '1000', '64 KiB', '2 GiB']);
});

test('the nearest key is one that is near', () => {
  const known = ['timing.pingInterval', 'peer.port', 'log'];
  expect(nearest('timing.pingintervall', known)).toBe('timing.pingInterval');
  expect(nearest('peer.prot', known)).toBe('peer.port');
  expect(nearest('foo', known)).toBeNull();
});
