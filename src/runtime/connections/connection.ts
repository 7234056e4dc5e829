/**
 * One client's connection: bytes to packets, packets to proposals, answers to bytes. It sends what rests on the state only when it is told that
 * it is committed; a client that does not read is not fed, and one that sends too fast is not read.
 * Source: PROTOCOL.md §2 Ack; MQTT 3.1.1 §4; MQTT 5.0 §4.
 */
import { assert, present, unreachable } from '../../base/index.ts';
import {
  nameOf,
  wantsRetained,
  type Content,
  type Op,
  type Outcome,
  type Session,
  type Subscription,
} from '../../core/broker/index.ts';
import {
  Decoder,
  MqttSession,
  MqttViolation,
  REASON,
  type Answer,
  type Ask,
  type Effect,
  type Reason,
} from '../../core/mqtt/index.ts';
import type { ByteStream, StreamEvents, Transport } from '../../ports/index.ts';
import type { Identity } from '../access/index.ts';
import { Admittance } from './admittance.ts';
import { Deliverer } from './deliverer.ts';
import { departureOf, WITHOUT_FAREWELL, type Farewell } from './departure.ts';
import { connectionFaults } from './faults.ts';
import { Silence } from './silence.ts';
import { Stall } from './stall.ts';
import type { Fault, Surroundings } from './surroundings.ts';

type Opening = Extract<Effect, { type: 'open' }>;

export class Connection {
  readonly #stream: ByteStream;
  readonly #around: Surroundings;
  readonly #decoder: Decoder;
  readonly #admittance: Admittance;
  readonly #protocol: MqttSession;
  readonly #silence: Silence;
  readonly #stall: Stall;
  #isOpen = true;
  #isPaused = false;
  /** What it has proposed at its CONNECT; null: it has no name yet. */
  #opening: Opening['op'] | null = null;
  #deliverer: Deliverer | null = null;

