/** Messages as one client gets them: at its level, with aliases for topics, and none that is longer than it takes. Source: MQTT 3.1.1 §3.3; MQTT 5.0 §3.3. */
import type { Delivery, Message } from '../../broker/index.ts';
import type { PublishMarks } from '../packet-writer.ts';
import { REASON } from '../reasons.ts';
import { OutboundAliases } from './aliases.ts';
import type { Client } from './client.ts';
import { secondsLeft } from './expiry.ts';
import type { SessionLimits } from './parts.ts';

/** From here on a payload is not copied into the packet of each client. */
const OWN_PIECE_BYTES = 16 * 1024;

/** `packetId` 0 with QoS 0. `isDup`: it was sent before, or may have been. */
export type Sent = Readonly<{ packetId: number; isDup: boolean }>;

export class Outgoing {
  readonly #client: Client;
  readonly #aliases: OutboundAliases;

  constructor(client: Client, { aliasMax }: Pick<SessionLimits, 'aliasMax'>) {
    this.#client = client;
    this.#aliases = new OutboundAliases(Math.min(client.connect.aliasMax, aliasMax));
  }

  /** False: it is longer than the client takes; it is not sent, and counts as done with. Source: MQTT5-3.1.2-24, MQTT5-3.1.2-25. */
  fits(delivery: Delivery): boolean {
    if (this.#client.connect.packetSizeMax === null) return true;
    return this.#isShort(delivery.message, marksOf(delivery, { packetId: 1, isDup: false }, 0));
  }

  /** The packet of one that fits, in pieces, which nobody may write into. `now`: pair time. */
  publish(delivery: Delivery, sent: Sent, now: number): readonly Uint8Array[] {
    const { message } = delivery;
    const marks = marksOf(delivery, sent, now);
    const alias = this.#aliases.of(message.address);
    // The first message with an alias is longer than one without, and so is each with a topic that is shorter than an alias.
    if (alias === null || !this.#isShort(message, { ...marks, alias })) return this.#written(message, marks);
    this.#aliases.sent(message.address, alias);
    return this.#written(message, { ...marks, alias });
  }

  /** `isKnown`: a message was sent under this packet identifier. */
  pubrel(packetId: number, isKnown: boolean): Buffer {
    const reason = isKnown ? REASON.success : REASON.packetIdentifierNotFound;
    return this.#client.writer.pubrel(packetId, reason);
  }

  #isShort(message: Message, marks: PublishMarks): boolean {
    const { packetSizeMax } = this.#client.connect;
    return packetSizeMax === null || this.#client.writer.publishSize(message, marks) <= packetSizeMax;
  }

  #written(message: Message, marks: PublishMarks): readonly Uint8Array[] {
    const { writer } = this.#client;
    if (message.payload.length < OWN_PIECE_BYTES) return [writer.publish(message, marks)];
    return [writer.publishHead(message, marks), message.payload];
  }
}

const marksOf = ({ message, qos, isRetained, ids }: Delivery, sent: Sent, now: number): PublishMarks => ({
  qos,
  packetId: sent.packetId,
  isRetained,
  isDup: sent.isDup,
  ids,
  alias: null,
  expirySeconds: secondsLeft(message.expiresAt, now),
});
