/**
 * The serving side: what is proposed becomes entries, goes to the joiner, and is committed by rule Ack. One write at a time is under way;
 * its entry travels before it is synced here. Source: `runtime/replication/commit-pipeline.ts`, `session-sender.ts`; PROTOCOL.md §2 Ack,
 * Grow, Fence, Tail.
 */
import { assert } from '../../base/index.ts';
import {
  committedSeq,
  otherServer,
  requiredSet,
  sameSession,
  seq,
  type ArbitrationRecord,
  type ClaimId,
  type Epoch,
  type InSync,
  type SessionId,
  type StoreId,
} from '../../core/pair/index.ts';
import { commonPoint } from '../../core/replication/index.ts';
import { SESSIONS } from '../world/machines.ts';
import type { Draft } from './draft.ts';
import { afterFirst, entryText, firstOf, lengthOf, parseJournal, stampOf } from '../world/journal.ts';
import { send } from './link.ts';
import { acknowledge, append, sync } from './store.ts';
import type { Frame, Pipeline, Sender } from '../world/world.ts';

// The pipeline ------------------------------------------------------------------------------------------------------------------

/** The claim's first entry, synced; then the whole journal counts as committed (rule Claim), once the peer holds it if the claim keeps it. */
export function openEpoch(
  draft: Draft,
  claim: Readonly<{ epoch: Epoch; claimId: ClaimId }>,
  inSync: InSync,
): void {
  assert(draft.own.replication.pipeline === null, 'one claim at a time');
  const own = { [draft.me]: draft.own.store.storeId };
  const required = [...requiredSet(draft.without('untilPeerHolds') ? own : inSync, [])].sort();
  setPipeline(draft, { claim, required, peer: null, isDraining: false });
  append(draft, entryText(claim, null));
  sync(draft);
  advance(draft);
}

/** Nobody is told anything more; what was written stays. */
export const closeEpoch = (draft: Draft): void => setPipeline(draft, null);

const setPipeline = (draft: Draft, pipeline: Pipeline | null): void => {
  draft.own.replication = { ...draft.own.replication, pipeline };
};

export function require(draft: Draft, confirmed: InSync, attempted: readonly InSync[]): void {
  const { pipeline } = draft.own.replication;
  if (pipeline === null) return;
  const required = [...requiredSet(confirmed, draft.without('union') ? [] : attempted)].sort();
  setPipeline(draft, { ...pipeline, required });
  advance(draft);
}

export function setDraining(draft: Draft, isDraining: boolean): void {
  const { pipeline } = draft.own.replication;
  if (pipeline !== null) setPipeline(draft, { ...pipeline, isDraining });
}

/** Everything proposed is committed, or serving has ended. */
export const isIdle = (draft: Draft): boolean =>
  draft.own.replication.pipeline === null || draft.own.store.applied === lengthOf(draft.own.store.journal);

export const isWriting = (draft: Draft): boolean =>
  draft.own.store.durable < lengthOf(draft.own.store.journal);

/** A client's operation becomes an entry and travels; it is not durable anywhere yet. */
export function propose(draft: Draft, operation: number): void {
  const { pipeline } = draft.own.replication;
  if (pipeline === null) return;
  append(draft, entryText(pipeline.claim, operation));
  pump(draft);
}

export function ownSynced(draft: Draft): void {
  sync(draft);
  advance(draft);
}

function advance(draft: Draft): void {
  const { store, replication } = draft.own;
  const { pipeline } = replication;
  if (pipeline === null) return;
  const durable = new Map<StoreId, ReturnType<typeof seq>>([[store.storeId, seq(store.durable)]]);
  if (pipeline.peer !== null) durable.set(pipeline.peer.storeId, seq(pipeline.peer.seq));
  const committed = committedSeq(durable, new Set(pipeline.required));
  if (committed <= store.applied) return;
  acknowledge(draft, committed);
  pump(draft);
}

function peerDurable(draft: Draft, store: StoreId, through: number): void {
  const { pipeline } = draft.own.replication;
  if (pipeline === null) return;
  setPipeline(draft, { ...pipeline, peer: { storeId: store, seq: through } });
  advance(draft);
}

/** Some entry waits for the peer, so that `ackTimeout` may run out. */
export function waitsForPeer(draft: Draft): boolean {
  const { store, replication } = draft.own;
  return (
    (replication.pipeline?.required.length ?? 0) > 1 &&
    (replication.pipeline?.peer?.seq ?? 0) < lengthOf(store.journal)
  );
}

// The sender --------------------------------------------------------------------------------------------------------------------

const setSender = (draft: Draft, change: Partial<Sender>): void => {
  const { sender } = draft.own.replication;
  if (sender !== null) draft.own.replication = { ...draft.own.replication, sender: { ...sender, ...change } };
};

