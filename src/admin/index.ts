/**
 * The operator's door into a running server: what it shows (`ServerStatus`, `verdict`), what may be asked of it (`Operations`), and
 * the HTTP API and its client between the two.
 */
export {
  changeBody,
  changeFrom,
  type AccessChange,
  type AccessListing,
  type AccessReport,
} from './access.ts';
export { AdminClient, type AdminAddress } from './client.ts';
export { AdminFault, adminFaults } from './faults.ts';
export {
  type ForceReport,
  type ForceWord,
  type Operations,
  type Refusal,
  type ReloadReport,
  type SwitchoverReport,
} from './operations.ts';
export { openAdmin, type Admin, type AdminOptions } from './server.ts';
export {
  costOfStop,
  isServing,
  timeOfDay,
  verdict,
  type ServerStatus,
  type SyncProgress,
  type Verdict,
  type VerdictKind,
} from './status.ts';
