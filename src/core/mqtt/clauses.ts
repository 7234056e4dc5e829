/**
 * The clauses that packets are held against, where both versions have the rule: each has its own number for it. A number without `MQTT-` is
 * a section, for rules that the specification does not number.
 */
import type { Level } from './packet.ts';

export type Clause = Readonly<Record<Level, string>>;

const both = (clause: string): Clause => ({ 4: clause, 5: clause });

export const CLAUSE = {
  utf8: { 4: 'MQTT-1.5.3-1', 5: 'MQTT-1.5.4-1' },
  nullCharacter: { 4: 'MQTT-1.5.3-2', 5: 'MQTT-1.5.4-2' },
  lengthBytes: { 4: '2.2.3', 5: '1.5.5' },
  remainingLength: { 4: '2.2.3', 5: '2.1.4' },
  packetTypes: { 4: 'MQTT-4.8.0-1', 5: '2.1.2' },
  flags: { 4: 'MQTT-2.2.2-2', 5: 'MQTT-2.1.3-1' },
  packetId: { 4: 'MQTT-2.3.1-1', 5: 'MQTT-2.2.1-3' },
  protocolName: both('MQTT-3.1.2-1'),
  connectFlag: both('MQTT-3.1.2-3'),
  noWillQos: { 4: 'MQTT-3.1.2-13', 5: 'MQTT-3.1.2-11' },
  willQos: { 4: 'MQTT-3.1.2-14', 5: 'MQTT-3.1.2-12' },
  noWillRetain: { 4: 'MQTT-3.1.2-15', 5: 'MQTT-3.1.2-13' },
  dup: both('MQTT-3.3.1-2'),
  publishQos: both('MQTT-3.3.1-4'),
  topicName: both('MQTT-3.3.2-2'),
  requestedQos: { 4: 'MQTT-3.8.3-4', 5: '3.8.3.1' },
  subscribeFilters: { 4: 'MQTT-3.8.3-3', 5: 'MQTT-3.8.3-2' },
  unsubscribeFilters: both('MQTT-3.10.3-2'),
  multiLevel: { 4: 'MQTT-4.7.1-2', 5: 'MQTT-4.7.1-1' },
  singleLevel: { 4: 'MQTT-4.7.1-3', 5: 'MQTT-4.7.1-2' },
  topicLength: both('MQTT-4.7.3-1'),
  // MQTT 3.1.1 has no shared subscriptions; they are taken from MQTT 5.
  shareName: { 4: 'MQTT 5.0 4.8.2', 5: 'MQTT-4.8.2-1' },
  shareForm: { 4: 'MQTT 5.0 4.8.2', 5: 'MQTT-4.8.2-2' },
} as const satisfies Readonly<Record<string, Clause>>;
