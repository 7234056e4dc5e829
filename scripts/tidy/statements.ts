/**
 * The ledger of the MQTT specifications: each statement is cited by a test, or stands with its reason in test/conformance/not-applicable.ts, or
 * is still open in test/conformance/open.ts; in one of the three and no more. And a test that cites a statement cites one that there is.
 */
import type { Ledger } from '../../test/conformance/ledger.ts';
import { CITATION, citationsIn } from './citations.ts';
import { at, lineOf, type Finding, type Project } from './project.ts';

const OPEN = 'test/conformance/open.ts';
const NOT_APPLICABLE = 'test/conformance/not-applicable.ts';

export function statementLedger({ sources, read }: Project, ledger: Ledger): Finding[] {
  const tests = new Map(citationsIn(sources).map(({ citation, file }) => [citation, file]));
  const line = (file: string, citation: string): number => {
    const text = read(file) ?? '';
    return lineOf(text, Math.max(0, text.indexOf(`'${citation}'`)));
  };
  const finding = (file: string, citation: string, text: string): Finding => ({
    file,
    line: line(file, citation),
    text: `${citation} ${text}`,
  });
  const lists = [
    [NOT_APPLICABLE, ledger.notApplicable],
    [OPEN, ledger.open],
  ] as const;
  const unknown = lists.flatMap(([file, list]) =>
    Object.keys(list)
      .filter((citation) => !ledger.statements.has(citation))
      .map((citation) => finding(file, citation, 'is no statement; take it out')),
  );
  const placed = [...ledger.statements.keys()].flatMap((citation) => {
    const test = tests.get(citation);
    const isApart = Object.hasOwn(ledger.notApplicable, citation);
    const isOpen = Object.hasOwn(ledger.open, citation);
    if (isApart && isOpen) return [finding(OPEN, citation, 'is not applicable; take it out here')];
    if (test !== undefined && isOpen) return [finding(OPEN, citation, `is tested by ${test}; take it out`)];
    if (test !== undefined && isApart)
      return [finding(NOT_APPLICABLE, citation, `is tested by ${test}; take it out`)];
    if (test !== undefined || isApart || isOpen) return [];
    return [finding(OPEN, citation, 'is cited by no test; cite it in the title of one, or say why not here')];
  });
  return [...unknown, ...placed, ...wrongCitations(sources, ledger)];
}

/** Also in comments of tests: whoever follows one must find it. */
function wrongCitations(sources: Project['sources'], { statements }: Ledger): Finding[] {
  return sources
    .filter(({ path }) => path.startsWith('test/') && path !== 'test/project/tidy.test.ts')
    .filter(({ path }) => !/^test\/conformance\/statements-/.test(path))
    .flatMap((source) =>
      [...source.text.matchAll(CITATION)]
        .filter(([citation]) => !statements.has(citation))
        .map(({ 0: citation, index }) => at(source, index, `${citation} ${remedyFor(citation, statements)}`)),
    );
}

function remedyFor(citation: string, statements: Ledger['statements']): string {
  const other = citation.startsWith('MQTT5-')
    ? citation.replace('MQTT5-', 'MQTT-')
    : citation.replace('MQTT-', 'MQTT5-');
  if (statements.has(other)) return `is no statement, but ${other} is; MQTT- means 3.1.1, MQTT5- means 5.0`;
  return 'is no statement; cite one that test/conformance/statements-311.ts or statements-5.ts has';
}
