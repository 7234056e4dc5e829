/**
 * An access rule: who, under which client identifier, may or may not do what with which topics. Rules are a set: their order means nothing,
 * because what is denied by one is not allowed by another.
 *
 * In the filter and in the client identifier's pattern `%u` stands for the user's name and `%c` for the client identifier.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts';
import { faultInName, hasControls } from './user.ts';

export type RuleAction = 'publish' | 'subscribe' | 'both';

export type Rule = Readonly<{
  effect: 'allow' | 'deny';
  /** A user's name; `*`: everybody, anonymous clients too. */
  who: string;
  action: RuleAction;
  /** A topic filter. */
  filter: string;
  /** `*` stands for any characters, also none. Null: under whichever client identifier. */
  clientId: string | null;
}>;

export const EVERYBODY = '*';
const EFFECTS = ['allow', 'deny'] as const;
const ACTIONS = ['publish', 'subscribe', 'both'] as const;
const FILTER_BYTES_MAX = 1024;
const PATTERN_BYTES_MAX = 256;

/** What is wrong with a rule that came from outside; null: nothing. */
export function faultInRule({ who, filter, clientId }: Rule): string | null {
  const name = who === EVERYBODY ? null : faultInName(who);
  if (name !== null) return `the name ${name}`;
  if (clientId !== null && (clientId === '' || Buffer.byteLength(clientId) > PATTERN_BYTES_MAX))
    return `the pattern for client identifiers is empty or has more than ${PATTERN_BYTES_MAX} bytes`;
  if (clientId !== null && hasControls(clientId))
    return 'the pattern for client identifiers has control characters';
  return faultInFilter(filter);
}

/** Source: MQTT-4.7.1-2, MQTT-4.7.1-3, MQTT-4.7.3-1. */
function faultInFilter(filter: string): string | null {
  if (filter === '' || Buffer.byteLength(filter) > FILTER_BYTES_MAX)
    return `the topic filter is empty or has more than ${FILTER_BYTES_MAX} bytes`;
  if (hasControls(filter)) return 'the topic filter has control characters';
  if (filter.startsWith('$share/'))
    return 'the topic filter begins with $share; give the filter behind it, which counts for shared subscriptions too';
  const levels = filter.split('/');
  for (const [depth, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || depth !== levels.length - 1))
      return 'the topic filter has a # elsewhere than alone in its last level';
    if (level.includes('+') && level !== '+') return 'the topic filter has a + beside other characters';
  }
  return null;
}

/** As `lockstep rule add` takes it; two rules are one where their words are the same. */
export const ruleWords = ({ effect, who, action, filter, clientId }: Rule): readonly string[] => [
  effect,
  who,
  action,
  filter,
  ...(clientId === null ? [] : ['--client-id', clientId]),
];

/** A word for each rule, to look it up by. */
export const ruleKey = (rule: Rule): string => JSON.stringify(ruleWords(rule));

/** u8 effect (0: allow, 1: deny), u8 action (0: publish, 1: subscribe, 2: both), who, filter, u8 (1: with a client identifier), it. */
export function encodeRule(writer: ByteWriter, { effect, who, action, filter, clientId }: Rule): void {
  writer.u8(EFFECTS.indexOf(effect)).u8(ACTIONS.indexOf(action)).text(who).text(filter);
  writer.u8(clientId === null ? 0 : 1);
  if (clientId !== null) writer.text(clientId);
}

export function decodeRule(reader: ByteReader): Rule {
  const effect = reader.u8() === 1 ? 'deny' : 'allow';
  // What is written here was written by `encodeRule`, with one of these.
  const action = ACTIONS[reader.u8()] ?? 'publish';
  const who = reader.text();
  const filter = reader.text();
  return { effect, who, action, filter, clientId: reader.u8() === 0 ? null : reader.text() };
}
