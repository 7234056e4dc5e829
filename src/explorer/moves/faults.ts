/** What may befall a server: ends of its process, of its keeper, of its lock; and what its operator does to it. */
import { firstOf, lengthOf } from '../world/journal.ts';
import { deskEmpty, linkDown, newStore, replicationIdle } from '../world/world.ts';
import type { Draft } from './draft.ts';
import { drop, lostWithAll, putFates, type PutFate } from './keeper.ts';
import { hangUp, send } from './link.ts';
import type { Moves } from './moves.ts';
import { closeEpoch, waitsForPeer } from './serving.ts';
import { sync } from './store.ts';

export function movesOfStopped(moves: Moves): void {
  moves.may('starts', (draft) => {
    draft.own.desk = { ...deskEmpty, isRunning: true, run: draft.own.desk.run === 0 ? 1 : 0 };
    draft.tell({ type: 'started' });
  });
  moves.fault('gets an empty store directory', 'wipes', (draft) => {
    draft.own.store = newStore(draft.me, draft.ledger.happened.wipes);
  });
}

export function faultsOf(moves: Moves): void {
  crashesOf(moves);
  keeperFaultsOf(moves);
  if (waitsForPeer(moves.probe))
    moves.fault('finds the peer too slow', 'delays', (draft) => draft.tell({ type: 'peerLost', why: '' }));
  const state = moves.probe.state();
  if (state === 'PASSIVE' || state === 'ACTIVE')
    moves.fault('is asked to switch over', 'switchovers', (draft) => {
      if (state === 'PASSIVE') send(draft, { type: 'switchoverWanted' });
      else draft.tell({ type: 'switchoverAsked', why: '' });
    });
  moves.fault('is stopped', 'stops', (draft) => {
    draft.tell({ type: 'stopAsked', why: '' });
    sync(draft);
    end(draft, 'never');
  });
}

/** What was written and not synced may be lost from any entry on. */
function crashesOf(moves: Moves): void {
  const { store } = moves.scene.own;
  const length = lengthOf(store.journal);
  for (let kept = store.durable; kept <= length; kept += 1)
    for (const fate of putFates(moves.probe))
      moves.fault(
        `crashes${kept === length ? '' : `, and keeps ${kept} entries`}${fateText(fate)}`,
        'crashes',
        (draft) => {
          end(draft, fate);
          draft.own.store = { ...store, journal: firstOf(store.journal, kept), durable: kept };
        },
      );
}

function keeperFaultsOf(moves: Moves): void {
  const { keeper } = moves.scene.own;
  if (keeper.calls.length > 0 || keeper.hold !== null)
    for (const fate of putFates(moves.probe))
      moves.fault(`keeper: fails${fateText(fate)}`, 'keeperFaults', (draft) => lostWithAll(draft, fate));
  // The keeper learns of it when it looks; or it has let go itself, of a broker that is frozen, and does nothing more.
  if (keeper.hold !== null)
    moves.fault(
      'has its lock taken away',
      'revocations',
      (draft) => draft.changeShare({ type: 'lockFreed', server: draft.me }),
      'lockHeld',
    );
}

const fateText = (fate: PutFate): string => (fate === 'never' ? '' : ` (the copy: ${fate})`);

/** The process is gone; the store stays as it is. */
function end(draft: Draft, fate: PutFate): void {
  drop(draft, fate);
  closeEpoch(draft);
  hangUp(draft);
  draft.own.link = linkDown;
  draft.own.desk = { ...deskEmpty, run: draft.own.desk.run };
  draft.own.replication = replicationIdle;
  draft.own.machine = draft.model.machines.first(draft.me);
}
