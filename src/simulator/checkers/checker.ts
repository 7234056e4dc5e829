/** What a checker sees and may be told of. Each says what is wrong, or null. */
import type { LogLine } from '../../base/index.ts';
import type { Stamp } from '../../core/pair/index.ts';
import type { Mortal } from '../clients/mortal.ts';
import type { Received, Traffic } from '../clients/traffic.ts';
import type { SimPair } from '../pair/sim-pair.ts';
import type { SimServer } from '../pair/sim-server.ts';

export type Sight = Readonly<{ pair: SimPair; traffic: Traffic; mortals: readonly Pick<Mortal, 'wills'>[] }>;

export type Fault = string | null;

export interface Checker {
  /** The promise that it watches, as a sentence. */
  readonly promise: string;
  /** After a server has taken a step of the pair. */
  stepped?(server: SimServer): Fault;
  /** A serving server has found everything through `stamp` committed. */
  committed?(server: SimServer, stamp: Stamp): Fault;
  received?(received: Received): Fault;
  /** A server has said something to its operator. */
  said?(line: LogLine): Fault;
  /** The faults have stopped, the pair is whole again and everything is drained. */
  ended?(): Fault;
}
