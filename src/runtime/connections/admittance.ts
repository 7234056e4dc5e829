/**
 * Lets one connection's client in: what it says of itself is judged, at once or after a while, and acted upon when this server takes something
 * from clients. Source: MQTT 3.1.1 §5.4; MQTT 5.0 §4.12, §5.4.
 */
import type { Effect, Mechanisms, MqttSession } from '../../core/mqtt/index.ts';
import type { Admission, Identity } from '../access/index.ts';
import type { Entrance } from './entrance.ts';
import { mechanismsFor, REFUSAL_REASONS } from './mechanisms.ts';

export type AdmittanceParts = Readonly<{
  entrance: Entrance;
  /** The name in the client's certificate; null: none. */
  certificateName: string | null;
  /** The connection is still there. */
  isWanted: () => boolean;
  /** A judgement has come that was waited for. */
  judged: () => void;
}>;

export class Admittance {
  /** By which clients of MQTT 5 may prove who they are. */
  readonly mechanisms: Mechanisms;
  readonly #parts: AdmittanceParts;
  #identity: Identity | null = null;
  /** What became of its credentials, until it is acted upon. */
  #admission: Admission | null = null;
  #willTopic: string | null = null;

  constructor(parts: AdmittanceParts) {
    this.#parts = parts;
    this.mechanisms = mechanismsFor({
      entrance: parts.entrance,
      identity: () => this.#identity,
      entered: (identity) => void (this.#identity = identity),
    });
  }

  /** Who the client is; null: it was not let in yet. */
  get identity(): Identity | null {
    return this.#identity;
  }

  /** Has it judged who the client is. Where that takes a while, `judged` comes. */
  ask({ userName, password, clientId, willTopic }: Extract<Effect, { type: 'authenticate' }>): void {
    const { entrance, certificateName, isWanted, judged } = this.#parts;
    this.#willTopic = willTopic;
    const credentials = { userName, password, clientId, certificateName };
    const admission = entrance.access.authenticate(credentials, isWanted);
    if (!(admission instanceof Promise)) {
      this.#admission = admission;
      return;
    }
    void admission.then((found) => {
      if (!isWanted()) return;
      this.#admission = found;
      judged();
    });
  }

  /** What follows from a judgement; null: there is none, or it was acted upon. */
  act(protocol: MqttSession): Effect | null {
    const admission = this.#admission;
    if (admission === null) return null;
    this.#admission = null;
    const entry =
      admission.type === 'refused' ? admission : this.#parts.entrance.enter(admission, this.#willTopic);
    if (entry.type === 'refused') {
      const { reason, code, text } = entry;
      return protocol.refused({ reason: REFUSAL_REASONS[reason], code, text });
    }
    this.#identity = entry.identity;
    return protocol.admitted(entry.permissions);
  }
}
