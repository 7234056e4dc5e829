/**
 * Which tests cite which statements of the MQTT specifications: `MQTT-3.1.2-24` is 3.1.1, `MQTT5-3.1.2-22` is 5.0. What counts is the title of a
 * test that runs and must pass, and where a title is put together from a table, a string of the table that is nothing but citations.
 */
import ts from 'typescript';
import { awaitedFolders } from '../../test/conformance/versions.ts';
import type { Source } from './project.ts';

/** `title`: as it stands in the code, with `…` for what is put in. */
export type Citation = Readonly<{ citation: string; file: string; title: string }>;

/** A whole number, or the beginning of one: `MQTT-4.3.2` names a clause and no statement. */
export const CITATION = /\bMQTT5?-\d+(?:\.\d+)*(?:-\d+)?\b/g;
const ONLY_CITATIONS = /^MQTT5?-[\d.]+-\d+(?:, MQTT5?-[\d.]+-\d+)*$/;

/** In the order of files and lines. */
export const citationsIn = (sources: readonly Source[]): readonly Citation[] =>
  sources.filter(({ path }) => path.startsWith('test/') && !isAwaited(path)).flatMap(citationsOf);

/** Its tests don't run yet. */
export const isAwaited = (path: string): boolean => awaitedFolders.some((folder) => path.startsWith(folder));

function citationsOf({ path, text, tree }: Source): Citation[] {
  if (!/\bMQTT5?-\d/.test(text)) return [];
  const found: Citation[] = [];
  const tables: { citation: string; at: number }[] = [];
  const made: { title: string; at: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && ONLY_CITATIONS.test(node.text))
      for (const [citation] of node.text.matchAll(CITATION)) tables.push({ citation, at: node.pos });
    const title = titleOf(node);
    if (title !== null) {
      for (const [citation] of title.matchAll(CITATION)) found.push({ citation, file: path, title });
      if (/…|%s/.test(title)) made.push({ title, at: node.pos });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  for (const { citation, at } of tables) {
    // The table stands before the test that reads it, or in it: `test.each(table)(title)`.
    const title = (made.find((one) => one.at >= at) ?? made.at(-1))?.title;
    if (title !== undefined) found.push({ citation, file: path, title });
  }
  return found;
}

/** Of `test('…')`, `test.each(…)('…')`; not of one that is expected to fail, or left out. */
function titleOf(node: ts.Node): string | null {
  const [first] = ts.isCallExpression(node) ? node.arguments : [];
  if (!ts.isCallExpression(node) || first === undefined) return null;
  const callee = node.expression.getText();
  if (!/^(test|it)\b/.test(callee) || /^(test|it)\.(fails|skip|todo)\b/.test(callee)) return null;
  if (ts.isStringLiteralLike(first)) return first.text;
  if (!ts.isTemplateExpression(first)) return null;
  return [first.head.text, ...first.templateSpans.map(({ literal }) => literal.text)].join('…');
}
