/**
 * Who a client is and what it may do, asked by connections and answered from the replicated users and rules. Slow hashes wait their turn here;
 * nothing else does.
 */
export {
  type Access,
  type Admission,
  type Credentials,
  type Identity,
  type Refusal,
  type ScramAnswer,
  type ScramConversation,
} from './access.ts';
export { AccessGate, type AccessParts } from './access-gate.ts';
export { accessFaults, whoText, type AccessFaultCode } from './faults.ts';
export { accessOptions, type AccessOptions } from './options.ts';
