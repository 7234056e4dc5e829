/**
 * The keeper and the broker's port to it: one call after the other, a record write one touch of the share at a time. At the first doubt
 * the lock is lost, everything asked stays unanswered, and the next keeper begins with a block file of its own.
 * Source: PROTOCOL.md §2 Write, Keeper; `io/arbitration/keeper.ts`, `keeper-arbiter.ts`.
 */
import { present, unreachable } from '../../base/index.ts';
import {
  beginWrite,
  hold as holdNumber,
  nextWrite,
  otherServer,
  type Hold,
  type PairOrder,
  type ShareReading,
  type WriteInput,
} from '../../core/pair/index.ts';
import { readBlock, readBoth, sightOf } from '../world/share.ts';
import { newKeeper, newStore, type Call } from '../world/world.ts';
import { ask } from './calls.ts';
import type { Draft } from './draft.ts';
import { proveWith } from './joiner.ts';
import { counted, isLeft } from './ledger.ts';
import { hello } from './link.ts';
import { sawRecord } from './store.ts';

type WriteCall = Extract<Call, { type: 'write' }>;

export function askForLock(draft: Draft): void {
  const sees = (): Extract<Call, { type: 'lock' }>['seen'] => {
    const { primary, secondary } = draft.share;
    return { primary, secondary };
  };
  ask(draft, { type: 'lock', isLast: true, seen: draft.without('readUnderLock') ? sees() : null });
}

export function askForWrite(draft: Draft, order: Extract<PairOrder, { type: 'writeRecord' }>): void {
  const { purpose, hold, replaces, draft: record, above, repairs } = order;
  const step = beginWrite({ server: draft.me, hold, replaces, draft: record, above, repairs });
  ask(draft, { type: 'write', isLast: true, purpose, step, isHalfPut: false, peerSeen: null });
}

/** The broker counts the lock as given back at once; the keeper gives it when it comes to that. */
export function askForRelease(draft: Draft): void {
  draft.own.keeper = { ...draft.own.keeper, isTold: false };
  ask(draft, { type: 'release' });
}

/** What the call at the head would do now; null where it can only wait. */
export function nextCall(draft: Draft): string | null {
  const [call] = draft.own.keeper.calls;
  if (call === undefined) return null;
  if (call.type !== 'write') return call.type === 'read' ? `reads the share (${call.wants})` : call.type;
  const { do: order, state } = call.step;
  if (order.type === 'end') return `${call.purpose}: ${order.outcome.kind}`;
  if (order.type !== 'put') return `${call.purpose}: ${state.place}`;
  if (isFirstTouch(call) && !isLeft(draft.ledger, draft.model.setting, bounding(call))) return null;
  return `${call.purpose}: ${state.place}${tears(draft) && !call.isHalfPut ? ', the half of it' : ''}`;
}

/** Does the call at the head look at the share? What the others do there is the same whatever lies on it. */
export function looksAtShare({ calls }: Draft['own']['keeper']): boolean {
  const [call] = calls;
  if (call === undefined || call.type === 'release') return false;
  return call.type !== 'write' || call.step.do.type === 'readBoth' || call.step.do.type === 'readPeer';
}

/** The record write has not reached the share before. */
const isFirstTouch = ({ step, isHalfPut }: WriteCall): boolean =>
  step.state.place === 'announceFirst' && !isHalfPut;
const bounding = ({ purpose }: WriteCall): 'claims' | 'rewrites' =>
  purpose === 'claim' ? 'claims' : 'rewrites';
const tears = (draft: Draft): boolean => draft.model.setting.copies === 'torn';

/** One touch of the share, or one answer told. */
export function work(draft: Draft): void {
  const { keeper } = draft.own;
  const [call, ...left] = keeper.calls;
  if (call === undefined) return;
  switch (call.type) {
    case 'read':
      draft.own.keeper = { ...keeper, calls: left };
      return read(draft, call.wants);
    case 'lock':
      draft.own.keeper = { ...keeper, calls: left };
      return lock(draft, call);
    case 'release':
      draft.own.keeper = { ...keeper, calls: left, hold: null };
      return draft.changeShare({ type: 'lockFreed', server: draft.me });
    case 'write':
      return write(draft, call, left);
    default:
      return unreachable(call);
  }
}

