/** Nothing unexpected: a consumer receives only what a publisher has sent, as it was sent. */
import type { Checker } from './checker.ts';

export function nothingUnexpected(): Checker {
  return {
    promise: 'a consumer receives only what was sent',
    received: ({ consumer, message, payload, topic }) => {
      if (message?.payload !== payload || message.topic !== topic || message.sentAt === null)
        return `${consumer.name} received on ${topic} what nobody has sent: ${payload.slice(0, 40)}`;
      return null;
    },
  };
}
