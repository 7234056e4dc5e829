/**
 * Who may connect and do what: users, rules, what follows from them, and SCRAM-SHA-256. `AccessState` is part of the replicated state and
 * changes by applying committed operations only; `Rights` is what it means for one client. No passwords, no clock, no chance, no waiting.
 */
export { AccessState, type AccessLedger } from './access-state.ts';
export { decodeAccessOp, encodeAccessOp, type AccessOp } from './access-op.ts';
export { hmacSha256, isSame } from './hashes.ts';
export { type Rights, type Subject } from './rights.ts';
export { faultInRule, ruleWords, type Rule, type RuleAction } from './rule.ts';
export { decoyRecord, SCRAM_METHOD, scramRecord, ScramServer, type ScramStep } from './scram.ts';
export { ACCESS_KINDS } from './stored.ts';
export {
  faultInCredential,
  faultInName,
  GENERATED_COST,
  HASH_BYTES,
  ITERATIONS_MIN,
  scryptBytes,
  USUAL_COST,
  USUAL_ITERATIONS,
  type Credential,
  type ScramRecord,
  type ScryptCost,
  type ScryptRecord,
  type User,
} from './user.ts';
