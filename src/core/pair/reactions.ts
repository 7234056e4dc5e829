/**
 * What the states do with facts, as pure functions of memory and fact: here meet the rules (a file each) and the machine (which says
 * when). Source: PROTOCOL.md §2, §3.
 */
import { present } from '../../base/index.ts';
import { mayClaim, claimDraft } from './claim.ts';
import { mayKeep, withPeer } from './consent.ts';
import type { PairFact, PairOrder } from './facts.ts';
import { seenEpoch } from './fence.ts';
import { forceClaim } from './force.ts';
import { growDraft } from './grow.ts';
import { encounter, ownSession, type PairMemory } from './memory.ts';
import { grounds, isOfAnotherPair } from './none.ts';
import type { Doing } from './setup.ts';
import { shrinkDraft } from './shrink.ts';
import { turnOrder } from './turn.ts';
import {
  epoch,
  otherServer,
  version,
  type ArbitrationRecord,
  type Epoch,
  type InSync,
  type ServerName,
  type StateName,
} from './words.ts';

type FactOf<T extends PairFact['type']> = Extract<PairFact, { type: T }>;

// What is heard -----------------------------------------------------------------------------------------------------------------

/** Everything a fact tells of the peer, remembered. Other facts change nothing. */
export function heard(memory: PairMemory, fact: PairFact): Partial<PairMemory> {
  switch (fact.type) {
    case 'channelUp':
    case 'hellosRenewed': {
      const { mine, theirs } = fact;
      const seen = isOfAnotherPair(mine.store, theirs.store)
        ? memory.seen
        : highest(memory.seen, seenEpoch(theirs.store), theirs.report.serving?.epoch);
      const anew = fact.type === 'channelUp' ? { offered: null, isJoined: false } : {};
      return { ...anew, met: { mine, theirs }, lastReport: theirs.report, seen, round: 0, hasTried: false };
    }
    case 'peerReported':
    case 'handedOver': {
      const { met } = memory;
      if (met === null) return {};
      const { report } = fact;
      const isJoined = memory.isJoined || report.present === 'PASSIVE_SYNC' || report.present === 'PASSIVE';
      const seen = highest(memory.seen, report.serving?.epoch);
      return { met: { ...met, theirs: { ...met.theirs, report } }, lastReport: report, seen, isJoined };
    }
    case 'channelLost':
      return { met: null, offered: null, isJoined: false };
    case 'sessionOffered':
      return { offered: { session: fact.session, record: fact.record } };
    case 'lockLost':
      return { hold: null };
    case 'lockTaken':
      return { hold: fact.hold, seen: highest(memory.seen, seenEpoch(fact.store)) };
    default:
      return {};
  }
}
const highest = (...epochs: readonly (Epoch | undefined)[]): Epoch =>
  epoch(Math.max(...epochs.map((e) => e ?? 0)));

const after = (memory: PairMemory, fact: PairFact): PairMemory => ({ ...memory, ...heard(memory, fact) });

/** The peer serves above this server's claim, or beside it: this one stops (rule Fence). */
export function isFenced(memory: PairMemory, fact: PairFact): boolean {
  const met = encounter(after(memory, fact));
  return met === 'stop' || met === 'bothStop';
}

/** The peer knows a higher epoch than this server's claim though it does not serve: claim anew above it (rule Fence). */
export const knowsHigher = (memory: PairMemory): boolean =>
  memory.claim !== null && memory.seen > memory.claim.epoch;

const isInRole = (state: StateName): boolean => state === 'PASSIVE' || state === 'PASSIVE_SYNC';

/** The peer was in this session's role and says that it no longer is. */
export const leavesRole = (memory: PairMemory, fact: PairFact): boolean =>
  fact.type === 'peerReported' && memory.isJoined && !isInRole(fact.report.present);

// Turn --------------------------------------------------------------------------------------------------------------------------

export type TurnAnswer = 'mine' | 'theirs' | 'nobody' | 'notNow';

/** With both hellos: is it this server's turn to claim? `notNow`: the peer serves, or has yet to leave a role. */
export function turn(memory: PairMemory): TurnAnswer {
  const { met } = memory;
  if (met === null || met.theirs.report.present !== 'WAITING') return 'notNow';
  const { order } = turnOrder(met.mine, met.theirs);
  if (order.length === 0) return 'nobody';
  return order[memory.round % order.length] === memory.me ? 'mine' : 'theirs';
}

