/** Whether one more message of a client may be kept for those who subscribe later. Source: MQTT 3.1.1 §3.3.1.3; MQTT 5.0 §3.3.1.3. */
import { mqttFaults } from '../faults.ts';
import type { SessionParts } from './parts.ts';

type Kept = Readonly<{ address: string; payload: Uint8Array; properties: Uint8Array; isRetained: boolean }>;

/** Why it may not, for the console; null: it may, or it asks for nothing of that sort. */
export function retainedFault(
  clientId: string,
  { address, payload, properties, isRetained }: Kept,
  { limits, retainedExcess }: Pick<SessionParts, 'limits' | 'retainedExcess'>,
): string | null {
  // An empty one takes one away.
  if (!isRetained || payload.length === 0) return null;
  const retaining = { address, bytes: payload.length + properties.length, publisher: clientId };
  const excess = retainedExcess(retaining, limits.retained);
  if (excess === null) return null;
  const { messages, bytes, perClient } = limits.retained;
  const texts = {
    messages: `mqtt.retainedMessagesMax is ${messages}`,
    bytes: `mqtt.retainedSizeMax is ${bytes} bytes`,
    perClient: `mqtt.retainedPerClientMax is ${perClient}`,
  } as const;
  return mqttFaults.LS_MQTT_RETAINED(texts[excess]);
}
