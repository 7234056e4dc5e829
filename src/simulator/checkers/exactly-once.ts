/** A message with QoS 2 reaches each durable consumer with QoS 2 exactly once. Source: MQTT-4.3.3-1, MQTT-4.3.3-2. */
import type { Checker, Sight } from './checker.ts';

export function exactlyOnce({ traffic }: Sight): Checker {
  return {
    promise: 'a message with QoS 2 comes exactly once',
    received: ({ consumer, message, qos, isRetained, isFirst }) => {
      // Who subscribes again, because no SUBACK came, is sent again what is retained.
      const isRepeat = !isFirst && !isRetained && message?.qos === 2;
      return isRepeat && consumer.isDurable && qos === 2
        ? `${message.id} has reached ${consumer.name} twice`
        : null;
    },
    ended: () => {
      for (const { name, isDurable, qos, subscribedAt, received } of traffic.consumers) {
        if (!isDurable || qos !== 2 || subscribedAt === null) continue;
        for (const message of traffic.messages.values())
          if (message.qos === 2 && (message.sentAt ?? -1) >= subscribedAt && !received.has(message.id))
            return `${message.id} has never reached ${name}`;
      }
      return null;
    },
  };
}
