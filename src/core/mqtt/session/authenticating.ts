/** Enhanced authentication: AUTH packets to and fro, before CONNACK and again later. Source: MQTT 5.0 §4.12. */
import { mqttFaults, unexpected } from '../faults.ts';
import type { Auth, Authentication } from '../packet.ts';
import type { Permissions } from '../permissions.ts';
import { REASON } from '../reasons.ts';
import { answerTo, type Client } from './client.ts';
import type { Answer } from './effect.ts';
import type { AuthAnswer, Exchange, Mechanisms } from './parts.ts';

export type Judgement = Readonly<
  | { type: 'answer'; answer: Answer }
  /** The client is who it says; goes along with CONNACK, or with the last AUTH. */
  | { type: 'accepted'; authentication: Authentication; permissions: Permissions }
  | Extract<AuthAnswer, { type: 'refused' }>
>;

export class Authenticating {
  readonly #client: Client;
  readonly #mechanisms: Mechanisms;
  readonly #method: string;
  /** Null: none is under way. */
  #exchange: Exchange | null = null;

  /** `method`: the one that CONNECT has named. */
  constructor(client: Client, mechanisms: Mechanisms, method: string) {
    this.#client = client;
    this.#mechanisms = mechanisms;
    this.#method = method;
  }

  /** With CONNECT. */
  begin(data: Buffer | null): Judgement {
    return this.#begin(data, false);
  }

  /** AUTH while CONNECT waits for it. Throws `MqttViolation`. */
  goOn({ reason, authentication }: Auth): Judgement {
    this.#check(authentication);
    if (reason !== REASON.continueAuthentication || this.#exchange === null)
      throw unexpected(5, '4.12', `AUTH with reason ${reason}, which is not what was waited for`);
    return this.#step(this.#exchange, authentication.data);
  }

  /** AUTH of a client that has been let in. Throws `MqttViolation`. */
  again(packet: Auth): Judgement {
    if (packet.reason !== REASON.reAuthenticate) return this.goOn(packet);
    this.#check(packet.authentication);
    if (this.#exchange !== null) throw unexpected(5, '4.12.1', 'an authentication within an authentication');
    return this.#begin(packet.authentication.data, true);
  }

  #begin(data: Buffer | null, isAgain: boolean): Judgement {
    const { clientId, will } = this.#client.connect;
    const willTopic = isAgain ? null : (will?.address ?? null);
    const exchange = this.#mechanisms.begin(this.#method, { clientId, isAgain, willTopic });
    if (exchange === null) {
      const text = mqttFaults.LS_MQTT_AUTH_METHOD();
      return { type: 'refused', reason: REASON.badAuthenticationMethod, code: 'LS_MQTT_AUTH_METHOD', text };
    }
    return this.#step(exchange, data);
  }

  #step(exchange: Exchange, data: Buffer | null): Judgement {
    const answer = exchange.step(data);
    this.#exchange = answer.type === 'continue' ? exchange : null;
    if (answer.type === 'refused') return answer;
    const authentication = { method: this.#method, data: answer.data };
    if (answer.type === 'accepted')
      return { type: 'accepted', authentication, permissions: answer.permissions };
    const bytes = this.#client.writer.auth(REASON.continueAuthentication, authentication);
    return { type: 'answer', answer: answerTo(this.#client, bytes) };
  }

  /** Source: MQTT-4.12.0-5, MQTT-4.12.1-1. */
  #check({ method }: Authentication): void {
    if (method !== this.#method)
      throw unexpected(5, 'MQTT-4.12.0-5', 'AUTH with another method than CONNECT');
  }
}
