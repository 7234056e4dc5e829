/** A takeover with scratch parts, done once before it has to be done with the real ones. */
export { rehearse, type RehearsalParts } from './rehearse.ts';
