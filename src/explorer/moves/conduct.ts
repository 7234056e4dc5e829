/**
 * How a server obeys its machine: an order becomes work begun, a question asked, a frame sent. Source: `runtime/pair/driver.ts`.
 */
import { unreachable } from '../../base/index.ts';
import { servingOf, type PairOrder } from '../../core/pair/index.ts';
import { ask } from './calls.ts';
import type { Conduct, Draft } from './draft.ts';
import { join, leaveSession } from './joiner.ts';
import { askForLock, askForRelease, askForWrite } from './keeper.ts';
import { report, reportNow, sayHello, send } from './link.ts';
import {
  awaitLevel,
  beginSession,
  closeEpoch,
  endSession,
  proveJoiner,
  require,
  setDraining,
} from './serving.ts';
import type { Desk } from '../world/world.ts';

/** Every change of state is broadcast. */
export const conduct: Conduct = { obey, changed: report };

const begin = (draft: Draft, change: Partial<Desk>): void => {
  draft.own.desk = { ...draft.own.desk, ...change };
};

function obey(draft: Draft, order: PairOrder): void {
  switch (order.type) {
    case 'askGateway':
      return begin(draft, { asksGateway: true });
    case 'readShare':
      return ask(draft, { type: 'read', wants: 'look' });
    case 'restJournal':
      endSession(draft);
      leaveSession(draft);
      return begin(draft, { rests: true });
    case 'takeLock':
      return askForLock(draft);
    case 'releaseLock':
      return askForRelease(draft);
    case 'writeRecord':
      return askForWrite(draft, order);
    case 'saveRecordSeen':
      return begin(draft, { saves: [...draft.own.desk.saves, order.record] });
    case 'openEpoch':
      return begin(draft, {
        opens: { epoch: order.epoch, claimId: order.claimId, inSync: order.inSync },
      });
    case 'serve':
    case 'warn':
      return;
    case 'stopServing':
      return closeEpoch(draft);
    case 'require':
      return require(draft, order.confirmed, order.attempted);
    case 'beginSession':
      return beginSession(draft, order.session, order.record);
    case 'endSession':
      return endSession(draft);
    case 'proveJoiner':
      return proveJoiner(draft);
    case 'awaitLevel':
      return awaitLevel(draft);
    case 'tellNamed': {
      const session = servingOf(draft.model.machines.snapshot(draft.own.machine));
      if (session !== null) send(draft, { type: 'named', session, record: order.record });
      return;
    }
    case 'join':
      return join(draft, order.session, order.record);
    case 'leaveSession':
      return leaveSession(draft);
    case 'sayHello':
      return sayHello(draft);
    case 'tellCannotClaim':
      return send(draft, { type: 'cannotClaim' });
    case 'tellHandover':
      return send(draft, { type: 'handover', report: reportNow(draft) });
    case 'drain':
      setDraining(draft, true);
      return begin(draft, { drains: true });
    case 'undrain':
      return setDraining(draft, false);
    case 'dropChannel':
      return draft.changeChannel({ type: 'cut' });
    default:
      return unreachable(order);
  }
}
