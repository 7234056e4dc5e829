/**
 * STANDALONE, ACTIVE_SYNC, ACTIVE: the three that serve. What they have in common is here once: the fence, the lock's keeping, the end.
 * Source: PROTOCOL.md §2 Shrink, Grow, Fence; §3; §4.
 */
import type { PairMemory } from './memory.ts';
import {
  bothStopWarning,
  confirms,
  heard,
  isFenced,
  isOwn,
  knowsHigher,
  leavesRole,
  needsPeer,
  offersSession,
  requires,
  rewrites,
  saves,
  standsDown,
} from './reactions.ts';
import { as, cancelRaised, createStateConfig, does, raiseLater } from './setup.ts';
import type { PairFact } from './facts.ts';
import { unproved } from './grow.ts';
import { otherServer } from './words.ts';

const listens = does((memory, fact) => ({ remember: heard(memory, fact) }));
const down = (why: string) =>
  does((memory, fact) => {
    const end = standsDown('why' in fact ? `${why}: ${fact.why}` : why);
    return {
      remember: { ...heard(memory, fact), ...end.remember },
      orders: [...bothStopWarning(memory, fact), ...(end.orders ?? [])],
    };
  });

const FENCED = 'R moved on, higher epoch serves, or own disk fails';

/** A peer that serves a higher epoch, a record that has moved on, and one's own disk end every claim. */
const fenced = {
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
type Guarded<T extends PairFact['type']> = {
  context: PairMemory;
  event: Extract<PairFact, { type: T }>;
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

const keepsLock = {
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

// STANDALONE ----------------------------------------------------------------------------------------------------------------------

const LOCK_GONE = 'lock lost and not regained within `activeLockReacquisitionInterval`';

export const STANDALONE = createStateConfig({
  id: 'STANDALONE',
  initial: 'holding',
  on: {
    channelUp: [fenced.channelUp, { actions: listens }],
    hellosRenewed: [fenced.hellosRenewed, { actions: listens }],
    peerReported: [fenced.peerReported, { actions: listens }],
    channelLost: { actions: listens },
    diskFailed: fenced.diskFailed,
  },
  always: [
    {
      guard: ({ context }) => knowsHigher(context),
      target: '#WAITING',
      description: FENCED,
      actions: does(() => standsDown('the peer knows a higher epoch; claiming anew above it')),
    },
    {
      guard: ({ context }) => context.met?.theirs.report.present === 'WAITING',
      target: '#ACTIVE_SYNC',
      description: 'channel up, peer WAITING',
      actions: does(() => ({ remember: { why: 'the peer is back' } })),
    },
  ],
  states: {
    holding: {
      always: { guard: ({ context }) => context.hold === null, target: 'regaining' },
      on: {
        lockLost: { target: 'regaining', actions: listens },
        lockTaken: keepsLock.lockTaken,
      },
    },
    regaining: {
      initial: 'taking',
      after: {
        activeInterval: { target: '#WAITING', description: LOCK_GONE, actions: down('the lock is lost') },
      },
      on: {
        lockTaken: [
          { guard: ({ context, event }) => isOwn(context, event), target: 'holding', actions: listens },
          { target: '#WAITING', description: FENCED, actions: down('the record has moved on') },
        ],
      },
      states: {
        taking: {
          entry: does(() => ({ orders: [{ type: 'takeLock', isPatient: true }] })),
          on: { lockRefused: 'pausing', shareUnreachable: 'pausing' },
        },
        pausing: { after: { retryInterval: 'taking' } },
      },
    },
  },
});

// Losing the peer -----------------------------------------------------------------------------------------------------------------

/** Holds everything back until the shrink is written, or is not to be had. `written`, `given up`: the rows of the table. */
const shrinking = (rows: Readonly<{ written: string; givenUp: string }>) =>
  createStateConfig({
    initial: 'asking',
    entry: does(() => ({ orders: [{ type: 'endSession', why: 'the peer is lost' }] })),
    after: {
      shrinkTimeout: {
        target: '#WAITING',
        description: rows.givenUp,
        actions: down('the peer is lost and could not be struck off the record in time'),
      },
    },
    on: {
      channelUp: [fenced.channelUp, { actions: listens }],
      hellosRenewed: [fenced.hellosRenewed, { actions: listens }],
      peerReported: [fenced.peerReported, { actions: listens }],
      channelLost: { actions: listens },
      diskFailed: fenced.diskFailed,
      lockLost: { actions: listens },
      // The end of a grow that was under way when the peer was lost.
      recordWritten: { actions: does((_, fact) => confirms(as(fact, 'recordWritten').record)) },
      recordMovedOn: { target: '#WAITING', description: FENCED, actions: down('the record has moved on') },
      recordUnresolved: { actions: does(() => ({ remember: { hold: null } })) },
      // Said of the session that has ended already.
      sessionFailed: {},
      peerLost: {},
    },
    states: {
      asking: {
        entry: does(() => ({ orders: [{ type: 'askGateway' }] })),
        on: {
          gatewayAnswered: 'locking',
          gatewaySilent: {
            target: '#WAITING',
            description: rows.givenUp,
            actions: down('the gateway is silent: it is this server that is cut off'),
          },
        },
      },
      locking: {
        entry: does(() => ({ orders: [{ type: 'takeLock', isPatient: false }] })),
        on: {
          lockTaken: [
            {
              guard: ({ context, event }) => isOwn(context, event),
              target: 'writing',
              actions: does((memory, fact) => rewrites(memory, as(fact, 'lockTaken'), 'shrink')),
            },
            { target: '#WAITING', description: FENCED, actions: down('the record has moved on') },
          ],
          lockRefused: 'pausing',
          shareUnreachable: 'pausing',
        },
      },
      writing: {
        on: {
          recordWritten: {
            target: 'saving',
            actions: does((_, fact) => confirms(as(fact, 'recordWritten').record)),
          },
          recordUnresolved: { target: 'pausing', actions: does(() => ({ remember: { hold: null } })) },
        },
      },
      pausing: { after: { activeInterval: 'locking' } },
      saving: {
        entry: does((memory) => saves(memory)),
        on: {
          recordSaved: {
            target: '#STANDALONE',
            description: rows.written,
            actions: does(() => ({ remember: { why: 'the peer is lost', joiner: null, isJoined: false } })),
          },
        },
      },
    },
  });

// ACTIVE_SYNC ---------------------------------------------------------------------------------------------------------------------

const ALONE = 'peer lost, no grow attempted';

/** The peer is lost: alone at once while no grow was attempted, else only with a written shrink. */
const losesJoiner = [
  {
    guard: ({ context }: { context: PairMemory }) => !needsPeer(context),
    target: '#STANDALONE',
    description: ALONE,
    actions: does((memory, fact) => ({
      remember: {
        ...heard(memory, fact),
        why: 'why' in fact ? `the peer is lost: ${fact.why}` : 'the peer is lost',
        joiner: null,
        isJoined: false,
      },
      orders: [{ type: 'endSession', why: 'the peer is lost' }],
    })),
  },
  { target: '#ACTIVE_SYNC.shrinking', actions: listens },
] as const;

const losesJoinerWhenItLeaves = losesJoiner.map((way, n) => ({
  ...way,
  guard: ({ context, event }: Guarded<'peerReported'>) =>
    leavesRole(context, event) && (n > 0 || !needsPeer(context)),
}));

export const ACTIVE_SYNC = createStateConfig({
  id: 'ACTIVE_SYNC',
  initial: 'catchingUp',
  entry: does((memory) => (memory.met === null ? {} : offersSession(memory))),
  on: {
    ...keepsLock,
    channelUp: [fenced.channelUp, ...losesJoiner],
    hellosRenewed: [fenced.hellosRenewed, { actions: listens }],
    peerReported: [fenced.peerReported, ...losesJoinerWhenItLeaves, { actions: listens }],
    channelLost: losesJoiner,
    sessionFailed: losesJoiner,
    peerLost: losesJoiner,
    diskFailed: fenced.diskFailed,
    recordMovedOn: { target: '#WAITING', description: FENCED, actions: down('the record has moved on') },
  },
  states: {
    catchingUp: {
      always: [
        // The channel went while the claim was being written.
        { guard: ({ context }) => context.met === null, target: '#STANDALONE', description: ALONE },
        {
          guard: ({ context }) => knowsHigher(context),
          target: '#WAITING',
          description: FENCED,
          actions: does(() => standsDown('the peer knows a higher epoch; claiming anew above it')),
        },
      ],
      on: { joinerNear: 'proving' },
    },
    proving: {
      entry: does(() => ({ orders: [{ type: 'proveJoiner' }] })),
      on: {
        joinerProved: [
          {
            guard: ({ context, event }) =>
              context.confirmed !== null && unproved(context.confirmed, event.proof) === null,
            target: 'levelling',
            actions: does((memory, fact) => {
              const { proof, store } = as(fact, 'joinerProved');
              const both = { [memory.me]: store.storeId, [otherServer(memory.me)]: proof.storeId };
              return {
                remember: {
                  joiner: { storeId: proof.storeId, stamps: null },
                  attempted: [...memory.attempted, both],
                },
              };
            }),
          },
          {
            target: 'unproven',
            actions: does((memory, fact) => ({
              orders: [
                {
                  type: 'warn',
                  code: 'LS_PAIR_JOINER_UNPROVEN',
                  text: `the peer has caught up but can't be protected by the record yet: ${
                    memory.confirmed === null
                      ? ''
                      : (unproved(memory.confirmed, as(fact, 'joinerProved').proof) ?? '')
                  }`,
                },
              ],
            })),
          },
        ],
      },
    },
    unproven: { after: { passiveInterval: 'proving' } },
    /** From here both stores are required, whatever comes of the write. */
    levelling: {
      entry: does((memory) => ({ orders: [requires(memory, memory.attempted), { type: 'awaitLevel' }] })),
      on: {
        joinerLevel: {
          target: 'locking',
          actions: does(({ joiner }, fact) => ({
            remember: {
              joiner: joiner === null ? null : { ...joiner, stamps: as(fact, 'joinerLevel').stamps },
            },
          })),
        },
      },
    },
    locking: {
      entry: does(() => ({ orders: [{ type: 'takeLock', isPatient: false }] })),
      on: {
        lockTaken: [
          {
            guard: ({ context, event }) => isOwn(context, event),
            target: 'writing',
            actions: does((memory, fact) => rewrites(memory, as(fact, 'lockTaken'), 'grow')),
          },
          { target: '#WAITING', description: FENCED, actions: down('the record has moved on') },
        ],
        lockRefused: 'pausing',
        shareUnreachable: 'pausing',
      },
    },
    writing: {
      on: {
        recordWritten: {
          target: 'saving',
          actions: does((_, fact) => confirms(as(fact, 'recordWritten').record)),
        },
        recordUnresolved: { target: 'pausing', actions: does(() => ({ remember: { hold: null } })) },
      },
    },
    pausing: { after: { activeInterval: 'locking' } },
    saving: {
      entry: does((memory) => saves(memory)),
      on: {
        recordSaved: {
          target: '#ACTIVE',
          description: 'grow written',
          actions: does(({ confirmed }) => ({
            remember: { why: 'the record names both' },
            orders: confirmed === null ? [] : [{ type: 'tellNamed', record: confirmed }],
          })),
        },
      },
    },
    shrinking: shrinking({
      written: 'peer lost, grow attempted, shrink written',
      givenUp: 'peer lost, shrink not to be had',
    }),
  },
});

// ACTIVE --------------------------------------------------------------------------------------------------------------------------

const shrinks = { target: '#ACTIVE.shrinking', actions: listens } as const;

export const ACTIVE = createStateConfig({
  id: 'ACTIVE',
  initial: 'together',
  on: {
    ...keepsLock,
    channelUp: [fenced.channelUp, shrinks],
    hellosRenewed: [fenced.hellosRenewed, { actions: listens }],
    peerReported: [
      fenced.peerReported,
      { ...shrinks, guard: ({ context, event }) => leavesRole(context, event) },
      { actions: listens },
    ],
    channelLost: shrinks,
    sessionFailed: shrinks,
    peerLost: shrinks,
    diskFailed: fenced.diskFailed,
  },
  states: {
    together: { on: { switchoverAsked: 'draining' } },
    draining: {
      entry: does(() => ({ orders: [{ type: 'drain' }] })),
      on: {
        drained: {
          target: '#WAITING',
          description: 'switchover: drained, handed over',
          actions: does(() => {
            const end = standsDown('switchover');
            return {
              remember: { ...end.remember, handsOver: true },
              orders: [...(end.orders ?? []), { type: 'tellHandover' }],
            };
          }),
        },
      },
      after: {
        handoverTimeout: { target: 'together', actions: does(() => ({ orders: [{ type: 'undrain' }] })) },
      },
    },
    shrinking: shrinking({
      written: 'peer lost, shrink written',
      givenUp: 'peer lost, shrink not to be had or gateway silent',
    }),
  },
});
