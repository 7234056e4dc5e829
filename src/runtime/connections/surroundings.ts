/** What a connection needs of those around it. */
import type { Clock } from '../../base/index.ts';
import type { Broker, Content, Op, Outcome, QueueBounds, Session } from '../../core/broker/index.ts';
import type { PublishCopies, SessionLimits, Window, WindowTerms } from '../../core/mqtt/index.ts';
import type { Traffic } from '../sys/index.ts';
import type { Connection } from './connection.ts';
import type { Departure } from './departure.ts';
import type { Entrance } from './entrance.ts';
import type { ConnectionOptions } from './options.ts';
import type { PairClock } from './pair-clock.ts';
import type { PieceSizes } from './recaller.ts';

/** What is said of a client on the console, after its address. */
export type Fault = Readonly<{ code: string; text: string }>;

export interface Surroundings {
  readonly broker: Broker;
  readonly entrance: Entrance;
  readonly clock: Clock;
  readonly pairClock: PairClock;
  readonly options: ConnectionOptions;
  /** What clients are held to, and told. */
  readonly limits: SessionLimits;
  /** How much waits for one client. */
  readonly queue: QueueBounds;
  /** Packets of the messages that go out just now. */
  readonly copies: PublishCopies;
  readonly traffic: Traffic;
  /** In which retained messages come to those who subscribe. */
  readonly pieces: PieceSizes;
  /** `done` comes when the operation is committed and applied; never, when serving ends first. */
  propose(op: Op, done: ((outcome: Outcome) => void) | null): void;
  /** As of `Proposals`. */
  proposeLater(op: Op, done: (() => void) | null): void;
  /** The client's connection is over, and this is to be known to both servers: what becomes of its session and its will follows from it. */
  departed(clientId: string, departure: Departure): void;
  /** Nothing may be taken from clients now; `read` is called when it may. */
  isHoldingBack(): boolean;
  /** The connection is now the client's; a former one of that name has been closed. `isClean`: and its session ends. */
  claim(client: Readonly<{ clientId: string; isClean: boolean }>, connection: Connection): void;
  /** The session's window, for a connection that begins: a fresh one unless this server has sent from the session before. */
  windowOf(session: Session, terms: WindowTerms): Window;
  /** The connection delivers from this session from now on. */
  attached(session: Session, connection: Connection): void;
  /** What this server tells of itself on topics that this filter matches. */
  sysMatching(filter: string): readonly Content[];
  /** Messages may be ready for other connections. */
  deliverReady(): void;
  /** The connection goes on all the same. */
  warn(connection: Connection, fault: Fault): void;
  /** The connection is over. `fault`: what to warn of. */
  closed(connection: Connection, fault: Fault | null): void;
}
