/** The whole pair on virtual time: `simulate` runs it under faults drawn from a seed and says whether every promise was kept. */
export { FAULT_NAMES, type FaultName } from './faults/index.ts';
export { LIVENESS_MS, simulate, type SimulateOptions, type Verdict } from './simulate.ts';
export { totalsOf, type Run, type Totals } from './tally.ts';
