/**
 * How a server obeys its machine: an order becomes work begun, a question asked, a frame sent. Source: `runtime/pair/driver.ts`.
 */
import { unreachable } from '../base/index.ts';
import { servingOf, type PairOrder, type ServerName } from '../core/pair/index.ts';
import { ask } from './calls.ts';
import type { Conduct, Draft } from './draft.ts';
import { join, leaveSession } from './joiner.ts';
import { askForLock, askForRelease, askForWrite } from './keeper.ts';
import { cut, report, reportNow, sayHello, send } from './link.ts';
import {
  awaitLevel,
  beginSession,
  closeEpoch,
  endSession,
  proveJoiner,
  require,
  setDraining,
} from './serving.ts';
import type { Desk } from './world.ts';

/** Every change of state is broadcast. */
export const conduct: Conduct = { obey, changed: report };

const begin = (draft: Draft, me: ServerName, change: Partial<Desk>): void => {
  draft[me].desk = { ...draft[me].desk, ...change };
};

function obey(draft: Draft, me: ServerName, order: PairOrder): void {
  switch (order.type) {
    case 'askGateway':
      return begin(draft, me, { asksGateway: true });
    case 'readShare':
      return ask(draft, me, { type: 'read', wants: 'look' });
    case 'restJournal':
      endSession(draft, me);
      leaveSession(draft, me);
      return begin(draft, me, { rests: true });
    case 'takeLock':
      return askForLock(draft, me);
    case 'releaseLock':
      return askForRelease(draft, me);
    case 'writeRecord':
      return askForWrite(draft, me, order);
    case 'saveRecordSeen':
      return begin(draft, me, { saves: [...draft[me].desk.saves, order.record] });
    case 'openEpoch':
      return begin(draft, me, {
        opens: { epoch: order.epoch, claimId: order.claimId, inSync: order.inSync },
      });
    case 'serve':
    case 'warn':
      return;
    case 'stopServing':
      return closeEpoch(draft, me);
    case 'require':
      return require(draft, me, order.confirmed, order.attempted);
    case 'beginSession':
      return beginSession(draft, me, order.session, order.record);
    case 'endSession':
      return endSession(draft, me);
    case 'proveJoiner':
      return proveJoiner(draft, me);
    case 'awaitLevel':
      return awaitLevel(draft, me);
    case 'tellNamed': {
      const session = servingOf(draft.model.machines.snapshot(draft[me].machine));
      if (session !== null) send(draft, me, { type: 'named', session, record: order.record });
      return;
    }
    case 'join':
      return join(draft, me, order.session, order.record);
    case 'leaveSession':
      return leaveSession(draft, me);
    case 'sayHello':
      return sayHello(draft, me);
    case 'tellCannotClaim':
      return send(draft, me, { type: 'cannotClaim' });
    case 'tellHandover':
      return send(draft, me, { type: 'handover', report: reportNow(draft, me) });
    case 'drain':
      setDraining(draft, me, true);
      return begin(draft, me, { drains: true });
    case 'undrain':
      return setDraining(draft, me, false);
    case 'dropChannel':
      return cut(draft);
    default:
      return unreachable(order);
  }
}
