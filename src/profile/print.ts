/**
 * The options as text: the manual's page, `lockstep options`, and a profile with a comment above every key. All three from the one
 * place where an option is said.
 */
import { parseDocument, stringify } from 'yaml';
import { isOption, laterKeys, leaves, profileOptions, sectionMeanings, type OptionTree } from './sections.ts';
import { defaultOf, wantedOf } from './words.ts';
import type { AnyOption } from '../base/index.ts';
import { valueAt } from './check.ts';

const WIDTH = 100;

/** `docs/OPTIONS.md`. */
export function optionsManual(): string {
  const rows = leaves().map(
    ({ key, option }) =>
      `| \`${key}\` | ${cell(option.meaning)} | ${cell(wantedOf(option))} | ${defaultCell(option)} |`,
  );
  const later = Object.entries(laterKeys).map(([key, meaning]) => `| \`${key}\` | ${cell(meaning)} |`);
  return [
    '# Options',
    '',
    'Every key of a profile. Made by `npx tsx scripts/docs.ts` from the options in `src/**/options.ts`; edit those.',
    'Relative paths begin at `LOCKSTEP_HOME` (unset: `run/` in the project directory). Sizes are bytes, or as `64 MiB`.',
    'Any key can be given for one run: `--set timing.pingInterval=250`.',
    '',
    '| key | meaning | value | default |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Not yet available',
    '',
    'Known, and refused with a sentence: a profile that has one of these does not start. So is `kind: enterprise`.',
    '',
    '| key | meaning |',
    '|---|---|',
    ...later,
    '',
  ].join('\n');
}

/** What `lockstep options` prints. */
export const optionsText = (): string =>
  leaves()
    .map(({ key, option }) => [key, ...wrapped(optionWords(option), '    ')].join('\n'))
    .join('\n\n');

/**
 * A profile with its comments made anew: the values that `source` gives (as it writes them), the defaults for the rest. The same text
 * comes back when nothing has changed. `source` must be a profile that loads.
 */
export function profileText(title: string, source: string): string {
  const given: unknown = parseDocument(source).toJS();
  const head = wrapped(
    `${title} Every key is explained above it; \`lockstep options\` prints them all. Relative paths begin at LOCKSTEP_HOME (unset: run/ in the project directory). Edit values; comments are made by scripts/docs.ts.`,
    '# ',
  );
  return `${[...head, ...sectionLines(profileOptions, [], given)].join('\n')}\n`;
}

function sectionLines(tree: OptionTree, above: readonly string[], given: unknown): string[] {
  const indent = '  '.repeat(above.length);
  return Object.entries(tree).flatMap(([name, node]) => {
    const path = [...above, name];
    if (isOption(node)) {
      const value = scalarOf(valueAt(given, path)) ?? defaultOf(node) ?? '';
      const written =
        node.kind === 'text' || value === '' ? stringify(value, { lineWidth: 0 }).trim() : String(value);
      const gap = above.length === 0 ? [''] : [];
      return [...gap, ...wrapped(optionWords(node), `${indent}# `), `${indent}${name}: ${written}`];
    }
    const heading = above.length === 0 ? ['', ...wrapped(sectionMeanings[name] ?? '', '# ')] : [];
    return [...heading, `${indent}${name}:`, ...sectionLines(node, path, given)];
  });
}

/** Values of a profile that loads are texts, numbers and flags. */
const scalarOf = (value: unknown): string | number | boolean | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;

/** Meaning, unit and range, default: one paragraph. */
function optionWords(option: AnyOption): string {
  const usual = defaultOf(option);
  const ending = usual === null ? 'Required.' : usual === '' ? 'Default: empty.' : `Default: ${usual}.`;
  return `${option.meaning} ${capital(wantedOf(option))}. ${ending}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const cell = (text: string): string => text.replaceAll('|', '\\|');
const defaultCell = (option: AnyOption): string => {
  const usual = defaultOf(option);
  return usual === null ? 'required' : usual === '' ? 'empty' : `\`${usual}\``;
};

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return line === '' ? lines : [...lines, indent + line];
}
