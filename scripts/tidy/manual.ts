/** What the code says and what the manual says are the same: error codes, options, profiles; and where packages come from. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadProfile, ProfileRefused } from '../../src/profile/index.ts';
import { madeFiles } from '../docs.ts';
import { at, filesBelow, lineOf, type Finding, type Project } from './project.ts';

const ERRORS = 'docs/ERRORS.md';
const CODE = /\bLS_[A-Z0-9]+(?:_[A-Z0-9]+)*\b/g;

export function errorCodes({ sources, read }: Project): Finding[] {
  const page = read(ERRORS) ?? '';
  const explained = new Set(page.match(CODE));
  const used = new Map<string, Finding>();
  for (const source of sources.filter(({ path }) => path.startsWith('src/')))
    for (const match of source.text.matchAll(CODE)) {
      const text = `${match[0]} is not in ${ERRORS}; add what it means and what to do`;
      if (!used.has(match[0])) used.set(match[0], at(source, match.index, text));
    }
  const stale = [...page.matchAll(CODE)]
    .filter(([code]) => !used.has(code))
    .map(([code, ...rest]) => ({ code, rest }))
    .map(({ code }) => ({
      file: ERRORS,
      line: lineOf(page, page.indexOf(code)),
      text: `${code} is used nowhere in src/; take it out`,
    }));
  return [...[...used].filter(([code]) => !explained.has(code)).map(([, finding]) => finding), ...stale];
}

/** docs/OPTIONS.md and the comments of the profiles. */
export const madeTexts = ({ root }: Project): Finding[] =>
  [...madeFiles(root)]
    .filter(([file, text]) => contentOf(file) !== text)
    .map(([file]) => ({
      file: relative(root, file),
      line: 1,
      text: 'out of date; run npx tsx scripts/docs.ts',
    }));

/** All profiles, but for the lock file's directory, which is on the operator's share. */
export async function profilesLoad({ root }: Project): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const file of filesBelow(join(root, 'profiles'), '.yaml')) {
    const path = relative(root, file);
    const server = path.split('/').at(-2);
    if (server !== 'primary' && server !== 'secondary') {
      findings.push({
        file: path,
        line: 1,
        text: 'is of no server; use profiles/<name>/<primary|secondary>/<kind>.yaml',
      });
      continue;
    }
    try {
      await loadProfile({ file, server, home: join(root, 'run'), sets: [], purpose: 'look' });
    } catch (error) {
      if (!(error instanceof ProfileRefused)) throw error;
      for (const { where, text } of error.faults)
        findings.push({ file: path, line: Number(where.split(':').at(-2)) || 1, text });
    }
  }
  return findings;
}

/** Every machine takes packages from the registry it is told to use. */
export function lockfileAddresses({ read }: Project): Finding[] {
  const text = read('package-lock.json') ?? '';
  return [...text.matchAll(/"resolved":\s*"(?:https?|git)/g)].map(({ index }) => ({
    file: 'package-lock.json',
    line: lineOf(text, index),
    text: 'names an address to download from; run npm install with the settings of .npmrc',
  }));
}

function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
