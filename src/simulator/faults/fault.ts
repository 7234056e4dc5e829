/** What a fault is: something that befalls the pair or its clients at a moment, and most often ends of itself. */
import type { ServerName } from '../../core/pair/index.ts';
import type { Consumer } from '../clients/consumer.ts';
import type { Mortal } from '../clients/mortal.ts';
import type { SimMachine } from '../pair/sim-machine.ts';
import type { SimPair } from '../pair/sim-pair.ts';
import type { SimRandom } from '../time/sim-random.ts';

/** A client as a fault sees it. */
export interface Victim {
  /** Its connection breaks; it comes back by itself. */
  drop(): void;
}

/** What befalls the pair, and what befalls its clients. */
export type World = Readonly<{
  pair: SimPair;
  clients: readonly Victim[];
  consumers: readonly Consumer[];
  mortals: readonly Mortal[];
  /** Consumers that have said farewell and will come back. */
  away: Set<Consumer>;
}>;

/** What a fault is done with. */
export type Hand = Readonly<{
  world: World;
  pair: SimPair;
  random: SimRandom;
  /** One of both servers, and its machine. */
  server: ServerName;
  machine: SimMachine;
  /** After a while of a length drawn anew: short, about a timeout, or past every timeout. Not any more once all faults have ended. */
  later: (end: () => void) => void;
}>;

export type Strike = (hand: Hand) => void;
