/** What a server has begun and now ends: a question answered, a record saved, an epoch opened. Source: `runtime/pair/driver.ts`. */
import { claimId, lockId } from '../../core/pair/index.ts';
import { initialOf, pairNamed } from '../world/world.ts';
import type { Draft } from './draft.ts';
import type { Moves } from './moves.ts';
import { isIdle, openEpoch } from './serving.ts';
import { sawRecord, sync } from './store.ts';

export function movesOfDesk(moves: Moves): void {
  const { desk } = moves.scene.own;
  if (desk.asksGateway) {
    const hears = (draft: Draft, answer: 'gatewayAnswered' | 'gatewaySilent'): void => {
      draft.own.desk = { ...desk, asksGateway: false };
      draft.tell({ type: answer });
    };
    moves.may('hears the gateway', (draft) => hears(draft, 'gatewayAnswered'));
    moves.may('does not hear the gateway', (draft) => hears(draft, 'gatewaySilent'), { isFault: true });
  }
  if (desk.rests)
    moves.may('has its journal at rest', (draft) => {
      draft.own.desk = { ...desk, rests: false };
      sync(draft);
      const fresh = freshName(draft);
      const ids = { claimId: claimId(fresh), pairId: pairNamed(fresh), lockId: lockId(`lock of ${fresh}`) };
      draft.tell({ type: 'journalRested', ids });
    });
  const [record, ...saves] = desk.saves;
  if (record !== undefined)
    moves.may(`has saved record ${record.version}`, (draft) => {
      draft.own.desk = { ...desk, saves };
      sawRecord(draft, record);
      if (saves.length === 0 || draft.without('lastAnswer')) draft.tell({ type: 'recordSaved' });
    });
  const { opens } = desk;
  if (opens !== null)
    moves.may(`has opened epoch ${opens.epoch}`, (draft) => {
      draft.own.desk = { ...desk, opens: null };
      openEpoch(draft, opens, opens.inSync);
      draft.tell({ type: 'epochOpened', store: draft.view() });
    });
  if (desk.drains && isIdle(moves.probe))
    moves.may('is drained', (draft) => {
      draft.own.desk = { ...desk, drains: false };
      draft.tell({ type: 'drained' });
    });
}

/**
 * What is drawn at random for a claim. Numbers that have got as far as the share are used up, and those that a write still waiting in the
 * keeper carries are taken; all others nobody remembers, so they are as good as new.
 */
function freshName(draft: Draft): string {
  const waiting = draft.own.keeper.calls.filter(
    (call) => call.type === 'write' && call.purpose === 'claim' && call.step.state.number === 0,
  );
  return `${initialOf(draft.me)}${draft.ledger.claimsOf[draft.me] + waiting.length}`;
}
