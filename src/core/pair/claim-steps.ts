/**
 * The steps of a claim as substates, the same from WAITING and from PASSIVE: rest → lock → write → save → open. Each waits for one
 * answer; where a server may still turn back, and to what, is the caller's. Source: PROTOCOL.md §2 Claim (Order).
 */
import type { PairFact } from './facts.ts';
import type { PairMemory } from './memory.ts';
import { as, createStateConfig, does } from './setup.ts';
import { claimDecision, claimWritten, givesBack, heard, saves } from './reactions.ts';

type LockTaken = Extract<PairFact, { type: 'lockTaken' }>;

type Exit = Readonly<{ target: string; when?: (memory: PairMemory) => boolean; description?: string }>;

/** Where a claim that is not made leads; `description` is the row of the table where the target is another state. */
type Exits = Readonly<{
  /** The lock is somebody else's, or the share can't be reached: worth another try. */
  later: readonly Exit[];
  /** The lock was had, and the record does not let this server claim. */
  mayNot: readonly Exit[];
}>;

/** One transition for each exit, all with the same reaction. */
const exits = (list: readonly Exit[], actions: ReturnType<typeof does>) =>
  list.map(({ target, when, description }) => ({
    target,
    actions,
    ...(when === undefined ? {} : { guard: ({ context }: { context: PairMemory }) => when(context) }),
    ...(description === undefined ? {} : { description }),
  }));

export const resting = createStateConfig({
  entry: does(() => ({ orders: [{ type: 'restJournal' }] })),
  on: {
    journalRested: {
      target: 'locking',
      actions: does((_, fact) => ({ remember: { ids: as(fact, 'journalRested').ids } })),
    },
  },
});

export const saving = createStateConfig({
  entry: does((memory) => saves(memory)),
  on: { recordSaved: 'opening' },
});

/** The first entry of the epoch is appended and synced, and the whole journal counts as committed where the record names this server alone. */
export const opensEpoch = does(({ claim, confirmed }) =>
  claim === null || confirmed === null
    ? {}
    : { orders: [{ type: 'openEpoch', ...claim, inSync: confirmed.inSync }] },
);

/** Takes the lock; the record is read after it is held, never before. */
export const locking = ({ later, mayNot }: Exits) =>
  createStateConfig({
    entry: does((memory) => ({
      orders: [{ type: 'takeLock', isPatient: memory.wasPassive || memory.met !== null }],
    })),
    on: {
      lockTaken: [
        {
          guard: ({ context, event }: { context: PairMemory; event: LockTaken }) =>
            claimDecision(context, event).kind === 'claim',
          target: 'writing',
          actions: does((memory, fact) => {
            const decision = claimDecision(memory, as(fact, 'lockTaken'));
            return {
              // From here on a claim of its own is begun, and it is nobody's passive any more (rule Resume).
              remember: { ...heard(memory, fact), follows: null },
              orders: decision.kind === 'claim' ? [decision.write] : [],
            };
          }),
        },
        ...exits(
          mayNot,
          does((memory, fact) => {
            const decision = claimDecision(memory, as(fact, 'lockTaken'));
            return givesBack(decision.kind === 'mayNot' ? decision.why : '');
          }),
        ),
      ],
      lockRefused: exits(
        later,
        does((_, fact) => ({
          remember: { why: `the lock is held by ${as(fact, 'lockRefused').holder}`, force: null },
        })),
      ),
      shareUnreachable: exits(
        later,
        does((_, fact) => ({ remember: { why: as(fact, 'shareUnreachable').why, force: null } })),
      ),
    },
  });

/** The write can't be called back; whatever else happens meanwhile is only remembered. */
export const writing = ({ later, mayNot }: Exits) =>
  createStateConfig({
    on: {
      recordWritten: {
        target: 'saving',
        actions: does((_, fact) => claimWritten(as(fact, 'recordWritten').record)),
      },
      recordMovedOn: exits(
        mayNot,
        does(() => givesBack('the record has moved on while it was being claimed')),
      ),
      recordUnresolved: exits(
        later,
        does((_, fact) => ({ remember: { hold: null, force: null, why: as(fact, 'recordUnresolved').why } })),
      ),
    },
  });
