/** Statements that are not kept, or not tested, yet, and why. The list only shrinks. */
import type { Reasons } from './ledger.ts';

export const open: Reasons = {};