/** The round of turns has come to its end: what was worked out from these hellos has led to no claim. */
export function isLastTurn({ met, round }: PairMemory): boolean {
  const length = met === null ? 0 : turnOrder(met.mine, met.theirs).order.length;
  return round + 1 >= length;
}

/** Why nobody may claim, for the console. */
export function whyNobody(memory: PairMemory): string {
  if (memory.met === null) return memory.why;
  const { refusals } = turnOrder(memory.met.mine, memory.met.theirs);
  const told = (name: ServerName): string => `${name}: ${refusals[name] ?? 'may serve'}`;
  return `nobody may serve; ${told('primary')}; ${told('secondary')}`;
}

// Claim -------------------------------------------------------------------------------------------------------------------------

type ClaimDecision = Readonly<{ kind: 'claim'; write: PairOrder } | { kind: 'mayNot'; why: string }>;

/** Under the lock, with R read after it was taken: claim, or give the lock back (rules Claim, Consent, None, Force). */
export function claimDecision(memory: PairMemory, fact: FactOf<'lockTaken'>): ClaimDecision {
  const { me, force } = memory;
  const { hold, reading, store } = fact;
  const ids = present(memory.ids, 'the numbers drawn for the claim');
  const seen = highest(memory.seen, seenEpoch(store));
  if (force !== null) {
    const { draft, replaces, above } = forceClaim(me, store, { reading, seen, ids, word: force });
    return {
      kind: 'claim',
      write: { type: 'writeRecord', purpose: 'claim', hold, replaces, draft, above, repairs: true },
    };
  }
  const base = grounds(store, reading, memory.met?.theirs.store ?? null, {
    isPrimary: me === 'primary',
    mayFoundAlone: memory.mayFoundAlone,
  });
  if (base.kind === 'nothing') return { kind: 'mayNot', why: base.why };
  const record = base.kind === 'record' ? base.record : null;
  let keepsPeer = false;
  if (record !== null) {
    // The mark was written under R; it says nothing of a record that stands in for R.
    const isR = reading.kind === 'record' && reading.record === record;
    const refusal = mayClaim(me, store, record, isR ? reading.mark : null);
    if (refusal !== null) return { kind: 'mayNot', why: refusal };
    keepsPeer = isR && mayKeep(me, record, reading.mark, memory.met?.theirs ?? null);
  }
  const keepsLockId = base.kind === 'record' && base.keepsLockId;
  const alone = claimDraft(me, store, { record, keepsLockId, seen, ids });
  const draft = record !== null && keepsPeer ? withPeer(alone, me, record) : alone;
  const above = version(Math.max(record?.version ?? 0, store.recordSeen?.version ?? 0));
  return {
    kind: 'claim',
    write: {
      type: 'writeRecord',
      purpose: 'claim',
      hold,
      replaces: base.replaces,
      draft,
      above,
      repairs: false,
    },
  };
}

/** Without the lock: is there any sense in trying it? Who knows that R does not name it does not (rule Claim; REASONS.md B1). */
export function whyNotTry(memory: PairMemory, { reading, store }: FactOf<'shareRead'>): string | null {
  const base = grounds(store, reading, null, {
    isPrimary: memory.me === 'primary',
    mayFoundAlone: memory.mayFoundAlone,
  });
  if (base.kind === 'nothing') return base.why;
  return base.kind === 'found' ? null : mayClaim(memory.me, store, base.record, null);
}

export const claimWritten = (record: ArbitrationRecord): Doing => ({
  remember: {
    confirmed: record,
    attempted: [],
    claim: { epoch: record.epoch, claimId: record.claimId },
    saving: record,
    seen: record.epoch,
    force: null,
  },
});

/** The claim's first entry is durable: serve. */
export function begins(memory: PairMemory, why: string): Doing {
  const claim = present(memory.claim, 'the claim just written');
  const confirmed = present(memory.confirmed, 'the record just written');
  return {
    remember: {
      why,
      wasPassive: false,
      isFresh: false,
      handsOver: false,
      mayFoundAlone: false,
      passiveRun: null,
      sessionNumber: 0,
    },
    orders: [
      { type: 'require', confirmed: confirmed.inSync, attempted: [] },
      { type: 'serve', ...claim },
    ],
  };
}

// Grow and Shrink ---------------------------------------------------------------------------------------------------------------

