/**
 * A profile as it was written: YAML with the place of every key, and `--set key=value` on top. Knows places, judges nothing but the
 * YAML itself.
 */
import { isMap, isScalar, LineCounter, parse, parseDocument, type Document } from 'yaml';
import { profileFaults, type ProfileFault } from './faults.ts';
import { leaves } from './sections.ts';

export type ProfileSource = Readonly<{
  /** Plain values, with every `--set` put in. */
  values: Record<string, unknown>;
  faults: readonly ProfileFault[];
  /** False: the YAML is broken, so that judging its values would mislead. */
  isReadable: boolean;
  /** `file:line:column` of a key or of its value; `--set` where that has given it. */
  where: (path: readonly string[], what: 'key' | 'value') => string;
}>;

export function readSource(file: string, text: string, sets: readonly string[]): ProfileSource {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const place = (offset: number): string => {
    const { line, col } = counter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const faults: ProfileFault[] = document.errors.map((error) => {
    const why = error.message.split(/ at line \d/)[0] ?? error.message;
    return fault(place(error.pos[0]), 'LS_PROFILE_SYNTAX', profileFaults.LS_PROFILE_SYNTAX(why));
  });
  const tree: unknown = document.toJS();
  const values = isRecord(tree) ? tree : {};
  const isTree = tree === null || isRecord(tree);
  if (!isTree) {
    const why = 'a profile is keys and values';
    faults.push(fault(place(0), 'LS_PROFILE_SYNTAX', profileFaults.LS_PROFILE_SYNTAX(why)));
  }
  const given = new Set<string>();
  for (const set of sets) {
    const [, key, value] = /^([^=\s]+)=(.*)$/s.exec(set) ?? [];
    if (key === undefined || value === undefined) {
      const found = JSON.stringify(set.split('=')[0]);
      faults.push(fault('--set', 'LS_PROFILE_SET', profileFaults.LS_PROFILE_SET(found)));
      continue;
    }
    put(values, key.split('.'), valueFrom(key, value));
    given.add(key);
  }
  return {
    values,
    faults,
    isReadable: isTree && document.errors.every(({ code }) => code === 'DUPLICATE_KEY'),
    where: (path, what) => (given.has(path.join('.')) ? '--set' : place(offsetOf(document, path, what))),
  };
}

const fault = (where: string, code: ProfileFault['code'], text: string): ProfileFault => ({
  where,
  code,
  text,
});

/** Text is taken as it stands, so that a path or a secret needs no quotes beyond the shell's. */
function valueFrom(key: string, value: string): unknown {
  if (leaves().find((leaf) => leaf.key === key)?.option.kind === 'text') return value;
  try {
    return parse(value) as unknown;
  } catch {
    return value;
  }
}

function put(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let section = values;
  for (const name of path.slice(0, -1)) {
    const below = Object.hasOwn(section, name) ? section[name] : undefined;
    if (isRecord(below)) {
      section = below;
    } else {
      const made: Record<string, unknown> = {};
      define(section, name, made);
      section = made;
    }
  }
  define(section, path.at(-1) ?? '', value);
}

/** Not an assignment: a key named `__proto__` is to be found and refused like any unknown one. */
const define = (section: Record<string, unknown>, name: string, value: unknown): void => {
  Object.defineProperty(section, name, { value, enumerable: true, writable: true, configurable: true });
};

/** Where a key or its value begins; for what is missing, the nearest section above it that is there. */
function offsetOf(document: Document.Parsed, path: readonly string[], what: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const [depth, name] of path.entries()) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
    if (pair === undefined) break;
    const isLast = depth === path.length - 1;
    offset = (isLast && what === 'value' ? start(pair.value) : null) ?? start(pair.key) ?? offset;
    node = pair.value;
  }
  return offset;
}

const start = (node: unknown): number | null =>
  isScalar(node) || isMap(node) ? (node.range?.[0] ?? null) : null;

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
