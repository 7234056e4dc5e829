/**
 * WAITING: looking for the peer, or not allowed to serve. Without a channel it seeks: gateway, a look at the share, then a claim. With
 * one it greets, and both work out whose turn it is. Source: PROTOCOL.md §2 Turn, Claim, None; §3; §4.1.
 */
import { locking, opensEpoch, resting, saving, writing } from './claim-steps.ts';
import { begins, givesBack, heard, isLastTurn, needsPeer, turn, whyNobody, whyNotTry } from './reactions.ts';
import { as, createStateConfig, does } from './setup.ts';

const listens = does((memory, fact) => ({ remember: heard(memory, fact) }));
const exits = { later: [{ target: 'refused' }], mayNot: [{ target: 'refused' }] };

/** What is heard may change whose turn it is; not while a claim of this server's own is under way. */
const reconsiders = {
  channelUp: { target: 'met', actions: listens },
  hellosRenewed: { target: 'met', actions: listens },
  peerReported: { target: 'met', actions: listens },
} as const;

export const WAITING = createStateConfig({
  id: 'WAITING',
  initial: 'entered',
  on: {
    channelUp: { actions: listens },
    hellosRenewed: { actions: listens },
    peerReported: { actions: listens },
    sessionOffered: { actions: listens },
    channelLost: { actions: listens },
    lockLost: { actions: listens },
    lockTaken: { actions: does(() => givesBack('the lock came too late')) },
    forceAsked: {
      target: '.resting',
      actions: does((_, fact) => ({ remember: { force: as(fact, 'forceAsked').word } })),
    },
  },
  states: {
    entered: {
      always: [
        { guard: ({ context }) => context.met !== null && context.backsOff, target: 'backingOff' },
        { guard: ({ context }) => context.met !== null && context.handsOver, target: 'handedOver' },
        { guard: ({ context }) => context.met !== null, target: 'greeting' },
        { target: 'seeking' },
      ],
    },

    // Without a channel ---------------------------------------------------------------------------------------------------------
    seeking: {
      on: reconsiders,
      after: { seekDelay: 'asking' },
    },
    asking: {
      entry: does(() => ({ remember: { isFresh: false }, orders: [{ type: 'askGateway' }] })),
      on: {
        ...reconsiders,
        gatewayAnswered: 'looking',
        gatewaySilent: {
          target: 'seeking',
          actions: does(() => ({
            remember: { why: 'the gateway is silent: it is this server that is cut off' },
          })),
        },
      },
    },
    looking: {
      entry: does(() => ({ orders: [{ type: 'readShare' }] })),
      on: {
        ...reconsiders,
        shareRead: [
          {
            guard: ({ context, event }) => whyNotTry(context, event) === null,
            target: 'resting',
          },
          {
            target: 'seeking',
            actions: does((memory, fact) => ({
              remember: { why: whyNotTry(memory, as(fact, 'shareRead')) ?? '' },
            })),
          },
        ],
        shareUnreachable: {
          target: 'seeking',
          actions: does((_, fact) => ({ remember: { why: as(fact, 'shareUnreachable').why } })),
        },
      },
    },

    // With a channel ------------------------------------------------------------------------------------------------------------
    /** Both look at the share again, so that the turn is worked out from what is true now. */
    greeting: {
      entry: does(() => ({ orders: [{ type: 'sayHello' }] })),
      on: { hellosRenewed: { target: 'met', actions: listens } },
      always: { guard: ({ context }) => context.met === null, target: 'seeking' },
    },
    met: {
      always: [
        { guard: ({ context }) => context.met === null, target: 'seeking' },
        {
          guard: ({ context }) => context.offered !== null,
          target: '#PASSIVE_SYNC',
          description: 'channel up, peer serves and has decided',
        },
        { guard: ({ context }) => turn(context) === 'mine', target: 'resting' },
        { guard: ({ context }) => turn(context) === 'theirs', target: 'yielding' },
        { guard: ({ context }) => turn(context) === 'nobody', target: 'stuck' },
        { target: 'attending' },
      ],
    },
    /** The peer serves, or has yet to leave a role: it will say what comes next. */
    attending: {
      on: { ...reconsiders, sessionOffered: { target: 'met', actions: listens } },
      always: { guard: ({ context }) => context.met === null, target: 'seeking' },
    },
    yielding: {
      on: {
        ...reconsiders,
        sessionOffered: { target: 'met', actions: listens },
        peerCannotClaim: [
          { guard: ({ context }) => context.hasTried || isLastTurn(context), target: 'stuck' },
          { target: 'met', actions: does(({ round }) => ({ remember: { round: round + 1 } })) },
        ],
      },
      after: {
        claimTimeout: [
          { guard: ({ context }) => isLastTurn(context), target: 'greeting' },
          { target: 'met', actions: does(({ round }) => ({ remember: { round: round + 1 } })) },
        ],
      },
      always: { guard: ({ context }) => context.met === null, target: 'seeking' },
    },
    stuck: {
      entry: does((memory) => ({ remember: { why: memory.hasTried ? memory.why : whyNobody(memory) } })),
      on: { ...reconsiders, sessionOffered: { target: 'met', actions: listens } },
      after: { passiveInterval: 'greeting' },
      always: { guard: ({ context }) => context.met === null, target: 'seeking' },
    },
    /** It could not join: not at once again, or both consoles would fill with it. An offer that comes meanwhile is kept. */
    backingOff: {
      exit: does(() => ({ remember: { backsOff: false } })),
      after: { passiveInterval: 'met' },
      always: { guard: ({ context }) => context.met === null, target: 'seeking' },
    },
    /** After a switchover it is the other's turn, until it says that it can't or has taken too long. */
    handedOver: {
      exit: does(() => ({ remember: { handsOver: false } })),
      on: {
        sessionOffered: { target: 'met', actions: listens },
        peerCannotClaim: 'greeting',
        // It has left the passive's role and does not serve: it can't, or its try has come to nothing.
        peerReported: [
          { guard: ({ event }) => event.report.present === 'WAITING', target: 'greeting', actions: listens },
          { actions: listens },
        ],
        channelUp: { target: 'greeting', actions: listens },
      },
      after: { handoverTimeout: 'greeting' },
      always: { guard: ({ context }) => context.met === null, target: 'seeking' },
    },

    // A claim -------------------------------------------------------------------------------------------------------------------
    resting: {
      ...resting,
      on: { ...resting.on, sessionOffered: { target: 'met', actions: listens } },
    },
    locking: {
      ...locking(exits),
      on: { ...locking(exits).on, sessionOffered: { target: 'met', actions: listens } },
    },
    writing: writing(exits),
    saving,
    opening: {
      entry: opensEpoch,
      on: {
        epochOpened: [
          {
            guard: ({ context }) => needsPeer(context),
            target: '#ACTIVE.catchingUp',
            description: 'channel up, my turn, claim with consent written',
            actions: does((memory) => begins(memory, 'claim made')),
          },
          {
            guard: ({ context }) => context.met !== null,
            target: '#ACTIVE_SYNC',
            description: 'channel up, my turn, claim alone written',
            actions: does((memory) => begins(memory, 'claim made')),
          },
          {
            target: '#STANDALONE',
            description: 'no channel for `startupWait`, gateway answers, claim written',
            actions: does((memory) => begins(memory, 'claim made, no peer')),
          },
        ],
      },
    },
    refused: {
      always: [
        { guard: ({ context }) => context.met !== null && context.offered !== null, target: 'met' },
        {
          guard: ({ context }) => context.met !== null,
          target: 'yielding',
          actions: does((memory) => ({
            remember: { hasTried: true },
            orders: [{ type: 'tellCannotClaim', why: memory.why }],
          })),
        },
        { target: 'seeking' },
      ],
    },
  },
});
