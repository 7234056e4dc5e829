/** The made part of docs/MQTT.md: what becomes of each statement of the two specifications. The words around it are written by hand. */
import ts from 'typescript';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ledger, specifications } from '../test/conformance/ledger.ts';
import { citationOf, type Version } from '../test/conformance/statement.ts';
import { CITATION, citationsIn, type Citation } from './tidy/citations.ts';
import { filesBelow } from './tidy/project.ts';

/** The page with its tables made anew, or as it is where it has no place for them. */
export function mqttPage(root: string, page: string): string {
  const tests = testsByCitation(root);
  return (['3.1.1', '5.0'] as const).reduce((text, version) => {
    const place = new RegExp(`(<!-- statements ${version} -->\n)[^]*?(<!-- end -->)`);
    const table = tableOf(version, tests);
    return text.replace(place, (_, begin: string, end: string) => `${begin}${table}${end}`);
  }, page);
}

function testsByCitation(root: string): ReadonlyMap<string, readonly Citation[]> {
  const sources = filesBelow(join(root, 'test'), '.ts')
    .map((file) => ({ path: relative(root, file), text: readFileSync(file, 'utf8') }))
    .filter(({ text }) => text.includes('MQTT'))
    .map(({ path, text }) => {
      const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
      return { path, text, tree };
    });
  const tests = new Map<string, Citation[]>();
  for (const found of citationsIn(sources)) {
    const others = tests.get(found.citation);
    if (others === undefined) tests.set(found.citation, [found]);
    else others.push(found);
  }
  return tests;
}

function tableOf(version: Version, tests: ReadonlyMap<string, readonly Citation[]>): string {
  const statements = specifications[version];
  const counts = { tested: 0, apart: 0, open: 0 };
  const rows = statements.map((statement) => {
    const citation = citationOf(version, statement);
    const citing = tests.get(citation) ?? [];
    const apart = ledger.notApplicable[citation];
    if (citing.length > 0) counts.tested += 1;
    else if (apart !== undefined) counts.apart += 1;
    else counts.open += 1;
    const where =
      citing.length > 0
        ? testsText(citing)
        : apart !== undefined
          ? // As the specification has them: this table is of one of the two.
            `Not applicable: ${apart.replaceAll('MQTT5-', 'MQTT-')}`
          : `**Open**: ${ledger.open[citation] ?? 'no test cites it'}`;
    return `| ${statement.id} | ${statement.binds} | ${statement.says} | ${where} |`;
  });
  const { tested, apart, open } = counts;
  return `
${statements.length} statements: ${tested} tested, ${apart} not applicable, ${open} open.

| number | binds | says | tested by |
|---|---|---|---|
${rows.join('\n')}

`;
}

/** The title of one test, those of test/conformance first, and the files of the others. */
function testsText(citing: readonly Citation[]): string {
  const ordered = [...citing].sort((a, b) => Number(isConformance(b)) - Number(isConformance(a)));
  const [first, ...rest] = ordered;
  if (first === undefined) return '';
  const others = [...new Set(rest.map(({ file }) => file))].filter((file) => file !== first.file);
  return [`${plainTitle(first.title)} (${link(first.file)})`, ...others.map(link)].join(', ');
}

const isConformance = ({ file }: Citation): boolean => file.startsWith('test/conformance/');

const link = (file: string): string => `[${file.replace(/^test\/|\.test\.ts$/g, '')}](../${file})`;

/** Without its citations, and without what Markdown would take for its own. */
const plainTitle = (title: string): string =>
  title
    .replace(/\s*[[(](?:[^\])]*\bMQTT5?-\d[^\])]*|…)[\])]/g, '')
    .replace(CITATION, '')
    .replace(/[|<>*_`]/g, (mark) => `\\${mark}`)
    .trim();
