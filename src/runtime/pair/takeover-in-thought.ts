/**
 * A takeover in thought: the machine's steps from where a passive stands, each order answered as it is when all goes well, and none obeyed. The steps
 * are pure, so nothing comes of it. Source: PROTOCOL.md §2 Claim, §4; house, pattern 3.
 */
import {
  claimId,
  hold,
  lockId,
  pairId,
  stateOf,
  version,
  type PairFact,
  type PairOrder,
  type PairSnapshot,
  type PairStep,
  type ShareReading,
  type StateName,
  type stepPair,
  type StoreView,
  type TimerFact,
} from '../../core/pair/index.ts';

export type Stand = Readonly<{
  snapshot: PairSnapshot;
  store: StoreView;
  step: typeof stepPair;
}>;

/** More than a claim takes; each round ends where nothing is left to answer. */
const STEPS_MAX = 20;

/** What this server would be after its active was gone, if the share said what this store saw last. */
export function takeoverInThought({ snapshot, store, step }: Stand): StateName {
  const facts: (PairFact | TimerFact)[] = [{ type: 'channelLost', why: 'in thought' }];
  let at = snapshot;
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    const fact = facts.shift();
    if (fact === undefined) break;
    const taken = step(at, fact);
    at = taken.snapshot;
    facts.push(...answersTo(taken, store));
  }
  return stateOf(at);
}

function answersTo({ orders, timers }: PairStep, store: StoreView): (PairFact | TimerFact)[] {
  const answers = orders.flatMap((order) => answerTo(order, store) ?? []);
  if (answers.length > 0) return answers;
  // It waits for its time.
  return timers.flatMap((timer) => (timer.type === 'startTimer' ? [timer.fact] : [])).slice(0, 1);
}

/** Null: an order that nothing answers. */
function answerTo(order: PairOrder, store: StoreView): PairFact | null {
  switch (order.type) {
    case 'askGateway':
      return { type: 'gatewayAnswered' };
    case 'restJournal':
      return {
        type: 'journalRested',
        ids: { claimId: claimId('thought'), pairId: pairId('thought'), lockId: lockId('thought') },
      };
    case 'readShare':
      return { type: 'shareRead', reading: sharePerhaps(store), store };
    case 'takeLock':
      return { type: 'lockTaken', hold: hold(1), reading: sharePerhaps(store), store };
    case 'writeRecord':
      return {
        type: 'recordWritten',
        record: { ...order.draft, version: version(Math.max(order.replaces, order.above) + 1) },
      };
    case 'saveRecordSeen':
      return { type: 'recordSaved' };
    case 'openEpoch':
      return { type: 'epochOpened', store };
    default:
      return null;
  }
}

/** The share, if nobody has written to it since this store saw it. */
const sharePerhaps = ({ recordSeen }: StoreView): ShareReading =>
  recordSeen === null
    ? { kind: 'none', mark: null }
    : { kind: 'record', record: recordSeen, isSettled: true, mark: null };
