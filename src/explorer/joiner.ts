/**
 * The joining side of a session: one piece of work after the other, each done whole, because what a crash in the middle leaves is what a
 * crash before or after it leaves. Source: `runtime/replication/session-joiner.ts`; PROTOCOL.md §2 Grow, Fence, Tail.
 */
import { unreachable } from '../base/index.ts';
import {
  isVirgin,
  sameSession,
  seenEpoch,
  type ArbitrationRecord,
  type ServerName,
  type SessionId,
  type ShareSight,
} from '../core/pair/index.ts';
import { ask } from './calls.ts';
import type { Draft } from './draft.ts';
import { lengthOf } from './journal.ts';
import { send } from './link.ts';
import { append, apply, cutTo, joinPair, sync } from './store.ts';
import type { Frame, Joiner, JoinerWork } from './world.ts';

export function join(draft: Draft, me: ServerName, session: SessionId, record: ArbitrationRecord): void {
  const isAligned = draft.without('alignment');
  setJoiner(draft, me, { session, record, work: [{ type: 'join' }], received: [], committed: 0, isAligned });
}

export const leaveSession = (draft: Draft, me: ServerName): void => setJoiner(draft, me, null);

const setJoiner = (draft: Draft, me: ServerName, joiner: Joiner | null): void => {
  draft[me].replication = { ...draft[me].replication, joiner };
};

/** A frame from the serving side. One of another session is dropped (rule Fence). */
export function heardByJoiner(draft: Draft, me: ServerName, frame: Frame): void {
  const { joiner } = draft[me].replication;
  if (joiner === null || !('session' in frame)) return;
  if (!sameSession(frame.session, joiner.session) && !draft.without('sessionCheck')) return;
  const queue = (work: JoinerWork, change: Partial<Joiner> = {}): void =>
    setJoiner(draft, me, { ...joiner, ...change, work: [...joiner.work, work] });
  switch (frame.type) {
    case 'delta':
      return queue({ type: 'delta', shared: frame.shared });
    case 'entries': {
      const committed = Math.max(joiner.committed, frame.committed);
      const { before, entries } = frame;
      const received = [...joiner.received, { before, entries }];
      const isQueued = joiner.received.length > 0;
      if (isQueued) return setJoiner(draft, me, { ...joiner, received, committed });
      return queue({ type: 'append' }, { received, committed });
    }
    case 'committed':
      setJoiner(draft, me, { ...joiner, committed: Math.max(joiner.committed, frame.committed) });
      return applyCommitted(draft, me);
    case 'proofWanted':
      return queue({ type: 'prove', isReading: false });
    case 'named':
      return queue({ type: 'named', record: frame.record });
    default:
      return;
  }
}

/** The piece of work that is next; null where there is none, or where it waits for the share. */
export function nextWork(draft: Draft, me: ServerName): JoinerWork | null {
  const work = draft[me].replication.joiner?.work[0];
  return work === undefined || (work.type === 'prove' && work.isReading) ? null : work;
}

export function doWork(draft: Draft, me: ServerName): void {
  const { joiner } = draft[me].replication;
  const [work, ...left] = joiner?.work ?? [];
  if (joiner === null || work === undefined) return;
  if (work.type === 'prove') {
    setJoiner(draft, me, { ...joiner, work: [{ type: 'prove', isReading: true }, ...left] });
    sync(draft, me);
    return ask(draft, me, { type: 'read', wants: 'proof' });
  }
  setJoiner(draft, me, { ...joiner, work: left });
  switch (work.type) {
    case 'join':
      return sayJoin(draft, me, joiner);
    case 'delta':
      return cut(draft, me, joiner, work.shared);
    case 'append':
      return store(draft, me, joiner);
    case 'named':
      return draft.tell(me, { type: 'named', record: work.record });
    default:
      return unreachable(work);
  }
}

function fails(draft: Draft, me: ServerName): void {
  leaveSession(draft, me);
  draft.tell(me, { type: 'joinFailed', why: '' });
}

function sayJoin(draft: Draft, me: ServerName, { session, record }: Joiner): void {
  sync(draft, me);
  const view = draft.view(me);
  if (view.pairId !== null && view.pairId !== record.pairId) return fails(draft, me);
  if (view.pairId === null && !isVirgin(view)) return fails(draft, me);
  if (seenEpoch(view) > session.epoch) return fails(draft, me);
  send(draft, me, { type: 'join', session, store: view, applied: draft[me].store.applied });
}

/** Rule Tail. What is cut was never applied, or the store would be kept aside whole: here that is a violation. */
function cut(draft: Draft, me: ServerName, joiner: Joiner, shared: string): void {
  const { session, record, work } = joiner;
  const { store: own } = draft[me];
  if (lengthOf(shared) < own.applied || !own.journal.startsWith(shared)) {
    draft.ledger = { ...draft.ledger, isAppliedCut: true };
    return fails(draft, me);
  }
  joinPair(draft, me, record.pairId);
  cutTo(draft, me, shared);
  setJoiner(draft, me, { ...joiner, work: work.slice(1), isAligned: true });
  send(draft, me, { type: 'durable', session, seq: lengthOf(shared) });
}

function store(draft: Draft, me: ServerName, joiner: Joiner): void {
  setJoiner(draft, me, { ...joiner, work: joiner.work.slice(1), received: [] });
  for (const { before, entries } of joiner.received) {
    if (draft[me].store.journal !== before) return fails(draft, me);
    append(draft, me, entries);
  }
  sync(draft, me);
  send(draft, me, { type: 'durable', session: joiner.session, seq: draft[me].store.durable });
  applyCommitted(draft, me);
}

function applyCommitted(draft: Draft, me: ServerName): void {
  const { joiner } = draft[me].replication;
  if (joiner?.isAligned === true) apply(draft, me, Math.min(joiner.committed, draft[me].store.durable));
}

/** The look at the share that the proof waited for is over. */
export function proveWith(draft: Draft, me: ServerName, share: ShareSight): void {
  const { joiner } = draft[me].replication;
  const [work, ...left] = joiner?.work ?? [];
  if (joiner === null || work?.type !== 'prove' || !work.isReading) return;
  setJoiner(draft, me, { ...joiner, work: left });
  send(draft, me, { type: 'proof', session: joiner.session, store: draft.view(me), share });
}
