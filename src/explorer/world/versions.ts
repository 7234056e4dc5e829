/**
 * Versions without end, as few numbers. A record's version is compared with others, is odd or even, and the next one is the lowest of its
 * kind above everything in both blocks; nothing else is ever asked of it. So versions may be given other numbers in a whole world, as long as
 * their order, their kind, and their distance from the highest one on the share, where they are above it, stay the same: what can follow from
 * the one world is what can follow from the other, but for those numbers. (The highest one on the share never falls, and every new one is
 * above it: into the gaps below it no number ever comes.) Where a clause is left out this may be untrue, and nothing is renamed.
 */
import { assert, present } from '../../base/index.ts';
import type { Share } from './world.ts';
import { readBlock } from './share.ts';

/** Bit n: version n. */
export type VersionSet = number;
const VERSION_MAX = 30;

const sets = new WeakMap<object, VersionSet>();

/** Every version anywhere inside a value. */
export function versionsIn(value: object): VersionSet {
  const known = sets.get(value);
  if (known !== undefined) return known;
  let found = 0;
  for (const key in value) {
    const inside: unknown = (value as Record<string, unknown>)[key];
    if (typeof inside === 'object' && inside !== null) found |= versionsIn(inside);
    else if (typeof inside === 'number' && isVersion(key, value)) {
      assert(inside <= VERSION_MAX, `version ${inside}: too many at once`);
      if (inside > 0) found |= 1 << inside;
    }
  }
  sets.set(value, found);
  return found;
}

/** `number` is a version in the state of a record write, and a session's elsewhere. */
const isVersion = (key: string, value: object): boolean =>
  key === 'version' ||
  key === 'announced' ||
  key === 'replaces' ||
  key === 'above' ||
  (key === 'number' && 'place' in value);

/** The highest number on the share: what the next one is above. */
export function highestOn(share: Share): number {
  const blocks = [readBlock(share.primary), readBlock(share.secondary)];
  return Math.max(0, ...blocks.map((block) => (block.kind === 'good' ? block.announced : 0)));
}

/** New numbers by old ones, or null where every version has the lowest that it can have. */
export type Renaming = readonly number[] | null;

export function renamingOf(versions: VersionSet, highest: number): Renaming {
  const names: number[] = [0];
  let last = 0;
  let highestNow = 0;
  let isSame = true;
  for (let version = 1; version <= VERSION_MAX; version += 1) {
    if ((versions & (1 << version)) === 0) continue;
    const isAbove = version > highest;
    // At the lowest number of its kind above the one before.
    const next = (last + 1) % 2 === version % 2 ? last + 1 : last + 2;
    const name = isAbove ? highestNow + (version - highest) : next;
    if (!isAbove) last = name;
    if (version === highest) highestNow = name;
    assert(version <= highest + 2, `version ${version} is out of the reach of ${highest}`);
    names[version] = name;
    if (name !== version) isSame = false;
  }
  return isSame ? null : names;
}

/** A value with its versions renamed; the very same where it has none that change. */
export class Renamer {
  readonly #names: readonly number[];
  readonly #known = new WeakMap<object, object>();

  constructor(names: readonly number[]) {
    this.#names = names;
  }

  of<T>(value: T): T {
    if (typeof value !== 'object' || value === null || versionsIn(value) === 0) return value;
    const known = this.#known.get(value);
    // What was made of a value has its shape.
    if (known !== undefined) return known as T;
    const made: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
    for (const key in value) {
      const inside: unknown = value[key];
      const named =
        typeof inside === 'number' && isVersion(key, value)
          ? present(this.#names[inside], `a name for version ${inside}`)
          : this.of(inside);
      (made as Record<string, unknown>)[key] = named;
    }
    this.#known.set(value, made);
    return made as T;
  }
}
