/** ACTIVE_SYNC: serving while the peer catches up, proves that it sees the same share, and is named. Source: PROTOCOL.md §2 Grow, §3. */
import { unproved } from './grow.ts';
import type { PairMemory } from './memory.ts';
import {
  heard,
  knowsHigher,
  leavesRole,
  needsPeer,
  offersSession,
  requires,
  standsDown,
} from './reactions.ts';
import { down, FENCED, fenced, keepsLock, listens, offersAnew, rewriting, type Guarded } from './serving.ts';
import { as, createStateConfig, does } from './setup.ts';
import { shrinking } from './shrinking.ts';
import { otherServer } from './words.ts';

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
      on: { joinerNear: 'proving', peerReported: offersAnew },
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
    ...rewriting('grow', {
      target: '#ACTIVE',
      description: 'grow written',
      actions: does(({ confirmed }) => ({
        remember: { why: 'the record names both' },
        orders: confirmed === null ? [] : [{ type: 'tellNamed', record: confirmed }],
      })),
    }),
    shrinking: shrinking({
      written: 'peer lost, grow attempted, shrink written',
      givenUp: 'peer lost, shrink not to be had',
    }),
  },
});
