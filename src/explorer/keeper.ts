/**
 * The keeper and the broker's port to it: one call after the other, a record write one touch of the share at a time. At the first doubt
 * the lock is lost, everything asked stays unanswered, and the next keeper begins with a block file of its own.
 * Source: PROTOCOL.md §2 Write, Keeper; `io/arbitration/keeper.ts`, `keeper-arbiter.ts`.
 */
import { present, unreachable } from '../base/index.ts';
import {
  beginWrite,
  hold as holdNumber,
  nextWrite,
  otherServer,
  type Hold,
  type PairOrder,
  type ServerName,
  type ShareReading,
  type WriteInput,
} from '../core/pair/index.ts';
import { ask } from './calls.ts';
import type { Draft } from './draft.ts';
import { proveWith } from './joiner.ts';
import { hello } from './link.ts';
import { isWhole, putCopy, readBlock, readBoth, renewed, sightOf, withBlock } from './share.ts';
import { sawRecord } from './store.ts';
import { newKeeper, type Call } from './world.ts';

export function askForLock(draft: Draft, me: ServerName): void {
  const { primary, secondary } = draft.share;
  ask(draft, me, {
    type: 'lock',
    isLast: true,
    seen: draft.without('readUnderLock') ? { primary, secondary } : null,
  });
}

export function askForWrite(
  draft: Draft,
  me: ServerName,
  order: Extract<PairOrder, { type: 'writeRecord' }>,
): void {
  const { purpose, hold, replaces, draft: record, above, repairs } = order;
  const step = beginWrite({ server: me, hold, replaces, draft: record, above, repairs });
  ask(draft, me, { type: 'write', isLast: true, purpose, step, peerSeen: null });
}

/** The broker counts the lock as given back at once; the keeper gives it when it comes to that. */
export function askForRelease(draft: Draft, me: ServerName): void {
  draft[me].keeper = { ...draft[me].keeper, isTold: false };
  ask(draft, me, { type: 'release' });
}

/** What the call at the head would do now; null where it can only wait. */
export function nextCall(draft: Draft, me: ServerName): string | null {
  const [call] = draft[me].keeper.calls;
  if (call === undefined) return null;
  if (call.type !== 'write') return call.type === 'read' ? `reads the share (${call.wants})` : call.type;
  const { do: order } = call.step;
  if (order.type === 'put') {
    const isFirst = call.step.state.place === 'announceFirst';
    if (isFirst && draft.ledger.happened.writes >= draft.model.setting.bounds.writes) return null;
    return `${call.purpose}: ${call.step.state.place}`;
  }
  return order.type === 'end'
    ? `${call.purpose}: ${order.outcome.kind}`
    : `${call.purpose}: ${call.step.state.place}`;
}

/** One touch of the share, or one answer told. */
export function work(draft: Draft, me: ServerName): void {
  const { keeper } = draft[me];
  const [call, ...left] = keeper.calls;
  if (call === undefined) return;
  switch (call.type) {
    case 'read':
      draft[me].keeper = { ...keeper, calls: left };
      return read(draft, me, call.wants);
    case 'lock':
      draft[me].keeper = { ...keeper, calls: left };
      return lock(draft, me, call);
    case 'release':
      draft[me].keeper = { ...keeper, calls: left, hold: null };
      return free(draft, me);
    case 'write':
      return write(draft, me, call, left);
    default:
      return unreachable(call);
  }
}

/** A settled record that is newer than any seen is kept before anything is done about it (§1 recordSeen; REASONS.md A8, W4). */
function note(draft: Draft, me: ServerName, reading: ShareReading): void {
  if (reading.kind === 'record' && reading.isSettled) sawRecord(draft, me, reading.record);
}

function read(draft: Draft, me: ServerName, wants: Extract<Call, { type: 'read' }>['wants']): void {
  const reading = readBoth(draft.share);
  note(draft, me, reading);
  switch (wants) {
    case 'hello':
      return hello(draft, me, sightOf(reading));
    case 'proof':
      return proveWith(draft, me, sightOf(reading));
    case 'look':
      return draft.tell(me, {
        type: 'shareRead',
        reading: doctored(draft, me, reading),
        store: draft.view(me),
      });
    default:
      return unreachable(wants);
  }
}

