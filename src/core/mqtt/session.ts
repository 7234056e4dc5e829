/**
 * One client's MQTT 3.1.1 conversation: a packet in, what follows from it out. Knows no socket, no clock and no journal. It never
 * acknowledges: an answer that rests on the replicated state comes out as a reply to be sent once its operation is committed.
 * A violation names its clause and costs this connection only. Source: MQTT 3.1.1 §3, §4; PROTOCOL.md §2 Ack.
 */
import { assert, present, unreachable } from '../../base/index.ts';
import {
  NEVER_EXPIRES,
  NO_PROPERTIES,
  type Content,
  type Op,
  type QueueBounds,
  type SharedFilter,
  type Subscription,
} from '../broker/index.ts';
import { connack, connackForMqtt5, pingresp, puback, pubcomp, pubrec, suback, unsuback } from './encode.ts';
import { mqttFaults, unexpected } from './faults.ts';
import { CONNECT_CODE, LEVEL, SUBSCRIPTION_REFUSED } from './fields.ts';
import type { Connect, Packet, Publish } from './packet.ts';
import type { Permissions } from './permissions.ts';

export type Effect = Readonly<
  /** Send at once: it says nothing of any state. */
  | { type: 'reply'; bytes: Buffer }
  /** Send a last word, then close. */
  | { type: 'refuse'; bytes: Buffer; code: string; text: string }
  /** A CONNECT: tell `admitted` or `refused`. Until then no packet may be taken. */
  | { type: 'authenticate'; connect: Connect; clientId: string }
  /** Nothing follows from it. */
  | { type: 'nothing' }
  /** Propose; when committed, tell `opened`. Until then no packet may be taken. `keepAliveMs` 0: silence is never too long. */
  | { type: 'open'; op: Extract<Op, { type: 'openSession' }>; keepAliveMs: number }
  /** Propose; send `reply`, if any, when committed. */
  | { type: 'propose'; op: Op; reply: Buffer | null }
  /** A message with QoS 0 to whoever is connected. */
  | { type: 'pass'; content: Content }
  /** For a session that this server alone knows: in force at once; the reply and the retained messages after a commit round. */
  | { type: 'subscribeLocal'; subscriptions: readonly Subscription[]; reply: Buffer }
  | { type: 'unsubscribeLocal'; filters: readonly SharedFilter[]; reply: Buffer }
  /** The client has taken the message that was sent with QoS 1 under this packet identifier. */
  | { type: 'settle'; packetId: number }
  /** The client has taken the message that was sent with QoS 2 under it: settle it, and send PUBREL when that is committed. */
  | { type: 'release'; packetId: number }
  /** The client keeps nothing of the message that was sent with QoS 2 under it. */
  | { type: 'complete'; packetId: number }
  /** The client says farewell: close, and forget its will. */
  | { type: 'end' }
>;

export type SessionParts = Readonly<{
  /** The name of a client that gives none. */
  spareClientId: string;
  /** How much its queue takes. */
  queue: QueueBounds;
}>;

/** How long a server that takes over waits for a client without a keep-alive before it publishes its will. */
const PATIENCE_MS = 60_000;

export class MqttSession {
  readonly #parts: SessionParts;
  #state: 'expectConnect' | 'opening' | 'connected' = 'expectConnect';
  #clientId = '';
  #permissions: Permissions | null = null;
  #isDurable = false;
  /**
   * Of a session that is not durable: packet identifiers that came with QoS 2 and were not released. They end with this conversation, as the
   * session does; a durable one has them in the replicated state.
   */
  readonly #received = new Set<number>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** A CONNECT waits for its commit: what the client sent after it must wait too. */
  get isOpening(): boolean {
    return this.#state === 'opening';
  }

