/**
 * The step inside ACTIVE and ACTIVE_SYNC in which the peer is lost: everything is held back until the gateway has answered and the shrink is
 * written. Source: PROTOCOL.md §2 Shrink, §4.2.
 */
import { confirms } from './reactions.ts';
import { down, FENCED, fenced, listens, rewriting } from './serving.ts';
import { as, createStateConfig, does } from './setup.ts';

/** Holds everything back until the shrink is written, or is not to be had. `written`, `given up`: the rows of the table. */
export const shrinking = (rows: Readonly<{ written: string; givenUp: string }>) =>
  createStateConfig({
    initial: 'asking',
    // Nobody is left to hand over to: a switchover that was under way is off, and clients are served again.
    entry: does(() => ({
      orders: [{ type: 'endSession', why: 'the peer is lost' }, { type: 'undrain' }],
    })),
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
      ...rewriting('shrink', {
        target: '#STANDALONE',
        description: rows.written,
        actions: does(() => ({ remember: { why: 'the peer is lost', joiner: null, isJoined: false } })),
      }),
    },
  });
