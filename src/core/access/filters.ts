/**
 * What can be said of two topic filters without a topic: whether all that one matches is matched by others, and whether one topic is
 * matched by both. Filters come as their levels. `+` stands for one level, `#` for all that follow, also for none; in first place neither
 * stands for a level that begins with `$`. Source: MQTT-4.7.1, MQTT-4.7.2-1.
 */

export type Levels = readonly string[];

export const levelsOf = (filter: string): Levels => filter.split('/');

/** A level that no filter can name, because no level of a filter has a # beside other characters. */
const ANY = '#any';

const isWild = (level: string | undefined): boolean => level === '+' || level === '#';
const isReserved = (level: string | undefined): boolean => level?.startsWith('$') === true;

export function isMatched(topic: Levels, filter: Levels): boolean {
  if (isReserved(topic[0]) && isWild(filter[0])) return false;
  for (let depth = 0; depth < filter.length; depth += 1) {
    const level = filter[depth];
    if (level === '#') return true;
    if (depth >= topic.length || (level !== '+' && level !== topic[depth])) return false;
  }
  return filter.length === topic.length;
}

/**
 * Whether every topic that `filter` matches is matched by one of `others` at least. A wildcard stands for names without end, of which the
 * others name only some: so it is enough to look at one name that none of them has, which only their wildcards match.
 */
export function isCovered(filter: Levels, others: readonly Levels[]): boolean {
  const isOpen = filter.at(-1) === '#';
  const topic = (isOpen ? filter.slice(0, -1) : filter).map((level) => (level === '+' ? ANY : level));
  const isOneCovered = (): boolean => others.some((other) => isMatched(topic, other));
  if (!isOpen) return isOneCovered();
  // Beyond the longest of the others it is always the same ones that match: those that end in #.
  const longest = Math.max(0, ...others.map(({ length }) => length));
  // `a/#` matches `a` too; `#` alone matches no topic without a level.
  if (topic.length > 0 && !isOneCovered()) return false;
  do {
    topic.push(ANY);
    if (!isOneCovered()) return false;
  } while (topic.length <= longest);
  return true;
}

/** Whether there is a topic that both match. */
export function isOverlap(one: Levels, other: Levels): boolean {
  if ((isReserved(one[0]) && isWild(other[0])) || (isReserved(other[0]) && isWild(one[0]))) return false;
  for (let depth = 0; ; depth += 1) {
    const [a, b] = [one[depth], other[depth]];
    if (a === '#' || b === '#') return true;
    if (a === undefined || b === undefined) return a === b;
    if (a !== '+' && b !== '+' && a !== b) return false;
  }
}
