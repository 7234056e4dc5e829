/**
 * ACTIVE: serving, and every acknowledgement waits for the peer, also while the peer comes level after a claim with consent or a flap of the
 * channel. Source: PROTOCOL.md §2 Consent, Resume; §3.
 */
import { heard, leavesRole, offersSession, standsDown } from './reactions.ts';
import { mayTakeBack } from './resume.ts';
import { fenced, keepsLock, listens, offersAnew } from './serving.ts';
import { as, createStateConfig, does } from './setup.ts';
import { shrinking } from './shrinking.ts';

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
    /** R names the peer, and it may lack what this journal ends with: until it says that it has it, nothing of that is committed. */
    catchingUp: {
      entry: does((memory) => (memory.met === null ? {} : offersSession(memory))),
      always: { guard: ({ context }) => context.met === null, target: 'shrinking' },
      on: { joinerNear: 'levelling', peerReported: offersAnew },
    },
    /** The same for one that was this claim's passive before: it is in its role already, and if it leaves that it is lost. */
    resuming: {
      entry: does((memory) => {
        const offer = offersSession(memory);
        return { ...offer, remember: { ...offer.remember, isJoined: true } };
      }),
      on: { joinerNear: 'levelling' },
    },
    levelling: {
      entry: does(() => ({ orders: [{ type: 'awaitLevel' }] })),
      on: {
        joinerLevel: {
          target: 'together',
          actions: does(({ confirmed }) => ({
            orders: confirmed === null ? [] : [{ type: 'tellNamed', record: confirmed }],
          })),
        },
      },
    },
    together: {
      entry: does(({ met }) => ({ remember: { passiveRun: met?.theirs.incarnation ?? null } })),
      on: {
        switchoverAsked: {
          target: 'draining',
          actions: does((_, fact) => ({
            remember: { why: `switchover: ${as(fact, 'switchoverAsked').why}` },
          })),
        },
      },
    },
    draining: {
      entry: does(() => ({ orders: [{ type: 'drain' }] })),
      on: {
        drained: {
          target: '#WAITING',
          description: 'switchover: drained, handed over',
          actions: does((memory) => {
            const end = standsDown(memory.why);
            return {
              remember: { ...end.remember, handsOver: true },
              orders: [...(end.orders ?? []), { type: 'tellHandover' }],
            };
          }),
        },
      },
      after: {
        handoverTimeout: {
          target: 'together',
          actions: does(({ why }) => ({
            remember: { why: `given up, it took longer than handoverTimeout to drain: ${why}` },
            orders: [{ type: 'undrain' }],
          })),
        },
      },
    },
    shrinking: shrinking({
      written: 'peer lost, shrink written',
      givenUp: 'peer lost, shrink not to be had or gateway silent',
      takesBack: {
        guard: ({ context, event }) => mayTakeBack(context, event.theirs),
        target: '#ACTIVE.resuming',
        description: 'the same run of the passive resumes',
        // The loss was not followed up while the peer was lost too.
        actions: does((memory, fact) => ({
          remember: { ...heard(memory, fact), why: 'the passive is back' },
          orders: memory.hold === null ? [{ type: 'takeLock', isPatient: false }] : [],
        })),
      },
    }),
  },
});