/** The clause `inSyncCheck` left out: every record seems to name this store. */
function doctored(draft: Draft, me: ServerName, reading: ShareReading): ShareReading {
  if (!draft.without('inSyncCheck') || reading.kind !== 'record') return reading;
  const { record } = reading;
  const inSync = { ...record.inSync, [me]: draft[me].store.storeId };
  return { ...reading, record: { ...record, inSync } };
}

function lock(draft: Draft, me: ServerName, { seen, isLast }: Extract<Call, { type: 'lock' }>): void {
  if (draft[me].keeper.hold === null) {
    renew(draft, me);
    const isTaken = draft.share.holders.includes(otherServer(me));
    if (isTaken && draft.model.setting.lock === 'exclusive') {
      if (isLast) draft.tell(me, { type: 'lockRefused', holder: '' });
      return;
    }
    const holders = [...draft.share.holders.filter((holder) => holder !== me), me].sort();
    draft.share = { ...draft.share, holders };
    draft[me].keeper = { ...draft[me].keeper, hold: freshHold(draft, me) };
  }
  draft[me].keeper = { ...draft[me].keeper, isTold: true, seen };
  const hold = present(draft[me].keeper.hold, 'the hold just taken');
  const reading = readBoth(seen ?? draft.share);
  note(draft, me, reading);
  if (!isLast) return;
  draft.tell(me, {
    type: 'lockTaken',
    hold,
    reading: namingPeer(draft, me, doctored(draft, me, reading)),
    store: draft.view(me),
  });
}

/** The clause `namedPeer` left out: every record seems to name the peer's store too. */
function namingPeer(draft: Draft, me: ServerName, reading: ShareReading): ShareReading {
  if (!draft.without('namedPeer') || reading.kind !== 'record') return reading;
  const { record } = reading;
  const peer = otherServer(me);
  const inSync = { ...record.inSync, [peer]: draft[peer].store.storeId };
  return { ...reading, record: { ...record, inSync } };
}

/** Holds are only ever compared for being the same: a number that nobody remembers is as good as a new one. */
function freshHold(draft: Draft, me: ServerName): Hold {
  const remembered = new Set<number | null>([draft.memory(me).hold]);
  for (const call of draft[me].keeper.calls)
    if (call.type === 'write') remembered.add(call.step.state.start.hold);
  let number = 1;
  while (remembered.has(number)) number += 1;
  return holdNumber(number);
}

function write(
  draft: Draft,
  me: ServerName,
  call: Extract<Call, { type: 'write' }>,
  left: readonly Call[],
): void {
  const { do: order } = call.step;
  if (order.type === 'end') {
    const { outcome } = order;
    if (outcome.kind === 'unresolved') return lostWithAll(draft, me);
    draft[me].keeper = { ...draft[me].keeper, calls: left };
    if (!call.isLast) return;
    if (outcome.kind === 'written') return draft.tell(me, { type: 'recordWritten', record: outcome.record });
    return draft.tell(me, { type: 'recordMovedOn', reading: outcome.reading });
  }
  if (order.type === 'put') {
    if (call.step.state.place === 'announceFirst') countWrite(draft, me);
    draft.share = withBlock(draft.share, me, putCopy(draft.share[me], order));
  }
  const step = nextWrite(call.step.state, answer(draft, me, call));
  const looks = !draft.without('secondLook') && !draft.without('lastLook');
  const first = draft[me].keeper.seen ?? draft.share;
  const peerSeen = looks || order.type !== 'readBoth' ? call.peerSeen : first[otherServer(me)];
  draft[me].keeper = { ...draft[me].keeper, calls: [{ ...call, step, peerSeen }, ...left] };
}

