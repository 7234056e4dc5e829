/**
 * Messages to one client, and what it says of them: sent as far as it reads and acknowledges; what it has taken is settled with one proposal
 * for all that came together. Source: MQTT 3.1.1 §4.3, §4.4; MQTT 5.0 §4.3, §4.4, §4.9; PROTOCOL.md §2 Ack.
 */
import type { Delivery, Passing, Qos, Session } from '../../core/broker/index.ts';
import type { Outgoing, Terms, Window } from '../../core/mqtt/index.ts';
import type { ByteStream } from '../../ports/index.ts';
import { Recaller } from './recaller.ts';
import type { Surroundings } from './surroundings.ts';

export type DelivererParts = Readonly<{
  stream: ByteStream;
  around: Surroundings;
  session: Session;
  outgoing: Outgoing;
  terms: Terms;
}>;

export class Deliverer {
  readonly session: Session;
  readonly #parts: DelivererParts;
  readonly #window: Window;
  readonly #recaller: Recaller;
  #isOver = false;
  /** Numbers of messages that the client has taken, to be settled with one proposal. */
  #settled: number[] = [];
  /** Packet identifiers to be answered with PUBREL when that is committed. */
  #released: number[] = [];
  /** Numbers of messages with QoS 2 of which the client keeps nothing. */
  #completed: number[] = [];
  /** A message with QoS 2 waits for its assignment. */
  #isAssigning = false;

