/**
 * Each publisher's messages with QoS 1 or 2 reach each consumer, for the first time, in the order in which they were sent. A clean session may
 * have missed the first sending of one that comes to it again, and so may a durable one whose subscription came later. Of a group one member may be
 * slower than another. Order is that of one session: who takes the place of a clean one has its own. Source: MQTT-4.6.0-5.
 */
import type { ConsumerLog, SentMessage } from '../clients/traffic.ts';
import type { Checker } from './checker.ts';

export function publisherOrder(): Checker {
  const last = new Map<string, number>();
  return {
    promise: "each publisher's messages come in order",
    received: ({ consumer, message, qos, isRetained, isFirst, session }) => {
      if (message === null || qos === 0 || isRetained || !isFirst || consumer.isGroup) return null;
      if (message.isSentAgain && mayHaveMissed(consumer, message)) return null;
      const stream = `${message.publisher} to ${consumer.name}`;
      const key = `${stream} ${session}`;
      const before = last.get(key) ?? 0;
      if (message.number < before) return `${stream}: ${message.number} after ${before}`;
      last.set(key, message.number);
      return null;
    },
  };
}

const mayHaveMissed = ({ isDurable, subscribedAt }: ConsumerLog, { sentAt }: SentMessage): boolean =>
  !isDurable || subscribedAt === null || (sentAt !== null && sentAt <= subscribedAt);
