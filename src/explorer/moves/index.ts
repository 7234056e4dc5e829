/** What may happen next to one server, worked out in the model's words. */
export { Draft, type Model, type Scene, type Told } from './draft.ts';
export { looksAtShare } from './keeper.ts';
export { counted, isLeft } from './ledger.ts';
export { connected, movesOf, type Group, type Need, type ServerMove } from './moves.ts';
