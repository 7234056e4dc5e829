/** What befalls a simulated pair: a file for each kind of thing that it befalls, one table of all, and the hand that deals them. */
export { type Victim, type World } from './fault.ts';
export { Misfortune } from './misfortune.ts';
export { FAULT_NAMES, type FaultName } from './table.ts';
