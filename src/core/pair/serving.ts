/**
 * What the three states that serve (STANDALONE, ACTIVE_SYNC, ACTIVE) have in common: the fence, the end, the lock's keeping, and how the record
 * of one's own claim is rewritten. Source: PROTOCOL.md §2 Shrink, Grow, Fence; §3.
 */
import type { PairFact } from './facts.ts';
import type { PairMemory } from './memory.ts';
import {
  bothStopWarning,
  confirms,
  heard,
  isFenced,
  isOwn,
  offersAgain,
  rewrites,
  saves,
  standsDown,
} from './reactions.ts';
import { as, cancelRaised, createStateConfig, does, raiseLater } from './setup.ts';

/** What the peer says and what becomes of the lock is remembered, and nothing else. */
export const listens = does((memory, fact) => ({ remember: heard(memory, fact) }));

/** The end of serving, for the reason given. */
export const down = (why: string) =>
  does((memory, fact) => {
    const end = standsDown('why' in fact ? `${why}: ${fact.why}` : why);
    return {
      remember: { ...heard(memory, fact), ...end.remember },
      orders: [...bothStopWarning(memory, fact), ...(end.orders ?? [])],
    };
  });

/** The row of §3 that ends every claim. */
export const FENCED = 'R moved on, higher epoch serves, or own disk fails';

/** A peer that serves a higher epoch, a record that has moved on, and one's own disk end every claim. */
export const fenced = {
  channelUp: {
    guard: ({ context, event }: Guarded<'channelUp'>) => isFenced(context, event),
    target: '#WAITING',
    description: FENCED,
    actions: down('the peer serves a higher epoch'),
  },
  hellosRenewed: {
    guard: ({ context, event }: Guarded<'hellosRenewed'>) => isFenced(context, event),
    target: '#WAITING',
    description: FENCED,
    actions: down('the peer serves a higher epoch'),
  },
  peerReported: {
    guard: ({ context, event }: Guarded<'peerReported'>) => isFenced(context, event),
    target: '#WAITING',
    description: FENCED,
    actions: down('the peer serves a higher epoch'),
  },
  diskFailed: { target: '#WAITING', description: FENCED, actions: down('own disk failed') },
} as const;
/** What a guard is given, for guards that are written apart from their transition. */
export type Guarded<T extends PairFact['type']> = {
  context: PairMemory;
  event: Extract<PairFact, { type: T }>;
};

/** An offer that the peer heard before it came to WAITING was lost on it: it is made anew (rule Fence). */
export const offersAnew = {
  guard: ({ context, event }: Guarded<'peerReported'>) =>
    event.report.present === 'WAITING' && !context.isJoined,
  actions: does(offersAgain),
};

/** Keeps the lock, or tries to have it again; with a peer at hand its loss is only a warning. */
const LOCK_RETRY = 'lockRetry';
const retriesLock = raiseLater({ type: 'lockRetryDue' }, { delay: 'activeInterval', id: LOCK_RETRY });
const takesLock = does(() => ({ orders: [{ type: 'takeLock', isPatient: false }] }));
const warnsOfLock = does((memory, fact) => ({
  remember: heard(memory, fact),
  orders: [
    {
      type: 'warn',
      code: 'LS_PAIR_LOCK_LOST',
      text: `the lock is lost (${as(fact, 'lockLost').why}); serving goes on with the peer, but a second fault would stop it`,
    },
  ],
}));

export const keepsLock = {
  lockLost: { actions: [warnsOfLock, retriesLock] },
  lockRetryDue: { actions: takesLock },
  lockRefused: { actions: retriesLock },
  shareUnreachable: { actions: retriesLock },
  lockTaken: [
    {
      guard: ({ context, event }: Guarded<'lockTaken'>) => isOwn(context, event),
      actions: [listens, cancelRaised(LOCK_RETRY)],
    },
    { target: '#WAITING', description: FENCED, actions: down('the record has moved on') },
  ],
} as const;

/**
 * The steps by which a server rewrites the record of its own claim, the same for Shrink and Grow: lock → write → save, and again after a
 * pause while the share is not to be had. `saved`: where it leads.
 */
export const rewriting = (
  purpose: 'shrink' | 'grow',
  saved: Readonly<{ target: string; description: string; actions: ReturnType<typeof does> }>,
) => ({
  locking: createStateConfig({
    entry: takesLock,
    on: {
      lockTaken: [
        {
          guard: ({ context, event }: Guarded<'lockTaken'>) => isOwn(context, event),
          target: 'writing',
          actions: does((memory, fact) => rewrites(memory, as(fact, 'lockTaken'), purpose)),
        },
        { target: '#WAITING', description: FENCED, actions: down('the record has moved on') },
      ],
      lockRefused: 'pausing',
      shareUnreachable: 'pausing',
    },
  }),
  writing: createStateConfig({
    on: {
      recordWritten: {
        target: 'saving',
        actions: does((_, fact) => confirms(as(fact, 'recordWritten').record)),
      },
      recordUnresolved: { target: 'pausing', actions: does(() => ({ remember: { hold: null } })) },
    },
  }),
  pausing: createStateConfig({ after: { activeInterval: 'locking' } }),
  saving: createStateConfig({
    entry: does((memory) => saves(memory)),
    on: { recordSaved: saved },
  }),
});