  constructor(parts: DelivererParts) {
    const { around, session, outgoing, terms } = parts;
    this.#parts = parts;
    this.session = session;
    this.#window = around.windowOf(session, {
      level: terms.level,
      inFlightMax: this.#inFlightMax,
      fits: (delivery) => outgoing.fits(delivery),
    });
    this.#recaller = new Recaller({
      around,
      session,
      isRead: (through) =>
        !this.#isBacklogged() && session.owed.length === 0 && this.#window.hasSent(through),
      brought: () => this.deliver(),
    });
  }

  /** The CONNACK is sent: what the client had not acknowledged to the end comes first. Source: MQTT-4.4.0-1. */
  begin(): void {
    const { around, outgoing } = this.#parts;
    for (const packetId of this.#window.releasing()) this.#write(outgoing.pubrel(packetId, true));
    around.broker.lending.consume(this.session, {
      hasRoom: (granted) => this.#hasRoom(granted),
      fits: (delivery) => outgoing.fits(delivery),
    });
    this.deliver();
  }

  /** Nothing more is sent. */
  end(): void {
    this.#isOver = true;
    this.#recaller.end();
  }

  /** Sends what is ready, as far as the client reads and acknowledges. */
  deliver(): void {
    if (this.#isOver) return;
    const { around } = this.#parts;
    const now = around.pairClock.now();
    this.#recaller.go();
    this.#deliverOwed(now);
    this.#deliverPassing(now);
    while (!this.#isBacklogged()) {
      const next = this.#window.next(now);
      if (next === null) break;
      if ('assignThrough' in next) {
        this.#assign(next.assignThrough);
        break;
      }
      this.#send(next.delivery, next, now);
    }
    this.#drop();
    // What was left out is answered by nobody, so this is the time to go on after it.
    this.#recaller.go();
    this.#reserve();
    around.broker.lending.offer(this.session);
  }

  /** PUBACK. */
  settle(packetId: number): void {
    const taken = this.#window.settle(packetId);
    if (typeof taken === 'number') this.#settled.push(taken);
    else if (taken !== null) this.#parts.around.broker.lending.settle(taken);
  }

  /** PUBREC. An identifier that nothing is known of is answered too: the client must get rid of it. */
  release(packetId: number): void {
    const number = this.#window.release(packetId);
    if (number !== null) this.#settled.push(number);
    if (number !== null || this.#isReleasing(packetId)) this.#released.push(packetId);
    else this.#write(this.#parts.outgoing.pubrel(packetId, false));
  }

  /** PUBREC that refuses the message: nothing follows. Source: MQTT 5.0 §4.3.3. */
  abandon(packetId: number): void {
    const number = this.#window.refuse(packetId);
    if (number === null) return;
    this.#settled.push(number);
    this.#completed.push(number);
  }

  /** PUBCOMP. */
  complete(packetId: number): void {
    const number = this.#window.complete(packetId);
    if (number !== null) this.#completed.push(number);
  }

  /** Proposes what has come together since this was last called. */
  flush(): void {
    const { clientId, isDurable } = this.session;
    if (this.#settled.length > 0 || this.#released.length > 0) this.#settleTaken();
    if (this.#completed.length === 0) return;
    const numbers = this.#completed;
    this.#completed = [];
    if (isDurable) this.#parts.around.proposeLater({ type: 'complete', clientId, numbers }, null);
  }

  /** Source: MQTT5-3.3.4-9: no more than this server allows, and no more than the client takes. */
  get #inFlightMax(): number {
    const { around, terms } = this.#parts;
    return Math.min(around.options.inFlightMax, terms.receiveMax);
  }

  #hasRoom(granted: Qos): boolean {
    const { membership } = this.session;
    if (this.#isOver || this.#isBacklogged() || membership === null) return false;
    return granted === 0 ? membership.pending < this.#inFlightMax : this.#window.hasRoom();
  }

  /** Source: MQTT-3.3.1-6: it waits till the client reads. */
  #deliverOwed(now: number): void {
    const { owed } = this.session;
    let done = 0;
    for (const passing of owed) {
      if (this.#isBacklogged()) break;
      done += 1;
      this.#pass(passing, now);
    }
    owed.splice(0, done);
  }

  /** QoS 0: who does not read in time goes without. */
  #deliverPassing(now: number): void {
    for (const passing of this.session.takePassing()) if (!this.#isBacklogged()) this.#pass(passing, now);
  }

  #pass({ message, isRetained, ids }: Passing, now: number): void {
    const delivery = { message, qos: 0, isRetained, ids } as const;
    if (message.hasExpired(now) || !this.#parts.outgoing.fits(delivery)) return;
    this.#send(delivery, { packetId: 0, isDup: false }, now);
  }

  #send(delivery: Delivery, sent: Parameters<Outgoing['publish']>[1], now: number): void {
    const { around, outgoing, stream } = this.#parts;
    const { traffic } = around;
    traffic.packetsOut += 1;
    traffic.messagesOut += 1;
    traffic.payloadOut += delivery.message.payload.length;
    for (const piece of outgoing.publish(delivery, sent, now)) {
      traffic.bytesOut += piece.length;
      stream.write(piece);
    }
  }

  /** One packet. */
  #write(bytes: Uint8Array): void {
    const { around, stream } = this.#parts;
    around.traffic.packetsOut += 1;
    around.traffic.bytesOut += bytes.length;
    stream.write(bytes);
  }

  /** Nothing with QoS 2 is sent for the first time before it is committed that it may have been (PROTOCOL.md §2 Ack; REASONS.md C4). */
  #assign(through: number): void {
    const { around } = this.#parts;
    if (this.#isAssigning || around.isHoldingBack()) return;
    this.#isAssigning = true;
    around.propose({ type: 'assign', clientId: this.session.clientId, through }, () => {
      this.#isAssigning = false;
      this.deliver();
    });
  }

  /** What groups lend goes out under numbers that the session does not use itself, whoever serves: see `Window`. */
  #reserve(): void {
    const { around } = this.#parts;
    if (around.isHoldingBack()) return;
    const count = this.#window.toReserve();
    if (count === 0) return;
    const { clientId } = this.session;
    around.propose({ type: 'reserve', clientId, count }, (outcome) => {
      if (outcome.type !== 'reserved') return;
      this.#window.reserved(outcome.from, count);
      // The client may have come back on another connection meanwhile.
      around.broker.lending.offer(this.session);
      this.deliver();
    });
  }

  /** A PUBREL leaves when it is committed that its message is never sent again. Source: MQTT-4.3.3-1. */
  #settleTaken(): void {
    const { around } = this.#parts;
    const { clientId, isDurable } = this.session;
    const numbers = this.#settled;
    const released = this.#released;
    // Always others: what is proposed must not grow by what comes later, or a PUBREL would leave before its message is settled.
    this.#settled = [];
    this.#released = [];
    if (isDurable) {
      const op = { type: 'settle', clientId, numbers } as const;
      if (released.length === 0) around.proposeLater(op, () => this.#recaller.go());
      else
        around.propose(op, () => {
          this.#sendReleases(released);
          this.#recaller.go();
        });
      return;
    }
    for (const number of numbers) around.broker.settleLocal(this.session, number);
    this.#sendReleases(released);
  }

  /** The client will not be given them: they have expired, or are too long for it. */
  #drop(): void {
    const { around } = this.#parts;
    if (around.isHoldingBack()) return;
    const numbers = this.#window.takeDropped();
    if (numbers.length === 0) return;
    const { clientId, isDurable } = this.session;
    if (isDurable) around.proposeLater({ type: 'drop', clientId, numbers }, () => this.#recaller.go());
    else for (const number of numbers) around.broker.settleLocal(this.session, number);
  }

  #sendReleases(packetIds: readonly number[]): void {
    if (this.#isOver) return;
    for (const packetId of packetIds) this.#write(this.#parts.outgoing.pubrel(packetId, true));
  }

  #isBacklogged(): boolean {
    return this.#parts.stream.backlog() >= this.#parts.around.options.backlogSizeMax;
  }

  #isReleasing(packetId: number): boolean {
    for (const releasing of this.#window.releasing()) if (releasing === packetId) return true;
    return false;
  }
}