/** A settled record that is newer than any seen is kept before anything is done about it (§1 recordSeen; REASONS.md A8, W4). */
function note(draft: Draft, reading: ShareReading): void {
  if (reading.kind === 'record' && reading.isSettled) sawRecord(draft, reading.record);
}

function read(draft: Draft, wants: Extract<Call, { type: 'read' }>['wants']): void {
  const reading = readBoth(draft.share);
  note(draft, reading);
  switch (wants) {
    case 'hello':
      return hello(draft, sightOf(reading));
    case 'proof':
      return proveWith(draft, sightOf(reading));
    case 'look':
      return draft.tell({
        type: 'shareRead',
        reading: doctored(draft, reading),
        store: draft.view(),
      });
    default:
      return unreachable(wants);
  }
}

/** The clause `inSyncCheck` left out: every record seems to name this store. */
function doctored(draft: Draft, reading: ShareReading): ShareReading {
  if (!draft.without('inSyncCheck') || reading.kind !== 'record') return reading;
  const { record } = reading;
  const inSync = { ...record.inSync, [draft.me]: draft.own.store.storeId };
  return { ...reading, record: { ...record, inSync } };
}

function lock(draft: Draft, { seen, isLast }: Extract<Call, { type: 'lock' }>): void {
  if (draft.own.keeper.hold === null) {
    renew(draft);
    const isTaken = draft.share.holders.includes(otherServer(draft.me));
    if (isTaken && draft.model.setting.lock === 'exclusive') {
      if (isLast) draft.tell({ type: 'lockRefused', holder: '' });
      return;
    }
    draft.changeShare({ type: 'lockTaken', server: draft.me });
    draft.own.keeper = { ...draft.own.keeper, hold: freshHold(draft) };
  }
  draft.own.keeper = { ...draft.own.keeper, isTold: true, seen };
  const hold = present(draft.own.keeper.hold, 'the hold just taken');
  const reading = readBoth(seen ?? draft.share);
  note(draft, reading);
  if (!isLast) return;
  draft.tell({
    type: 'lockTaken',
    hold,
    reading: namingPeer(draft, doctored(draft, reading)),
    store: draft.view(),
  });
}

/** The clause `namedPeer` left out: every record seems to name the peer's store too. */
function namingPeer(draft: Draft, reading: ShareReading): ShareReading {
  if (!draft.without('namedPeer') || reading.kind !== 'record') return reading;
  const { record } = reading;
  const peer = otherServer(draft.me);
  const inSync = { ...record.inSync, [peer]: newStore(peer, 0).storeId };
  return { ...reading, record: { ...record, inSync } };
}

/** Holds are only ever compared for being the same: a number that nobody remembers is as good as a new one. */
function freshHold(draft: Draft): Hold {
  const remembered = new Set<number | null>([draft.memory().hold]);
  for (const call of draft.own.keeper.calls)
    if (call.type === 'write') remembered.add(call.step.state.start.hold);
  let number = 1;
  while (remembered.has(number)) number += 1;
  return holdNumber(number);
}

function write(draft: Draft, call: WriteCall, left: readonly Call[]): void {
  const { keeper } = draft.own;
  const { do: order } = call.step;
  if (order.type === 'end') return ended(draft, call, order.outcome, left);
  if (order.type === 'put') {
    begun(draft, call);
    const isHalf = tears(draft) && !call.isHalfPut;
    const { copy, content } = order;
    draft.changeShare({ type: 'put', server: draft.me, copy, content: isHalf ? 'torn' : content });
    if (isHalf) {
      draft.own.keeper = { ...keeper, calls: [{ ...call, isHalfPut: true }, ...left] };
      return;
    }
  }
  const step = nextWrite(call.step.state, answer(draft, call));
  const peerSeen = order.type === 'readBoth' ? peerAtFirst(draft) : call.peerSeen;
  draft.own.keeper = { ...keeper, calls: [{ ...call, step, isHalfPut: false, peerSeen }, ...left] };
}

function ended(
  draft: Draft,
  { isLast }: WriteCall,
  outcome: Extract<WriteCall['step']['do'], { type: 'end' }>['outcome'],
  left: readonly Call[],
): void {
  if (outcome.kind === 'unresolved') return lostWithAll(draft);
  draft.own.keeper = { ...draft.own.keeper, calls: left };
  if (!isLast) return;
  if (outcome.kind === 'written') return draft.tell({ type: 'recordWritten', record: outcome.record });
  draft.tell({ type: 'recordMovedOn', reading: outcome.reading });
}

