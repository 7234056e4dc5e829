/** What may be a topic name and a topic filter. Matching is the broker's. Source: MQTT 3.1.1 §4.7. */
import { malformed } from './faults.ts';

/** Source: MQTT-4.7.3-1, MQTT-3.3.2-2. */
export function checkTopicName(name: string): void {
  if (name === '') throw malformed(4, 'MQTT-4.7.3-1', 'an empty topic name');
  if (name.includes('+') || name.includes('#'))
    throw malformed(4, 'MQTT-3.3.2-2', 'a wildcard in a topic name');
}

/** Source: MQTT-4.7.3-1, MQTT-4.7.1-2, MQTT-4.7.1-3. */
export function checkTopicFilter(filter: string): void {
  if (filter === '') throw malformed(4, 'MQTT-4.7.3-1', 'an empty topic filter');
  if (!filter.includes('+') && !filter.includes('#')) return;
  const levels = filter.split('/');
  for (const [depth, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || depth !== levels.length - 1))
      throw malformed(4, 'MQTT-4.7.1-2', '# elsewhere than alone in the last level of a topic filter');
    if (level.includes('+') && level !== '+')
      throw malformed(4, 'MQTT-4.7.1-3', '+ with other characters in one level of a topic filter');
  }
}
