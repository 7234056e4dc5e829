/**
 * The step inside ACTIVE and ACTIVE_SYNC in which the peer is lost: everything is held back until the gateway has answered and the shrink is
 * written. Source: PROTOCOL.md §2 Shrink, §4.2.
 */
import { confirms } from './reactions.ts';
import { down, FENCED, fenced, listens, rewriting, type Guarded } from './serving.ts';
import { as, createStateConfig, does } from './setup.ts';

/** The way back to the peer where rule Resume allows one. */
type TakesBack = Readonly<{
  guard: (at: Guarded<'channelUp'>) => boolean;
  target: string;
  description: string;
  actions: ReturnType<typeof does>;
}>;

/**
 * Holds everything back until the shrink is written, or is not to be had. `written`, `given up`: the rows of the table; `takesBack`: the one of
 * the passive that resumes, which is waited for a moment before the record is touched.
 */
export const shrinking = (rows: Readonly<{ written: string; givenUp: string; takesBack?: TakesBack }>) =>
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
      channelUp: [
        fenced.channelUp,
        ...(rows.takesBack === undefined ? [] : [rows.takesBack]),
        { actions: listens },
      ],
      hellosRenewed: [fenced.hellosRenewed, { actions: listens }],
      peerReported: [fenced.peerReported, { actions: listens }],
      channelLost: { actions: listens },
      // The run that was the passive is gone.
      peerRefused: { actions: does(() => ({ remember: { passiveRun: null } })) },
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
          gatewayAnswered: [
            { guard: ({ context }) => context.met === null && context.passiveRun !== null, target: 'hoping' },
            { target: 'locking' },
          ],
          gatewaySilent: {
            target: '#WAITING',
            description: rows.givenUp,
            actions: down('the gateway is silent: it is this server that is cut off'),
          },
        },
      },
      /** A connection that was reset stands again before this ends; then the passive resumes and the record stays as it is. */
      hoping: {
        after: { resumeDelay: 'locking' },
        on: {
          peerRefused: { target: 'locking', actions: does(() => ({ remember: { passiveRun: null } })) },
        },
      },
      ...rewriting('shrink', {
        target: '#STANDALONE',
        description: rows.written,
        actions: does(() => ({
          remember: { why: 'the peer is lost', joiner: null, passiveRun: null, isJoined: false },
        })),
      }),
    },
  });
