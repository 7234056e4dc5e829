/**
 * What `lockstep explore` walks when it is not told otherwise. Most rounds begin where the pair is protected, because that is where the first
 * fault strikes. `quick` ones are exhausted in seconds and run with every change; `long` ones in minutes; `large` ones take hours and much
 * memory, or are walked as far as there is room, and say so.
 */
import { noBounds, type Bounds, type Setting } from './setting.ts';

export type Round = Readonly<{
  /** For `--round`. */
  name: string;
  title: string;
  size: 'quick' | 'long' | 'large';
  setting: Setting;
  /** The way back is looked for: not where locks lie or stores are wiped, which may leave a pair to its operator. */
  wantsWayBack: boolean;
}>;

type Start = Readonly<{ at?: Setting['start']; lock?: Setting['lock']; copies?: Setting['copies'] }>;

const round = (
  title: string,
  [size, name]: readonly [Round['size'], string],
  bounds: Partial<Bounds>,
  { at = 'protected', lock = 'exclusive', copies = 'whole' }: Start = {},
): Round => ({
  name,
  title,
  size,
  setting: {
    start: at,
    lock,
    copies,
    bounds: { ...noBounds, rewrites: Infinity, ...bounds },
    without: new Set(),
  },
  wantsWayBack: size !== 'large' && lock === 'exclusive' && bounds.wipes === undefined,
});

/** What ends and breaks of itself, as often as it likes. */
const faults = { crashes: Infinity, cuts: Infinity, revocations: Infinity };
const asked = { operations: 2, claims: 3, ...faults };

export const rounds: readonly Round[] = [
  round('two new servers', ['quick', 'new'], { claims: 3, operations: 1 }, { at: 'new' }),
  round('a switchover', ['quick', 'switchover'], { claims: 2, operations: 1, switchovers: 1 }),
  round('the channel is cut', ['quick', 'cut'], { claims: 2, cuts: 1 }),
  round('a server crashes', ['quick', 'crash'], { claims: 2, crashes: 1, operations: 1 }),
  round('the passive is too slow', ['quick', 'slow'], { claims: 2, delays: 1, operations: 1 }),
  round('the channel is cut, and locks lie', ['quick', 'lies'], { claims: 1, cuts: 1 }, { lock: 'lying' }),
  round('a server crashes, and its store is lost', ['quick', 'wiped'], { claims: 2, crashes: 1, wipes: 1 }),
  round(
    'a new pair and a crash, and copies are torn',
    ['quick', 'torn'],
    { claims: 2, crashes: 1 },
    { at: 'new', copies: 'torn' },
  ),
  round('servers crash without end, and nobody claims', ['quick', 'crashes'], { crashes: Infinity }),

  round(
    'a new pair, and crashes without end',
    ['long', 'new-crashes'],
    { claims: 1, crashes: Infinity },
    { at: 'new' },
  ),
  round('a switchover, and a cut', ['long', 'switchover-cut'], { claims: 2, switchovers: 1, cuts: 1 }),
  round('a switchover, and a crash', ['long', 'switchover-crash'], { claims: 1, switchovers: 1, crashes: 1 }),
  round('a store is lost while clients are served', ['long', 'wiped-operation'], {
    claims: 1,
    wipes: 1,
    crashes: 1,
    operations: 1,
  }),
  round(
    'a new pair and a crash',
    ['long', 'new-crash'],
    { claims: 3, crashes: 1, operations: 1 },
    { at: 'new' },
  ),
  round(
    'a new pair, a cut, and a server that is slow',
    ['long', 'new-slow'],
    { claims: 2, cuts: 1, timers: 1 },
    { at: 'new' },
  ),
  round(
    'a grow whose write is unresolved',
    ['long', 'unresolved-grow'],
    { claims: 2, keeperFaults: 1, operations: 1 },
    { at: 'new' },
  ),
  round('a cut while clients are served', ['long', 'cut-operation'], { claims: 2, cuts: 1, operations: 1 }),
  round('two operations and a crash', ['long', 'crash-operations'], { claims: 2, crashes: 1, operations: 2 }),
  round('a clean stop', ['long', 'stop'], { claims: 3, stops: 1, operations: 1 }),
  round('a cut, and a lock taken away', ['long', 'cut-revoked'], { claims: 2, cuts: 1, revocations: 1 }),
  round('a cut, and a keeper that fails', ['long', 'cut-keeper'], { claims: 2, cuts: 1, keeperFaults: 1 }),
  round('a crash, and a server that is slow', ['long', 'crash-slow'], {
    claims: 2,
    crashes: 1,
    operations: 1,
    timers: 1,
  }),

  round('one claim, and cuts without end', ['large', 'cuts'], { claims: 1, cuts: Infinity }),
  round('one claim, one operation, and crashes without end', ['large', 'crashes-operation'], {
    claims: 1,
    operations: 1,
    crashes: Infinity,
  }),
  round('two operations, three claims; crashes, cuts and lost locks without end', ['large', 'all'], asked),
  round('the same, and a store is lost', ['large', 'all-wiped'], { ...asked, wipes: 1 }),
  round('the same, and a switchover', ['large', 'all-switchover'], { ...asked, switchovers: 1 }),
  round('the same, and locks lie', ['large', 'all-lies'], asked, { lock: 'lying' }),
];
