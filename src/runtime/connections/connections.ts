/**
 * All clients of this server while it serves: who is connected, whose session is whose, what waits for a commit. Open only while the pair
 * lets this server serve; when that ends nothing more leaves, and what was held back is forgotten. Source: PROTOCOL.md §2 Ack, §3.
 */
import { RareWarnings, type Clock, type Log, type Random } from '../../base/index.ts';
import type { Broker, BrokerStats, Op, Outcome, Session } from '../../core/broker/index.ts';
import { PublishCopies, REASON, Window, type WindowTerms } from '../../core/mqtt/index.ts';
import type { ByteStream, Listener, StreamEvents, Transport } from '../../ports/index.ts';
import type { Access } from '../access/index.ts';
import type { Successor } from '../pair/index.ts';
import type { Proposals } from '../proposals.ts';
import { SysTopics, Traffic, type PairSight, type SysSnapshot } from '../sys/index.ts';
import { Absentees } from './absentees.ts';
import { AccessReview } from './access-review.ts';
import { Connection } from './connection.ts';
import { Entrance } from './entrance.ts';
import { connectionFaults } from './faults.ts';
import { boundsOf, limitsOf, type ConnectionOptions } from './options.ts';
import { PairClock } from './pair-clock.ts';
import { PIECES, type PieceSizes } from './recaller.ts';
import { RetainedSweep } from './retained-sweep.ts';
import type { Fault, Surroundings } from './surroundings.ts';

export type ConnectionsParts = Readonly<{
  broker: Broker;
  proposals: Proposals;
  access: Access;
  listeners: readonly Listener[];
  clock: Clock;
  random: Random;
  log: Log;
  options: ConnectionOptions;
  /** `host:port` at which clients that came by this reach the other server; null: not known. */
  peerReference: (transport: Transport) => string | null;
  self: SelfKnowledge;
  /** In which retained messages come to those who subscribe; mostly as they are. */
  pieces?: PieceSizes;
}>;

/** What a server tells of itself, apart from what its clients' side knows. */
export type SelfKnowledge = Readonly<{
  version: string;
  heapBytes: () => number;
  /** Null: not known. */
  pair: () => PairSight | null;
}>;

export type ConnectionsStats = BrokerStats &
  Readonly<{
    clients: number;
    droppedMessages: number;
    /** Messages taken from clients, and sent to them, since this process began. */
    messagesIn: number;
    messagesOut: number;
  }>;

const NO_EVENTS: StreamEvents = { data: () => undefined, drained: () => undefined, closed: () => undefined };

