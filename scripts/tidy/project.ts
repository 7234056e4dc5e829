/** The project as the checks see it: its TypeScript files, parsed once, with paths from the root. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

export type Source = Readonly<{ path: string; text: string; tree: ts.SourceFile }>;
export type Finding = Readonly<{ file: string; line: number; text: string }>;
export type Project = Readonly<{
  root: string;
  /** `src/`, `test/` and `scripts/`. */
  sources: readonly Source[];
  /** Of any file; null when it is missing. */
  read: (path: string) => string | null;
}>;

export function openProject(root: string): Project {
  const files = ['src', 'test', 'scripts'].flatMap((folder) => filesBelow(join(root, folder), '.ts'));
  return {
    root,
    sources: files.map((file) => {
      const text = readFileSync(file, 'utf8');
      const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
      return { path: relative(root, file), text, tree };
    }),
    read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : null),
  };
}

/** Absolute paths, sorted; none when the folder is missing. */
export function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}

/** A finding at an offset of a source. */
export const at = (source: Source, offset: number, text: string): Finding => ({
  file: source.path,
  line: source.tree.getLineAndCharacterOfPosition(offset).line + 1,
  text,
});

/** The line of an offset in a plain text, from 1. */
export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;
