/**
 * One client's connection: bytes to packets, packets to proposals, committed messages to bytes. It sends what rests on the state only
 * when it is told that it is committed; a client that does not read is not fed, and one that sends too fast is not read.
 * Source: PROTOCOL.md §2 Ack; MQTT 3.1.1 §4.
 */
import { assert, present, unreachable, type Cancel, type Clock } from '../../base/index.ts';
import type { Broker, Op, Outcome, QueueBounds, Session } from '../../core/broker/index.ts';
import {
  Decoder,
  MqttSession,
  MqttViolation,
  publish,
  pubrel,
  type Connect,
  type Effect,
  type Sending,
  type Window,
  type WindowTerms,
} from '../../core/mqtt/index.ts';
import type { ByteStream, StreamEvents } from '../../ports/index.ts';
import type { Admission, Identity } from '../access/index.ts';
import type { Entrance } from './entrance.ts';
import { connectionFaults } from './faults.ts';
import type { ConnectionOptions } from './options.ts';

/** What a connection needs of those around it. */
export interface Surroundings {
  readonly broker: Broker;
  readonly entrance: Entrance;
  readonly clock: Clock;
  readonly options: ConnectionOptions;
  /** `done` comes when the operation is committed and applied; never, when serving ends first. */
  propose(op: Op, done: ((outcome: Outcome) => void) | null): void;
  /** The client's connection is over, and this is to be known to both servers: what becomes of its session and its will follows from it. */
  departed(clientId: string, departure: Departure): void;
  /** Nothing may be taken from clients now; `read` is called when it may. */
  isHoldingBack(): boolean;
  /** The connection is now the client's; a former one of that name has been closed. */
  claim(clientId: string, connection: Connection): void;
  /** Pair time (ms). */
  now(): number;
  /** The session's window, for a connection that begins: a fresh one unless this server has sent from the session before. */
  windowOf(session: Session, terms: WindowTerms): Window;
  /** The connection delivers from this session from now on. */
  attached(session: Session, connection: Connection): void;
  /** Messages may be ready for other connections. */
  deliverReady(): void;
  /** The connection is over. `fault`: what to warn of. */
  closed(connection: Connection, fault: Readonly<{ code: string; text: string }> | null): void;
}

/** How a client that had a name went. */
export type Departure = Readonly<{
  /** It has a durable session. */
  isDurable: boolean;
  /** It has a will; with a farewell that is forgotten. */
  will: 'none' | 'forgotten' | 'kept';
}>;

export class Connection {
  readonly #stream: ByteStream;
  readonly #around: Surroundings;
  readonly #decoder: Decoder;
  readonly #protocol: MqttSession;
  #isOpen = true;
  #isPaused = false;
  /** The name it goes by since its CONNECT. */
  #client: Readonly<{ clientId: string; hasWill: boolean; mayBeDurable: boolean }> | null = null;
  /** Who it is, from then on. */
  #identity: Identity | null = null;
  /** What became of its credentials, until it can be acted upon. */
  #admission: Readonly<{ admission: Admission; connect: Connect }> | null = null;
  #delivering: Readonly<{ session: Session; window: Window }> | null = null;
  /** Numbers of messages that the client has taken, to be settled with one proposal. */
  #settled: number[] = [];
  /** Packet identifiers to be answered with PUBREL when that is committed. */
  #released: number[] = [];
  /** Numbers of messages with QoS 2 of which the client keeps nothing. */
  #completed: number[] = [];
  /** A message with QoS 2 waits for its assignment. */
  #isAssigning = false;
  /** Silence after which it is closed; 0: never. */
  #silenceMs: number;
  #lastHeard: number;
  #timer: Cancel | null = null;
  messagesIn = 0;
  messagesOut = 0;

  constructor(stream: ByteStream, around: Surroundings, spareClientId: string) {
    const { options, clock } = around;
    this.#stream = stream;
    this.#around = around;
    this.#decoder = new Decoder(options.packetSizeMax);
    this.#protocol = new MqttSession({ spareClientId, queue: boundsOf(options) });
    this.#silenceMs = options.connectTimeout;
    this.#lastHeard = clock.now();
    this.#watchSilence();
  }

  get remote(): string {
    return this.#stream.remote;
  }

  get clientId(): string | null {
    return this.#client?.clientId ?? null;
  }

  get identity(): Identity | null {
    return this.#identity;
  }

  get session(): Session | null {
    return this.#delivering?.session ?? null;
  }

