/** Nothing acknowledged is lost: what was acknowledged after a durable consumer had subscribed has reached it in the end. */
import type { Checker, Sight } from './checker.ts';

export function nothingLost({ traffic }: Sight): Checker {
  return {
    promise: 'nothing acknowledged is lost',
    ended: () => {
      for (const { name, isDurable, subscribedAt, received } of traffic.consumers) {
        if (!isDurable || subscribedAt === null) continue;
        for (const { id, isAcknowledged, sentAt } of traffic.messages.values())
          if (isAcknowledged && sentAt !== null && sentAt >= subscribedAt && !received.has(id))
            return `${id} was acknowledged and has never reached ${name}`;
      }
      return null;
    },
  };
}
