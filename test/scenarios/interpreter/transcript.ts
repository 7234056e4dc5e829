/**
 * A transcript as text: paragraphs that are comments (`#` before each line), and paragraphs of commands with what came of them behind a line of
 * dashes. What came of them is never read: it is written anew and compared.
 */

export type Paragraph =
  | Readonly<{ kind: 'comment'; lines: readonly string[] }>
  | Readonly<{ kind: 'commands'; commands: readonly string[]; output: readonly string[] }>;

const DASHES = '----';

export function parseTranscript(text: string): Paragraph[] {
  return text
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.split('\n').filter((line) => line !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      if (lines.every((line) => line.startsWith('#'))) return { kind: 'comment', lines };
      const at = lines.indexOf(DASHES);
      const [commands, output] = at < 0 ? [lines, []] : [lines.slice(0, at), lines.slice(at + 1)];
      return { kind: 'commands', commands, output };
    });
}

export const printTranscript = (paragraphs: readonly Paragraph[]): string =>
  `${paragraphs
    .map((paragraph) => {
      if (paragraph.kind === 'comment') return paragraph.lines.join('\n');
      const { commands, output } = paragraph;
      return [...commands, ...(output.length === 0 ? [] : [DASHES, ...output])].join('\n');
    })
    .join('\n\n')}\n`;

/** The first line: `# A1. What must hold.` It is the title of the test. */
export function titleOf(text: string): string {
  const title = /^# ([ABC]\d+\. .+)$/m.exec(text)?.[1];
  if (title === undefined)
    throw new Error('a transcript begins with a line like: # A1. What must hold (Rule)');
  return title;
}