  /** What the stream tells. */
  events(): StreamEvents {
    return {
      data: (bytes) => {
        if (!this.#isOpen) return;
        // Before CONNECT silence counts from the beginning, or a trickle of bytes would hold the connection for ever.
        if (this.#client !== null) this.#lastHeard = this.#around.clock.now();
        this.#decoder.push(bytes);
        this.read();
      },
      drained: () => {
        // It reads again, so what it sent meanwhile counts from now.
        if (this.#isPaused) this.#lastHeard = this.#around.clock.now();
        this.deliver();
        this.read();
      },
      closed: () => this.lose(null),
    };
  }

  /** Takes what has come, as far as it may be taken now. */
  read(): void {
    try {
      this.#enter();
      while (this.#isOpen && !this.#mustWait()) {
        const packet = this.#decoder.next();
        if (packet === null) break;
        this.#obey(this.#protocol.step(packet));
      }
    } catch (failure) {
      if (!(failure instanceof MqttViolation)) throw failure;
      this.lose({ code: failure.code, text: failure.message });
    }
    this.#settle();
    this.deliver();
    this.#around.deliverReady();
    this.#pauseOrResume();
  }

  /** Sends what is ready, as far as the client reads and acknowledges. */
  deliver(): void {
    if (!this.#isOpen || this.#delivering === null) return;
    const { session, window } = this.#delivering;
    const now = this.#around.now();
    for (const { message, isRetained } of session.takePassing()) {
      // QoS 0: who does not read in time goes without.
      if (this.#isBacklogged() || message.hasExpired(now)) continue;
      this.#send(publish(message, { qos: 0, packetId: 0, isRetained, isDup: false }));
    }
    while (!this.#isBacklogged()) {
      const next = window.next(now);
      if (next === null) break;
      if ('assignThrough' in next) {
        this.#assign(session, next.assignThrough);
        break;
      }
      this.#sendQueued(next);
    }
    this.#drop(session, window.takeDropped());
    this.#reserve(session, window);
    this.#around.broker.lending.offer(session);
  }

  /** The connection ends without the client's farewell: its will is published. `fault`: what the client did, where it did something. */
  lose(fault: Readonly<{ code: string; text: string }> | null): void {
    if (!this.#isOpen) return;
    this.#close(fault);
    this.#stream.destroy();
    this.#depart('kept');
  }

  /** This server does not serve any more: nothing is sent, nothing proposed; the will stays for whoever serves next. */
  destroy(): void {
    if (!this.#isOpen) return;
    this.#close(null);
    this.#stream.destroy();
  }

  #obey(effect: Effect): void {
    switch (effect.type) {
      case 'reply':
        this.#stream.write(effect.bytes);
        break;
      case 'refuse':
        this.#stream.write(effect.bytes);
        this.#close({ code: effect.code, text: effect.text });
        this.#stream.end();
        break;
      case 'authenticate':
        this.#authenticate(effect);
        break;
      case 'nothing':
        break;
      case 'open':
        this.#open(effect);
        break;
      case 'propose':
        this.#propose(effect.op, effect.reply);
        break;
      case 'pass':
        this.messagesIn += 1;
        this.#around.broker.pass(effect.content, null);
        break;
      case 'subscribeLocal':
        this.#subscribeLocal(effect);
        break;
      case 'unsubscribeLocal':
        this.#around.broker.unsubscribeLocal(this.#attachedSession(), effect.filters);
        this.#propose({ type: 'barrier' }, effect.reply);
        break;
      case 'settle': {
        const taken = this.#window().settle(effect.packetId);
        if (typeof taken === 'number') this.#settled.push(taken);
        else if (taken !== null) this.#around.broker.lending.settle(taken);
        break;
      }
      case 'release': {
        // An identifier that nothing is known of is answered too: the client must get rid of it.
        const number = this.#window().release(effect.packetId);
        if (number !== null) this.#settled.push(number);
        this.#released.push(effect.packetId);
        break;
      }
      case 'complete': {
        const number = this.#window().complete(effect.packetId);
        if (number !== null) this.#completed.push(number);
        break;
      }
      case 'end':
        this.#farewell();
        break;
      default:
        unreachable(effect);
    }
  }

  #propose(op: Op, reply: Buffer | null): void {
    if (op.type === 'publish' || op.type === 'receive') this.messagesIn += 1;
    this.#around.propose(op, reply === null ? null : () => this.#replyCommitted(reply));
  }

  #replyCommitted(reply: Buffer): void {
    if (this.#isOpen) this.#stream.write(reply);
  }

  #authenticate({ connect, clientId }: Extract<Effect, { type: 'authenticate' }>): void {
    const { userName, password } = connect;
    const { certificateName } = this.#stream;
    const credentials = { userName, password, certificateName, clientId };
    const admission = this.#around.entrance.access.authenticate(credentials, () => this.#isOpen);
    if (!(admission instanceof Promise)) {
      this.#admission = { admission, connect };
      this.#enter();
      return;
    }
    void admission.then((found) => {
      if (!this.#isOpen) return;
      this.#admission = { admission: found, connect };
      this.read();
    });
  }

  /** It comes in, or is told why not; not while this server takes nothing from clients. */
  #enter(): void {
    if (this.#admission === null || !this.#isOpen || this.#around.isHoldingBack()) return;
    const { admission, connect } = this.#admission;
    this.#admission = null;
    const entry =
      admission.type === 'refused'
        ? admission
        : this.#around.entrance.enter(admission, connect.will?.address ?? null);
    if (entry.type === 'refused') {
      this.#obey(this.#protocol.refused(entry.reason, { code: entry.code, text: entry.text }));
      return;
    }
    this.#identity = entry.identity;
    this.#obey(this.#protocol.admitted(connect, entry.permissions));
  }

  #open({ op, keepAliveMs }: Extract<Effect, { type: 'open' }>): void {
    const mayBeDurable = op.expirySeconds > 0 || !op.isClean;
    this.#client = { clientId: op.clientId, hasWill: op.will !== null, mayBeDurable };
    this.#around.claim(op.clientId, this);
    this.#around.propose(op, (outcome) => {
      if (!this.#isOpen) return;
      assert(outcome.type === 'opened', 'a CONNECT opens a session');
      this.#attach(op, outcome);
      this.#silenceMs = keepAliveMs;
      this.#lastHeard = this.#around.clock.now();
      this.#watchSilence();
      this.read();
    });
  }

  /** The CONNACK, then what the client had not acknowledged to the end, then what is new. */
  #attach(op: Extract<Op, { type: 'openSession' }>, opened: Extract<Outcome, { type: 'opened' }>): void {
    const { broker } = this.#around;
    const session = opened.isDurable ? broker.attach(op.clientId) : broker.openLocal(op.clientId, op.queue);
    const { inFlightMax } = this.#around.options;
    const window = this.#around.windowOf(session, { inFlightMax, fits: () => true });
    this.#delivering = { session, window };
    this.#around.attached(session, this);
    this.#stream.write(this.#protocol.opened(opened));
    this.#sendReleases(window.releasing());
    broker.lending.consume(session, {
      hasRoom: (granted) => this.#hasRoom(session, window, granted),
      fits: () => true,
    });
    this.deliver();
  }

  #hasRoom({ membership }: Session, window: Window, granted: 0 | 1 | 2): boolean {
    if (!this.#isOpen || this.#isBacklogged() || membership === null) return false;
    return granted === 0 ? membership.pending < this.#around.options.inFlightMax : window.hasRoom();
  }

  /** Nobody will be given them: they have expired, or are too long. */
  #drop(session: Session, numbers: readonly number[]): void {
    if (numbers.length === 0) return;
    const { clientId } = session;
    if (session.isDurable) this.#around.propose({ type: 'drop', clientId, numbers }, null);
    else for (const number of numbers) this.#around.broker.settleLocal(session, number);
  }

  /** What groups lend goes out under numbers that the session does not use itself, whoever serves: see `Window`. */
  #reserve(session: Session, window: Window): void {
    if (this.#around.isHoldingBack()) return;
    const count = window.toReserve();
    if (count === 0) return;
    const { clientId } = session;
    this.#around.propose({ type: 'reserve', clientId, count }, (outcome) => {
      if (outcome.type !== 'reserved') return;
      window.reserved(outcome.from, count);
      // The client may have come back on another connection meanwhile.
      this.#around.broker.lending.offer(session);
      this.deliver();
    });
  }

  /** Nothing with QoS 2 is sent for the first time before it is committed that it may have been (PROTOCOL.md §2 Ack; REASONS.md C4). */
  #assign({ clientId }: Session, through: number): void {
    if (this.#isAssigning || this.#around.isHoldingBack()) return;
    this.#isAssigning = true;
    this.#around.propose({ type: 'assign', clientId, through }, () => {
      this.#isAssigning = false;
      this.deliver();
    });
  }

  #subscribeLocal({ subscriptions, reply }: Extract<Effect, { type: 'subscribeLocal' }>): void {
    const { broker } = this.#around;
    const session = this.#attachedSession();
    const through = broker.appliedSeq;
    const wanted = broker.subscribeLocal(session, subscriptions);
    this.#around.propose({ type: 'barrier' }, () => {
      if (!this.#isOpen) return;
      this.#stream.write(reply);
      broker.sendRetained(session, wanted, through);
    });
  }

  #settle(): void {
    const session = this.#delivering?.session ?? null;
    if (session === null) return;
    if (this.#settled.length > 0 || this.#released.length > 0) this.#settleTaken(session);
    if (this.#completed.length === 0) return;
    const numbers = this.#completed;
    this.#completed = [];
    if (session.isDurable)
      this.#around.propose({ type: 'complete', clientId: session.clientId, numbers }, null);
  }

  /** A PUBREL leaves when it is committed that its message is never sent again. Source: MQTT-4.3.3-1. */
  #settleTaken(session: Session): void {
    const numbers = this.#settled;
    const released = this.#released;
    if (numbers.length > 0) this.#settled = [];
    if (released.length > 0) this.#released = [];
    if (session.isDurable) {
      const done = released.length === 0 ? null : () => this.#sendReleases(released);
      this.#around.propose({ type: 'settle', clientId: session.clientId, numbers }, done);
      return;
    }
    for (const number of numbers) this.#around.broker.settleLocal(session, number);
    this.#sendReleases(released);
  }

  /** Source: MQTT-3.14.4-3: a will is never published after a DISCONNECT. */
  #farewell(): void {
    this.#settle();
    this.#close(null);
    this.#stream.end();
    this.#depart('forgotten');
  }

  #depart(will: 'forgotten' | 'kept'): void {
    if (this.#client === null) return;
    const { clientId, hasWill, mayBeDurable } = this.#client;
    const isDurable = this.#delivering?.session.isDurable ?? mayBeDurable;
    this.#around.departed(clientId, { isDurable, will: hasWill ? will : 'none' });
  }

  #close(fault: Readonly<{ code: string; text: string }> | null): void {
    this.#isOpen = false;
    this.#timer?.();
    this.#timer = null;
    this.#around.closed(this, fault);
  }

  #sendQueued({ delivery, packetId, isDup }: Sending): void {
    const { message, qos, isRetained } = delivery;
    this.#send(publish(message, { qos, packetId, isRetained, isDup }));
  }

  #sendReleases(packetIds: Iterable<number>): void {
    if (!this.#isOpen) return;
    for (const packetId of packetIds) this.#stream.write(pubrel(packetId));
  }

  #send(bytes: Buffer): void {
    this.messagesOut += 1;
    this.#stream.write(bytes);
  }

  #isBacklogged(): boolean {
    return this.#stream.backlog() >= this.#around.options.backlogSizeMax;
  }

  #mustWait(): boolean {
    return this.#protocol.isOpening || this.#around.isHoldingBack() || this.#isBacklogged();
  }

  #pauseOrResume(): void {
    if (!this.#isOpen) return;
    const mustPause = this.#mustWait();
    if (mustPause === this.#isPaused) return;
    this.#isPaused = mustPause;
    if (mustPause) this.#stream.pause();
    else this.#stream.resume();
  }

  /** One timer for each connection, set again only when it rings: traffic costs it nothing. */
  #watchSilence(): void {
    this.#timer?.();
    this.#timer = null;
    if (this.#silenceMs === 0) return;
    const { clock } = this.#around;
    // What was not read because this server holds back is not the client's silence.
    if (this.#protocol.isOpening || (this.#client !== null && this.#around.isHoldingBack()))
      this.#lastHeard = clock.now();
    const left = this.#lastHeard + this.#silenceMs - clock.now();
    if (left > 0) this.#timer = clock.after(Math.ceil(left), () => this.#watchSilence());
    else this.lose(this.#silenceFault());
  }

  #silenceFault(): Readonly<{ code: string; text: string }> {
    return this.#client === null
      ? { code: 'LS_CONNECT_TIMEOUT', text: connectionFaults.LS_CONNECT_TIMEOUT(this.#silenceMs) }
      : { code: 'LS_KEEP_ALIVE', text: connectionFaults.LS_KEEP_ALIVE(this.#silenceMs) };
  }

  #attachedSession(): Session {
    return present(this.#delivering, 'the session of a connected client').session;
  }

  #window(): Window {
    return present(this.#delivering, 'the window of a connected client').window;
  }
}

const boundsOf = ({ queueMessagesMax, queueSizeMax, queueWhenFull }: ConnectionOptions): QueueBounds => ({
  messages: queueMessagesMax,
  bytes: queueSizeMax,
  whenFull: queueWhenFull,
});