/** The peer's block at the first look, for a write that leaves a later look out. */
function peerAtFirst(draft: Draft): WriteCall['peerSeen'] {
  if (!draft.without('secondLook') && !draft.without('lastLook')) return null;
  return (draft.own.keeper.seen ?? draft.share)[otherServer(draft.me)];
}

function answer(draft: Draft, call: WriteCall): WriteInput {
  const { do: order, state } = call.step;
  switch (order.type) {
    case 'readBoth': {
      const from = draft.own.keeper.seen ?? draft.share;
      const blocks = { primary: readBlock(from.primary), secondary: readBlock(from.secondary) };
      return { type: 'both', hold: draft.own.keeper.hold, blocks, mark: null };
    }
    case 'readPeer': {
      // Who does not look takes what it saw first for the present.
      const isLeftOut = draft.without(state.place === 'lookAgain' ? 'secondLook' : 'lastLook');
      const block = isLeftOut
        ? present(call.peerSeen, "the peer's block")
        : draft.share[otherServer(draft.me)];
      return { type: 'peer', peer: readBlock(block) };
    }
    case 'put':
    case 'moveAside':
      return { type: 'done' };
    case 'end':
      return { type: 'failed', why: '' };
    default:
      return unreachable(order);
  }
}

/** The first touch of a record write is counted; a claim's, because its claimId is used up with it. */
function begun(draft: Draft, call: WriteCall): void {
  if (!isFirstTouch(call)) return;
  const { me, model } = draft;
  const ledger = counted(draft.ledger, model.setting, bounding(call));
  const claimsOf = { ...ledger.claimsOf, [me]: ledger.claimsOf[me] + 1 };
  draft.ledger = call.purpose === 'claim' ? { ...ledger, claimsOf } : ledger;
}

/** A new keeper's first deed. */
export const renew = (draft: Draft): void => draft.changeShare({ type: 'fileRenewed', server: draft.me });

/** What became of the copy that was being put when the keeper was lost: as it lies there now, whole after all, or whole later. */
export type PutFate = 'never' | 'landed' | 'later';

/** The fates that make a difference for what this keeper is at. */
export function putFates(draft: Draft): readonly PutFate[] {
  const [call] = draft.own.keeper.calls;
  if (call?.type !== 'write' || call.step.do.type !== 'put') return ['never'];
  return nextCall(draft) === null ? ['never'] : ['never', 'landed', 'later'];
}

/** The keeper is gone, with the lock if it held it; nothing is told to the broker here. */
export function drop(draft: Draft, fate: PutFate): void {
  const { me } = draft;
  const [call] = draft.own.keeper.calls;
  if (call?.type === 'write' && call.step.do.type === 'put' && fate !== 'never') {
    begun(draft, call);
    const { copy, content } = call.step.do;
    if (fate === 'landed') draft.changeShare({ type: 'put', server: me, copy, content });
    else draft.changeShare({ type: 'putLater', server: me, late: { copy, content } });
  }
  draft.changeShare({ type: 'keeperGone', server: me });
  draft.own.keeper = newKeeper;
}

/** The broker gives its keeper up, or hears that it is lost: first that, then of everything it has asked for. */
export function lostWithAll(draft: Draft, fate: PutFate = 'never'): void {
  const { calls, isTold } = draft.own.keeper;
  drop(draft, fate);
  if (isTold) draft.tell({ type: 'lockLost', why: '' });
  for (const call of calls) unanswered(draft, call);
}

function unanswered(draft: Draft, call: Call): void {
  switch (call.type) {
    case 'write':
      if (call.isLast) draft.tell({ type: 'recordUnresolved', why: '' });
      return;
    case 'lock':
      if (call.isLast) draft.tell({ type: 'shareUnreachable', why: '' });
      return;
    case 'read':
      if (call.wants === 'hello') return hello(draft, { kind: 'unreachable' });
      if (call.wants === 'proof') return proveWith(draft, { kind: 'unreachable' });
      return draft.tell({ type: 'shareUnreachable', why: '' });
    case 'release':
      return;
    default:
      return unreachable(call);
  }
}
