/**
 * What one client may do, by the rules that speak of it. A rule that denies counts first, then one that allows; what no rule speaks of is
 * denied as soon as there is any rule at all, and allowed where there is none.
 *
 * A subscription is allowed where every topic that its filter matches is allowed: it is covered by rules that allow, and no rule that denies
 * overlaps with it. So what is delivered need not be looked at again. `$share/<group>/<filter>` counts as its filter.
 *
 * A name in place of `%u` or `%c` must not make a rule mean more than it says. Where it has `+`, `#` or `/`, or puts a `$` in first place, a
 * rule that allows does not apply. One that denies does apply to a name with `/`, as it is written, or a client would get rid of it by the
 * choice of its identifier; of topics with `+` or `#` there are none. An anonymous client has no `%u`.
 */
import { isCovered, isMatched, isOverlap, levelsOf, type Levels } from './filters.ts';
import type { Rule } from './rule.ts';

/** For whom rights are asked. */
export type Subject = Readonly<{
  /** Null: an anonymous client. */
  user: string | null;
  clientId: string;
}>;

/** A rule ready for use. */
export type ReadyRule = Readonly<{
  rule: Rule;
  /** The levels of its filter; null: they depend on who asks. */
  levels: Levels | null;
}>;

export const readyRule = (rule: Rule): ReadyRule => ({
  rule,
  levels: /%[uc]/.test(rule.filter) ? null : levelsOf(rule.filter),
});

/** Topics whose answers are remembered for each client: most use a few, and one that uses many must not fill the memory. */
const REMEMBERED_MAX = 64;
const SHARED = /^\$share\/[^/]+\/(?=.)/s;

/** What a client may do with topics. `rules`: those for its user and those for everybody. */
export class Rights {
  readonly #isOpen: boolean;
  readonly #publish: { readonly deny: Levels[]; readonly allow: Levels[] } = { deny: [], allow: [] };
  readonly #subscribe: { readonly deny: Levels[]; readonly allow: Levels[] } = { deny: [], allow: [] };
  readonly #answers = new Map<string, boolean>();

  /** `isOpen`: there is no rule at all, for anybody. */
  constructor(subject: Subject, rules: Iterable<ReadyRule>, isOpen: boolean) {
    this.#isOpen = isOpen;
    for (const { rule, levels } of rules) {
      if (!isForClient(rule, subject)) continue;
      const filter = levels ?? substituted(rule, subject);
      if (filter === null) continue;
      if (rule.action !== 'subscribe') this.#publish[rule.effect].push(filter);
      if (rule.action !== 'publish') this.#subscribe[rule.effect].push(filter);
    }
  }

  /** Of every PUBLISH: a look into a map for topics that were asked about before. */
  mayPublish(topic: string): boolean {
    if (this.#isOpen) return !isOwnTopic(topic);
    const known = this.#answers.get(topic);
    if (known !== undefined) return known;
    if (this.#answers.size >= REMEMBERED_MAX) this.#answers.clear();
    const answer = this.#mayPublish(topic);
    this.#answers.set(topic, answer);
    return answer;
  }

  maySubscribe(filter: string): boolean {
    if (this.#isOpen) return true;
    const levels = levelsOf(filter.replace(SHARED, ''));
    const { deny, allow } = this.#subscribe;
    return !deny.some((denied) => isOverlap(levels, denied)) && isCovered(levels, allow);
  }

  #mayPublish(topic: string): boolean {
    if (isOwnTopic(topic)) return false;
    const levels = levelsOf(topic);
    const { deny, allow } = this.#publish;
    return (
      !deny.some((denied) => isMatched(levels, denied)) && allow.some((allowed) => isMatched(levels, allowed))
    );
  }
}

/** What the server tells of itself is told by nobody else, whatever the rules say. */
const isOwnTopic = (topic: string): boolean => topic === '$SYS' || topic.startsWith('$SYS/');

function isForClient({ clientId: pattern }: Rule, { user, clientId }: Subject): boolean {
  if (pattern === null) return true;
  if (user === null && pattern.includes('%u')) return false;
  // The names go in after the wildcards are found: a * in a name is a *.
  const parts = pattern.split('*').map((part) => withNames(part, user ?? '', clientId));
  return isPatternMatched(clientId, parts);
}

/** Whether `text` is made of these parts in their order, with anything in between. Without a regular expression, which could be made slow. */
function isPatternMatched(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}

/** Null: the rule does not apply. */
function substituted({ effect, filter }: Rule, { user, clientId }: Subject): Levels | null {
  if (user === null && filter.includes('%u')) return null;
  const names = [filter.includes('%u') ? (user ?? '') : '', filter.includes('%c') ? clientId : ''];
  const has = (characters: RegExp): boolean => names.some((name) => characters.test(name));
  if (has(/[+#]/)) return null;
  const text = withNames(filter, user ?? '', clientId);
  if (effect === 'allow' && (has(/\//) || (text.startsWith('$') && !filter.startsWith('$')))) return null;
  return levelsOf(text);
}

/** In one go: what a name has in it is not looked at again. */
const withNames = (text: string, user: string, clientId: string): string =>
  text.replace(/%[uc]/g, (sign) => (sign === '%u' ? user : clientId));
