/**
 * Writes what is made from the options: docs/OPTIONS.md, and the comments of every profile under profiles/ (values stay as they are); and the
 * tables of docs/MQTT.md, from the statements of the specifications and the titles of the tests that cite them; and how each benchmark is run, in
 * docs/PERFORMANCE.md, from the benchmarks themselves.
 * `--check` writes nothing and fails when something is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { optionsManual, profileText, projectDirectory } from '../src/profile/index.ts';
import { benchesPage } from './bench/registry.ts';
import { mqttPage } from './mqtt-page.ts';
import { filesBelow } from './tidy/project.ts';

const BENCHES_PLACE = /(<!-- benchmarks -->\n\n)[^]*?(\n\n<!-- end -->)/;

/** Every made file and what should be in it. */
export function madeFiles(root: string): Map<string, string> {
  const made = new Map([[join(root, 'docs/OPTIONS.md'), optionsManual()]]);
  for (const file of filesBelow(join(root, 'profiles'), '.yaml')) {
    const [pair = '', server = '', kind = ''] = relative(join(root, 'profiles'), file)
      .replace(/\.yaml$/, '')
      .split('/');
    made.set(
      file,
      profileText(`The ${kind} server "${server}" of the pair ${pair}.`, readFileSync(file, 'utf8')),
    );
  }
  const mqtt = join(root, 'docs/MQTT.md');
  const page = contentOf(mqtt);
  if (page !== null) made.set(mqtt, mqttPage(root, page));
  const performance = join(root, 'docs/PERFORMANCE.md');
  const figures = contentOf(performance);
  if (figures !== null)
    made.set(
      performance,
      figures.replace(BENCHES_PLACE, (_, begin: string, end: string) => `${begin}${benchesPage()}${end}`),
    );
  return made;
}

if (process.argv[1] === import.meta.filename) {
  const stale = [...madeFiles(projectDirectory)].filter(([file, text]) => contentOf(file) !== text);
  for (const [file, text] of stale) {
    if (process.argv.includes('--check')) console.error(`${file}: out of date; run npx tsx scripts/docs.ts`);
    else writeFileSync(file, text);
  }
  if (process.argv.includes('--check') && stale.length > 0) process.exitCode = 1;
}

function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
