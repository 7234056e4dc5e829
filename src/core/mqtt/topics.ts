/**
 * What may be a topic name and a topic filter, and what a shared one is made of. Matching is the broker's.
 *
 * A filter that begins with `$share/` is understood as shared in MQTT 3.1.1 too, which does not know it: other brokers do so, and a filter
 * of that form would match nothing else. Source: MQTT 3.1.1 §4.7; MQTT 5.0 §4.7, §4.8.2.
 */
import type { SharedFilter } from '../broker/index.ts';
import { CLAUSE, type Clause } from './clauses.ts';
import { malformed, mqttFaults } from './faults.ts';
import type { Level } from './packet.ts';

/** How long topic names and filters may be. */
export type TopicLimits = Readonly<{
  /** Of UTF-8. */
  bytesMax: number;
  levelsMax: number;
}>;

const SHARE = '$share/';

/** Throws `MqttViolation` where `name` is none that may be published to. `wildcards`: the clause that forbids them there. */
export function checkTopicName(level: Level, name: string, wildcards: Clause = CLAUSE.topicName): void {
  if (name === '') throw malformed(level, CLAUSE.topicLength[level], 'an empty topic name');
  if (name.includes('+') || name.includes('#'))
    throw malformed(level, wildcards[level], 'a wildcard in a topic name');
}

/** The same for what is subscribed to, without `$share`. */
export function checkTopicFilter(level: Level, filter: string): void {
  if (filter === '') throw malformed(level, CLAUSE.topicLength[level], 'an empty topic filter');
  if (!filter.includes('+') && !filter.includes('#')) return;
  const levels = filter.split('/');
  for (const [depth, name] of levels.entries()) {
    if (name.includes('#') && (name !== '#' || depth !== levels.length - 1))
      throw malformed(
        level,
        CLAUSE.multiLevel[level],
        '# elsewhere than alone in the last level of a topic filter',
      );
    if (name.includes('+') && name !== '+')
      throw malformed(
        level,
        CLAUSE.singleLevel[level],
        '+ with other characters in one level of a topic filter',
      );
  }
}

/** Takes apart what stands in a SUBSCRIBE or UNSUBSCRIBE, and checks it. */
export function sharedFilter(level: Level, text: string): SharedFilter {
  if (!text.startsWith(SHARE)) {
    checkTopicFilter(level, text);
    return { filter: text, group: null };
  }
  const end = text.indexOf('/', SHARE.length);
  const group = end === -1 ? text.slice(SHARE.length) : text.slice(SHARE.length, end);
  if (group === '') throw malformed(level, CLAUSE.shareName[level], 'a shared subscription without a name');
  if (group.includes('+') || group.includes('#'))
    throw malformed(level, CLAUSE.shareForm[level], 'a wildcard in the name of a shared subscription');
  const filter = end === -1 ? '' : text.slice(end + 1);
  if (filter === '')
    throw malformed(level, CLAUSE.shareForm[level], 'a shared subscription without a topic filter');
  checkTopicFilter(level, filter);
  return { filter, group };
}

/** What is wrong with the length of a topic name, a filter or a group, for the console; null: nothing is. */
export function excessOf(topic: string, { bytesMax, levelsMax }: TopicLimits): string | null {
  // A character of a string is three bytes at most.
  const bytes = topic.length * 3 <= bytesMax ? 0 : Buffer.byteLength(topic);
  if (bytes > bytesMax) return mqttFaults.LS_MQTT_TOPIC(`${bytes} bytes`, `mqtt.topicSizeMax is ${bytesMax}`);
  const levels = topic.length < levelsMax ? 0 : levelsOf(topic);
  return levels > levelsMax
    ? mqttFaults.LS_MQTT_TOPIC(`${levels} levels`, `mqtt.topicLevelsMax is ${levelsMax}`)
    : null;
}

function levelsOf(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels += 1;
  return levels;
}