/** Some write attempted in this claim names the peer: only a *written* shrink ends that. */
export function needsPeer(memory: PairMemory): boolean {
  const peer = otherServer(memory.me);
  return [memory.confirmed?.inSync ?? {}, ...memory.attempted].some(
    (inSync: InSync) => inSync[peer] !== undefined,
  );
}

export const requires = (memory: PairMemory, attempted: readonly InSync[]): PairOrder => ({
  type: 'require',
  confirmed: present(memory.confirmed, 'the record of the claim').inSync,
  attempted,
});

/** The record read under the lock is of this server's own claim: nobody else can have written it. */
export const isOwn = (memory: PairMemory, { reading }: FactOf<'lockTaken'>): boolean =>
  reading.kind === 'record' && reading.record.claimId === memory.claim?.claimId;

/** Replaces this claim's record, as read under the lock just taken, by one that names this server alone, or both. */
export function rewrites(memory: PairMemory, fact: FactOf<'lockTaken'>, purpose: 'shrink' | 'grow'): Doing {
  const { hold, reading, store } = fact;
  if (reading.kind !== 'record') return {};
  const { record } = reading;
  const own = { storeId: store.storeId, stamp: store.stamp };
  const draft = purpose === 'shrink' ? shrinkDraft(record, memory.me, own) : grown(memory, record, own);
  const attempted = [...memory.attempted, draft.inSync];
  return {
    remember: { hold, attempted },
    orders: [
      requires(memory, attempted),
      {
        type: 'writeRecord',
        purpose,
        hold,
        replaces: record.version,
        draft,
        above: record.version,
        repairs: false,
      },
    ],
  };
}

function grown(
  memory: PairMemory,
  record: ArbitrationRecord,
  own: Parameters<typeof growDraft>[2],
): ReturnType<typeof growDraft> {
  const joiner = present(memory.joiner, 'the joiner that is level');
  const stamps = present(joiner.stamps, 'the stamps at which the joiner drew level');
  return growDraft(
    record,
    memory.me,
    { ...own, stamp: stamps.mine },
    { storeId: joiner.storeId, stamp: stamps.theirs },
  );
}

/** Only *written* confirms: the required set is now that of this record (rule Ack; REASONS.md W2). */
export const confirms = (record: ArbitrationRecord): Doing => ({
  remember: { confirmed: record, attempted: [], saving: record },
  orders: [{ type: 'require', confirmed: record.inSync, attempted: [] }],
});

export const saves = (memory: PairMemory): Doing => ({
  orders: [{ type: 'saveRecordSeen', record: present(memory.saving, 'the record to be saved') }],
});

// Beginning and ending ----------------------------------------------------------------------------------------------------------

export function offersSession(memory: PairMemory): Doing {
  const sessionNumber = memory.sessionNumber + 1;
  const session = present(ownSession({ ...memory, sessionNumber }), 'the claim');
  return {
    remember: { sessionNumber, isJoined: false, joiner: null },
    orders: [{ type: 'beginSession', session, record: present(memory.confirmed, 'the record of the claim') }],
  };
}

/** The peer's report, and the offer once more. */
export function offersAgain(memory: PairMemory, fact: PairFact): Doing {
  const offer = offersSession(memory);
  return { ...offer, remember: { ...heard(memory, fact), ...offer.remember } };
}

/** Stops serving: nothing that was held back ever leaves, and the lock is free. */
export function standsDown(why: string): Doing {
  return {
    remember: {
      why,
      claim: null,
      confirmed: null,
      attempted: [],
      joiner: null,
      passiveRun: null,
      isJoined: false,
      hold: null,
      force: null,
      isFresh: false,
    },
    orders: [{ type: 'stopServing', why }, { type: 'endSession', why }, { type: 'releaseLock' }],
  };
}

/** A lock that came after all, or is not wanted any more, is given back at once (rule Claim; REASONS.md B1). */
export const givesBack = (why: string): Doing => ({
  remember: { hold: null, why },
  orders: [{ type: 'releaseLock' }],
});

export const bothStopWarning = (memory: PairMemory, fact: PairFact): readonly PairOrder[] =>
  encounter(after(memory, fact)) === 'bothStop'
    ? [
        {
          type: 'warn',
          code: 'LS_PAIR_TWO_HISTORIES',
          text: `both servers serve epoch ${memory.claim?.epoch ?? 0} under different claims; both stop, and an operator must decide which store to keep`,
        },
      ]
    : [];
