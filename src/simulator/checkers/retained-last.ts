/** The last retained message of a topic that was acknowledged is there for who subscribes later, or one sent after it. Source: MQTT-3.3.1-6. */
import type { SentMessage } from '../clients/traffic.ts';
import type { Checker, Sight } from './checker.ts';

/** The name of the client that subscribes when all is over. */
export const LATE = 'late';
/** How the names of clients begin that subscribe in the midst of it, and stay. */
export const LATECOMER = 'latecomer';

export function retainedLast({ traffic }: Sight): Checker {
  return {
    promise: 'the last retained message is kept',
    ended: () => {
      const late = traffic.consumers.filter(({ name }) => name === LATE || name.startsWith(LATECOMER));
      const expected = new Map<string, SentMessage>();
      for (const message of traffic.messages.values())
        if (message.isRetained && message.isAcknowledged) expected.set(message.topic, message);
      for (const [topic, { id }] of expected)
        for (const { name, received } of late)
          if (!received.has(id)) return `${id} is what ${topic} retains, and has not come to ${name}`;
      return null;
    },
  };
}
