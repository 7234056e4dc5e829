/** SUBSCRIBE and UNSUBSCRIBE: what is asked of the broker, and what the client is told of each filter. Source: MQTT 3.1.1 §3.8 to §3.11; MQTT 5.0 §3.8 to §3.11. */
import { mqttFaults } from '../faults.ts';
import { nameOf, type Outcome, type Qos, type Subscription } from '../../broker/index.ts';
import type { Subscribe, Unsubscribe } from '../packet.ts';
import type { Permissions } from '../permissions.ts';
import { isFailure, REASON, type Reason } from '../reasons.ts';
import { answerTo, type Client, type ClientSession } from './client.ts';
import { excessOf } from '../topics.ts';
import type { Answer, Ask, Effect } from './effect.ts';
import type { SessionParts } from './parts.ts';

const GRANTED: Readonly<Record<Qos, Reason>> = {
  0: REASON.grantedQos0,
  1: REASON.grantedQos1,
  2: REASON.grantedQos2,
};

const EXPLANATIONS: Readonly<Partial<Record<Reason, string>>> = {
  [REASON.notAuthorized]: 'no rule lets this client subscribe to this filter',
  [REASON.topicFilterInvalid]: 'the filter is longer, or has more levels, than this server takes',
  [REASON.quotaExceeded]: 'this client has as many subscriptions as it may have',
};

export type SubscribingParts = Pick<SessionParts, 'limits' | 'warn'> &
  Readonly<{ permissions: () => Permissions }>;

export class Subscribing {
  readonly #client: Client;
  readonly #session: ClientSession;
  readonly #parts: SubscribingParts;
  /** Names of new ones that wait for their commit: of each SUBSCRIBE its own, in their order. */
  readonly #awaited: ReadonlySet<string>[] = [];

  constructor(client: Client, session: ClientSession, parts: SubscribingParts) {
    this.#client = client;
    this.#session = session;
    this.#parts = parts;
  }

  /** Source: MQTT-3.8.4-1, MQTT-3.8.4-5; MQTT5-3.8.4-5, MQTT5-3.8.4-6: one SUBACK, with a code for each filter. */
  subscribe({ packetId, subscriptions }: Subscribe): Effect {
    const { clientId } = this.#client.connect;
    const asked = new Set<string>();
    const reasons = subscriptions.map((subscription) => this.#reasonFor(subscription, asked));
    const ask = { type: 'suback', packetId, reasons } as const;
    const granted = subscriptions.filter((_, n) => !isFailure(reasons[n] ?? REASON.unspecifiedError));
    if (granted.length === 0) return this.#suback(ask);
    // Those of a session that is not durable are in force at once.
    this.#awaited.push(this.#session.isDurable ? asked : new Set());
    if (!this.#session.isDurable) return { type: 'subscribeLocal', subscriptions: granted, ask };
    return { type: 'propose', op: { type: 'subscribe', clientId, subscriptions: granted }, ask };
  }

  /** Source: MQTT-3.10.4-4, MQTT-3.10.4-5. */
  unsubscribe({ packetId, filters }: Unsubscribe): Effect {
    const { clientId } = this.#client.connect;
    const ask = { type: 'unsuback', packetId, existed: null } as const;
    if (!this.#session.isDurable) return { type: 'unsubscribeLocal', filters, ask };
    return { type: 'propose', op: { type: 'unsubscribe', clientId, filters }, ask };
  }

  answer(ask: Extract<Ask, { type: 'suback' | 'unsuback' }>, outcome: Outcome): Answer {
    if (ask.type === 'suback') {
      this.#awaited.shift();
      return this.#suback(ask);
    }
    const existed = ask.existed ?? (outcome.type === 'unsubscribed' ? outcome.existed : []);
    const reasons = existed.map((did) => (did ? REASON.success : REASON.noSubscriptionExisted));
    return answerTo(this.#client, this.#client.writer.unsuback(ask.packetId, reasons));
  }

  #suback({ packetId, reasons }: Extract<Ask, { type: 'suback' }>): Answer {
    const { writer } = this.#client;
    const failure = reasons.find(isFailure);
    const reasonString = failure === undefined ? undefined : EXPLANATIONS[failure];
    const bytes =
      reasonString === undefined
        ? writer.suback(packetId, reasons)
        : writer.suback(packetId, reasons, { reasonString });
    return answerTo(this.#client, bytes);
  }

  /** `asked`: names of the new ones that this SUBSCRIBE has been granted so far. */
  #reasonFor(subscription: Subscription, asked: Set<string>): Reason {
    const { permissions, limits, warn } = this.#parts;
    const { filter, group, qos } = subscription;
    const excess = excessOf(filter, limits.topic) ?? (group === null ? null : excessOf(group, limits.topic));
    if (excess !== null) {
      warn('LS_MQTT_TOPIC', excess);
      return REASON.topicFilterInvalid;
    }
    if (!permissions().maySubscribe(filter)) return REASON.notAuthorized;
    const name = nameOf(subscription);
    const known = [this.#session.subscriptions, asked, ...this.#awaited];
    if (known.some((names) => names.has(name))) return GRANTED[qos];
    const count = known.reduce((sum, { size }) => sum + size, 0);
    if (count >= limits.subscriptionsMax) {
      warn('LS_MQTT_SUBSCRIPTIONS', mqttFaults.LS_MQTT_SUBSCRIPTIONS(limits.subscriptionsMax));
      return REASON.quotaExceeded;
    }
    asked.add(name);
    return GRANTED[qos];
  }
}
