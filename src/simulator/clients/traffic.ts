/** What the simulated clients have sent, were told and have received: the truth that the checkers compare the servers with. */

import type { SimQos } from './mqtt-bytes.ts';

export type SentMessage = {
  readonly id: string;
  readonly publisher: string;
  /** Rises with each message of its publisher. */
  readonly number: number;
  readonly topic: string;
  readonly payload: string;
  readonly qos: SimQos;
  readonly isRetained: boolean;
  /** Virtual time of the first sending; null before it. */
  sentAt: number | null;
  /** A repeat of QoS 1 is a message of its own to the server: whoever missed the first may get it after later ones. */
  isSentAgain: boolean;
  /** By PUBACK, or PUBREC. */
  isAcknowledged: boolean;
};

export type ConsumerLog = {
  readonly name: string;
  readonly isDurable: boolean;
  /** Several clients receive for it, each message one of them. */
  readonly isGroup: boolean;
  /** What it subscribed with. */
  readonly qos: SimQos;
  /** When its subscription was acknowledged; null before that. */
  subscribedAt: number | null;
  readonly received: Set<string>;
};

/** One delivery as a checker sees it. `message` null: nobody has sent such a thing. */
export type Received = Readonly<{
  consumer: ConsumerLog;
  message: SentMessage | null;
  payload: string;
  topic: string;
  qos: SimQos;
  isRetained: boolean;
  isFirst: boolean;
  /** Which of the consumer's sessions: what went to a former one may come later. */
  session: number;
}>;

export type TrafficEvents = Readonly<{
  /** Everything goes into the trace. */
  note: (text: string) => void;
  received: (received: Received) => void;
  broken: (what: string) => void;
}>;

export class Traffic {
  readonly messages = new Map<string, SentMessage>();
  readonly consumers: ConsumerLog[] = [];
  acknowledged = 0;
  delivered = 0;
  #sessions = 0;
  readonly #events: TrafficEvents;

  constructor(events: TrafficEvents) {
    this.#events = events;
  }

  made(message: SentMessage): void {
    this.messages.set(message.id, message);
  }

  consumer(name: string, isDurable: boolean, qos: SimQos): ConsumerLog {
    return this.#log({ name, isDurable, isGroup: false, qos });
  }

  /** One of durable sessions. */
  group(name: string, qos: SimQos): ConsumerLog {
    return this.#log({ name, isDurable: true, isGroup: true, qos });
  }

  /** A clean session begins. */
  session(): number {
    this.#sessions += 1;
    return this.#sessions;
  }

  wasAcknowledged(message: SentMessage): void {
    this.#events.note(`acknowledged ${message.id}`);
    if (!message.isAcknowledged) this.acknowledged += 1;
    message.isAcknowledged = true;
  }

  wasReceived(
    consumer: ConsumerLog,
    delivery: Readonly<{ topic: string; payload: string; qos: SimQos; isRetained: boolean }>,
    session = 0,
  ): void {
    const { topic, payload, qos, isRetained } = delivery;
    const id = payload.slice(0, Math.max(0, payload.indexOf('|')));
    const message = this.messages.get(id) ?? null;
    const isFirst = !consumer.received.has(id);
    consumer.received.add(id);
    this.delivered += 1;
    this.#events.note(`${consumer.name} received ${id}`);
    this.#events.received({ consumer, message, payload, topic, qos, isRetained, isFirst, session });
  }

  #log(parts: Pick<ConsumerLog, 'name' | 'isDurable' | 'isGroup' | 'qos'>): ConsumerLog {
    const log = { ...parts, subscribedAt: null, received: new Set<string>() };
    this.consumers.push(log);
    return log;
  }

  /** Something that no client may ever see. */
  broken(what: string): void {
    this.#events.broken(what);
  }
}
