/** Numbers that stand for topics, for as long as a connection lives. Source: MQTT 5.0 §3.3.2.3.4. */
import { unexpected } from '../faults.ts';
import type { Publish } from '../packet.ts';
import { REASON } from '../reasons.ts';

/** The client's. */
export class InboundAliases {
  readonly #max: number;
  readonly #topics = new Map<number, string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** The message's topic. Throws `MqttViolation`. */
  topicOf({ topic, alias }: Publish): string {
    if (alias === 0) return topic;
    if (alias > this.#max)
      throw unexpected(
        5,
        'MQTT-3.3.2-9',
        `topic alias ${alias} where ${this.#max} is the highest`,
        REASON.topicAliasInvalid,
      );
    if (topic !== '') {
      this.#topics.set(alias, topic);
      return topic;
    }
    const known = this.#topics.get(alias);
    if (known === undefined) throw unexpected(5, '3.3.4', 'a topic alias that stands for nothing');
    return known;
  }
}

/** `isNew`: the topic name goes along. */
export type Alias = Readonly<{ number: number; isNew: boolean }>;

/** This server's: the topics sent last have them. */
export class OutboundAliases {
  readonly #max: number;
  /** Used last: last. */
  readonly #numbers = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** The alias with which the next message of this topic can go; null: the client takes none. */
  of(topic: string): Alias | null {
    if (this.#max === 0) return null;
    const known = this.#numbers.get(topic);
    if (known !== undefined) return { number: known, isNew: false };
    if (this.#numbers.size < this.#max) return { number: this.#numbers.size + 1, isNew: true };
    const [oldest] = this.#numbers.values();
    return oldest === undefined ? null : { number: oldest, isNew: true };
  }

  /** A message has gone with it. */
  sent(topic: string, { number, isNew }: Alias): void {
    if (isNew && this.#numbers.size >= this.#max) {
      const [oldest] = this.#numbers.keys();
      if (oldest !== undefined) this.#numbers.delete(oldest);
    }
    this.#numbers.delete(topic);
    this.#numbers.set(topic, number);
  }
}
