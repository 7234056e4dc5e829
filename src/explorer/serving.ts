/**
 * The serving side: what is proposed becomes entries, goes to the joiner, and is committed by rule Ack. One write at a time is under way;
 * its entry travels before it is synced here. Source: `runtime/replication/commit-pipeline.ts`, `session-sender.ts`; PROTOCOL.md §2 Ack,
 * Grow, Fence, Tail.
 */
import { assert } from '../base/index.ts';
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
  type ServerName,
  type SessionId,
  type StoreId,
} from '../core/pair/index.ts';
import { commonPoint } from '../core/replication/index.ts';
import type { Draft } from './draft.ts';
import { afterFirst, entryText, firstOf, lengthOf, parseJournal, stampOf } from './journal.ts';
import { send } from './link.ts';
import { acknowledge, append, sync } from './store.ts';
import type { Frame, Pipeline, Sender } from './world.ts';

// The pipeline ------------------------------------------------------------------------------------------------------------------

/** The claim's first entry, synced; then the whole journal counts as committed (rule Claim), once the peer holds it if the claim keeps it. */
export function openEpoch(
  draft: Draft,
  me: ServerName,
  claim: Readonly<{ epoch: Epoch; claimId: ClaimId }>,
  inSync: InSync,
): void {
  assert(draft[me].replication.pipeline === null, 'one claim at a time');
  const own = { [me]: draft[me].store.storeId };
  const required = [...requiredSet(draft.without('untilPeerHolds') ? own : inSync, [])].sort();
  setPipeline(draft, me, { claim, required, peer: null, isDraining: false });
  append(draft, me, entryText(claim, null));
  sync(draft, me);
  advance(draft, me);
}

/** Nobody is told anything more; what was written stays. */
export const closeEpoch = (draft: Draft, me: ServerName): void => setPipeline(draft, me, null);

const setPipeline = (draft: Draft, me: ServerName, pipeline: Pipeline | null): void => {
  draft[me].replication = { ...draft[me].replication, pipeline };
};

export function require(draft: Draft, me: ServerName, confirmed: InSync, attempted: readonly InSync[]): void {
  const { pipeline } = draft[me].replication;
  if (pipeline === null) return;
  const required = [...requiredSet(confirmed, draft.without('union') ? [] : attempted)].sort();
  setPipeline(draft, me, { ...pipeline, required });
  advance(draft, me);
}

export function setDraining(draft: Draft, me: ServerName, isDraining: boolean): void {
  const { pipeline } = draft[me].replication;
  if (pipeline !== null) setPipeline(draft, me, { ...pipeline, isDraining });
}

/** Everything proposed is committed, or serving has ended. */
export const isIdle = (draft: Draft, me: ServerName): boolean =>
  draft[me].replication.pipeline === null || draft[me].store.applied === lengthOf(draft[me].store.journal);

export const isWriting = (draft: Draft, me: ServerName): boolean =>
  draft[me].store.durable < lengthOf(draft[me].store.journal);

/** A client's operation becomes an entry and travels; it is not durable anywhere yet. */
export function propose(draft: Draft, me: ServerName, operation: number): void {
  const { pipeline } = draft[me].replication;
  if (pipeline === null) return;
  append(draft, me, entryText(pipeline.claim, operation));
  pump(draft, me);
}

export function ownSynced(draft: Draft, me: ServerName): void {
  sync(draft, me);
  advance(draft, me);
}

function advance(draft: Draft, me: ServerName): void {
  const { store, replication } = draft[me];
  const { pipeline } = replication;
  if (pipeline === null) return;
  const durable = new Map<StoreId, ReturnType<typeof seq>>([[store.storeId, seq(store.durable)]]);
  if (pipeline.peer !== null) durable.set(pipeline.peer.storeId, seq(pipeline.peer.seq));
  const committed = committedSeq(durable, new Set(pipeline.required));
  if (committed <= store.applied) return;
  acknowledge(draft, me, committed);
  pump(draft, me);
}

function peerDurable(draft: Draft, me: ServerName, store: StoreId, through: number): void {
  const { pipeline } = draft[me].replication;
  if (pipeline === null) return;
  setPipeline(draft, me, { ...pipeline, peer: { storeId: store, seq: through } });
  advance(draft, me);
}

/** Some entry waits for the peer, so that `ackTimeout` may run out. */
export function waitsForPeer(draft: Draft, me: ServerName): boolean {
  const { store, replication } = draft[me];
  return (
    (replication.pipeline?.required.length ?? 0) > 1 &&
    (replication.pipeline?.peer?.seq ?? 0) < lengthOf(store.journal)
  );
}

// The sender --------------------------------------------------------------------------------------------------------------------

const setSender = (draft: Draft, me: ServerName, change: Partial<Sender>): void => {
  const { sender } = draft[me].replication;
  if (sender !== null) draft[me].replication = { ...draft[me].replication, sender: { ...sender, ...change } };
};

