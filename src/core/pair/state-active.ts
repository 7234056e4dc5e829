/** ACTIVE: serving, and every acknowledgement waits for the peer. Source: PROTOCOL.md §3. */
import { leavesRole, standsDown } from './reactions.ts';
import { fenced, keepsLock, listens } from './serving.ts';
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
    together: {
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
    }),
  },
});
