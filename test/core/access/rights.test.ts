import fc from 'fast-check';
import { expect, test } from 'vitest';
import { faultInRule, type Rule } from '../../../src/core/access/index.ts';
import { readyRule, Rights } from '../../../src/core/access/rights.ts';
import { matches } from '../../../src/core/broker/index.ts';

/** `allow ann publish a/#`, with a client identifier's pattern behind it or not. */
function rule(words: string): Rule {
  const [effect = '', who = '', action = '', filter = '', clientId = null] = words.split(' ');
  const made = { effect, who, action, filter, clientId } as Rule; // The tests below give words of these kinds.
  expect(faultInRule(made), words).toBeNull();
  return made;
}

function rightsOf(words: readonly string[], user: string | null, clientId = 'c1'): Rights {
  const rules = words.map(rule).filter(({ who }) => who === '*' || who === user);
  return new Rights({ user, clientId }, rules.map(readyRule), words.length === 0);
}

type Case = [
  what: string,
  rules: string[],
  user: string | null,
  clientId: string,
  may: string[],
  not: string[],
];

/** `p:` publish, `s:` subscribe. */
test.each<Case>([
  [
    'no rule at all: everything but the own topics',
    [],
    null,
    'c',
    ['p:x', 's:#', 's:$SYS/#'],
    ['p:$SYS', 'p:$SYS/x'],
  ],
  [
    "$SYS is nobody's to publish, whatever a rule says",
    ['allow * both $SYS/#'],
    'ann',
    'c',
    ['s:$SYS/#'],
    ['p:$SYS/x'],
  ],
  ['a rule for somebody else denies all', ['allow bob both #'], 'ann', 'c', [], ['p:x', 's:x']],
  [
    'what is not allowed is denied',
    ['allow ann publish a/#'],
    'ann',
    'c',
    ['p:a', 'p:a/b'],
    ['p:b', 's:a', 's:a/b'],
  ],
  [
    'everybody is anonymous clients too',
    ['allow * subscribe a/+'],
    null,
    'c',
    ['s:a/+', 's:a/b'],
    ['s:a/#', 's:a', 'p:a/b'],
  ],
  ['# is no $ topic', ['allow ann both #'], 'ann', 'c', ['p:x/$y', 's:#'], ['p:$x', 's:$x', 's:$SYS/#']],
  [
    'deny counts first',
    ['allow ann both #', 'deny ann both a/secret'],
    'ann',
    'c',
    ['p:a/x', 's:a/x', 's:b/#'],
    ['p:a/secret', 's:a/secret', 's:a/+', 's:#'],
  ],
  [
    'deny for everybody counts for a user with rules',
    ['deny * publish cmd/#', 'allow ann both #'],
    'ann',
    'c',
    ['p:x', 's:cmd/#'],
    ['p:cmd', 'p:cmd/x'],
  ],
  [
    '%u is the user',
    ['allow * both home/%u/#'],
    'ann',
    'c',
    ['p:home/ann/x', 's:home/ann/#'],
    ['p:home/bob/x', 's:home/+/x', 's:home/#'],
  ],
  [
    'an anonymous client has no %u',
    ['allow * both home/%u/#'],
    null,
    'c',
    [],
    ['p:home//x', 'p:home/%u/x', 's:home/%u/#'],
  ],
  [
    '%c is the client identifier, also in the middle of a level',
    ['allow * publish up/dev-%c'],
    null,
    'c7',
    ['p:up/dev-c7'],
    ['p:up/dev-c8', 'p:up/dev-%c'],
  ],
  [
    'a name with a wildcard widens no rule',
    ['allow * both %u/%c/x'],
    '#',
    '+',
    [],
    ['p:#/+/x', 's:#/+/x', 's:a/b/x', 's:#'],
  ],
  ['a client identifier + gets nothing', ['allow * subscribe %c/x'], null, '+', [], ['s:+/x', 's:a/x']],
  [
    'a client identifier with / gets nothing',
    ['allow * both dev/%c'],
    null,
    'a/b',
    [],
    ['p:dev/a/b', 's:dev/a/b'],
  ],
  [
    'a client identifier $SYS gets nothing',
    ['allow * both %c/#'],
    null,
    '$SYS',
    [],
    ['s:$SYS/#', 'p:$SYS/x'],
  ],
  [
    'nobody gets rid of a deny by a / in the identifier',
    ['allow * both #', 'deny * both x/%c/y'],
    null,
    'a/b',
    ['p:x/a/y'],
    ['p:x/a/b/y', 's:x/a/b/y', 's:x/#'],
  ],
  ['a name is put in once', ['allow * publish %u/%c'], '%c', 'z', ['p:%c/z'], ['p:z/z']],
  [
    'a shared subscription counts as its filter',
    ['allow ann subscribe a/#'],
    'ann',
    'c',
    ['s:$share/g/a/b', 's:$share/g/a/#'],
    ['s:$share/g/b', 's:$share/g/#', 's:$share/a/b'],
  ],
  ['a rule for some client identifiers', ['allow ann publish # pump-*'], 'ann', 'pump-7', ['p:x'], []],
  ['and not for others', ['allow ann publish # pump-*'], 'ann', 'valve-7', [], ['p:x']],
  ['the identifier must begin with the user', ['allow * publish # %u-*'], 'ann', 'ann-1', ['p:x'], []],
  ['and a * in a name is a *', ['allow * publish # %u-*'], '*x', 'ab-1', [], ['p:x']],
  ['a pattern without * is the identifier', ['allow * publish # c1'], null, 'c12', [], ['p:x']],
  ['parts in their order, not on top of each other', ['allow * publish # a*b*b'], null, 'ab', [], ['p:x']],
  ['parts in their order', ['allow * publish # a*b*b'], null, 'axbb', ['p:x'], []],
  [
    'several rules together cover a filter',
    ['allow ann subscribe a', 'allow * subscribe a/+/#'],
    'ann',
    'c',
    ['s:a/#'],
    ['s:#'],
  ],
])('%s', (_what, rules, user, clientId, may, not) => {
  const rights = rightsOf(rules, user, clientId);
  // Twice: the second answer is a remembered one.
  const asked = [...may, ...not, ...may, ...not];
  const answered = asked.filter((ask) =>
    ask.startsWith('p:') ? rights.mayPublish(ask.slice(2)) : rights.maySubscribe(ask.slice(2)),
  );
  expect(answered).toEqual([...may, ...may]);
});

