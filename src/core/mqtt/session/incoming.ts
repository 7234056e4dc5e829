/**
 * Messages that a client publishes: what is asked of the broker for each, and what the client is answered once that is committed.
 * Source: MQTT 3.1.1 §3.3, §4.3; MQTT 5.0 §3.3, §4.3, §4.9.
 */
import { NumberTable, unreachable } from '../../../base/index.ts';
import type { Content, Outcome } from '../../broker/index.ts';
import { mqttFaults, MqttViolation, unexpected } from '../faults.ts';
import type { Ack, Publish } from '../packet.ts';
import type { Permissions } from '../permissions.ts';
import { isUtf8 } from '../utf8.ts';
import { isFailure, REASON, type Reason } from '../reasons.ts';
import { excessOf } from '../topics.ts';
import { InboundAliases } from './aliases.ts';
import { answerTo, type Client, type ClientSession } from './client.ts';
import type { Answer, Ask, Effect } from './effect.ts';
import { cappedExpiry } from './expiry.ts';
import type { SessionParts } from './parts.ts';
import { retainedFault } from './retaining.ts';

type IncomingAsk = Extract<Ask, { type: 'puback' | 'pubrec' | 'pubcomp' }>;

const EXPLANATIONS: Readonly<Partial<Record<Reason, string>>> = {
  [REASON.notAuthorized]: 'no rule lets this client publish to this topic',
  [REASON.quotaExceeded]: 'the queue of a subscriber is full, or as much is retained as may be',
  [REASON.topicNameInvalid]: 'the topic is longer, or has more levels, than this server takes',
  [REASON.payloadFormatInvalid]: 'the payload is said to be UTF-8 and is not',
};

export type IncomingParts = Pick<SessionParts, 'limits' | 'retainedExcess' | 'warn'> &
  Readonly<{ permissions: () => Permissions }>;

export class Incoming {
  readonly #client: Client;
  readonly #session: ClientSession;
  readonly #parts: IncomingParts;
  readonly #aliases: InboundAliases;
  /** Packet identifiers of messages that came on this connection and were not acknowledged to the end. Source: MQTT 5.0 §4.9. */
  readonly #unacknowledged = new NumberTable<true>();
  /**
   * Of a session that is not durable: packet identifiers that came with QoS 2 and were not released. They end with this conversation, as the
   * session does; a durable one has them in the replicated state.
   */
  readonly #received = new Set<number>();
  /** The client has asked at some time that its own messages do not come back to it. */
  #isNoLocal: boolean;

  constructor(client: Client, session: ClientSession, parts: IncomingParts) {
    this.#client = client;
    this.#session = session;
    this.#parts = parts;
    this.#aliases = new InboundAliases(parts.limits.aliasMax);
    this.#isNoLocal = [...session.subscriptions.values()].some(({ isNoLocal }) => isNoLocal);
  }

  /** From now on messages name their publisher. */
  asksForNoLocal(): void {
    this.#isNoLocal = true;
  }