export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #warnings: RareWarnings;
  readonly #pairClock: PairClock;
  readonly #absentees: Absentees;
  readonly #entrance: Entrance;
  readonly #review: AccessReview;
  readonly #sweep: RetainedSweep;
  readonly #copies = new PublishCopies();
  readonly #traffic = new Traffic();
  readonly #sys: SysTopics;
  readonly #began: number;
  #clientsMaximum = 0;
  #heapMaximum = 0;
  readonly #around: Surroundings;
  readonly #connections = new Set<Connection>();
  readonly #byClient = new Map<string, Connection>();
  readonly #bySession = new Map<Session, Connection>();
  /** Of durable sessions also while their clients are away. By the session itself: one that begins anew under the same name numbers from 0. */
  #windows = new WeakMap<Session, Window>();
  #isServing = false;
  #isDraining = false;
  /** Rises with every opening and closing: what was proposed under another one is nobody's any more. */
  #term = 0;
  #pending = 0;
  #drains: (() => void)[] = [];
  #closing: Promise<void> = Promise.resolve();
  #wasHoldingBack = false;
  #droppedWarned = 0;

  constructor(parts: ConnectionsParts) {
    const { broker, clock, options, log, access } = parts;
    this.#parts = parts;
    this.#began = clock.now();
    this.#warnings = new RareWarnings(clock, log);
    this.#pairClock = new PairClock(clock);
    this.#absentees = new Absentees({
      broker,
      clock,
      pairClock: this.#pairClock,
      propose: (op, done) => this.#propose(op, done),
      isDraining: () => this.#isDraining,
      isConnected: (clientId) => this.#byClient.has(clientId),
    });
    this.#entrance = new Entrance({
      access,
      broker,
      connected: (clientId) => this.#byClient.get(clientId)?.identity ?? null,
      warn: (code, text) => this.#warnings.warn(code, `A client ${text}`),
    });
    this.#review = new AccessReview({
      access,
      entrance: this.#entrance,
      broker,
      clock,
      connections: () => [...this.#connections],
      bySession: this.#bySession,
      isDraining: () => this.#isDraining,
      propose: (op) => this.#propose(op, null),
    });
    this.#sweep = new RetainedSweep({
      clock,
      now: () => this.#pairClock.now(),
      isNeeded: () => broker.hasExpiringRetained,
      expired: (now, count) => broker.expiredRetained(now, count),
      isHoldingBack: () => this.#isHoldingBack(),
      propose: (op, done) => this.#propose(op, done),
    });
    this.#sys = new SysTopics({
      clock,
      intervalMs: options.sysInterval,
      snapshot: () => this.#snapshot(),
      publish: (changed) => {
        for (const content of changed) broker.pass(content, null);
        this.#deliverReady();
      },
    });
    this.#around = {
      broker,
      entrance: this.#entrance,
      clock,
      pairClock: this.#pairClock,
      options,
      limits: limitsOf(options),
      queue: boundsOf(options),
      copies: this.#copies,
      traffic: this.#traffic,
      pieces: parts.pieces ?? PIECES,
      sysMatching: (filter) => this.#sys.matching(filter),
      propose: (op, done) => this.#propose(op, done),
      proposeLater: (op, done) => {
        if (this.#isServing) this.#parts.proposals.proposeLater(op, this.#awaited(done));
      },
      departed: (clientId, departure) => this.#absentees.departed(clientId, departure),
      isHoldingBack: () => this.#isHoldingBack(),
      claim: (client, connection) => this.#claim(client, connection),
      windowOf: (session, terms) => this.#windowOf(session, terms),
      attached: (session, connection) => {
        this.#bySession.set(session, connection);
        this.#review.lookAt(session);
      },
      deliverReady: () => this.#deliverReady(),
      warn: (connection, fault) => this.#warn(connection, fault),
      closed: (connection, fault) => this.#closed(connection, fault),
    };
  }

  /**
   * Begins to serve; clients may come when it fulfils. Everything committed must have been applied. Rejects with a coded error when a
   * port can't be had; then nothing is open. Safe to repeat.
   */
  async open(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    // The broker may have been loaded anew since, and counts from there; what the passive dropped by the same rule is no news.
    this.#droppedWarned = this.#parts.broker.droppedMessages;
    this.#term += 1;
    const term = this.#term;
    this.#pairClock.begin(this.#parts.broker.latestTime);
    this.#propose({ type: 'claimed', at: this.#pairClock.now() }, () => {
      this.#absentees.awaitAll();
      this.#review.look();
    });
    this.#sys.begin();
    await this.#closing;
    for (const listener of this.#parts.listeners) {
      if (term !== this.#term) return;
      try {
        await listener.open({ connected: (stream) => this.#connected(stream, term) });
      } catch (failure) {
        if (term === this.#term) await this.close('a port is not to be had');
        throw failure;
      }
      // Closed while it opened: whoever closed could not know of this port yet.
      if (term !== this.#term) await listener.close();
    }
  }

  /**
   * At once: nothing more is taken, replies that wait are forgotten, every client is disconnected; those of MQTT 5 are told where to go, which
   * rests on no state. Fulfils when the ports are free.
   */
  close(why: string, successor: Successor = 'nobody'): Promise<void> {
    if (!this.#isServing) return this.#closing;
    this.#isServing = false;
    this.#term += 1;
    const clients = this.#connections.size;
    this.#dismissAll(successor);
    this.#parts.broker.lending.cease();
    this.#byClient.clear();
    this.#bySession.clear();
    this.#windows = new WeakMap();
    this.#absentees.clear();
    this.#sweep.clear();
    this.#sys.stop();
    this.#review.clear();
    this.#pending = 0;
    this.#endDrain();
    if (clients > 0)
      this.#parts.log.say({ level: 'info', text: `${clients} clients were disconnected: ${why}` });
    this.#closing = Promise.all(this.#parts.listeners.map((listener) => listener.close())).then(
      () => undefined,
    );
    return this.#closing;
  }

  /** Takes nothing more from clients; fulfils when all that was taken is committed and answered, or serving has ended. */
  drain(): Promise<void> {
    if (!this.#isServing) return Promise.resolve();
    this.#isDraining = true;
    for (const connection of [...this.#connections]) connection.read();
    this.#parts.proposals.hurry();
    return new Promise((resolve) => {
      this.#drains.push(resolve);
      this.#settleDrains();
    });
  }

  /** After a drain that led nowhere: clients are served again. */
  undrain(): void {
    if (!this.#isDraining) return;
    this.#endDrain();
    // Whoever went meanwhile first: some of them come back with what is released.
    this.#absentees.undrained();
    this.#release();
    this.#review.clear();
    this.#review.look();
  }

  /** One committed entry was applied and its proposers were told: what it brought goes out, and what was held back goes on. */
  applied(): void {
    if (!this.#isServing) return;
    this.#deliverReady();
    if (this.#wasHoldingBack && !this.#isHoldingBack()) this.#release();
    this.#review.look();
    this.#sweep.look();
    this.#warnOfDropped();
  }

  stats(): ConnectionsStats {
    const { broker } = this.#parts;
    const { messagesIn, messagesOut } = this.#traffic;
    const { droppedMessages } = broker;
    return { ...broker.stats(), droppedMessages, clients: this.#connections.size, messagesIn, messagesOut };
  }

  #snapshot(): SysSnapshot {
    const { broker, clock, self } = this.#parts;
    const stats = broker.stats();
    const heap = self.heapBytes();
    this.#heapMaximum = Math.max(this.#heapMaximum, heap);
    return {
      version: self.version,
      uptimeMs: clock.now() - this.#began,
      clients: {
        connected: this.#byClient.size,
        disconnected: stats.detachedSessions,
        maximum: this.#clientsMaximum,
      },
      traffic: this.#traffic,
      droppedMessages: broker.droppedMessages,
      subscriptions: stats.subscriptions,
      retainedMessages: stats.retainedMessages,
      stored: {
        messages: stats.retainedMessages + stats.queuedMessages,
        bytes: stats.retainedBytes + stats.queuedBytes,
      },
      heap: { current: heap, maximum: this.#heapMaximum },
      committed: broker.appliedSeq,
      pair: self.pair(),
    };
  }

  /** Source: MQTT 5.0 §4.11: another server for now; whether for good, nobody can say. */
  #dismissAll(successor: Successor): void {
    const { peerReference } = this.#parts;
    const isMoved = successor === 'peer';
    const reason = isMoved ? REASON.useAnotherServer : REASON.serverShuttingDown;
    for (const connection of [...this.#connections])
      connection.dismiss(reason, isMoved ? peerReference(connection.transport) : null);
  }

  #connected(stream: ByteStream, term: number): StreamEvents {
    if (term !== this.#term) {
      stream.destroy();
      return NO_EVENTS;
    }
    this.#traffic.sockets += 1;
    const connection = new Connection(stream, this.#around, `auto-${this.#parts.random.id()}`);
    this.#connections.add(connection);
    return connection.events();
  }

  #propose(op: Op, done: ((outcome: Outcome) => void) | null): void {
    if (this.#isServing) this.#parts.proposals.propose(op, this.#awaited(done));
  }

  #awaited(done: ((outcome: Outcome) => void) | null): (outcome: Outcome) => void {
    const term = this.#term;
    this.#pending += 1;
    return (outcome) => {
      if (term !== this.#term) return;
      this.#pending -= 1;
      done?.(outcome);
      this.#settleDrains();
    };
  }

  #isHoldingBack(): boolean {
    const { proposals, options } = this.#parts;
    const isHoldingBack =
      this.#isDraining || proposals.pendingBytes() >= options.pendingSizeMax || proposals.isBehind();
    if (isHoldingBack) this.#wasHoldingBack = true;
    return isHoldingBack;
  }

  #release(): void {
    this.#wasHoldingBack = false;
    for (const connection of [...this.#connections]) connection.read();
  }

  /** Source: MQTT-3.1.4-2, MQTT5-3.1.4-3: a client that connects again ends its former connection. */
  #claim(client: Readonly<{ clientId: string; isClean: boolean }>, connection: Connection): void {
    const { clientId } = client;
    this.#byClient.get(clientId)?.takenOver();
    this.#byClient.set(clientId, connection);
    this.#clientsMaximum = Math.max(this.#clientsMaximum, this.#byClient.size);
    this.#absentees.returned(client);
  }

  #windowOf(session: Session, terms: WindowTerms): Window {
    const former = this.#windows.get(session);
    if (former !== undefined) {
      former.begin(terms);
      return former;
    }
    const window = new Window(session, terms);
    this.#windows.set(session, window);
    return window;
  }

  #closed(connection: Connection, fault: Fault | null): void {
    const { clientId, session } = connection;
    this.#connections.delete(connection);
    if (clientId !== null && this.#byClient.get(clientId) === connection) this.#byClient.delete(clientId);
    if (session !== null) {
      this.#bySession.delete(session);
      this.#parts.broker.detach(session);
      // What groups had lent to it is for others now.
      if (this.#isServing) this.#deliverReady();
    }
    if (fault !== null) this.#warn(connection, fault);
  }

  #warn({ remote }: Connection, { code, text }: Fault): void {
    this.#warnings.warn(code, `A client at ${remote} ${text}`);
  }

  #deliverReady(): void {
    const { broker } = this.#parts;
    for (;;) {
      // During a drain nothing new is proposed.
      if (!this.#isDraining) {
        broker.lending.deal(this.#pairClock.now());
        this.#proposeTaken();
      }
      const ready = broker.takeReady();
      if (ready.length === 0) break;
      for (const session of ready) this.#bySession.get(session)?.deliver();
    }
    this.#copies.clear();
  }

  #proposeTaken(): void {
    for (const op of this.#parts.broker.lending.takeOps()) this.#propose(op, null);
  }

  #settleDrains(): void {
    if (!this.#isDraining || this.#pending > 0) return;
    // What a group gave to somebody who has gone meanwhile stands in no replicated queue, until it is brought back.
    this.#proposeTaken();
    if (this.#pending > 0) return;
    for (const resolve of this.#drains.splice(0)) resolve();
  }

  #endDrain(): void {
    this.#isDraining = false;
    for (const resolve of this.#drains.splice(0)) resolve();
  }

  #warnOfDropped(): void {
    const dropped = this.#parts.broker.droppedMessages - this.#droppedWarned;
    if (dropped <= 0 || !this.#warnings.isDue('LS_QUEUE_FULL')) return;
    this.#droppedWarned += dropped;
    this.#warnings.warn('LS_QUEUE_FULL', connectionFaults.LS_QUEUE_FULL(dropped));
  }
}
