/** Conversations without broker and network: a server that allows everything, where a test says nothing else. */
import {
  NEVER_EXPIRES,
  NO_PROPERTIES,
  type Content,
  type Session,
} from '../../../../src/core/broker/index.ts';
import { Handshakes } from '../../../../src/core/broker/handshakes.ts';
import {
  MqttSession,
  MqttViolation,
  type Answer,
  type Connect,
  type Effect,
  type Permissions,
  type SessionLimits,
  type SessionParts,
} from '../../../../src/core/mqtt/index.ts';
import { connect } from '../packets.ts';

export const NOW = 1_700_000_000_000;

export const limits: SessionLimits = {
  packetSizeMax: 1_048_576,
  receiveMax: 65_535,
  aliasMax: 0,
  sessionExpirySecondsMax: NEVER_EXPIRES,
  messageExpirySecondsMax: 0,
  keepAliveSecondsMax: 0,
  topic: { bytesMax: 65_535, levelsMax: 65_536 },
  subscriptionsMax: 1_000,
  retained: { messages: 1_000, bytes: 1e9, perClient: 1_000 },
};

export type More = Partial<Omit<SessionParts, 'limits'>> & Readonly<{ limits?: Partial<SessionLimits> }>;

export const fresh = ({ limits: changed, ...more }: More = {}): MqttSession =>
  new MqttSession({
    spareClientId: 'spare',
    queue: { messages: 5, bytes: 1e9, whenFull: 'dropOldest' },
    mechanisms: { begin: () => null },
    copies: null,
    retainedExcess: () => null,
    warn: () => undefined,
    ...more,
    limits: { ...limits, ...changed },
  });

/** Everything is allowed to an anonymous client. */
export const permitted = (more: Partial<Permissions> = {}): Permissions => ({
  user: null,
  mustBeClean: false,
  mayPublish: () => true,
  maySubscribe: () => true,
  ...more,
});

export type Opened = Pick<Session, 'isDurable' | 'handshakes' | 'subscriptions'>;

export const opened = (isDurable: boolean, more: Partial<Opened> = {}): Opened => ({
  isDurable,
  handshakes: new Handshakes(),
  subscriptions: new Map(),
  ...more,
});

/** A client of MQTT 3.1.1, unless it says otherwise, that is connected; with a session that is durable where it is not clean. */
export function connected(
  packet: Partial<Connect> = {},
  more: More &
    Readonly<{ session?: Partial<Opened>; isPresent?: boolean; permissions?: Partial<Permissions> }> = {},
): MqttSession {
  const { session: had, isPresent = false, permissions, ...parts } = more;
  const session = fresh(parts);
  session.step(connect(packet), NOW);
  session.admitted(permitted(permissions));
  const isDurable = packet.isClean === false;
  session.opened({ type: 'opened', isPresent, isDurable }, opened(isDurable, had));
  return session;
}

/** What `connected` is told of MQTT 5. */
export const v5 = { level: 5 } as const;

export const content: Content = {
  address: 't',
  payload: Buffer.from('m'),
  qos: 1,
  isRetained: false,
  properties: NO_PROPERTIES,
  expiresAt: null,
};

/** Code, reason and message of the violation. */
export function violationOf(act: () => unknown): string {
  try {
    act();
  } catch (failure) {
    if (failure instanceof MqttViolation)
      return `${failure.code} 0x${failure.reason.toString(16)} ${failure.message}`;
  }
  return 'none';
}

export const opOf = (effect: Effect) =>
  effect.type === 'open' || effect.type === 'propose' ? effect.op : null;

/** The bytes that the client gets, in hexadecimal digits; of a connection that is closed, the last of them and the code. */
export const bytesOf = (effect: Effect | Answer): string => {
  if (effect.type === 'reply') return effect.bytes.toString('hex');
  if (effect.type === 'close') return `${effect.lastWord?.toString('hex') ?? 'none'} ${effect.code}`;
  return effect.type;
};

/** What is answered to the effect of a packet, once what it proposes has had this outcome. */
export const answerOf = (
  session: MqttSession,
  effect: Effect,
  outcome: Parameters<MqttSession['committed']>[1] = { type: 'applied' },
): string =>
  effect.type === 'propose' && effect.ask !== null
    ? bytesOf(session.committed(effect.ask, outcome))
    : bytesOf(effect);
