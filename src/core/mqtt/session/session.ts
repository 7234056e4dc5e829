/**
 * One client's conversation in MQTT 3.1.1 or 5: a packet in, what follows from it out. Knows no socket, no clock and no journal. It never
 * acknowledges: an answer that rests on the replicated state is asked for once its operation is committed. A violation names its clause and
 * costs this connection only. Source: MQTT 3.1.1 §3, §4; MQTT 5.0 §3, §4; PROTOCOL.md §2 Ack.
 *
 *     expectConnect ──CONNECT──> judging ──admitted──> opening ──opened──> connected
 *           │                                             ^
 *           └──CONNECT with a method──> authenticating ───┘
 */
import { assert, present, unreachable } from '../../../base/index.ts';
import type { Outcome } from '../../broker/index.ts';
import { mqttFaults, unexpected, type MqttViolation } from '../faults.ts';
import { LEVEL } from '../fields.ts';
import type { PacketWriter } from '../packet-writer.ts';
import type { Auth, Authentication, Connect, ForeignConnect, Level, Packet } from '../packet.ts';
import type { Permissions } from '../permissions.ts';
import { isFailure, REASON, type Reason } from '../reasons.ts';
import { packetWriter } from '../writer.ts';
import { Authenticating, type Judgement } from './authenticating.ts';
import { answerTo, fitting, type Client, type ClientSession } from './client.ts';
import { departure, disconnectReason } from './closing.ts';
import { checkWill, connack, connackReason, lacksIdentifier, opening, refusal } from './connecting.ts';
import type { Answer, Ask, Effect } from './effect.ts';
import { Incoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import type { SessionParts } from './parts.ts';
import { retainedFault } from './retaining.ts';
import { Subscribing } from './subscribing.ts';

type Connected = Readonly<{ incoming: Incoming; subscribing: Subscribing }>;

export class MqttSession {
  readonly #parts: SessionParts;
  #state: 'expectConnect' | 'judging' | 'authenticating' | 'opening' | 'connected' = 'expectConnect';
  #client: Client | null = null;
  /** Null: the client has named no method. */
  #authenticating: Authenticating | null = null;
  /** Goes along with the CONNACK. */
  #authentication: Authentication | null = null;
  #permissions: Permissions | null = null;
  #connected: Connected | null = null;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The client is to be answered before any more of it is taken: its CONNECT waits for a judgement, or for its commit. */
  get mustWait(): boolean {
    return this.#state === 'judging' || this.#state === 'opening';
  }

  /** Takes one packet. `now`: pair time. Throws `MqttViolation`. */
  step(packet: Packet, now: number): Effect {
    assert(!this.mustWait, 'no packet is taken while a CONNECT waits');
    switch (this.#state) {
      case 'expectConnect':
        return this.#connect(packet);
      case 'authenticating':
        return this.#authenticate(packet);
      default:
        return this.#take(packet, this.#conversation(), now);
    }
  }

  /** The client is who it says, and may connect: what is to be proposed for it. */
  admitted(permissions: Permissions): Effect {
    const isWaiting = this.#state === 'judging' || this.#state === 'authenticating';
    assert(isWaiting, 'only a CONNECT that waits is admitted');
    this.#permissions = permissions;
    this.#state = 'opening';
    return { type: 'open', ...opening(this.#known(), permissions, this.#parts) };
  }

  /** It may not. `text`: for the console. */
  refused(why: Readonly<{ reason: Reason; code: string; text: string }>): Answer {
    assert(this.#state === 'judging', 'only a CONNECT that waits is refused');
    return refusal(this.#known(), why.reason, why);
  }

  /** The CONNECT is committed: the CONNACK. `session`: the one that the client has now. */
  opened(outcome: Extract<Outcome, { type: 'opened' }>, session: ClientSession): Answer {
    assert(this.#state === 'opening', 'only a CONNECT that waits is answered');
    const client = this.#known();
    const { limits } = this.#parts;
    const shared = {
      ...this.#parts,
      permissions: () => present(this.#permissions, 'what the client may do'),
    };
    this.#state = 'connected';
    this.#connected = {
      incoming: new Incoming(client, session, shared),
      subscribing: new Subscribing(client, session, shared),
    };
    return answerTo(client, connack(client, outcome, { limits, authentication: this.#authentication }));
  }

  /** What was proposed is committed. */
  committed(ask: Ask, outcome: Outcome): Answer {
    const { incoming, subscribing } = this.#conversation();
    switch (ask.type) {
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        return incoming.answer(ask, outcome);
      case 'suback':
      case 'unsuback':
        return subscribing.answer(ask, outcome);
      default:
        return unreachable(ask);
    }
  }

  /** How messages look to the client, once it is connected. */
  outgoing(): Outgoing {
    return new Outgoing(this.#known(), this.#parts.limits);
  }

  /** The client broke the protocol: its last word, as of `lastWord`. */
  violated({ reason, level, message }: MqttViolation): Buffer | null {
    if (this.#client !== null) return this.lastWord(reason, { reasonString: `the client ${message}` });
    // Of a CONNECT that could not be read to its end its version may be known all the same. Source: MQTT 5.0 §4.13.
    return level === LEVEL.v5 ? anyWriter(level).refusal(connackReason(reason)) : null;
  }

  /**
   * What the client is told when its connection is closed for what it did; null: nothing, because its version has no word for it, or it has said
   * none itself. `reasonString`: for its people.
   */
  lastWord(reason: Reason, { reasonString }: Readonly<{ reasonString?: string }> = {}): Buffer | null {
    const client = this.#client;
    if (client === null) return null;
    const properties = reasonString === undefined ? {} : { reasonString };
    const bytes =
      this.#state === 'connected'
        ? client.writer.disconnect(disconnectReason(reason), properties)
        : client.writer.refusal(connackReason(reason), properties);
    return fitting(client, bytes);
  }

  /**
   * What it is told when it did nothing wrong; null: nothing. One that is not let in yet is told nothing, so that it tries again: many take a
   * refused CONNECT for good.
   */
  farewell(reason: Reason, serverReference: string | null = null): Buffer | null {
    if (this.#client === null || this.#state !== 'connected') return null;
    const properties = serverReference === null ? {} : { serverReference };
    return fitting(this.#client, this.#client.writer.disconnect(reason, properties));
  }

  #connect(packet: Packet): Effect {
    if (packet.type === 'foreignConnect') return refuseVersion(packet);
    // MQTT-3.1.0-1
    if (packet.type !== 'connect') throw unexpected(4, 'MQTT-3.1.0-1', `${packet.type} before CONNECT`);
    const { limits, mechanisms } = this.#parts;
    const client = this.#meet(packet);
    checkWill(packet, limits);
    if (lacksIdentifier(packet)) {
      const text = mqttFaults.LS_MQTT_CLIENT_ID();
      return refusal(client, REASON.clientIdentifierNotValid, { code: 'LS_MQTT_CLIENT_ID', text });
    }
    const { authentication, userName, password, will } = packet;
    const fault = will === null ? null : retainedFault(client.connect.clientId, will, this.#parts);
    if (fault !== null)
      return refusal(client, REASON.quotaExceeded, { code: 'LS_MQTT_RETAINED', text: fault });
    if (authentication !== null) {
      this.#state = 'authenticating';
      this.#authenticating = new Authenticating(client, mechanisms, authentication.method);
      return this.#judged(this.#authenticating.begin(authentication.data));
    }
    this.#state = 'judging';
    const { clientId } = client.connect;
    return { type: 'authenticate', clientId, userName, password, willTopic: will?.address ?? null };
  }

  /** Source: MQTT-3.1.3-6, MQTT-3.1.3-7: a client without an identifier goes by one of this server's, as if it had given that. */
  #meet(packet: Connect): Client {
    const { spareClientId, copies } = this.#parts;
    const isNamedHere = packet.clientId === '';
    const connect = isNamedHere ? { ...packet, clientId: spareClientId } : packet;
    this.#client = { connect, isNamedHere, writer: packetWriter({ ...connect, copies }) };
    return this.#client;
  }

  /** Source: MQTT5-3.1.2-30: between CONNECT and CONNACK a client with a method sends AUTH, or goes. */
  #authenticate(packet: Packet): Effect {
    if (packet.type === 'disconnect') return departure(this.#known(), packet, this.#parts.limits);
    if (packet.type !== 'auth') throw unexpected(5, 'MQTT-3.1.2-30', `${packet.type} before CONNACK`);
    return this.#judged(present(this.#authenticating, 'the method of the client').goOn(packet));
  }

  #judged(judgement: Judgement): Effect {
    switch (judgement.type) {
      case 'answer':
        return judgement.answer;
      case 'accepted':
        this.#authentication = judgement.authentication;
        return this.admitted(judgement.permissions);
      case 'refused':
        return refusal(this.#known(), judgement.reason, judgement);
      default:
        return unreachable(judgement);
    }
  }

  #take(packet: Packet, { incoming, subscribing }: Connected, now: number): Effect {
    const client = this.#known();
    switch (packet.type) {
      case 'connect':
      case 'foreignConnect':
        throw unexpected(client.writer.level, 'MQTT-3.1.0-2', 'a second CONNECT');
      case 'publish':
        return incoming.publish(packet, now);
      case 'puback':
        return { type: 'settle', packetId: packet.packetId };
      case 'pubrec':
        return { type: isFailure(packet.reason) ? 'abandon' : 'release', packetId: packet.packetId };
      case 'pubrel':
        return incoming.release(packet);
      case 'pubcomp':
        return { type: 'complete', packetId: packet.packetId };
      case 'subscribe':
        if (packet.subscriptions.some(({ isNoLocal }) => isNoLocal)) incoming.asksForNoLocal();
        return subscribing.subscribe(packet);
      case 'unsubscribe':
        return subscribing.unsubscribe(packet);
      case 'pingreq':
        // MQTT-3.12.4-1
        return answerTo(client, client.writer.pingresp());
      case 'auth':
        return this.#authenticateAgain(packet);
      case 'disconnect':
        return departure(client, packet, this.#parts.limits);
      default:
        return unreachable(packet);
    }
  }

  /** Source: MQTT 5.0 §4.12.1. */
  #authenticateAgain(packet: Auth): Effect {
    const client = this.#known();
    if (this.#authenticating === null)
      throw unexpected(5, 'MQTT-4.12.0-7', 'AUTH where CONNECT named no method');
    const judgement = this.#authenticating.again(packet);
    switch (judgement.type) {
      case 'answer':
        return judgement.answer;
      case 'accepted':
        this.#permissions = judgement.permissions;
        return answerTo(client, client.writer.auth(REASON.success, judgement.authentication));
      case 'refused': {
        const { code, text, reason } = judgement;
        return { type: 'close', lastWord: this.lastWord(reason), code, text };
      }
      default:
        return unreachable(judgement);
    }
  }

  #known(): Client {
    return present(this.#client, 'what CONNECT said');
  }

  #conversation(): Connected {
    return present(this.#connected, 'the conversation of a connected client');
  }
}

/** Source: MQTT-3.1.2-2, which the clients of all other versions have some form of. */
function refuseVersion({ level, isMqisdp }: ForeignConnect): Answer {
  const version = isMqisdp ? 'MQTT 3.1' : `MQTT with protocol level ${level}`;
  const text = mqttFaults.LS_MQTT_VERSION(version);
  const writer = anyWriter(LEVEL.v311);
  return {
    type: 'close',
    lastWord: writer.refusal(REASON.unsupportedProtocolVersion),
    code: 'LS_MQTT_VERSION',
    text,
  };
}

/** For a client of which no more than its version is known. */
const anyWriter = (level: Level): PacketWriter =>
  packetWriter({ level, packetSizeMax: null, wantsProblemInformation: false, copies: null });
