/**
 * What a planted fault is: parts of one simulated server replaced by parts that lie, and the setting in which the lie shows. Law: a plant works
 * by substitution where `sim-server.ts` and `sim-share.ts` put a server together; the shipped server has no switch for any of it.
 */
import type { PairFact, PairSnapshot, PairStep, TimerFact } from '../../core/pair/index.ts';
import type { Arbiter, Channel, StoreRoot } from '../../ports/index.ts';
import type { SimMachine } from '../pair/sim-machine.ts';
import type { SimPair } from '../pair/sim-pair.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { KeeperActs, SimShare } from '../share/sim-share.ts';

/** The machine's step: a fact in, orders out. */
export type Step = (snapshot: PairSnapshot, fact: PairFact | TimerFact) => PairStep;

/** What stands in the place of one server's parts. Each is asked once for every run of the process. */
export type Plant = Readonly<{
  root?: (root: StoreRoot, machine: SimMachine) => StoreRoot;
  arbiter?: (arbiter: Arbiter, machine: SimMachine, share: SimShare) => Arbiter;
  channel?: (channel: Channel, machine: SimMachine) => Channel;
  step?: (step: Step, machine: SimMachine) => Step;
  share?: KeeperActs;
}>;

export const nothingPlanted: Plant = {};

/** What befalls a pair beside the faults that are drawn, from before its start; it answers with how that ends when the faults do. */
export type Setting = (pair: SimPair, random: SimRandom) => () => void;

export const plainSetting: Setting = () => () => undefined;
