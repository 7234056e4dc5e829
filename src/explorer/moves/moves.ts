/**
 * Everything that one server may do next, and that may befall it, each as one move. What it leads to depends on the server and the ledger,
 * for what is heard on the frame that has come, and for the keeper's looks on the share. Moves that are faults are marked: what a pair must
 * find back to is looked for without them.
 */
import { unreachable } from '../../base/index.ts';
import type { Bounds } from '../setting.ts';
import { conduct } from './conduct.ts';
import { movesOfDesk } from './desk.ts';
import { Draft, type Model, type Scene } from './draft.ts';
import { faultsOf, movesOfStopped } from './faults.ts';
import { doWork, heardByJoiner, nextWork } from './joiner.ts';
import { looksAtShare, lostWithAll, nextCall, renew, work } from './keeper.ts';
import { counted, isLeft } from './ledger.ts';
import { connect, hasMet, heardHello, heardReport, lose } from './link.ts';
import { heardByServing, isWriting, ownSynced, propose } from './serving.ts';
import type { Frame } from '../world/world.ts';

/** What must be true of the share for a move to be made. */
export type Need = 'nothing' | 'lockHeld' | 'formerFile';

export type ServerMove = Readonly<{
  what: string;
  isFault: boolean;
  needs: Need;
  after: Draft;
}>;

export class Moves {
  readonly all: ServerMove[] = [];
  readonly scene: Scene;
  readonly model: Model;
  /** To ask with; no move is made in it. */
  readonly probe: Draft;

  constructor(scene: Scene, model: Model) {
    this.scene = scene;
    this.model = model;
    this.probe = new Draft(scene, model, conduct);
  }

  may(
    what: string,
    change: (draft: Draft) => void,
    kind: Partial<Pick<ServerMove, 'isFault' | 'needs'>> = {},
  ): void {
    const after = new Draft(this.scene, this.model, conduct);
    change(after);
    this.all.push({ what, isFault: false, needs: 'nothing', ...kind, after });
  }

  /** What befalls a server, and is bounded. */
  fault(what: string, bound: keyof Bounds, change: (draft: Draft) => void, needs: Need = 'nothing'): void {
    const fall = (draft: Draft): void => {
      draft.ledger = counted(draft.ledger, this.model.setting, bound);
      change(draft);
    };
    if (isLeft(this.scene.ledger, this.model.setting, bound)) this.may(what, fall, { isFault: true, needs });
  }
}

/** Moves that can be made, or not, together: those that are seldom possible are not worked out until they are. */
export type Group = 'own' | 'looks' | 'hears' | 'losesChannel' | 'losesLock' | 'timers' | 'races';

/** The step that waits whether the channel comes back: its timer runs out before that or after, as it comes. */
const RACING = 'shrinking.hoping';

/** The moves of one group. In an order that is the same each time. */
export function movesOf(group: Group, scene: Scene, model: Model): readonly ServerMove[] {
  const moves = new Moves(scene, model);
  switch (group) {
    case 'own':
      ownMoves(moves);
      break;
    case 'looks':
      moves.may(`keeper: ${nextCall(moves.probe) ?? ''}`, work);
      break;
    case 'hears':
      movesOfFrames(moves);
      break;
    case 'losesChannel':
      moves.may('loses the channel', lose);
      break;
    case 'losesLock':
      moves.may('keeper: learns that the lock is lost', (draft) => lostWithAll(draft));
      break;
    case 'timers':
    case 'races':
      for (const timer of model.machines.timers(scene.own.machine))
        if (timer.includes(RACING) === (group === 'races'))
          moves.may(`timer ${timer.replace('xstate.after.', '')}`, (draft) => draft.fire(timer));
      break;
    default:
      return unreachable(group);
  }
  return moves.all;
}

function ownMoves(moves: Moves): void {
  if (!moves.scene.own.desk.isRunning) return movesOfStopped(moves);
  movesOfDesk(moves);
  movesOfKeeper(moves);
  movesOfReplication(moves);
  faultsOf(moves);
}

/** This server's end of a new connection. */
export function connected(scene: Scene, model: Model): Draft {
  const draft = new Draft(scene, model, conduct);
  connect(draft);
  return draft;
}

function movesOfKeeper(moves: Moves): void {
  const { keeper } = moves.scene.own;
  const next = nextCall(moves.probe);
  if (next !== null && !looksAtShare(keeper)) moves.may(`keeper: ${next}`, work);
  moves.may('keeper: begins with a new block file', renew, { needs: 'formerFile' });
}

function movesOfReplication(moves: Moves): void {
  const { probe, scene, model } = moves;
  const next = nextWork(probe);
  if (next !== null) moves.may(`joiner: ${next.type}`, doWork);
  if (isWriting(probe)) moves.may('has synced its journal', ownSynced);
  const { pipeline } = scene.own.replication;
  if (pipeline === null || pipeline.isDraining || isWriting(probe)) return;
  if (isLeft(scene.ledger, model.setting, 'operations'))
    moves.may('takes an operation of a client', (draft) => {
      draft.ledger = counted(draft.ledger, model.setting, 'operations');
      propose(draft, draft.ledger.happened.operations);
    });
}

function movesOfFrames(moves: Moves): void {
  const { own, frame, lateFrame } = moves.scene;
  if (own.link.isUp && frame !== null)
    moves.may(`hears ${frame.type}`, (draft) => {
      draft.changeChannel({ type: 'taken', by: draft.me, isLate: false });
      hears(draft, frame);
    });
  if (lateFrame !== null)
    moves.may('hears a frame of a former connection', (draft) => {
      draft.changeChannel({ type: 'taken', by: draft.me, isLate: true });
      heardByServing(draft, lateFrame);
      heardByJoiner(draft, lateFrame);
    });
}

function hears(draft: Draft, frame: Frame): void {
  if (frame.type === 'hello') return heardHello(draft, frame.hello);
  if (!hasMet(draft)) return;
  switch (frame.type) {
    case 'state':
      return heardReport(draft, frame.report);
    case 'cannotClaim':
      return draft.tell({ type: 'peerCannotClaim', why: '' });
    case 'switchoverWanted':
      return draft.tell({ type: 'switchoverAsked', why: '' });
    case 'handover':
      return draft.tell({ type: 'handedOver', report: frame.report });
    case 'session':
      return draft.tell({ type: 'sessionOffered', session: frame.session, record: frame.record });
    default:
      heardByServing(draft, frame);
      heardByJoiner(draft, frame);
  }
}
