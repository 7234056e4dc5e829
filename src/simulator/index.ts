/** The whole pair on virtual time: `simulate` runs it under faults drawn from a seed and says whether every promise was kept; `hunt` does so with a bug in it. */
export { FAULT_NAMES, type FaultName } from './faults/index.ts';
export { hunt, type Hunt } from './runs/hunt.ts';
export { PLANT_NAMES, PLANTED, type PlantName } from './planted/index.ts';
export { LIVENESS_MS, simulate, type SimulateOptions, type Verdict } from './runs/simulate.ts';
export { totalsOf, type Run, type Totals } from './runs/tally.ts';
