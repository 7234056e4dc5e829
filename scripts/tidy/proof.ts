/**
 * docs/PROOF.md names what there is: each test, file, fault and checker that it cites exists, and each of the peers' scenarios stands in it
 * once. It cites in backticks: `test/a.test.ts: "a title"` (`…` stands for any words), `a/file.ts`, `fault: crash, cut`, `chaos: kill`,
 * `checker: nothingLost`, `explore: "a round"`.
 */
import ts from 'typescript';
import { lineOf, type Finding, type Project, type Source } from './project.ts';

const PROOF = 'docs/PROOF.md';

/** How many scenarios the peers' tests have, by letter. */
export const SCENARIOS: Readonly<Record<string, number>> = {
  A: 16,
  B: 23,
  C: 15,
  D: 19,
  E: 16,
  F: 16,
  G: 4,
  H: 10,
};

/** Where names are given, and how one is found there. */
const NAMES: Readonly<Record<string, Readonly<{ in: string; form: (name: string) => RegExp }>>> = {
  fault: { in: 'src/simulator/faults/', form: (name) => new RegExp(`^  ${name}: \\{`, 'm') },
  chaos: { in: 'scripts/chaos/kinds.ts', form: (name) => new RegExp(`^  ${name}: \\{`, 'm') },
  checker: { in: 'src/simulator/checkers/', form: (name) => new RegExp(`^export function ${name}\\(`, 'm') },
};

export function proofNames(project: Project): Finding[] {
  const page = project.read(PROOF);
  if (page === null)
    return [{ file: PROOF, line: 1, text: 'is missing; it says how each promise is proved' }];
  const cited = [...page.matchAll(/`([^`\n]+)`/g)].flatMap(({ 1: citation = '', index }) =>
    faultsOf(project, citation).map((text) => ({ file: PROOF, line: lineOf(page, index), text })),
  );
  return [...cited, ...scenarioFaults(page)];
}

function faultsOf(project: Project, citation: string): string[] {
  const [, kind = '', rest = ''] = /^([\w./-]+): (.*)$/.exec(citation) ?? [];
  const names = NAMES[kind];
  if (names !== undefined) {
    const places = project.sources.filter(({ path }) => path.startsWith(names.in));
    return rest
      .split(', ')
      .filter((name) => !places.some(({ text }) => names.form(name).test(text)))
      .map((name) => `${kind} ${name} is not to be found in ${names.in}; name one that is`);
  }
  const quoted = /^"(.*)"$/.exec(rest)?.[1];
  if (quoted !== undefined) return titleFaults(project, kind, quoted);
  const isPath = /^(src|test|scripts|docs)\/\S+\.\w+$/.test(citation);
  return isPath && project.read(citation) === null
    ? [`${citation} does not exist; name a file that does`]
    : [];
}

function titleFaults({ sources }: Project, where: string, title: string): string[] {
  const path = where === 'explore' ? 'src/explorer/rounds.ts' : where;
  const source = sources.find((one) => one.path === path);
  if (source === undefined) return [`${path} does not exist; name a file that does`];
  const words = title.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${words.join('.*')}$`);
  const count = titlesIn(source, where === 'explore' ? /^round$/ : /^(test|it)\b/).filter((one) =>
    pattern.test(one),
  ).length;
  if (count === 1) return [];
  return [`"${title}" stands for ${count} titles in ${path}; cite words that only one has`];
}

/** The first arguments of such calls, with `…` for what is put in. */
function titlesIn(source: Source, callee: RegExp): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    const [first] = ts.isCallExpression(node) ? node.arguments : [];
    if (ts.isCallExpression(node) && first !== undefined && callee.test(node.expression.getText())) {
      if (ts.isStringLiteralLike(first)) titles.push(first.text);
      else if (ts.isTemplateExpression(first))
        titles.push([first.head.text, ...first.templateSpans.map(({ literal }) => literal.text)].join('…'));
    }
    ts.forEachChild(node, visit);
  };
  visit(source.tree);
  return titles;
}

/** A scenario opens a row of a table or a line of a list. */
function scenarioFaults(page: string): Finding[] {
  const lines = [...page.matchAll(/^(?:\| |- )([A-H]\d+)(?: \||:)/gm)].map(({ 1: number = '' }) => number);
  const all = Object.entries(SCENARIOS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, n) => `${letter}${n + 1}`),
  );
  const counts = all.map((number) => [number, lines.filter((one) => one === number).length] as const);
  return [
    ...counts
      .filter(([, count]) => count !== 1)
      .map(([number, count]) => `scenario ${number} stands here ${count} times; say once what covers it`),
    ...lines
      .filter((number) => !all.includes(number))
      .map((number) => `there is no scenario ${number}; take it out`),
  ].map((text) => ({ file: PROOF, line: 1, text }));
}