  /** `now`: pair time. Throws `MqttViolation`. */
  publish(packet: Publish, now: number): Effect {
    const { packetId, qos } = packet;
    const excess = packet.topic === '' ? null : excessOf(packet.topic, this.#parts.limits.topic);
    if (excess !== null) return this.#overlong(packet, excess);
    const address = this.#aliases.topicOf(packet);
    if (qos !== 0) this.#count(packetId);
    const content = this.#contentOf(packet, address, now);
    // A repeat was judged when it came first, and its identifier is taken until it is released. Of a durable session only the commit knows
    // whether it is one, as the release may be under way: what must not be published is not proposed, and is answered as the repeat would be.
    const isRepeat = qos === 2 && this.#isRepeat(packetId);
    if (isRepeat && !this.#session.isDurable) return this.#receive(packetId, content);
    const isAllowed = this.#parts.permissions().mayPublish(address);
    const isMisread = packet.isText && !isUtf8(packet.payload);
    const fault =
      isAllowed && !isMisread ? retainedFault(this.#client.connect.clientId, content, this.#parts) : null;
    if (isRepeat && (!isAllowed || isMisread || fault !== null))
      return this.#turnedDown(qos, packetId, REASON.success);
    if (!isAllowed) return this.#denied(packet);
    if (isMisread) return this.#misread(packet);
    if (fault !== null && qos !== 0) return this.#unkept(qos, packetId, fault);
    if (fault !== null) this.#parts.warn('LS_MQTT_RETAINED', fault);
    if (qos === 2) return this.#receive(packetId, content);
    const from = this.#fromOf(packet);
    // Source: MQTT-3.3.1-7 of 3.1.1, §3.3.1.3 of 5.0: one with QoS 0 need not be kept.
    if (qos === 0 && (!packet.isRetained || fault !== null)) return { type: 'pass', content, from };
    // MQTT-3.3.4-1
    const ask = qos === 0 ? null : ({ type: 'puback', packetId, verdict: null } as const);
    return { type: 'propose', op: { type: 'publish', ...content, from }, ask };
  }

  /** PUBREL. An identifier that nothing is known of is answered too: its PUBCOMP was lost, or the session was. Source: MQTT-4.3.3-2. */
  release({ packetId }: Ack): Effect {
    const ask = { type: 'pubcomp', packetId } as const;
    if (this.#session.isDurable) {
      const { clientId } = this.#client.connect;
      return { type: 'propose', op: { type: 'release', clientId, packetId }, ask: { ...ask, isKnown: true } };
    }
    const isKnown = this.#received.delete(packetId);
    // Behind the message, if that still waits for its commit: some clients count PUBCOMP alone.
    return { type: 'propose', op: { type: 'barrier' }, ask: { ...ask, isKnown } };
  }

  /** The operation is committed. */
  answer(ask: IncomingAsk, outcome: Outcome): Answer {
    const { packetId } = ask;
    switch (ask.type) {
      case 'puback':
        return this.#acknowledge(ask, outcome);
      case 'pubrec': {
        // A repeat of a message that was refused meanwhile is refused as well.
        const isLost = ask.isRepeat && !this.#received.has(packetId);
        return this.#acknowledge(ask, isLost ? { type: 'refused' } : outcome);
      }
      case 'pubcomp': {
        const isKnown = ask.isKnown && outcome.type !== 'absent';
        this.#unacknowledged.delete(packetId);
        const reason = isKnown ? REASON.success : REASON.packetIdentifierNotFound;
        return answerTo(this.#client, this.#client.writer.pubcomp(packetId, reason));
      }
      default:
        return unreachable(ask);
    }
  }

  #acknowledge(
    { type, packetId, verdict }: Extract<IncomingAsk, { type: 'puback' | 'pubrec' }>,
    outcome: Outcome,
  ): Answer {
    if (verdict !== null) return this.#say(type, packetId, verdict);
    if (outcome.type !== 'refused') {
      const isUnmatched = outcome.type === 'published' && !outcome.isMatched;
      return this.#say(type, packetId, isUnmatched ? REASON.noMatchingSubscribers : REASON.success);
    }
    this.#received.delete(packetId);
    if (this.#client.writer.level === 5) return this.#say(type, packetId, REASON.quotaExceeded);
    // Without an acknowledgement the client keeps the message, and MQTT 3.1.1 has no other word for it.
    return { type: 'close', lastWord: null, code: 'LS_MQTT_REFUSED', text: mqttFaults.LS_MQTT_REFUSED() };
  }

  #say(type: 'puback' | 'pubrec', packetId: number, reason: Reason): Answer {
    if (type === 'puback' || isFailure(reason)) this.#unacknowledged.delete(packetId);
    const { writer } = this.#client;
    const reasonString = EXPLANATIONS[reason];
    const bytes =
      reasonString === undefined
        ? writer[type](packetId, reason)
        : writer[type](packetId, reason, { reasonString });
    return answerTo(this.#client, bytes);
  }

  /** Source: MQTT-4.3.3-2: a repeat is answered and goes no further; also one whose first coming waits for its commit. */
  #receive(packetId: number, content: Content): Effect {
    const { clientId } = this.#client.connect;
    const ask = { type: 'pubrec', packetId, verdict: null, isRepeat: false } as const;
    if (this.#session.isDurable)
      return { type: 'propose', op: { type: 'receive', clientId, packetId, ...content }, ask };
    if (this.#received.has(packetId))
      return { type: 'propose', op: { type: 'barrier' }, ask: { ...ask, isRepeat: true } };
    this.#received.add(packetId);
    const from = this.#fromOf(content);
    return { type: 'propose', op: { type: 'publish', ...content, from }, ask };
  }

  #fromOf({ isRetained }: Pick<Content, 'isRetained'>): string | null {
    return this.#isNoLocal || isRetained ? this.#client.connect.clientId : null;
  }

  #isRepeat(packetId: number): boolean {
    return this.#session.isDurable
      ? this.#session.handshakes.received.has(packetId)
      : this.#received.has(packetId);
  }

  /** Source: MQTT 5.0 §3.3.4: a client that sends more than it was told to may get DISCONNECT 0x93. */
  #count(packetId: number): void {
    if (this.#client.writer.level !== 5) return;
    this.#unacknowledged.set(packetId, true);
    const { receiveMax } = this.#parts.limits;
    if (this.#unacknowledged.size <= receiveMax) return;
    const what = `more than ${receiveMax} messages that wait for their acknowledgement`;
    throw unexpected(5, 'MQTT-3.3.4-7', what, REASON.receiveMaximumExceeded);
  }

  /**
   * MQTT 3.1.1 has no word for it: the message is acknowledged and goes no further. Closing the connection would be as good by the letter, but a
   * client sends again what was not acknowledged, and would never get past it. Source: MQTT-3.3.5-2; MQTT 5.0 §3.4.2.1.
   */
  #denied({ qos, packetId }: Publish): Effect {
    if (qos === 0) return { type: 'nothing' };
    return this.#turnedDown(
      qos,
      packetId,
      this.#client.writer.level === 5 ? REASON.notAuthorized : REASON.success,
    );
  }

  /** Source: MQTT 5.0 §3.3.2.3.2. */
  #misread({ qos, packetId }: Publish): Effect {
    const reason = REASON.payloadFormatInvalid;
    if (qos !== 0) return this.#turnedDown(qos, packetId, reason);
    throw unexpected(5, '3.3.2.3.2', 'a payload that is said to be UTF-8 and is not', reason);
  }

  /** An alias for it would be kept as it is: that costs the connection, as everything does for which there is no answer. */
  #overlong({ qos, packetId, alias }: Publish, text: string): Effect {
    const { level } = this.#client.writer;
    const reason = REASON.topicNameInvalid;
    if (qos === 0 || alias !== 0 || level !== 5)
      throw new MqttViolation('LS_MQTT_TOPIC', reason, text, level);
    this.#count(packetId);
    this.#parts.warn('LS_MQTT_TOPIC', text);
    return this.#turnedDown(qos, packetId, reason);
  }

  /** What is acknowledged is kept; so this is not acknowledged, as with a queue that refuses. */
  #unkept(qos: 1 | 2, packetId: number, text: string): Effect {
    const code = 'LS_MQTT_RETAINED';
    if (this.#client.writer.level !== 5) return { type: 'close', lastWord: null, code, text };
    this.#parts.warn(code, text);
    return this.#turnedDown(qos, packetId, REASON.quotaExceeded);
  }

  /** Behind what waits for its commit, so that acknowledgements keep the order of their messages. */
  #turnedDown(qos: 1 | 2, packetId: number, verdict: Reason): Effect {
    const op = { type: 'barrier' } as const;
    const ask: Ask =
      qos === 1
        ? { type: 'puback', packetId, verdict }
        : { type: 'pubrec', packetId, verdict, isRepeat: false };
    return { type: 'propose', op, ask };
  }

  #contentOf(packet: Publish, address: string, now: number): Content {
    const { payload, qos, isRetained, properties } = packet;
    const seconds = cappedExpiry(packet.expirySeconds, this.#parts.limits.messageExpirySecondsMax);
    const expiresAt = seconds === null ? null : now + seconds * 1000;
    return { address, payload, qos, isRetained, properties, expiresAt };
  }
}
