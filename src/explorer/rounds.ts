/**
 * What `lockstep explore` walks when it is not told otherwise: one or two faults of each kind, each walk exhausted in seconds or minutes. Most
 * begin where the pair is protected, because that is where the first fault strikes.
 */
import { noBounds, type Bounds, type Setting } from './setting.ts';

export type Round = Readonly<{
  title: string;
  setting: Setting;
  /** The way back is looked for: not where locks lie or stores are wiped, which may leave a pair to its operator. */
  wantsWayBack: boolean;
}>;

const round = (
  title: string,
  start: Setting['start'],
  bounds: Partial<Bounds>,
  lock: Setting['lock'] = 'exclusive',
): Round => ({
  title,
  setting: { start, lock, bounds: { ...noBounds, ...bounds }, without: new Set() },
  wantsWayBack: lock === 'exclusive' && bounds.wipes === undefined,
});

/** Seconds, all of them together. */
export const quickRounds: readonly Round[] = [
  round('two new servers', 'new', { writes: 5, operations: 1 }),
  round('a switchover', 'protected', { writes: 5, operations: 1, switchovers: 1 }),
  round('the channel is cut', 'protected', { writes: 4, cuts: 1 }),
  round('a server crashes', 'protected', { writes: 4, crashes: 1, operations: 1 }),
  round('the passive is too slow', 'protected', { writes: 5, delays: 1, operations: 1 }),
  round('the channel is cut, and locks lie', 'protected', { writes: 2, cuts: 1 }, 'lying'),
  round('a server crashes, and its store is lost', 'protected', { writes: 4, crashes: 1, wipes: 1 }),
];

/** Minutes. */
export const longRounds: readonly Round[] = [
  round('a new pair and a crash', 'new', { writes: 5, crashes: 1, operations: 1 }),
  round('a new pair, a cut, and a server that is slow', 'new', { writes: 4, cuts: 1, timers: 1 }),
  round('a grow whose write is unresolved', 'new', { writes: 4, keeperFaults: 1, operations: 1 }),
  round('a cut while clients are served', 'protected', { writes: 4, cuts: 1, operations: 1 }),
  round('two operations and a crash', 'protected', { writes: 4, crashes: 1, operations: 2 }),
  round('two crashes', 'protected', { writes: 4, crashes: 2 }),
  round('two cuts', 'protected', { writes: 4, cuts: 2 }),
  round('a clean stop', 'protected', { writes: 5, stops: 1, operations: 1 }),
  round('a switchover, and a cut', 'protected', { writes: 4, switchovers: 1, cuts: 1 }),
  round('a cut, and a lock taken away', 'protected', { writes: 4, cuts: 1, revocations: 1 }),
  round('a cut, and a keeper that fails', 'protected', { writes: 4, cuts: 1, keeperFaults: 1 }),
  round('a crash, and a server that is slow', 'protected', {
    writes: 4,
    crashes: 1,
    operations: 1,
    timers: 1,
  }),
  round('a crash and a cut, and locks lie', 'protected', { writes: 4, crashes: 1, cuts: 1 }, 'lying'),
];
