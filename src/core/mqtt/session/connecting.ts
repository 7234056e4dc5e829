/** From CONNECT to CONNACK: what the client asks for, what it gets, and with which words it is sent away. Source: MQTT 3.1.1 §3.1, §3.2; MQTT 5.0 §3.1, §3.2. */
import type { Op, Outcome, QueueBounds } from '../../broker/index.ts';
import { MqttViolation, unexpected } from '../faults.ts';
import type { ConnackProperties } from '../packet-writer.ts';
import type { Authentication, Connect } from '../packet.ts';
import type { Permissions } from '../permissions.ts';
import { saysText } from '../property-reader.ts';
import { isServerReason, REASON, type Reason } from '../reasons.ts';
import { excessOf } from '../topics.ts';
import { isUtf8 } from '../utf8.ts';
import { fitting, type Client } from './client.ts';
import type { Answer, Terms } from './effect.ts';
import { cappedExpiry } from './expiry.ts';
import type { SessionLimits } from './parts.ts';

type Close = Extract<Answer, { type: 'close' }>;

/** How long a server that takes over waits for a client without a keep-alive before it publishes its will. */
const PATIENCE_MS = 60_000;

/** The client is not let in. `text`: for the console. */
export function refusal(
  client: Client,
  reason: Reason,
  { code, text, reasonString }: Readonly<{ code: string; text: string; reasonString?: string }>,
): Close {
  const properties = reasonString === undefined ? {} : { reasonString };
  const lastWord = fitting(client, client.writer.refusal(reason, properties));
  return { type: 'close', lastWord, code, text };
}

/** What a client that waits for its CONNACK is told of a reason to close its connection. */
export const connackReason = (reason: Reason): Reason =>
  isServerReason('connack', reason) ? reason : REASON.unspecifiedError;

/** Source: MQTT-3.1.3-8; MQTT-3.1.3-6 of both: a client without an identifier gets one, and in MQTT 3.1.1 no durable session. */
export const lacksIdentifier = ({ level, clientId, isClean }: Connect): boolean =>
  level === 4 && clientId === '' && !isClean;

/** Source: MQTT 5.0 §3.1.3.2.3. Throws `MqttViolation`. */
export function checkWill({ level, will }: Connect, { topic }: Pick<SessionLimits, 'topic'>): void {
  const excess = will === null ? null : excessOf(will.address, topic);
  if (excess !== null) throw new MqttViolation('LS_MQTT_TOPIC', REASON.topicNameInvalid, excess, level);
  if (will === null || !saysText(will.properties) || isUtf8(will.payload)) return;
  const what = 'a will that is said to be UTF-8 and is not';
  throw unexpected(5, '3.1.3.2.3', what, REASON.payloadFormatInvalid);
}

/** Source: MQTT5-3.1.2-21: only a client of MQTT 5 can be given another keep-alive than it asked for. */
export function keepAliveOf(
  { level, keepAliveSeconds }: Connect,
  { keepAliveSecondsMax }: SessionLimits,
): number {
  const isLimited = level === 5 && keepAliveSecondsMax !== 0;
  const isTooLong = keepAliveSeconds === 0 || keepAliveSeconds > keepAliveSecondsMax;
  return isLimited && isTooLong ? keepAliveSecondsMax : keepAliveSeconds;
}

export const sessionExpiryOf = (
  { expirySeconds }: Connect,
  { sessionExpirySecondsMax }: SessionLimits,
): number => Math.min(expirySeconds, sessionExpirySecondsMax);

/** What is proposed for a client that may connect, and what is agreed on with it. */
export function opening(
  { connect }: Client,
  { user, mustBeClean }: Permissions,
  { limits, queue }: Readonly<{ limits: SessionLimits; queue: QueueBounds }>,
): Readonly<{ op: Extract<Op, { type: 'openSession' }>; terms: Terms }> {
  const { level, clientId, isClean, will, receiveMax } = connect;
  // MQTT-3.1.2-24, MQTT5-3.1.2-22: one and a half times the keep-alive.
  const silenceMsMax = keepAliveOf(connect, limits) * 1500;
  const patienceMs = silenceMsMax === 0 ? PATIENCE_MS : silenceMsMax;
  return {
    terms: { level, silenceMsMax, receiveMax },
    op: {
      type: 'openSession',
      clientId,
      user,
      isClean: isClean || mustBeClean,
      expirySeconds: sessionExpiryOf(connect, limits),
      queue,
      will:
        will === null
          ? null
          : {
              ...will,
              expirySeconds: cappedExpiry(will.expirySeconds, limits.messageExpirySecondsMax),
              patienceMs,
            },
    },
  };
}

/** The CONNACK of a client that has been let in. Source: MQTT-3.2.2-1 to MQTT-3.2.2-3; MQTT 5.0 §3.2.2.3. */
export function connack(
  client: Client,
  { isPresent }: Pick<Extract<Outcome, { type: 'opened' }>, 'isPresent'>,
  { limits, authentication }: Readonly<{ limits: SessionLimits; authentication: Authentication | null }>,
): Buffer {
  const { connect, writer } = client;
  const expirySeconds = sessionExpiryOf(connect, limits);
  const keepAliveSeconds = keepAliveOf(connect, limits);
  const responseInformation = connect.wantsResponseInformation ? replyPrefix(connect.clientId) : null;
  const properties: ConnackProperties = {
    ...(expirySeconds === connect.expirySeconds ? {} : { expirySeconds }),
    ...(limits.receiveMax === 0xffff ? {} : { receiveMax: limits.receiveMax }),
    packetSizeMax: limits.packetSizeMax,
    ...(client.isNamedHere ? { assignedClientId: connect.clientId } : {}),
    ...(limits.aliasMax === 0 ? {} : { aliasMax: limits.aliasMax }),
    ...(keepAliveSeconds === connect.keepAliveSeconds ? {} : { keepAliveSeconds }),
    ...(responseInformation === null ? {} : { responseInformation }),
    ...(authentication === null ? {} : { authentication }),
  };
  return writer.connack(isPresent, properties);
}

/**
 * Topics for answers to this client, and to nobody else where access rules say so (`reply/%c/#`). Null: its identifier is no level of a topic.
 * Source: MQTT 5.0 §3.2.2.3.15, §4.10.1.
 */
const replyPrefix = (clientId: string): string | null =>
  /[/+#]/.test(clientId) ? null : `reply/${clientId}/`;