  /** Takes one packet. Throws `MqttViolation`. */
  step(packet: Packet): Effect {
    assert(this.#state !== 'opening', 'no packet is taken while a CONNECT waits for its commit');
    if (this.#state === 'expectConnect') return this.#connect(packet);
    switch (packet.type) {
      case 'connect':
      case 'foreignConnect':
        throw unexpected(4, 'MQTT-3.1.0-2', 'a second CONNECT');
      case 'publish':
        if (!this.#may().mayPublish(packet.topic)) return deniedEffect(packet);
        return packet.qos === 2 ? this.#receive(packet) : publishEffect(packet);
      case 'puback':
        return { type: 'settle', packetId: packet.packetId };
      case 'pubrec':
        return { type: 'release', packetId: packet.packetId };
      case 'pubrel':
        return this.#release(packet.packetId);
      case 'pubcomp':
        return { type: 'complete', packetId: packet.packetId };
      case 'subscribe':
        return this.#subscribe(packet);
      case 'unsubscribe':
        return this.#unsubscribe(packet);
      case 'pingreq':
        // MQTT-3.12.4-1
        return { type: 'reply', bytes: pingresp() };
      case 'auth':
        throw unexpected(4, 'MQTT-4.8.0-1', 'an AUTH');
      case 'disconnect':
        // MQTT-3.14.4-3
        return { type: 'end' };
      default:
        return unreachable(packet);
    }
  }

  /** The client is who it says, and may do this. */
  admitted(connect: Connect, permissions: Permissions): Effect {
    assert(this.#state === 'opening' && this.#permissions === null, 'one CONNECT is admitted, once');
    this.#permissions = permissions;
    return this.#open(connect, permissions);
  }

  /** The CONNACK for a client that does not come in. Source: MQTT-3.2.2-4. */
  refused(
    reason: 'badCredentials' | 'notAuthorized' | 'busy',
    fault: Readonly<{ code: string; text: string }>,
  ): Effect {
    const code = CONNECT_CODE[reason === 'busy' ? 'unavailable' : reason];
    return { type: 'refuse', bytes: connack(code, false), ...fault };
  }

  /** The CONNECT is committed: the CONNACK to send. Source: MQTT-3.2.2-1 to MQTT-3.2.2-3. */
  opened({ isPresent, isDurable }: Readonly<{ isPresent: boolean; isDurable: boolean }>): Buffer {
    assert(this.#state === 'opening', 'only a CONNECT that waits is answered');
    this.#isDurable = isDurable;
    this.#state = 'connected';
    return connack(CONNECT_CODE.accepted, isPresent);
  }

  #connect(packet: Packet): Effect {
    if (packet.type === 'foreignConnect') return refuseVersion(packet.level);
    if (packet.type === 'connect' && packet.level === LEVEL.v5) return refuseVersion(packet.level);
    if (packet.type !== 'connect') throw unexpected(4, 'MQTT-3.1.0-1', `${packet.type} before CONNECT`);
    if (packet.clientId === '' && !packet.isClean) {
      // MQTT-3.1.3-8
      const text = mqttFaults.LS_MQTT_CLIENT_ID();
      const bytes = connack(CONNECT_CODE.identifierRejected, false);
      return { type: 'refuse', bytes, code: 'LS_MQTT_CLIENT_ID', text };
    }
    // MQTT-3.1.3-6
    this.#clientId = packet.clientId === '' ? this.#parts.spareClientId : packet.clientId;
    this.#state = 'opening';
    return { type: 'authenticate', connect: packet, clientId: this.#clientId };
  }

  #open({ keepAliveSeconds, isClean, will }: Connect, { user, mustBeClean }: Permissions): Effect {
    // MQTT-3.1.2-24: one and a half times the keep-alive.
    const keepAliveMs = keepAliveSeconds * 1500;
    return {
      type: 'open',
      keepAliveMs,
      op: {
        type: 'openSession',
        clientId: this.#clientId,
        user,
        isClean: isClean || mustBeClean,
        // MQTT-3.1.2-4, MQTT-3.1.2-6
        expirySeconds: isClean ? 0 : NEVER_EXPIRES,
        queue: this.#parts.queue,
        will: will === null ? null : { ...will, patienceMs: keepAliveMs === 0 ? PATIENCE_MS : keepAliveMs },
      },
    };
  }

  /** A repeat is answered and goes no further; also one whose first coming waits for its commit. Source: MQTT-4.3.3-2. */
  #receive(packet: Publish): Effect {
    const { packetId } = packet;
    const reply = pubrec(packetId);
    const content = contentOf(packet);
    if (this.#isDurable) {
      const op = { type: 'receive', clientId: this.#clientId, packetId, ...content } as const;
      return { type: 'propose', op, reply };
    }
    if (this.#received.has(packetId)) return { type: 'propose', op: { type: 'barrier' }, reply };
    this.#received.add(packetId);
    return { type: 'propose', op: { type: 'publish', ...content, from: null }, reply };
  }

  /** An identifier that nothing is known of is answered too: its PUBCOMP was lost, or the session was. Source: MQTT-4.3.3-2. */
  #release(packetId: number): Effect {
    const reply = pubcomp(packetId);
    if (this.#isDurable)
      return { type: 'propose', op: { type: 'release', clientId: this.#clientId, packetId }, reply };
    this.#received.delete(packetId);
    // Behind the message, if that still waits for its commit: some clients count PUBCOMP alone.
    return { type: 'propose', op: { type: 'barrier' }, reply };
  }

  #subscribe({ packetId, subscriptions }: Extract<Packet, { type: 'subscribe' }>): Effect {
    const granted = subscriptions.filter(({ filter }) => this.#may().maySubscribe(filter));
    // MQTT-3.8.4-1, MQTT-3.8.4-5, MQTT-3.9.3-1
    const reply = suback(
      packetId,
      subscriptions.map((each) => (granted.includes(each) ? each.qos : SUBSCRIPTION_REFUSED)),
    );
    if (granted.length === 0) return { type: 'reply', bytes: reply };
    if (!this.#isDurable) return { type: 'subscribeLocal', subscriptions: granted, reply };
    const op = { type: 'subscribe', clientId: this.#clientId, subscriptions: granted } as const;
    return { type: 'propose', op, reply };
  }

  #may(): Permissions {
    return present(this.#permissions, 'the permissions of a connected client');
  }

  #unsubscribe({ packetId, filters }: Extract<Packet, { type: 'unsubscribe' }>): Effect {
    // MQTT-3.10.4-4, MQTT-3.10.4-5
    const reply = unsuback(packetId);
    if (!this.#isDurable) return { type: 'unsubscribeLocal', filters, reply };
    return { type: 'propose', op: { type: 'unsubscribe', clientId: this.#clientId, filters }, reply };
  }
}

/**
 * 3.1.1 has no word for it: the message is acknowledged and goes no further. Closing the connection would be as good by the letter, but a client
 * sends again what was not acknowledged, and would never get past it. Behind what waits for its commit, so that acknowledgements keep their
 * order. Source: MQTT-3.3.5-2, MQTT-4.6.0-2.
 */
function deniedEffect({ qos, packetId }: Publish): Effect {
  if (qos === 0) return { type: 'nothing' };
  return { type: 'propose', op: { type: 'barrier' }, reply: qos === 1 ? puback(packetId) : pubrec(packetId) };
}

function publishEffect(packet: Publish): Effect {
  const content = contentOf(packet);
  if (packet.qos === 0 && !packet.isRetained) return { type: 'pass', content };
  // MQTT-3.3.4-1
  const reply = packet.qos === 0 ? null : puback(packet.packetId);
  return { type: 'propose', op: { type: 'publish', ...content, from: null }, reply };
}

const contentOf = ({ topic, payload, qos, isRetained }: Publish): Content => ({
  address: topic,
  payload,
  qos,
  isRetained,
  properties: NO_PROPERTIES,
  expiresAt: null,
});

/** Source: MQTT-3.1.2-2; MQTT 5.0 §3.1.2.2. */
function refuseVersion(level: number): Effect {
  const isMqtt5 = level === LEVEL.v5;
  const version = isMqtt5 ? 'MQTT 5' : level === LEVEL.v31 ? 'MQTT 3.1' : `MQTT with protocol level ${level}`;
  return {
    type: 'refuse',
    bytes: isMqtt5 ? connackForMqtt5() : connack(CONNECT_CODE.versionRefused, false),
    code: 'LS_MQTT_VERSION',
    text: mqttFaults.LS_MQTT_VERSION(version),
  };
}
