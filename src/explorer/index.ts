/**
 * Every run of the pair within given bounds: the shipped machine, rule Write and the other rules of core/pair, in a small world of two
 * stores, a share and a channel in which anything may happen next. Where a run breaks what must always hold, it is printed.
 * `world/`: what a world is made of; `moves/`: what may happen next to one server; `states/`: worlds as numbers; `invariants/`.
 * Abstract: entries without bytes, no clock, no snapshot (journals are never trimmed), no mark, no damaged blocks, no Force.
 */
export { Explorer, type Exploration, type Progress, type Violation } from './explore.ts';
export { rounds, type Round } from './rounds.ts';
export { CLAUSES, noBounds, type Bounds, type Clause, type Setting } from './setting.ts';
export { transcript } from './transcript.ts';
export { wayBack, type WayBack } from './way-back.ts';
