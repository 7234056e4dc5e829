/**
 * PASSIVE_SYNC and PASSIVE: catching up with the serving peer, then holding everything it has acknowledged and ready to take its place.
 * Source: PROTOCOL.md §2 Grow, Turn, Resume; §3; §4.3.
 */
import { locking, opensEpoch, resting, saving, writing } from './claim-steps.ts';
import type { PairMemory } from './memory.ts';
import { begins, givesBack, heard, needsPeer, saves, whyNotTry } from './reactions.ts';
import { continues, mayReturn } from './resume.ts';
import { as, createStateConfig, does } from './setup.ts';
import type { PairFact } from './facts.ts';

const listens = does((memory, fact) => ({ remember: heard(memory, fact) }));

const leaves = (why: string) =>
  does((memory, fact) => ({
    remember: { ...heard(memory, fact), why: 'why' in fact ? `${why}: ${fact.why}` : why },
    orders: [{ type: 'leaveSession', why }],
  }));

/** It serves no more, or serves alone: either way this session is over. */
const peerLeavesRole = (fact: PairFact): boolean =>
  fact.type === 'peerReported' && (fact.report.serving === null || fact.report.present === 'STANDALONE');

export const PASSIVE_SYNC = createStateConfig({
  id: 'PASSIVE_SYNC',
  initial: 'joining',
  entry: does(() => ({ remember: { wasPassive: false, isFresh: false, why: 'the peer serves' } })),
  on: {
    hellosRenewed: { actions: listens },
    lockLost: { actions: listens },
    lockTaken: { actions: does(() => givesBack('the lock came too late')) },
    channelLost: {
      target: '#WAITING',
      description: "channel lost, can't install, peer left its role, or serves a later epoch",
      actions: leaves('channel lost'),
    },
    channelUp: {
      target: '#WAITING',
      description: "channel lost, can't install, peer left its role, or serves a later epoch",
      actions: leaves('a new channel'),
    },
    joinFailed: {
      target: '#WAITING',
      description: "channel lost, can't install, peer left its role, or serves a later epoch",
      actions: [leaves("can't install"), does(() => ({ remember: { backsOff: true } }))],
    },
    peerReported: [
      {
        guard: ({ event }) => peerLeavesRole(event),
        target: '#WAITING',
        description: "channel lost, can't install, peer left its role, or serves a later epoch",
        actions: leaves('the peer left its role'),
      },
      { actions: listens },
    ],
    sessionOffered: { target: '.joining', reenter: true, actions: listens },
  },
  states: {
    joining: {
      entry: does(({ offered }) =>
        offered === null ? {} : { remember: { offered: null }, orders: [{ type: 'join', ...offered }] },
      ),
      on: {
        named: {
          target: 'saving',
          actions: does((_, fact) => {
            const { record } = as(fact, 'named');
            return {
              remember: { saving: record, follows: { epoch: record.epoch, claimId: record.claimId } },
            };
          }),
        },
      },
    },
    saving: {
      entry: does((memory) => saves(memory)),
      on: { recordSaved: { target: '#PASSIVE', description: 'R names it' } },
    },
  },
});

/** A new channel to the server whose passive this one still is: it will say whether it goes on with it (rule Resume). */
const returns = {
  guard: ({ context, event }: { context: PairMemory; event: Extract<PairFact, { type: 'channelUp' }> }) =>
    mayReturn(context, event.theirs),
  target: 'returning',
  actions: listens,
} as const;

/** It said that it has stopped, or that it held the lock: then the lock is to be had only if it is gone. */
const peerIsGone = ({ lastReport }: PairMemory): boolean =>
  lastReport?.lockHeld === true || lastReport?.present === 'STOPPED';

const claimExits = {
  later: [
    {
      when: ({ met }: PairMemory) => met !== null,
      target: '#WAITING',
      description: "switchover asked, can't claim",
    },
    { target: 'pausing' },
  ],
  mayNot: [
    {
      when: ({ met }: PairMemory) => met !== null,
      target: '#WAITING',
      description: "switchover asked, can't claim",
    },
    { target: '#WAITING', description: 'channel lost, R no longer names it' },
  ],
};

