/** What the trees' tests share: addresses and filters with everything in them that matters, and the rule by which one matches the other. */
import fc from 'fast-check';

/** More names than a node keeps in an array, an empty one, and ones that begin with `$` or hold each other. */
const level = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'ab', '$x', '$'),
  fc.nat(14).map((number) => `n${number}`),
);

export const address = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));

export const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => (isOpen || levels.length === 0 ? [...levels, '#'] : levels).join('/'));

/** MQTT 5.0 §4.7 said again in other words, level by level from the front. */
export function isMatch(filterText: string, addressText: string): boolean {
  if (/^[+#]/.test(filterText) && addressText.startsWith('$')) return false;
  const wanted = filterText.split('/');
  const levels = addressText.split('/');
  const isOpen = wanted.at(-1) === '#';
  if (isOpen) wanted.pop();
  if (isOpen ? levels.length < wanted.length : levels.length !== wanted.length) return false;
  return wanted.every((each, depth) => each === '+' || each === levels[depth]);
}
