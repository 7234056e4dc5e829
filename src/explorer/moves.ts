/**
 * Everything that may happen next in a world, each as one move with the world after it. Moves that are faults are marked: what a pair
 * must find back to is looked for without them.
 */
import { claimId, lockId, type ServerName } from '../core/pair/index.ts';
import { conduct } from './conduct.ts';
import { Draft, type Model, type Told } from './draft.ts';
import { doWork, heardByJoiner, nextWork } from './joiner.ts';
import { firstOf, lengthOf } from './journal.ts';
import { drop, lostWithAll, nextCall, putFates, renew, revoke, work } from './keeper.ts';
import { connect, cut, hangUp, heardHello, heardReport, hasMet, lose, send, take, takeLate } from './link.ts';
import {
  closeEpoch,
  heardByServing,
  isIdle,
  isWriting,
  openEpoch,
  ownSynced,
  propose,
  waitsForPeer,
} from './serving.ts';
import { putCopy, withBlock } from './share.ts';
import { sawRecord, sync } from './store.ts';
import {
  deskEmpty,
  initialOf,
  newStore,
  pairNamed,
  replicationIdle,
  SERVERS,
  type Frame,
  type World,
} from './world.ts';
import type { Bounds } from './setting.ts';

export type Move = Readonly<{
  /** Null: the channel, or the share. */
  server: ServerName | null;
  what: string;
  isFault: boolean;
  world: World;
  told: readonly Told[];
}>;

type Mover = Readonly<{
  world: World;
  model: Model;
  moves: Move[];
}>;

/** The step that waits whether the channel comes back: its timer runs out before that or after, as it comes. */
const RACING = 'shrinking.hoping';

/** In an order that is the same each time. */
export function movesOf(world: World, model: Model): Move[] {
  const mover: Mover = { world, model, moves: [] };
  for (const me of SERVERS) {
    if (!world[me].desk.isRunning) {
      movesOfStopped(mover, me);
      continue;
    }
    movesOfDesk(mover, me);
    movesOfKeeper(mover, me);
    movesOfReplication(mover, me);
    movesOfChannel(mover, me);
    movesOfOperator(mover, me);
    faultsOf(mover, me);
  }
  movesBetween(mover);
  const isEarly = mover.moves.some(({ isFault }) => !isFault);
  for (const me of SERVERS) timersOf(mover, me, isEarly);
  return mover.moves;
}

function may(
  { world, model, moves }: Mover,
  server: ServerName | null,
  what: string,
  change: (draft: Draft) => void,
  isFault = false,
): void {
  const draft = new Draft(world, model, conduct);
  change(draft);
  moves.push({ server, what, isFault, world: draft.world(), told: draft.told });
}

const isLeft = ({ world, model }: Mover, what: keyof Bounds): boolean =>
  world.ledger.happened[what] < model.setting.bounds[what];

/** One more of what is bounded has happened. */
function count(draft: Draft, what: keyof Bounds): number {
  const { ledger } = draft;
  const number = ledger.happened[what] + 1;
  draft.ledger = { ...ledger, happened: { ...ledger.happened, [what]: number } };
  return number;
}

function movesOfStopped(mover: Mover, me: ServerName): void {
  may(mover, me, 'starts', (draft) => {
    draft[me].desk = { ...deskEmpty, isRunning: true, run: draft[me].desk.run === 0 ? 1 : 0 };
    draft.tell(me, { type: 'started' });
  });
  if (isLeft(mover, 'wipes'))
    may(
      mover,
      me,
      'gets an empty store directory',
      (draft) => {
        draft[me].store = newStore(me, count(draft, 'wipes'));
      },
      true,
    );
}

function timersOf(mover: Mover, me: ServerName, isEarly: boolean): void {
  const { world, model } = mover;
  for (const timer of model.machines.timers(world[me].machine)) {
    const isBounded = isEarly && !timer.includes(RACING);
    if (isBounded && !isLeft(mover, 'timers')) continue;
    may(mover, me, `timer ${timer.replace('xstate.after.', '')}`, (draft) => {
      if (isBounded) count(draft, 'timers');
      draft.fire(me, timer);
    });
  }
}

