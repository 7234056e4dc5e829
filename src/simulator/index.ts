/** The whole pair on virtual time: `simulate` runs it under faults drawn from a seed and says whether every promise was kept. */
export { type FaultName } from './faults/index.ts';
export { simulate, type SimulateOptions, type Verdict } from './simulate.ts';
