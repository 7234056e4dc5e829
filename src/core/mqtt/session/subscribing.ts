/** SUBSCRIBE and UNSUBSCRIBE: what is asked of the broker, and what the client is told of each filter. Source: MQTT 3.1.1 §3.8 to §3.11; MQTT 5.0 §3.8 to §3.11. */
import type { Outcome, Qos, Subscription } from '../../broker/index.ts';
import type { Subscribe, Unsubscribe } from '../packet.ts';
import type { Permissions } from '../permissions.ts';
import { isFailure, REASON, type Reason } from '../reasons.ts';
import { answerTo, type Client, type ClientSession } from './client.ts';
import type { Answer, Ask, Effect } from './effect.ts';

const GRANTED: Readonly<Record<Qos, Reason>> = {
  0: REASON.grantedQos0,
  1: REASON.grantedQos1,
  2: REASON.grantedQos2,
};

const DENIED = 'no rule lets this client subscribe to this filter';

export class Subscribing {
  readonly #client: Client;
  readonly #session: ClientSession;
  readonly #permissions: () => Permissions;

  constructor(client: Client, session: ClientSession, permissions: () => Permissions) {
    this.#client = client;
    this.#session = session;
    this.#permissions = permissions;
  }

  /** Source: MQTT-3.8.4-1, MQTT-3.8.4-5; MQTT5-3.8.4-5, MQTT5-3.8.4-6: one SUBACK, with a code for each filter. */
  subscribe({ packetId, subscriptions }: Subscribe): Effect {
    const { clientId } = this.#client.connect;
    const reasons = subscriptions.map((subscription) => this.#reasonFor(subscription));
    const ask = { type: 'suback', packetId, reasons } as const;
    const granted = subscriptions.filter((_, n) => !isFailure(reasons[n] ?? REASON.unspecifiedError));
    if (granted.length === 0) return this.#suback(ask);
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
    if (ask.type === 'suback') return this.#suback(ask);
    const existed = ask.existed ?? (outcome.type === 'unsubscribed' ? outcome.existed : []);
    const reasons = existed.map((did) => (did ? REASON.success : REASON.noSubscriptionExisted));
    return answerTo(this.#client, this.#client.writer.unsuback(ask.packetId, reasons));
  }

  #suback({ packetId, reasons }: Extract<Ask, { type: 'suback' }>): Answer {
    const { writer } = this.#client;
    const bytes = reasons.some(isFailure)
      ? writer.suback(packetId, reasons, { reasonString: DENIED })
      : writer.suback(packetId, reasons);
    return answerTo(this.#client, bytes);
  }

  #reasonFor({ filter, qos }: Subscription): Reason {
    return this.#permissions().maySubscribe(filter) ? GRANTED[qos] : REASON.notAuthorized;
  }
}