function movesOfDesk(mover: Mover, me: ServerName): void {
  const { desk } = mover.world[me];
  if (desk.asksGateway) {
    may(mover, me, 'hears the gateway', (draft) => {
      draft[me].desk = { ...desk, asksGateway: false };
      draft.tell(me, { type: 'gatewayAnswered' });
    });
    may(
      mover,
      me,
      'does not hear the gateway',
      (draft) => {
        draft[me].desk = { ...desk, asksGateway: false };
        draft.tell(me, { type: 'gatewaySilent' });
      },
      true,
    );
  }
  if (desk.rests)
    may(mover, me, 'has its journal at rest', (draft) => {
      draft[me].desk = { ...desk, rests: false };
      sync(draft, me);
      // Drawn anew each time; a number that never got as far as the share is as good as new.
      const fresh = `${initialOf(me)}${draft.ledger.writesOf[me]}`;
      const ids = { claimId: claimId(fresh), pairId: pairNamed(fresh), lockId: lockId(`lock of ${fresh}`) };
      draft.tell(me, { type: 'journalRested', ids });
    });
  const [record, ...saves] = desk.saves;
  if (record !== undefined)
    may(mover, me, `has saved record ${record.version}`, (draft) => {
      draft[me].desk = { ...desk, saves };
      sawRecord(draft, me, record);
      if (saves.length === 0 || draft.without('lastAnswer')) draft.tell(me, { type: 'recordSaved' });
    });
  const { opens } = desk;
  if (opens !== null)
    may(mover, me, `has opened epoch ${opens.epoch}`, (draft) => {
      draft[me].desk = { ...desk, opens: null };
      openEpoch(draft, me, opens, opens.inSync);
      draft.tell(me, { type: 'epochOpened', store: draft.view(me) });
    });
  if (desk.drains && isIdle(new Draft(mover.world, mover.model, conduct), me))
    may(mover, me, 'is drained', (draft) => {
      draft[me].desk = { ...desk, drains: false };
      draft.tell(me, { type: 'drained' });
    });
}

function movesOfKeeper(mover: Mover, me: ServerName): void {
  const { world, model } = mover;
  const probe = new Draft(world, model, conduct);
  const next = nextCall(probe, me);
  const { hold, isRenewed } = world[me].keeper;
  if (next !== null) may(mover, me, `keeper: ${next}`, (draft) => work(draft, me));
  if (!isRenewed) may(mover, me, 'keeper: begins with a new block file', (draft) => renew(draft, me));
  if (hold !== null && !world.share.holders.includes(me))
    may(mover, me, 'keeper: learns that the lock is lost', (draft) => lostWithAll(draft, me));
  if (isLeft(mover, 'keeperFaults') && (world[me].keeper.calls.length > 0 || hold !== null))
    for (const fate of putFates(probe, me))
      may(
        mover,
        me,
        `keeper: fails${next?.includes('put') === true || next?.includes('announce') === true ? ` (the copy: ${fate})` : ''}`,
        (draft) => {
          count(draft, 'keeperFaults');
          lostWithAll(draft, me, fate);
        },
        true,
      );
}

function movesOfReplication(mover: Mover, me: ServerName): void {
  const { world, model } = mover;
  const probe = new Draft(world, model, conduct);
  const next = nextWork(probe, me);
  if (next !== null) may(mover, me, `joiner: ${next.type}`, (draft) => doWork(draft, me));
  if (isWriting(probe, me)) may(mover, me, 'has synced its journal', (draft) => ownSynced(draft, me));
  const { pipeline } = world[me].replication;
  if (pipeline !== null && !pipeline.isDraining && !isWriting(probe, me) && isLeft(mover, 'operations'))
    may(mover, me, 'takes an operation of a client', (draft) =>
      propose(draft, me, count(draft, 'operations')),
    );
}

function movesOfChannel(mover: Mover, me: ServerName): void {
  const { channel } = mover.world;
  const { link } = mover.world[me];
  const [next] = channel.to[me];
  if (link.isUp && next !== undefined)
    may(mover, me, `hears ${mover.model.frames.at(next).type}`, (draft) => hears(draft, me, take(draft, me)));
  if (link.isUp && !channel.isWhole) may(mover, me, 'loses the channel', (draft) => lose(draft, me));
  if (channel.late[me].length > 0)
    may(mover, me, 'hears a frame of a former connection', (draft) => {
      const frame = takeLate(draft, me);
      heardByServing(draft, me, frame);
      heardByJoiner(draft, me, frame);
    });
}

