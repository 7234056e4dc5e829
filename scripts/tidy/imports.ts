/** Who may import whom, and that everything is imported by somebody. Source: the map of the code in README.md. */
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { at, type Finding, type Project, type Source } from './project.ts';

type Area = Readonly<{
  /** Areas whose door (index.ts) it may use; `options`: any folder's options.ts. */
  may: readonly string[];
  /** Packages and `node:` modules; `*`: all. A path after `@` is the only file that may. */
  packages: readonly string[];
}>;

/** Longest names first: a file belongs to the first that it is below. */
export const AREAS: Readonly<Record<string, Area>> = {
  'core/pair': { may: ['base'], packages: ['xstate', 'node:zlib'] },
  'core/replication': { may: ['base', 'core/pair'], packages: ['node:zlib'] },
  'core/access': { may: ['base'], packages: ['node:crypto'] },
  'core/broker': { may: ['base', 'core/pair', 'core/access'], packages: [] },
  'core/mqtt': { may: ['base', 'core/broker'], packages: ['mqtt-packet'] },
  base: { may: [], packages: [] },
  ports: { may: ['base', 'core'], packages: [] },
  runtime: { may: ['base', 'core', 'ports'], packages: [] },
  simulator: { may: ['base', 'core', 'ports', 'runtime'], packages: [] },
  explorer: { may: ['base', 'core'], packages: [] },
  io: { may: ['base', 'core', 'ports'], packages: ['*'] },
  profile: { may: ['base', 'options'], packages: ['*'] },
  admin: { may: ['base', 'core', 'ports', 'runtime'], packages: ['*'] },
  server: { may: ['base', 'core', 'ports', 'runtime', 'io', 'profile', 'admin'], packages: ['*'] },
  cli: {
    may: ['base', 'profile', 'admin', 'io/console', 'io/passwords', 'server', 'simulator', 'explorer'],
    packages: ['*'],
  },
};

/** The only files that know a library, where the folder is allowed it at all. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  xstate: ['core/pair/machine.ts', 'core/pair/setup.ts', 'core/pair/step.ts', 'core/pair/table.ts'],
  'mqtt-packet': ['core/mqtt/codec.ts'],
  'node:zlib': ['core/replication/entry.ts', 'core/pair/record.ts'],
  // Hash functions only, which are pure.
  'node:crypto': ['core/access/hashes.ts'],
};

type Import = Readonly<{ specifier: string; offset: number; file: string | null }>;

export function importDirections({ sources }: Project): Finding[] {
  return sources.flatMap((source) => {
    const from = areaOf(source.path);
    if (!source.path.startsWith('src/')) return [];
    if (from === null)
      return [
        at(
          source,
          0,
          'belongs to no folder of the map; move it, or add the folder to scripts/tidy/imports.ts and README.md',
        ),
      ];
    return importsOf(source).flatMap((found) => {
      const fault =
        found.file === null ? packageFault(source, from, found) : directionFault(from, found.file);
      return fault === null ? [] : [at(source, found.offset, fault)];
    });
  });
}

function directionFault(from: string, file: string): string | null {
  const to = areaOf(file);
  if (to === from) return null;
  const may = AREAS[from]?.may ?? [];
  if (may.includes('options') && file.endsWith('/options.ts')) return null;
  if (to === null || !may.some((area) => `src/${area}/` === file.slice(0, area.length + 5)))
    return `src/${from} must not import ${file}; it may import ${may.join(', ') || 'nothing'}`;
  if (!/\/(index|options)\.ts$/.test(file)) return `${file} is behind a door; use the folder's index.ts`;
  return null;
}

function packageFault(source: Source, from: string, { specifier }: Import): string | null {
  const name = specifier.startsWith('node:')
    ? specifier
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
  const packages = AREAS[from]?.packages ?? [];
  if (!packages.includes('*') && !packages.includes(name))
    return `src/${from} must not import ${name}; put what needs it behind a port in src/io`;
  const only = ONLY_IN[name];
  if (packages.includes('*') || only === undefined || only.some((file) => source.path === `src/${file}`))
    return null;
  return `${name} is known to ${only.join(', ')} only; use what they offer`;
}

/** Doors say what they open. */
export const starExports = ({ sources }: Project): Finding[] =>
  sources.flatMap((source) =>
    source.tree.statements
      .filter((statement) => ts.isExportDeclaration(statement) && statement.exportClause === undefined)
      .map((statement) =>
        at(source, statement.getStart(), 'export * hides what a door opens; list the names'),
      ),
  );

/** Files of `src` that no other file imports. A `main.ts` is started, not imported. */
export function unusedFiles({ sources }: Project): Finding[] {
  const imported = new Set(sources.flatMap((source) => importsOf(source).map(({ file }) => file)));
  return sources
    .filter(({ path }) => path.startsWith('src/') && !/main\.ts$/.test(path) && !imported.has(path))
    .map((source) => at(source, 0, 'nobody imports this file; use it or delete it'));
}

function importsOf(source: Source): Import[] {
  return ts.preProcessFile(source.text, true, true).importedFiles.map(({ fileName, pos }) => ({
    specifier: fileName,
    offset: pos,
    file: fileName.startsWith('.') ? normalize(join(dirname(source.path), fileName)) : null,
  }));
}

const areaOf = (path: string): string | null =>
  Object.keys(AREAS).find((area) => path.startsWith(`src/${area}/`)) ?? null;