export function beginSession(draft: Draft, offered: SessionId, record: ArbitrationRecord): void {
  endSession(draft);
  const session = { ...offered, number: offered.number % SESSIONS };
  const sender: Sender = {
    session,
    phase: 'offered',
    sent: 0,
    durable: 0,
    committedSent: 0,
    level: null,
    isNear: false,
    required: record.inSync[otherServer(draft.me)] ?? null,
    proved: null,
  };
  draft.own.replication = { ...draft.own.replication, sender };
  send(draft, { type: 'session', session, record });
  if (sender.required !== null && draft.without('saysAnew'))
    peerDurable(draft, sender.required, lengthOf(draft.own.store.journal));
}

/** What the peer said on the session counts no more. */
export function endSession(draft: Draft): void {
  const { pipeline, sender } = draft.own.replication;
  if (sender === null) return;
  draft.own.replication = { ...draft.own.replication, sender: null };
  if (pipeline !== null) setPipeline(draft, { ...pipeline, peer: null });
}

export function proveJoiner(draft: Draft): void {
  const { sender } = draft.own.replication;
  if (sender !== null) send(draft, { type: 'proofWanted', session: sender.session });
}

export function awaitLevel(draft: Draft): void {
  setSender(draft, { level: lengthOf(draft.own.store.journal) });
  checkLevel(draft);
}

/** A frame from the joiner. One of another session is dropped (rule Fence). */
export function heardByServing(draft: Draft, frame: Frame): void {
  const { sender } = draft.own.replication;
  if (sender === null || !('session' in frame)) return;
  if (!sameSession(frame.session, sender.session) && !draft.without('sessionCheck')) return;
  switch (frame.type) {
    case 'join':
      return compare(draft, frame);
    case 'durable':
      return stored(draft, frame.seq);
    case 'proof':
      setSender(draft, { proved: frame.store.storeId });
      peerDurable(draft, frame.store.storeId, sender.durable);
      return draft.tell({
        type: 'joinerProved',
        proof: {
          storeId: frame.store.storeId,
          isComplete: frame.store.isComplete,
          durable: frame.store.stamp,
          share: frame.share,
        },
        store: draft.view(),
      });
    default:
      return;
  }
}

/** Rule Tail: from where the joiner is brought up. No journal is trimmed here, so only two histories ask for more than a delta. */
function compare(draft: Draft, frame: Extract<Frame, { type: 'join' }>): void {
  const { store, replication } = draft.own;
  if (replication.sender?.phase !== 'offered') return;
  const { required } = replication.sender;
  if (required !== null && required !== frame.store.storeId) {
    setSender(draft, { phase: 'failed' });
    return draft.tell({ type: 'sessionFailed', why: '' });
  }
  const { epochs, entries } = parseJournal(store.journal);
  const found = commonPoint(
    { epochs, last: seq(entries.length), firstSeq: seq(1) },
    {
      epochs: frame.store.epochs,
      stamp: frame.store.stamp,
      firstSeq: seq(1),
      appliedSeq: seq(frame.applied),
    },
  );
  if (found.kind !== 'common') {
    draft.ledger = { ...draft.ledger, isAppliedCut: true };
    return setSender(draft, { phase: 'failed' });
  }
  setSender(draft, { phase: 'streaming', sent: found.seq, proved: required });
  const { session } = replication.sender;
  send(draft, { type: 'delta', session, shared: firstOf(store.journal, found.seq) });
}

function stored(draft: Draft, through: number): void {
  assert(through <= lengthOf(draft.own.store.journal), 'a joiner stores only what it was sent');
  setSender(draft, { durable: through });
  const proved = draft.own.replication.sender?.proved ?? null;
  if (proved !== null) peerDurable(draft, proved, through);
  if (draft.own.replication.sender?.isNear === false) {
    setSender(draft, { isNear: true });
    draft.tell({ type: 'joinerNear' });
  }
  checkLevel(draft);
  pump(draft);
}

function checkLevel(draft: Draft): void {
  const { sender } = draft.own.replication;
  if (sender === null || sender.level === null || sender.durable < sender.level) return;
  setSender(draft, { level: null });
  const { journal, durable } = draft.own.store;
  const { epoch } = sender.session;
  const mine = stampOf(journal, durable);
  draft.tell({ type: 'joinerLevel', stamps: { mine, theirs: { epoch, seq: seq(sender.durable) } } });
}

/** A new entry was written, or the commit index rose. */
function pump(draft: Draft): void {
  const { sender } = draft.own.replication;
  if (sender?.phase !== 'streaming') return;
  const { journal, applied } = draft.own.store;
  const { session } = sender;
  const last = lengthOf(journal);
  let { committedSent } = sender;
  if (sender.sent < last) {
    committedSent = Math.min(applied, last);
    const entries = afterFirst(journal, sender.sent);
    const before = firstOf(journal, sender.sent);
    send(draft, { type: 'entries', session, before, entries, committed: committedSent });
  }
  if (committedSent < applied) {
    committedSent = applied;
    send(draft, { type: 'committed', session, committed: applied });
  }
  setSender(draft, { sent: last, committedSent });
}
