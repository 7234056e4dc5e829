/** A server's stores on its disk: who they are, their journals, and their states in LMDB. Implements ports `StoreRoot`, `StateStore`. */
export { StoreFault, storeFaults } from './faults.ts';
export { openStoreRoot, type StoreRootParts } from './file-store-root.ts';
export { openLmdbState } from './lmdb-state.ts';