export function beginSession(
  draft: Draft,
  me: ServerName,
  session: SessionId,
  record: ArbitrationRecord,
): void {
  endSession(draft, me);
  const sender: Sender = {
    session,
    phase: 'offered',
    sent: 0,
    durable: 0,
    committedSent: 0,
    level: null,
    isNear: false,
    required: record.inSync[otherServer(me)] ?? null,
    proved: null,
  };
  draft[me].replication = { ...draft[me].replication, sender };
  send(draft, me, { type: 'session', session, record });
  if (sender.required !== null && draft.without('saysAnew'))
    peerDurable(draft, me, sender.required, lengthOf(draft[me].store.journal));
}

/** What the peer said on the session counts no more. */
export function endSession(draft: Draft, me: ServerName): void {
  const { pipeline, sender } = draft[me].replication;
  if (sender === null) return;
  draft[me].replication = { ...draft[me].replication, sender: null };
  if (pipeline !== null) setPipeline(draft, me, { ...pipeline, peer: null });
}

export function proveJoiner(draft: Draft, me: ServerName): void {
  const { sender } = draft[me].replication;
  if (sender !== null) send(draft, me, { type: 'proofWanted', session: sender.session });
}

export function awaitLevel(draft: Draft, me: ServerName): void {
  setSender(draft, me, { level: lengthOf(draft[me].store.journal) });
  checkLevel(draft, me);
}

/** A frame from the joiner. One of another session is dropped (rule Fence). */
export function heardByServing(draft: Draft, me: ServerName, frame: Frame): void {
  const { sender } = draft[me].replication;
  if (sender === null || !('session' in frame)) return;
  if (!sameSession(frame.session, sender.session) && !draft.without('sessionCheck')) return;
  switch (frame.type) {
    case 'join':
      return compare(draft, me, frame);
    case 'durable':
      return stored(draft, me, frame.seq);
    case 'proof':
      setSender(draft, me, { proved: frame.store.storeId });
      peerDurable(draft, me, frame.store.storeId, sender.durable);
      return draft.tell(me, {
        type: 'joinerProved',
        proof: {
          storeId: frame.store.storeId,
          isComplete: frame.store.isComplete,
          durable: frame.store.stamp,
          share: frame.share,
        },
        store: draft.view(me),
      });
    default:
      return;
  }
}

/** Rule Tail: from where the joiner is brought up. No journal is trimmed here, so only two histories ask for more than a delta. */
function compare(draft: Draft, me: ServerName, frame: Extract<Frame, { type: 'join' }>): void {
  const { store, replication } = draft[me];
  if (replication.sender?.phase !== 'offered') return;
  const { required } = replication.sender;
  if (required !== null && required !== frame.store.storeId) {
    setSender(draft, me, { phase: 'failed' });
    return draft.tell(me, { type: 'sessionFailed', why: '' });
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
    return setSender(draft, me, { phase: 'failed' });
  }
  setSender(draft, me, { phase: 'streaming', sent: found.seq, proved: required });
  const { session } = replication.sender;
  send(draft, me, { type: 'delta', session, shared: firstOf(store.journal, found.seq) });
}

function stored(draft: Draft, me: ServerName, through: number): void {
  assert(through <= lengthOf(draft[me].store.journal), 'a joiner stores only what it was sent');
  setSender(draft, me, { durable: through });
  const proved = draft[me].replication.sender?.proved ?? null;
  if (proved !== null) peerDurable(draft, me, proved, through);
  if (draft[me].replication.sender?.isNear === false) {
    setSender(draft, me, { isNear: true });
    draft.tell(me, { type: 'joinerNear' });
  }
  checkLevel(draft, me);
  pump(draft, me);
}

function checkLevel(draft: Draft, me: ServerName): void {
  const { sender } = draft[me].replication;
  if (sender === null || sender.level === null || sender.durable < sender.level) return;
  setSender(draft, me, { level: null });
  const { journal, durable } = draft[me].store;
  const { epoch } = sender.session;
  const mine = stampOf(journal, durable);
  draft.tell(me, { type: 'joinerLevel', stamps: { mine, theirs: { epoch, seq: seq(sender.durable) } } });
}

/** A new entry was written, or the commit index rose. */
function pump(draft: Draft, me: ServerName): void {
  const { sender } = draft[me].replication;
  if (sender?.phase !== 'streaming') return;
  const { journal, applied } = draft[me].store;
  const { session } = sender;
  const last = lengthOf(journal);
  let { committedSent } = sender;
  if (sender.sent < last) {
    committedSent = Math.min(applied, last);
    const entries = afterFirst(journal, sender.sent);
    const before = firstOf(journal, sender.sent);
    send(draft, me, { type: 'entries', session, before, entries, committed: committedSent });
  }
  if (committedSent < applied) {
    committedSent = applied;
    send(draft, me, { type: 'committed', session, committed: applied });
  }
  setSender(draft, me, { sent: last, committedSent });
}
