/**
 * The will of a client that died is published: it reaches each durable consumer that had subscribed before; or that of a CONNECT of its own that hung
 * on its way and came last. The will of one that said farewell when all was well is not. Source: MQTT-3.1.2-8, MQTT-3.14.4-3.
 */
import type { Checker, Sight } from './checker.ts';

export function willsPublished({ traffic, mortals }: Sight): Checker {
  return {
    promise: 'the will of a client that died is published, and no other',
    ended: () => {
      for (const { name, isDurable, subscribedAt, received } of traffic.consumers) {
        if (!isDurable || subscribedAt === null) continue;
        for (const { message, endedAt, end, hanging } of mortals.flatMap(({ wills }) => wills)) {
          const wasReceived = received.has(message.id);
          const isReplaced = hanging.some((id) => received.has(id));
          if (end === 'died' && subscribedAt < endedAt && !wasReceived && !isReplaced)
            return `${message.publisher} died at ${endedAt.toFixed(1)}, and its will ${message.id} has never reached ${name}`;
          if (end === 'farewell' && wasReceived)
            return `${message.publisher} said farewell, and its will ${message.id} has reached ${name}`;
        }
      }
      return null;
    },
  };
}
