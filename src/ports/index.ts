/** What the runtime needs of the outside: one file for each thing. Interfaces only. */
export {
  type Arbiter,
  type ArbiterEvents,
  type LockOutcome,
  type ReadOutcome,
  type WriteOutcome,
  type WriteRequest,
} from './arbiter.ts';
export { type Channel, type ChannelEvents } from './channel.ts';
export { type Gateway } from './gateway.ts';
export { JournalFailure, type CutTail, type Journal } from './journal.ts';
export {
  type ByteStream,
  type Listener,
  type ListenerEvents,
  type StreamEvents,
  type Transport,
} from './listener.ts';
export { type PasswordHashing } from './password-hashing.ts';
export { type Change, type Snapshot, type StateStore } from './state-store.ts';
export { type Identity, type JournalOrigin, type Store, type StoreRoot } from './store.ts';
