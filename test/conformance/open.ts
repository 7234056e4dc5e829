/** Statements that are not kept, or not tested, yet, and why. The list only shrinks. */
import type { Reasons } from './ledger.ts';

const unserved = 'MQTT 5 is not served yet.';

export const open: Reasons = {
  'MQTT5-6.0.0-1': unserved,
  'MQTT5-6.0.0-2': unserved,
  'MQTT5-6.0.0-3': unserved,
  'MQTT5-6.0.0-4': unserved,
};
