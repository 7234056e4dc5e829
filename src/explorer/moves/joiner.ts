/**
 * The joining side of a session: one piece of work after the other, each done whole, because what a crash in the middle leaves is what a
 * crash before or after it leaves. Source: `runtime/replication/session-joiner.ts`; PROTOCOL.md §2 Grow, Fence, Tail.
 */
import { unreachable } from '../../base/index.ts';
import {
  isVirgin,
  sameSession,
  seenEpoch,
  type ArbitrationRecord,
  type SessionId,
  type ShareSight,
} from '../../core/pair/index.ts';
import { ask } from './calls.ts';
import type { Draft } from './draft.ts';
import { lengthOf } from '../world/journal.ts';
import { send } from './link.ts';
import { append, apply, cutTo, joinPair, sync } from './store.ts';
import type { Frame, Joiner, JoinerWork } from '../world/world.ts';

export function join(draft: Draft, session: SessionId, record: ArbitrationRecord): void {
  const isAligned = draft.without('alignment');
  setJoiner(draft, { session, record, work: [{ type: 'join' }], received: [], committed: 0, isAligned });
}

export const leaveSession = (draft: Draft): void => setJoiner(draft, null);

const setJoiner = (draft: Draft, joiner: Joiner | null): void => {
  draft.own.replication = { ...draft.own.replication, joiner };
};

/** A frame from the serving side. One of another session is dropped (rule Fence). */
export function heardByJoiner(draft: Draft, frame: Frame): void {
  const { joiner } = draft.own.replication;
  if (joiner === null || !('session' in frame)) return;
  if (!sameSession(frame.session, joiner.session) && !draft.without('sessionCheck')) return;
  const queue = (work: JoinerWork, change: Partial<Joiner> = {}): void =>
    setJoiner(draft, { ...joiner, ...change, work: [...joiner.work, work] });
  switch (frame.type) {
    case 'delta':
      return queue({ type: 'delta', shared: frame.shared });
    case 'entries': {
      const committed = Math.max(joiner.committed, frame.committed);
      const { before, entries } = frame;
      const received = [...joiner.received, { before, entries }];
      const isQueued = joiner.received.length > 0;
      if (isQueued) return setJoiner(draft, { ...joiner, received, committed });
      return queue({ type: 'append' }, { received, committed });
    }
    case 'committed':
      setJoiner(draft, { ...joiner, committed: Math.max(joiner.committed, frame.committed) });
      return applyCommitted(draft);
    case 'proofWanted':
      return queue({ type: 'prove', isReading: false });
    case 'named':
      return queue({ type: 'named', record: frame.record });
    default:
      return;
  }
}

/** The piece of work that is next; null where there is none, or where it waits for the share. */
export function nextWork(draft: Draft): JoinerWork | null {
  const work = draft.own.replication.joiner?.work[0];
  return work === undefined || (work.type === 'prove' && work.isReading) ? null : work;
}

export function doWork(draft: Draft): void {
  const { joiner } = draft.own.replication;
  const [work, ...left] = joiner?.work ?? [];
  if (joiner === null || work === undefined) return;
  if (work.type === 'prove') {
    setJoiner(draft, { ...joiner, work: [{ type: 'prove', isReading: true }, ...left] });
    sync(draft);
    return ask(draft, { type: 'read', wants: 'proof' });
  }
  setJoiner(draft, { ...joiner, work: left });
  switch (work.type) {
    case 'join':
      return sayJoin(draft, joiner);
    case 'delta':
      return cut(draft, joiner, work.shared);
    case 'append':
      return store(draft, joiner);
    case 'named':
      return draft.tell({ type: 'named', record: work.record });
    default:
      return unreachable(work);
  }
}

function fails(draft: Draft): void {
  leaveSession(draft);
  draft.tell({ type: 'joinFailed', why: '' });
}

function sayJoin(draft: Draft, { session, record }: Joiner): void {
  sync(draft);
  const view = draft.view();
  if (view.pairId !== null && view.pairId !== record.pairId) return fails(draft);
  if (view.pairId === null && !isVirgin(view)) return fails(draft);
  if (seenEpoch(view) > session.epoch) return fails(draft);
  send(draft, { type: 'join', session, store: view, applied: draft.own.store.applied });
}

/** Rule Tail. What is cut was never applied, or the store would be kept aside whole: here that is a violation. */
function cut(draft: Draft, joiner: Joiner, shared: string): void {
  const { session, record, work } = joiner;
  const { store: own } = draft.own;
  if (lengthOf(shared) < own.applied || !own.journal.startsWith(shared)) {
    draft.ledger = { ...draft.ledger, isAppliedCut: true };
    return fails(draft);
  }
  joinPair(draft, record.pairId);
  cutTo(draft, shared);
  setJoiner(draft, { ...joiner, work: work.slice(1), isAligned: true });
  send(draft, { type: 'durable', session, seq: lengthOf(shared) });
}

function store(draft: Draft, joiner: Joiner): void {
  setJoiner(draft, { ...joiner, work: joiner.work.slice(1), received: [] });
  for (const { before, entries } of joiner.received) {
    if (draft.own.store.journal !== before) return fails(draft);
    append(draft, entries);
  }
  sync(draft);
  send(draft, { type: 'durable', session: joiner.session, seq: draft.own.store.durable });
  applyCommitted(draft);
}

function applyCommitted(draft: Draft): void {
  const { joiner } = draft.own.replication;
  if (joiner?.isAligned === true) apply(draft, Math.min(joiner.committed, draft.own.store.durable));
}

/** The look at the share that the proof waited for is over. */
export function proveWith(draft: Draft, share: ShareSight): void {
  const { joiner } = draft.own.replication;
  const [work, ...left] = joiner?.work ?? [];
  if (joiner === null || work?.type !== 'prove' || !work.isReading) return;
  setJoiner(draft, { ...joiner, work: left });
  send(draft, { type: 'proof', session: joiner.session, store: draft.view(), share });
}
