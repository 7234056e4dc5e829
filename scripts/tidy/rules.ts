/** Every rule of the protocol is cited where it is obeyed and where it is tested. Source: src/core/pair/PROTOCOL.md §2. */
import { lineOf, type Finding, type Project } from './project.ts';

const PROTOCOL = 'src/core/pair/PROTOCOL.md';

export function citedRules({ sources, read }: Project): Finding[] {
  const page = read(PROTOCOL);
  if (page === null)
    return [
      { file: PROTOCOL, line: 1, text: 'the protocol page is missing; it is the law of src/core/pair' },
    ];
  return rulesIn(page).flatMap(({ name, offset }) => {
    // `PROTOCOL.md §2 Force`, `rule Force`, `(Turn, Grow, Fence)` after either, or `Rule Force:`.
    const citation = new RegExp(`(PROTOCOL\\.md|\\b[Rr]ules?\\b)[^\\n]*\\b${name}\\b`);
    return ['src', 'test']
      .filter(
        (folder) => !sources.some(({ path, text }) => path.startsWith(`${folder}/`) && citation.test(text)),
      )
      .map((folder) => ({
        file: PROTOCOL,
        line: lineOf(page, offset),
        text: `rule ${name} is cited nowhere in ${folder}/; cite it where it is ${folder === 'src' ? 'obeyed' : 'tested'} (rule ${name})`,
      }));
  });
}

/** The bold names that open a paragraph of §2, and the one rule inside Shrink. */
export function rulesIn(page: string): { name: string; offset: number }[] {
  const begin = page.indexOf('\n## 2.');
  const end = page.indexOf('\n## 3.');
  return [...page.matchAll(/^(?:\*\*([A-Z][a-z]+)\.?\*\*|\*([A-Z][a-z]+)\*:)/gm)]
    .filter(({ index }) => index > begin && index < end)
    .map((match) => ({ name: match[1] ?? match[2] ?? '', offset: match.index }));
}