const level = fc.constantFrom('a', 'b', '+', '%u', '%c', 'x%c');
const filter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 2 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'));
const anyRule = fc.record<Rule>({
  effect: fc.constantFrom('allow', 'allow', 'deny'),
  who: fc.constantFrom('*', 'u'),
  action: fc.constantFrom('publish', 'subscribe', 'both'),
  filter,
  clientId: fc.constantFrom(null, null, 'c*', '%u'),
});
const LEVELS = ['a', 'b', 'u', 'c', 'xu', 'xc', 'other'];
const TOPICS = LEVELS.flatMap((a) => [
  a,
  ...LEVELS.flatMap((b) => [`${a}/${b}`, ...LEVELS.map((c) => `${a}/${b}/${c}`)]),
]);

test('a subscription is allowed when, and only when, each topic that it matches could be allowed alone', () => {
  fc.assert(
    fc.property(
      fc.array(anyRule, { maxLength: 5 }),
      fc.constantFrom('u', null),
      fc.constantFrom('c', 'u'),
      filter,
      (rules, user, clientId, asked) => {
        fc.pre(!asked.includes('%'));
        const ready = rules.filter(({ who }) => who === '*' || who === user).map(readyRule);
        const rights = new Rights({ user, clientId }, ready, rules.length === 0);
        const each = TOPICS.filter((topic) => matches(asked, topic)).every((topic) =>
          rights.maySubscribe(topic),
        );
        expect(rights.maySubscribe(asked)).toBe(each);
      },
    ),
    { numRuns: 3000 },
  );
});

test('the order of rules means nothing, and what publishing allows is what subscribing to that one topic would', () => {
  fc.assert(
    fc.property(fc.array(anyRule, { maxLength: 6 }), fc.constantFrom(...TOPICS), (rules, topic) => {
      const both = rules.map((one) => ({ ...one, action: 'both' as const }));
      const subject = { user: 'u', clientId: 'c' };
      const forward = new Rights(subject, both.map(readyRule), rules.length === 0);
      const backward = new Rights(subject, [...both].reverse().map(readyRule), rules.length === 0);
      expect(forward.mayPublish(topic)).toBe(backward.mayPublish(topic));
      expect(forward.mayPublish(topic)).toBe(forward.maySubscribe(topic));
    }),
  );
});

test('a client with many topics gets right answers beyond what is remembered', () => {
  const rights = rightsOf(['allow ann publish a/+', 'deny ann publish a/13'], 'ann');
  for (let round = 0; round < 3; round += 1)
    for (let n = 0; n < 200; n += 1) expect(rights.mayPublish(`a/${n}`)).toBe(n !== 13);
});

test.each([
  ['an empty filter', { filter: '' }],
  ['a # in the middle', { filter: 'a/#/b' }],
  ['a # beside other characters', { filter: 'a/b#' }],
  ['a + beside other characters', { filter: 'a/+b' }],
  ['a shared subscription', { filter: '$share/g/a' }],
  ['a null character', { filter: 'a\0' }],
  ['a line break', { filter: 'a\nb' }],
  ['a line break in the pattern', { clientId: 'a\nb' }],
  ['a long filter', { filter: 'a'.repeat(1025) }],
  ['an empty name', { who: '' }],
  ['an empty pattern', { clientId: '' }],
])('%s is no rule', (_what, wrong) => {
  const good: Rule = { effect: 'allow', who: '*', action: 'both', filter: 'a/%u/+/x%c/#', clientId: null };
  expect(faultInRule(good)).toBeNull();
  expect(faultInRule({ ...good, ...wrong })).not.toBeNull();
});