function hears(draft: Draft, me: ServerName, frame: Frame): void {
  if (frame.type === 'hello') return heardHello(draft, me, frame.hello);
  if (!hasMet(draft, me)) return;
  switch (frame.type) {
    case 'state':
      return heardReport(draft, me, frame.report);
    case 'cannotClaim':
      return draft.tell(me, { type: 'peerCannotClaim', why: '' });
    case 'switchoverWanted':
      return draft.tell(me, { type: 'switchoverAsked', why: '' });
    case 'handover':
      return draft.tell(me, { type: 'handedOver', report: frame.report });
    case 'session':
      return draft.tell(me, { type: 'sessionOffered', session: frame.session, record: frame.record });
    default:
      heardByServing(draft, me, frame);
      heardByJoiner(draft, me, frame);
  }
}

function movesOfOperator(mover: Mover, me: ServerName): void {
  const state = mover.model.machines.state(mover.world[me].machine);
  if (isLeft(mover, 'switchovers') && (state === 'PASSIVE' || state === 'ACTIVE'))
    may(
      mover,
      me,
      'is asked to switch over',
      (draft) => {
        count(draft, 'switchovers');
        if (state === 'PASSIVE') send(draft, me, { type: 'switchoverWanted' });
        else draft.tell(me, { type: 'switchoverAsked', why: '' });
      },
      true,
    );
  if (isLeft(mover, 'stops'))
    may(
      mover,
      me,
      'is stopped',
      (draft) => {
        count(draft, 'stops');
        draft.tell(me, { type: 'stopAsked', why: '' });
        sync(draft, me);
        end(draft, me);
      },
      true,
    );
}

/** The process is gone; the store stays as it is. */
function end(draft: Draft, me: ServerName): void {
  closeEpoch(draft, me);
  hangUp(draft, me);
  draft[me].link = { ...draft[me].link, isGreeting: false };
  draft[me].desk = { ...deskEmpty, run: draft[me].desk.run };
  draft[me].replication = replicationIdle;
  draft[me].machine = draft.model.machines.first(me);
  drop(draft, me, 'never');
}

function faultsOf(mover: Mover, me: ServerName): void {
  const { world, model } = mover;
  const probe = new Draft(world, model, conduct);
  if (isLeft(mover, 'crashes')) {
    const { journal, durable } = world[me].store;
    for (let kept = durable; kept <= lengthOf(journal); kept += 1)
      for (const fate of putFates(probe, me))
        may(
          mover,
          me,
          `crashes${kept === lengthOf(journal) ? '' : `, and keeps ${kept} entries`}${fate === 'never' ? '' : ` (the copy: ${fate})`}`,
          (draft) => {
            count(draft, 'crashes');
            drop(draft, me, fate);
            draft[me].store = { ...world[me].store, journal: firstOf(journal, kept), durable: kept };
            end(draft, me);
          },
          true,
        );
  }
  if (isLeft(mover, 'revocations') && world.share.holders.includes(me) && world[me].keeper.hold !== null)
    may(
      mover,
      me,
      'has its lock taken away',
      (draft) => {
        count(draft, 'revocations');
        revoke(draft, me);
      },
      true,
    );
  if (isLeft(mover, 'delays') && waitsForPeer(probe, me))
    may(
      mover,
      me,
      'finds the peer too slow',
      (draft) => {
        count(draft, 'delays');
        draft.tell(me, { type: 'peerLost', why: '' });
      },
      true,
    );
}

function movesBetween(mover: Mover): void {
  const { world } = mover;
  const { primary, secondary, channel, share } = world;
  const areBothRunning = primary.desk.isRunning && secondary.desk.isRunning;
  if (areBothRunning && !primary.link.isUp && !secondary.link.isUp)
    may(mover, null, 'the channel comes up', connect);
  if (channel.isWhole && isLeft(mover, 'cuts'))
    may(
      mover,
      null,
      'the channel is cut',
      (draft) => {
        count(draft, 'cuts');
        cut(draft);
      },
      true,
    );
  for (const server of SERVERS) {
    const late = share.late[server];
    if (late === null) continue;
    may(mover, null, `a late copy ${late.copy} lands in the block of the ${server}`, (draft) => {
      const landed = withBlock(draft.share, server, putCopy(draft.share[server], late));
      draft.share = { ...landed, late: { ...landed.late, [server]: null } };
    });
  }
}