function answer(draft: Draft, me: ServerName, call: Extract<Call, { type: 'write' }>): WriteInput {
  const { do: order, state } = call.step;
  switch (order.type) {
    case 'readBoth': {
      const from = draft[me].keeper.seen ?? draft.share;
      const blocks = { primary: readBlock(from.primary), secondary: readBlock(from.secondary) };
      return { type: 'both', hold: draft[me].keeper.hold, blocks, mark: null };
    }
    case 'readPeer': {
      // Who does not look takes what it saw first for the present.
      const isLeftOut = draft.without(state.place === 'lookAgain' ? 'secondLook' : 'lastLook');
      const block = isLeftOut ? present(call.peerSeen, "the peer's block") : draft.share[otherServer(me)];
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

function countWrite(draft: Draft, me: ServerName): void {
  const { ledger } = draft;
  draft.ledger = {
    ...ledger,
    happened: { ...ledger.happened, writes: ledger.happened.writes + 1 },
    writesOf: { ...ledger.writesOf, [me]: ledger.writesOf[me] + 1 },
  };
}

/** A new keeper's first deed: a write for the old file, still on its way, hits a file that nobody reads (REASONS.md W5). */
export function renew(draft: Draft, me: ServerName): void {
  if (draft[me].keeper.isRenewed) return;
  draft[me].keeper = { ...draft[me].keeper, isRenewed: true };
  const share = withBlock(draft.share, me, renewed(draft.share[me]));
  draft.share = { ...share, late: { ...share.late, [me]: null } };
}

/** What became of the copy that was being put when the keeper was lost. */
export type PutFate = 'never' | 'landed' | 'later';

/** The fates that make a difference for what this keeper is at. */
export function putFates(draft: Draft, me: ServerName): readonly PutFate[] {
  const [call] = draft[me].keeper.calls;
  if (call?.type !== 'write' || call.step.do.type !== 'put') return ['never'];
  return nextCall(draft, me) === null ? ['never'] : ['never', 'landed', 'later'];
}

/** The keeper is gone, with the lock if it held it; nothing is told to the broker here. */
export function drop(draft: Draft, me: ServerName, fate: PutFate): void {
  const [call] = draft[me].keeper.calls;
  if (call?.type === 'write' && call.step.do.type === 'put' && fate !== 'never') {
    if (call.step.state.place === 'announceFirst') countWrite(draft, me);
    const { copy, content } = call.step.do;
    draft.share =
      fate === 'landed'
        ? withBlock(draft.share, me, putCopy(draft.share[me], { copy, content }))
        : { ...draft.share, late: { ...draft.share.late, [me]: { copy, content } } };
  }
  free(draft, me);
  const isAsNew = draft.share.late[me] === null && isWhole(draft.share[me]);
  draft[me].keeper = { ...newKeeper, isRenewed: isAsNew };
}

/** The broker gives its keeper up, or hears that it is lost: first that, then of everything it has asked for. */
export function lostWithAll(draft: Draft, me: ServerName, fate: PutFate = 'never'): void {
  const { calls, isTold } = draft[me].keeper;
  drop(draft, me, fate);
  if (isTold) draft.tell(me, { type: 'lockLost', why: '' });
  for (const call of calls) unanswered(draft, me, call);
}

function unanswered(draft: Draft, me: ServerName, call: Call): void {
  switch (call.type) {
    case 'write':
      if (call.isLast) draft.tell(me, { type: 'recordUnresolved', why: '' });
      return;
    case 'lock':
      if (call.isLast) draft.tell(me, { type: 'shareUnreachable', why: '' });
      return;
    case 'read':
      if (call.wants === 'hello') return hello(draft, me, { kind: 'unreachable' });
      if (call.wants === 'proof') return proveWith(draft, me, { kind: 'unreachable' });
      return draft.tell(me, { type: 'shareUnreachable', why: '' });
    case 'release':
      return;
    default:
      return unreachable(call);
  }
}

function free(draft: Draft, me: ServerName): void {
  if (draft.share.holders.includes(me))
    draft.share = { ...draft.share, holders: draft.share.holders.filter((holder) => holder !== me) };
}

/** The file server takes the lock away; whoever held it will learn of it. */
export const revoke = (draft: Draft, me: ServerName): void => free(draft, me);
