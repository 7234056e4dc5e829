/** The console: what a line looks like, that no secret gets into one, and that losing the file costs nothing else. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { openConsole, type ConsoleOptions } from '../../src/io/console/index.ts';
import { jsonLine, textLine } from '../../src/io/console/line.ts';

const style = { server: 'primary', secrets: ['hush'] };
const at = new Date(2026, 0, 5, 10, 4, 5, 60);

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-console-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

function sink(): { output: Writable; written: () => string } {
  let text = '';
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return { output, written: () => text };
}

const options = (more: Partial<ConsoleOptions>): ConsoleOptions => ({
  server: 'primary',
  level: 'info',
  format: 'text',
  file: '',
  fileSizeMax: 1024 * 1024,
  filesMax: 3,
  secrets: ['hush'],
  output: sink().output,
  ...more,
});

test('a text line is time, level where it matters, sentence and code', () => {
  expect(textLine({ level: 'info', text: 'Primary Server switched to ACTIVE' }, at, style)).toBe(
    '2026-01-05 10:04:05.060 Primary Server switched to ACTIVE',
  );
  expect(textLine({ level: 'warn', text: 'lock\nlost', code: 'LS_TEST' }, at, style)).toBe(
    '2026-01-05 10:04:05.060 WARN  lock / lost [LS_TEST]',
  );
});

test('a JSON line is one object with the fields of its own, which can not replace the common ones', () => {
  const line = { level: 'info', text: 'up', fields: { epoch: 7, server: 'forged' } } as const;
  expect(JSON.parse(jsonLine(line, at, style))).toEqual({
    time: at.toISOString(),
    level: 'info',
    server: 'primary',
    text: 'up',
    epoch: 7,
  });
});

test('a secret never reaches a line', () => {
  const line = { level: 'info', text: 'the secret is hush', fields: { secret: 'hush' } } as const;
  expect(textLine(line, at, style)).toContain('the secret is (secret)');
  expect(jsonLine(line, at, style)).not.toContain('hush');
});

test('lines go to console and file; those below the level go to neither', async () => {
  const file = join(await directory(), 'log', 'lockstep.log');
  const { output, written } = sink();
  const opened = openConsole(options({ file, output }));
  opened.say({ level: 'debug', text: 'too fine' });
  opened.say({ level: 'info', text: 'all is well' });
  await opened.close();
  expect(written()).toMatch(/^\S+ \S+ all is well\n$/);
  expect(await readFile(file, 'utf8')).toBe(written());
});

test('the file is followed by a new one when it is full; no line is lost, however many come at once', async () => {
  const path = await directory();
  const count = 3_000;
  const opened = openConsole(
    options({ file: join(path, 'lockstep.log'), fileSizeMax: 20_000, filesMax: 100 }),
  );
  for (let line = 0; line < count; line += 1)
    opened.say({ level: 'info', text: `line ${line} ${'x'.repeat(80)}` });
  await opened.close();
  const files = (await readdir(path)).sort(
    (a, b) => Number(b.split('.')[2] ?? 0) - Number(a.split('.')[2] ?? 0),
  );
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), 'utf8')));
  expect(files.length).toBeGreaterThan(10);
  expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(20_000);
  const numbers = [...texts.join('').matchAll(/ line (\d+) /g)].map((match) => Number(match[1]));
  expect(numbers).toEqual(Array.from({ length: count }, (_, line) => line));
});

test.each([
  [1, ['lockstep.log']],
  [3, ['lockstep.log', 'lockstep.log.1', 'lockstep.log.2']],
])('no more than %i files are kept, and a file of a former run is gone on with', async (filesMax, names) => {
  const path = await directory();
  for (let run = 0; run < 3; run += 1) {
    const opened = openConsole(options({ file: join(path, 'lockstep.log'), fileSizeMax: 1_000, filesMax }));
    for (let line = 0; line < 20; line += 1)
      opened.say({ level: 'info', text: `run ${run} line ${line} ${'x'.repeat(80)}` });
    await opened.close();
  }
  expect((await readdir(path)).sort()).toEqual(names);
  for (const name of names) expect((await stat(join(path, name))).size).toBeLessThanOrEqual(1_000);
  expect(await readFile(join(path, 'lockstep.log'), 'utf8')).toContain('run 2 line 19');
});

test('a log file that can not be had does not stop the console', async () => {
  const path = await directory();
  await writeFile(join(path, 'taken'), '');
  const { output, written } = sink();
  const opened = openConsole(options({ file: join(path, 'taken', 'lockstep.log'), output }));
  opened.say({ level: 'info', text: 'still here' });
  await opened.close();
  expect(written()).toContain('still here');
});