  constructor(stream: ByteStream, around: Surroundings, spareClientId: string) {
    const { options, limits, queue, clock, copies, entrance } = around;
    this.#stream = stream;
    this.#around = around;
    this.#decoder = new Decoder(options.packetSizeMax);
    this.#admittance = new Admittance({
      entrance,
      certificateName: stream.certificateName,
      isWanted: () => this.#isOpen,
      judged: () => this.read(),
    });
    this.#protocol = new MqttSession({
      spareClientId,
      queue,
      limits,
      mechanisms: this.#admittance.mechanisms,
      retainedExcess: (retaining, bounds) => around.broker.retainedExcess(retaining, bounds),
      warn: (code, text) => around.warn(this, { code, text }),
      copies,
    });
    this.#silence = new Silence({
      clock,
      isExcused: () => this.#isUnheard(),
      tooLong: (ms) => this.#silent(ms),
    });
    this.#stall = new Stall({
      clock,
      ms: options.stallTimeout,
      backlog: () => stream.backlog(),
      stalled: (ms) => this.#stalled(ms),
    });
    this.#silence.allow(options.connectTimeout);
  }

  get transport(): Transport {
    return this.#stream.transport;
  }

  get remote(): string {
    return this.#stream.remote;
  }

  get clientId(): string | null {
    return this.#opening?.clientId ?? null;
  }

  get identity(): Identity | null {
    return this.#admittance.identity;
  }

  get session(): Session | null {
    return this.#deliverer?.session ?? null;
  }

  /** What the stream tells. */
  events(): StreamEvents {
    return {
      data: (bytes) => {
        if (!this.#isOpen) return;
        this.#around.traffic.bytesIn += bytes.length;
        // Before CONNECT silence counts from the beginning, or a trickle of bytes would hold the connection for ever.
        if (this.#opening !== null) this.#silence.heard();
        this.#decoder.push(bytes);
        this.read();
      },
      drained: () => {
        // It reads again, so what it sent meanwhile counts from now.
        if (this.#isPaused) this.#silence.heard();
        this.deliver();
        this.read();
      },
      closed: () => this.#lost(),
    };
  }

  /** Takes what has come, as far as it may be taken now. */
  read(): void {
    try {
      this.#enter();
      while (this.#isOpen && !this.#mustWait()) {
        const packet = this.#decoder.next();
        if (packet === null) break;
        this.#around.traffic.packetsIn += 1;
        this.#obey(this.#protocol.step(packet, this.#around.pairClock.now()));
      }
    } catch (failure) {
      if (!(failure instanceof MqttViolation)) throw failure;
      if (!this.#isOpen) return;
      this.#end(this.#protocol.violated(failure), { code: failure.code, text: failure.message });
      this.#depart(WITHOUT_FAREWELL);
    }
    this.#deliverer?.flush();
    this.deliver();
    this.#around.deliverReady();
    this.#pauseOrResume();
  }

  /** Sends what is ready, as far as the client reads and acknowledges. */
  deliver(): void {
    if (!this.#isOpen || this.#deliverer === null) return;
    this.#deliverer.deliver();
    this.#stall.see(this.#isBacklogged());
  }

  /** The connection ends for what the client did, and it is told why where its version has words for it: its will is published. */
  close(reason: Reason, fault: Fault): void {
    if (!this.#isOpen) return;
    this.#end(this.#protocol.lastWord(reason, { reasonString: `the client ${fault.text}` }), fault);
    this.#depart(WITHOUT_FAREWELL);
  }

  /** Another client of the same name has come. */
  takenOver(): void {
    if (!this.#isOpen) return;
    this.#end(this.#protocol.farewell(REASON.sessionTakenOver), null);
    this.#depart(WITHOUT_FAREWELL);
  }

  /**
   * This server does not serve any more: nothing is proposed, and the will stays for whoever serves next. The client is told where to go: that
   * acknowledges nothing.
   */
  dismiss(reason: Reason, serverReference: string | null): void {
    if (!this.#isOpen) return;
    this.#end(this.#protocol.farewell(reason, serverReference), null);
  }

  #obey(effect: Effect): void {
    switch (effect.type) {
      case 'reply':
      case 'close':
        return this.#answer(effect);
      case 'nothing':
        return;
      case 'authenticate':
        this.#admittance.ask(effect);
        return this.#enter();
      case 'open':
        return this.#open(effect);
      case 'propose':
        return this.#propose(effect.op, effect.ask);
      case 'pass':
        this.#countIn(effect.content);
        this.#around.broker.pass(effect.content, effect.from);
        return;
      case 'subscribeLocal':
        return this.#subscribeLocal(effect);
      case 'unsubscribeLocal': {
        const existed = this.#around.broker.unsubscribeLocal(this.#attached().session, effect.filters);
        return this.#propose({ type: 'barrier' }, { ...effect.ask, existed });
      }
      case 'settle':
        return this.#attached().settle(effect.packetId);
      case 'release':
        return this.#attached().release(effect.packetId);
      case 'abandon':
        return this.#attached().abandon(effect.packetId);
      case 'complete':
        return this.#attached().complete(effect.packetId);
      case 'depart':
        return this.#farewell(effect);
      default:
        return unreachable(effect);
    }
  }

  #answer(answer: Answer): void {
    if (answer.type === 'reply') {
      this.#write(answer.bytes);
      return;
    }
    this.#end(answer.lastWord, answer);
    this.#depart(WITHOUT_FAREWELL);
  }

  #propose(op: Op, ask: Ask | null): void {
    if (op.type === 'publish' || op.type === 'receive') this.#countIn(op);
    if (ask === null) return this.#around.propose(op, null);
    const sys = op.type === 'subscribe' ? this.#sysOf(op.subscriptions) : [];
    this.#around.propose(op, (outcome) => {
      this.#committed(ask, outcome);
      this.#tellSys(sys);
    });
  }

  #countIn({ payload }: Pick<Content, 'payload'>): void {
    this.#around.traffic.messagesIn += 1;
    this.#around.traffic.payloadIn += payload.length;
  }

  /** Those that bring what this server tells of itself, as retained messages, each filter once; to be asked before they are in force. */
  #sysOf(subscriptions: readonly Subscription[]): readonly Subscription[] {
    const { session } = this.#attached();
    const wanted = subscriptions.filter((each) =>
      wantsRetained(each, !session.subscriptions.has(nameOf(each))),
    );
    return [...new Map(wanted.map((each) => [each.filter, each])).values()];
  }

  #tellSys(subscriptions: readonly Subscription[]): void {
    if (!this.#isOpen) return;
    const { broker } = this.#around;
    for (const each of subscriptions)
      for (const content of this.#around.sysMatching(each.filter))
        broker.passTo(this.#attached().session, content, each);
  }

  #committed(ask: Ask, outcome: Outcome): void {
    if (this.#isOpen) this.#answer(this.#protocol.committed(ask, outcome));
  }

  /** It comes in, or is told why not; not while this server takes nothing from clients. */
  #enter(): void {
    if (!this.#isOpen || this.#around.isHoldingBack()) return;
    const effect = this.#admittance.act(this.#protocol);
    if (effect !== null) this.#obey(effect);
  }

  #open(opening: Opening): void {
    const { op, terms } = opening;
    this.#opening = op;
    this.#around.claim(op, this);
    this.#around.propose(op, (outcome) => {
      if (!this.#isOpen) return;
      assert(outcome.type === 'opened', 'a CONNECT opens a session');
      this.#silence.allow(terms.silenceMsMax);
      this.#attach(opening, outcome);
      this.read();
    });
  }

  /** The CONNACK, then what the client had not acknowledged to the end, then what is new. */
  #attach({ op, terms }: Opening, opened: Extract<Outcome, { type: 'opened' }>): void {
    const { broker } = this.#around;
    const session = opened.isDurable ? broker.attach(op.clientId) : broker.openLocal(op.clientId, op.queue);
    const connack = this.#protocol.opened(opened, session);
    this.#deliverer = new Deliverer({
      stream: this.#stream,
      around: this.#around,
      session,
      outgoing: this.#protocol.outgoing(),
      terms,
    });
    this.#around.attached(session, this);
    this.#answer(connack);
    this.#around.traffic.connects += 1;
    if (this.#isOpen) this.#deliverer.begin();
  }

  #subscribeLocal({ subscriptions, ask }: Extract<Effect, { type: 'subscribeLocal' }>): void {
    const { broker } = this.#around;
    const { session } = this.#attached();
    const through = broker.appliedSeq;
    const sys = this.#sysOf(subscriptions);
    const wanted = broker.subscribeLocal(session, subscriptions);
    this.#around.propose({ type: 'barrier' }, (outcome) => {
      if (!this.#isOpen) return;
      this.#committed(ask, outcome);
      broker.bringRetained(session, wanted, through);
      this.#tellSys(sys);
    });
  }

  #farewell(farewell: Farewell): void {
    this.#deliverer?.flush();
    this.#end(Buffer.alloc(0), null);
    this.#depart(farewell);
  }

  /** The network has failed, or the client has closed without a farewell. */
  #lost(): void {
    if (!this.#isOpen) return;
    this.#end(null, null);
    this.#depart(WITHOUT_FAREWELL);
  }

  #depart(farewell: Farewell): void {
    if (this.#opening === null) return;
    const isDurable = this.#deliverer?.session.isDurable ?? null;
    this.#around.departed(this.#opening.clientId, departureOf(this.#opening, isDurable, farewell));
  }

  /** `lastWord` null: nothing more leaves, whatever waits. */
  #end(lastWord: Buffer | null, fault: Fault | null): void {
    this.#isOpen = false;
    this.#silence.stop();
    this.#stall.stop();
    this.#deliverer?.end();
    if (lastWord === null) this.#stream.destroy();
    else {
      if (lastWord.length > 0) this.#write(lastWord);
      this.#stream.end();
    }
    this.#around.closed(this, fault);
  }

  /** One packet. */
  #write(bytes: Buffer): void {
    this.#around.traffic.packetsOut += 1;
    this.#around.traffic.bytesOut += bytes.length;
    this.#stream.write(bytes);
  }

  #isBacklogged(): boolean {
    return this.#stream.backlog() >= this.#around.options.backlogSizeMax;
  }

  #mustWait(): boolean {
    return this.#protocol.mustWait || this.#around.isHoldingBack() || this.#isBacklogged();
  }

  #pauseOrResume(): void {
    if (!this.#isOpen) return;
    this.#stall.see(this.#isBacklogged());
    const mustPause = this.#mustWait();
    if (mustPause === this.#isPaused) return;
    this.#isPaused = mustPause;
    if (mustPause) this.#stream.pause();
    else this.#stream.resume();
  }

  /** What was not read because this server holds back, or has no room for the answers, is not the client's silence. */
  #isUnheard(): boolean {
    return this.#protocol.mustWait || (this.#opening !== null && this.#mustWait());
  }

  #silent(ms: number): void {
    if (this.#opening !== null)
      return this.close(REASON.keepAliveTimeout, {
        code: 'LS_KEEP_ALIVE',
        text: connectionFaults.LS_KEEP_ALIVE(ms),
      });
    const text = connectionFaults.LS_CONNECT_TIMEOUT(ms);
    this.#end(null, { code: 'LS_CONNECT_TIMEOUT', text });
  }

  #stalled(ms: number): void {
    this.close(REASON.quotaExceeded, { code: 'LS_STALLED', text: connectionFaults.LS_STALLED(ms) });
  }

  #attached(): Deliverer {
    return present(this.#deliverer, 'the session of a connected client');
  }
}
