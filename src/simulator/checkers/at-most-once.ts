/** A message with QoS 0 reaches a consumer once or never: nobody sends it again. Source: MQTT-4.3.1-1. */
import type { Checker } from './checker.ts';

export function atMostOnce(): Checker {
  return {
    promise: 'a message with QoS 0 comes once at most',
    received: ({ consumer, message, qos, isRetained, isFirst }) =>
      qos === 0 && !isRetained && !isFirst && message !== null
        ? `${consumer.name} received ${message.id} once more, with QoS 0`
        : null,
  };
}
