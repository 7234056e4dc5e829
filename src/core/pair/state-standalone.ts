/** STANDALONE: serving alone, under the lock. Source: PROTOCOL.md §3; REASONS.md C3. */
import { isOwn, knowsHigher, standsDown } from './reactions.ts';
import { down, FENCED, fenced, keepsLock, listens } from './serving.ts';
import { createStateConfig, does } from './setup.ts';

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
