/**
 * What the broker and its keeper say to each other: JSON over the pipe that Node gives a child. Both ends are always of one
 * installation, so there are no versions here.
 * Source: PROTOCOL.md §2 Keeper.
 */
import type { Hold, ServerName, Stamp } from '../../core/pair/index.ts';
import type { LockOutcome, ReadOutcome, WriteOutcome, WriteRequest } from '../../ports/index.ts';

export type KeeperSettings = Readonly<{
  server: ServerName;
  lockFile: string;
  storeDirectory: string;
  /** Milliseconds without a beat after which the keeper lets go and ends. */
  keeperTimeout: number;
  /** Milliseconds from one probe to the next. */
  probeInterval: number;
  /** The first number that this keeper gives a hold. No other keeper of this run gives it. */
  firstHold: Hold;
  /** The first keeper of a run has time for that; one that replaces another has not. */
  rehearses: boolean;
}>;

export type KeeperCall = Readonly<
  | { type: 'read' }
  | { type: 'lock'; patienceMs: number }
  | { type: 'write'; request: WriteRequest }
  | { type: 'release' }
  | { type: 'close' }
>;

export type ToKeeper = Readonly<
  | { type: 'open'; settings: KeeperSettings }
  /** From the broker's own event loop. `committed`: what the next probe writes as the mark. */
  | { type: 'beat'; committed: Stamp | null }
  | { type: 'call'; id: number; call: KeeperCall }
>;

export type KeeperAnswer = ReadOutcome | LockOutcome | WriteOutcome | Readonly<{ kind: 'done' }>;

export type FromKeeper = Readonly<
  /** The answer to `open` and to each beat. */
  | { type: 'beat' }
  | { type: 'answer'; id: number; answer: KeeperAnswer }
  /** Whatever it held is lost, and the keeper ends. */
  | { type: 'lost'; why: string }
>;

const hasType = (value: unknown): boolean => typeof value === 'object' && value !== null && 'type' in value;

// Casts: the other end is the same program and sends only these; whatever else comes is nobody's.
export const readToKeeper = (value: unknown): ToKeeper | null =>
  hasType(value) ? (value as ToKeeper) : null;
export const readFromKeeper = (value: unknown): FromKeeper | null =>
  hasType(value) ? (value as FromKeeper) : null;