export const PASSIVE = createStateConfig({
  id: 'PASSIVE',
  initial: 'following',
  entry: does(() => ({ remember: { wasPassive: true, isFresh: true, why: 'the record names it' } })),
  on: {
    channelUp: { actions: listens },
    hellosRenewed: { actions: listens },
    peerReported: { actions: listens },
    channelLost: { actions: listens },
    sessionOffered: { actions: listens },
    lockLost: { actions: listens },
    lockTaken: { actions: does(() => givesBack('the lock came too late')) },
  },
  states: {
    following: {
      on: {
        channelLost: { target: 'asking', actions: listens },
        channelUp: {
          target: '#WAITING',
          description: "a new session that doesn't resume",
          actions: leaves('a new channel'),
        },
        sessionOffered: {
          target: '#WAITING',
          description: "a new session that doesn't resume",
          actions: leaves('a new session'),
        },
        joinFailed: {
          target: '#WAITING',
          description: "peer left its role, or can't append",
          actions: leaves("can't append"),
        },
        handedOver: { target: 'resting', actions: listens },
        peerReported: [
          // A peer that says it has stopped is gone for good: as if the channel were lost, without waiting for it.
          {
            guard: ({ event }) => event.report.present === 'STOPPED',
            target: 'asking',
            actions: does((memory, fact) => ({
              remember: { ...heard(memory, fact), met: null },
              orders: [{ type: 'dropChannel', why: 'the peer has stopped' }],
            })),
          },
          {
            guard: ({ event }) => peerLeavesRole(event),
            target: '#WAITING',
            description: "peer left its role, or can't append",
            actions: leaves('the peer left its role'),
          },
          { actions: listens },
        ],
      },
    },

    /** The channel is back, and the active holds everything back until it has decided. */
    returning: {
      on: {
        channelLost: { target: 'asking', actions: listens },
        channelUp: [
          returns,
          {
            target: '#WAITING',
            description: "a new session that doesn't resume",
            actions: leaves('a new channel'),
          },
        ],
        sessionOffered: [
          {
            guard: ({ context, event }) => continues(context, event),
            target: 'following',
            actions: does((_, fact) => {
              const { session, record } = as(fact, 'sessionOffered');
              return { remember: { isFresh: true }, orders: [{ type: 'join', session, record }] };
            }),
          },
          {
            target: '#WAITING',
            description: "a new session that doesn't resume",
            actions: leaves('a new session'),
          },
        ],
        peerReported: [
          {
            guard: ({ event }) => peerLeavesRole(event),
            target: '#WAITING',
            description: "peer left its role, or can't append",
            actions: leaves('the peer left its role'),
          },
          { actions: listens },
        ],
      },
    },

    // The channel is lost -------------------------------------------------------------------------------------------------------
    asking: {
      entry: does(() => ({
        orders: [{ type: 'leaveSession', why: 'channel lost' }, { type: 'askGateway' }],
      })),
      on: {
        channelUp: [returns, { actions: listens }],
        gatewayAnswered: [
          { guard: ({ context }) => context.isFresh && peerIsGone(context), target: 'resting' },
          { guard: ({ context }) => !context.isFresh, target: 'looking' },
          { target: 'pausing' },
        ],
        gatewaySilent: {
          target: '#WAITING',
          description: 'channel lost, gateway silent',
          actions: does(() => ({
            remember: { why: 'the gateway is silent: it is this server that is cut off' },
          })),
        },
      },
    },
    /** The first try has failed, so the active may live and have struck this server off: who knows that doesn't try the lock. */
    looking: {
      entry: does(() => ({ orders: [{ type: 'readShare' }] })),
      on: {
        channelUp: [returns, { actions: listens }],
        shareRead: [
          { guard: ({ context, event }) => whyNotTry(context, event) === null, target: 'resting' },
          {
            target: '#WAITING',
            description: 'channel lost, R no longer names it',
            actions: does((memory, fact) => ({
              remember: { why: whyNotTry(memory, as(fact, 'shareRead')) ?? '' },
            })),
          },
        ],
        shareUnreachable: {
          target: 'pausing',
          actions: does((_, fact) => ({ remember: { why: as(fact, 'shareUnreachable').why } })),
        },
      },
    },
    pausing: {
      entry: does(() => ({ remember: { isFresh: false } })),
      on: { channelUp: [returns, { actions: listens }] },
      after: { passiveInterval: 'asking' },
      always: {
        guard: ({ context }) => context.met !== null,
        target: '#WAITING',
        description: "a new session that doesn't resume",
      },
    },

    // A claim -------------------------------------------------------------------------------------------------------------------
    resting: { ...resting, on: { ...resting.on, channelUp: [returns, { actions: listens }] } },
    locking: {
      ...locking(claimExits),
      on: { ...locking(claimExits).on, channelUp: [returns, { actions: listens }] },
    },
    writing: writing(claimExits),
    saving,
    opening: {
      entry: opensEpoch,
      on: {
        epochOpened: [
          {
            guard: ({ context }) => needsPeer(context),
            target: '#ACTIVE.catchingUp',
            description: 'switchover asked, claim with consent written',
            actions: does((memory) => begins(memory, 'switchover')),
          },
          {
            guard: ({ context }) => context.met !== null,
            target: '#ACTIVE_SYNC',
            description: 'switchover asked, claim alone written',
            actions: does((memory) => begins(memory, 'switchover')),
          },
          {
            target: '#STANDALONE',
            description: 'channel lost, gateway answers, claim written',
            actions: does((memory) => begins(memory, 'channel lost, gateway answers, claim made')),
          },
        ],
      },
    },
  },
});
